"""A right that is taken away while work for it is under way: what comes after that is not shown, sent, written or run."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from portal import wire
from portal.accounts import policy, token_scopes
from portal.accounts.models import ApiToken, Membership, Project, User
from portal.data import actions as data
from portal.data.lake import Arriving
from portal.data.models import FileVersion
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.jobs import storage
from portal.jobs.actions import archive_job, restore_version, save_version
from portal.jobs.models import Job, JobVersion
from portal.looks import asking, unpacking
from portal.runs import preview_client
from portal.runs.models import LogSegment, Run
from portal.runs.preview_views import addressed
from tests.factories import DOCUMENT, as_text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("streams_leave_no_connection")]
Queued = Callable[..., Run]


def role_gone(user: User) -> None:
    Membership.objects.filter(user=user).exclude(role="viewer").delete()


def switched_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def new_password(user: User) -> None:
    fresh = User.objects.get(pk=user.pk)
    fresh.set_password("another long password 77")
    fresh.save()


def token_revoked(user: User) -> None:
    ApiToken.objects.get(user=user).revoke()


WAYS = [role_gone, switched_off, new_password, token_revoked]
Way = Callable[[User], None]


def with_token(user: User) -> None:
    """From here on as in a request that came with a token."""
    token = ApiToken.objects.create(
        user=user, name="t", prefix="slc_test", hash="h", scopes=["read", "write", "run"], expires_at="2999-01-01T00:00Z"
    )
    token_scopes.limit_to(token.scopes, token.pk)


def came(user: User, way: Way) -> User:
    if way is token_revoked:
        with_token(user)
    return user


@pytest.mark.parametrize("way", WAYS)
def test_a_right_is_asked_for_anew_each_time(flights: Project, ana: User, dev: Environment, way: Way) -> None:
    came(ana, way)
    places = Environment.objects.filter(pk=dev.pk)
    assert policy.can(ana, "view_data", dev) and policy.allowed(ana, "view_data", places).exists()
    way(ana)
    assert not policy.can(ana, "view_data", dev) and not policy.allowed(ana, "view_data", places).exists()


# --- rows ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def service(settings: Any, tmp_path: Path) -> Callable[[Callable[[], None], dict[str, Any]], list[dict[str, Any]]]:
    """`service(meanwhile, message)`: the answer of a preview service that does `meanwhile` before the rows come."""
    settings.PREVIEW_SOCKET = tmp_path / "p.sock"

    def ask(meanwhile: Callable[[], None], message: dict[str, Any]) -> list[dict[str, Any]]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert "asker" not in json.loads(await reader.readline())
            writer.write(b'{"event":"stage_entered"}\n')
            await sync_to_async(meanwhile)()
            writer.write(b'{"event":"rows","rows":[["CANARY"]],"last":true}\n')
            writer.close()

        async def both() -> list[dict[str, Any]]:
            async with await asyncio.start_unix_server(answer, path=str(settings.PREVIEW_SOCKET)):
                return [event async for event in preview_client.request(message)]

        return async_to_sync(both)()

    return ask


@pytest.mark.parametrize("do", ["look", "ask"])
@pytest.mark.parametrize("way", WAYS)
def test_rows_that_come_later_are_not_shown(service: Any, job: Job, dev: Environment, ana: User, way: Way, do: str) -> None:
    message = {**addressed(came(ana, way), do, job.pk, dev.pk), "message": {}}
    assert service(lambda: None, message)[-1]["event"] == "rows"
    events = service(lambda: way(ana), message)
    assert "CANARY" not in json.dumps(events)
    assert (events[-1]["problem"]["code"], events[-1]["last"]) == ("right-gone", True)


def test_a_query_that_says_nothing_ends_with_the_right_to_its_rows(
    job: Job, dev: Environment, ana: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREVIEW_SOCKET = tmp_path / "p.sock"
    monkeypatch.setattr(preview_client, "QUIET_SECONDS", 0.02)
    ended = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The service: it works on, and stops what it does when nobody listens any more."""
        await reader.readline()
        await asyncio.sleep(0.1)  # while the right is there it may be as quiet as it likes
        await sync_to_async(role_gone)(ana)
        ended.append(await reader.read())
        writer.close()

    async def both() -> list[dict[str, Any]]:
        async with await asyncio.start_unix_server(silent, path=str(settings.PREVIEW_SOCKET)):
            return [event async for event in preview_client.request({**addressed(ana, "ask", job.pk, dev.pk), "message": {}})]

    events = async_to_sync(both)()
    assert ([event["problem"]["code"] for event in events], ended) == (["right-gone"], [b""])


@pytest.mark.parametrize("way", WAYS[:3])
def test_what_a_look_finds_is_not_shown(
    dev: Environment, ana: User, settings: Any, tmp_path: Path, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LAKE_DIR = tmp_path

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        await sync_to_async(way)(ana)
        yield {"event": "looked", "proposal": {"kind": "delimited"}, "last": True}

    monkeypatch.setattr(preview_client, "request", request)
    with pytest.raises(NotAllowed):
        async_to_sync(asking.look)(ana, dev, "raw/a.csv", {})


# --- files --------------------------------------------------------------------------------------------------------------


def read(answer: Any) -> bytes:
    async def all_of() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(all_of)()


@pytest.mark.parametrize("way", WAYS[:3])
def test_a_download_breaks_off(
    ana: User, browser_of: Callable[[User], Client], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    settings.LAKE_DIR = tmp_path / "lake"
    file = settings.LAKE_DIR / "flights" / "dev" / "raw" / "a.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 3_000_000)
    monkeypatch.setattr(wire, "RIGHTS_SECONDS", 0)
    answer = browser_of(ana).get("/p/flights/data/dev/file", {"uri": "raw/a.csv"})
    assert answer.status_code == 200
    way(ana)
    with pytest.raises(NotAllowed):
        read(answer)


@pytest.mark.parametrize("way", [*WAYS[:3], lambda user: Membership.objects.filter(user=user).update(role="viewer")])
def test_the_download_of_a_log_breaks_off(
    queued: Queued, ana: User, browser_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    run = queued(state="succeeded", log_lines=1)
    LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=1, lines='{"seq":1,"event":"log","message":"CANARY"}\n')
    monkeypatch.setattr(wire, "RIGHTS_SECONDS", 0)
    browser = browser_of(ana)
    assert b"CANARY" in read(browser.get(f"/p/flights/runs/{run.pk}/log"))
    answer = browser.get(f"/p/flights/runs/{run.pk}/log")
    Membership.objects.filter(user=ana, role="viewer").delete() if way is role_gone else None
    way(ana)
    with pytest.raises(NotAllowed):
        read(answer)


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_takes_no_more_and_never_becomes_visible(dev: Environment, ana: User, settings: Any, tmp_path: Path, way: Way) -> None:
    settings.LAKE_DIR = tmp_path
    upload = data.begin_upload(actor=came(ana, way), environment=dev, name="a.csv", size=4)
    data.receive_piece(actor=ana, upload=upload, offset=0, parts=[b"a\n"], length=2)
    way(ana)
    with pytest.raises(NotAllowed):
        data.receive_piece(actor=ana, upload=upload, offset=2, parts=[b"1\n"], length=2)
    with pytest.raises(NotAllowed):
        data.finish_upload(actor=ana, upload=upload)
    assert not FileVersion.objects.exists()


def test_an_upload_does_not_become_visible_when_the_right_goes_while_it_is_summed_up(
    dev: Environment, ana: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LAKE_DIR = tmp_path
    upload = data.begin_upload(actor=ana, environment=dev, name="a.csv", size=4)
    data.receive_piece(actor=ana, upload=upload, offset=0, parts=[b"a\n1\n"], length=4)
    monkeypatch.setattr(Arriving, "sha256", lambda file: role_gone(ana) or "0" * 64)
    with pytest.raises(NotAllowed):
        data.finish_upload(actor=ana, upload=upload)
    assert not FileVersion.objects.exists() and not (tmp_path / "flights" / "dev" / "raw" / "a.csv").exists()


@pytest.mark.parametrize("way", WAYS[:3])
def test_unpacking_brings_in_no_more(
    dev: Environment, ana: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    settings.LAKE_DIR = tmp_path
    folder = tmp_path / "flights" / "dev"
    (folder / "raw").mkdir(parents=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, "x\n1\n")
    (folder / "raw" / "two.zip").write_bytes(packed.getvalue())

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        from executor.look import commands
        from executor.stores.roots import Roots

        yield commands.unpack(message["values"], Roots(folder), lambda what, done, whole: None) | {"last": True}

    monkeypatch.setattr(preview_client, "request", request)
    with pytest.raises(NotAllowed):
        async_to_sync(unpacking.unpack_file)(actor=ana, environment=dev, uri="raw/two.zip", told=lambda done, whole: way(ana))
    assert FileVersion.objects.count() == 1


# --- versions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS[:3])
@pytest.mark.parametrize("again", [False, True])
def test_no_version_comes_about_when_the_right_goes_while_it_is_kept(
    version: JobVersion, ana: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, again: bool
) -> None:
    """A store elsewhere may take a minute to answer."""
    settings.OBJECT_STORE = str(tmp_path / "objects")
    monkeypatch.setattr(storage, "put", lambda sha256, text: way(ana))
    with pytest.raises(NotAllowed):
        if again:
            restore_version(actor=ana, job=version.job, version=version)
        else:
            save_version(actor=ana, job=version.job, document=as_text(DOCUMENT) + " ", message="", base_version=1)
    assert JobVersion.objects.count() == 1


# --- files on their way to another machine ------------------------------------------------------------------------------


def test_a_program_ends_as_soon_as_whoever_asked_may_no_longer_hear_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """`portal.data.sending` asks for the right there."""
    ended = []

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        try:
            yield {"event": "progress", "done": 1}
            yield {"event": "brought"}
        finally:
            ended.append(message["what"])

    def refuse(event: dict[str, Any]) -> None:
        raise NotAllowed("upload_data")

    monkeypatch.setattr(preview_client, "request", request)

    async def asked() -> list[str]:
        with pytest.raises(NotAllowed):
            await preview_client.answer_over_files("bring", user=1, environment=1, values={}, progress=refuse)
        return list(ended)

    assert asyncio.run(asked()) == ["bring"]


# --- runs ---------------------------------------------------------------------------------------------------------------


def test_a_run_that_waits_does_not_start_once_its_job_is_archived(queued: Queued, work: Callable[[Run], Run], ana: User) -> None:
    run = queued()
    archive_job(actor=ana, job=run.job)
    run = work(run)
    assert run.problem is not None
    assert (run.state, run.problem["code"], run.problem["message"]) == ("failed", "job-archived", "daily_delays was archived meanwhile.")


@pytest.mark.parametrize("way", WAYS[:2])
def test_a_run_that_waits_does_not_start_without_the_right_of_who_asked_for_it(
    queued: Queued, work: Callable[[Run], Run], ana: User, way: Way
) -> None:
    run = queued()
    way(ana)
    run = work(run)
    assert run.problem is not None and (run.state, run.problem["code"]) == ("failed", "requester-not-allowed")
