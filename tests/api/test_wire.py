"""How answers travel: packed or not, kept or not, and static files under names that change with their content."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import StreamingHttpResponse
from django.test import Client

from portal import wire
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.runs.models import LogSegment, Run
from tests import factories

pytestmark = pytest.mark.usefixtures("streams_leave_no_connection")
BrowserOf = Callable[[User], Client]
GZIP = {"Accept-Encoding": "gzip"}
LINES = "".join(f'{{"seq":{seq},"event":"log","level":"info","source":"sluice","message":"line {seq}"}}\n' for seq in range(1, 101))


@pytest.fixture
def run(flights: object, ana: User, dev: Environment) -> Run:
    version = factories.make_version(factories.make_job(ana.memberships.first().project, ana), live_in=("dev",))  # type: ignore[union-attr]
    made = factories.make_run(version, dev, "succeeded", fence=1, log_lines=100, log_bytes=len(LINES))
    LogSegment.objects.create(run=made, attempt_number=1, first_seq=1, last_seq=100, lines=LINES)
    return made


def body(answer: object) -> bytes:
    """The whole answer; the log is streamed from the event loop."""
    if not isinstance(answer, StreamingHttpResponse):
        return answer.content  # type: ignore[attr-defined,no-any-return]

    async def collect() -> bytes:
        return b"".join([piece async for piece in answer])

    return async_to_sync(collect)()


@pytest.mark.django_db
def test_pages_and_api_answers_are_packed_and_kept_by_nobody(browser_of: BrowserOf, ana: User, run: Run) -> None:
    browser = browser_of(ana)
    page = browser.get(f"/p/flights/runs/{run.pk}/", headers=GZIP)
    assert page["Content-Encoding"] == "gzip" and gzip.decompress(page.content).strip().startswith(b"<!DOCTYPE html>")
    assert page["Cache-Control"] == "private, no-cache"
    answer = browser.get("/api/v1/projects/flights/runs/", headers=GZIP)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_a_finished_log_is_sent_once(browser_of: BrowserOf, ana: User, run: Run) -> None:
    browser, address = browser_of(ana), f"/p/flights/runs/{run.pk}/log?from=1&to=100"
    first = browser.get(address, headers=GZIP)
    assert gzip.decompress(body(first)).decode() == LINES
    assert len(first["X-Log-Sha256"]) == 64
    again = browser.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, body(again)) == (304, b"")


@pytest.mark.django_db(transaction=True)
def test_the_kept_log_of_one_reader_is_not_that_of_a_reader_with_other_rights(
    browser_of: BrowserOf, ana: User, vic: User, run: Run
) -> None:
    address = f"/p/flights/runs/{run.pk}/log?from=1&to=100"
    tag = browser_of(ana).get(address)["ETag"]
    other = browser_of(vic).get(address, headers={"If-None-Match": tag})
    assert other.status_code == 200 and "X-Log-Sha256" not in other
    assert browser_of(ana).get(address, headers={"If-None-Match": other["ETag"]}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_log_of_a_run_that_works_is_never_kept(browser_of: BrowserOf, ana: User, run: Run) -> None:
    working = factories.make_run(run.version, run.environment, "running", fence=1)
    answer = browser_of(ana).get(f"/p/flights/runs/{working.pk}/log")
    assert "ETag" not in answer and answer["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_what_comes_bit_by_bit_is_not_packed(browser_of: BrowserOf, ana: User, run: Run) -> None:
    answer = browser_of(ana).get(f"/p/flights/runs/{run.pk}/events", headers=GZIP)
    assert "Content-Encoding" not in answer and "no-transform" in answer["Cache-Control"]


def test_collected_files_have_their_sum_in_the_name_and_import_each_other_by_it(settings: object, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path  # type: ignore[attr-defined]
    staticfiles_storage._setup()
    try:
        wire.collect_static_files()
        url = staticfiles_storage.url("js/base.js")
        assert re.fullmatch(r"/static/js/base\.[0-9a-f]{12}\.js", url)
        text = (tmp_path / url.removeprefix("/static/")).read_text()
        imported = re.findall(r'from "\./([^"]+)"', text) + re.findall(r'^import "\./([^"]+)"', text, re.M)
        assert imported and all(re.search(r"\.[0-9a-f]{12}\.js$", name) and (tmp_path / "js" / name).is_file() for name in imported)
        assert list(tmp_path.glob("vendor/codemirror.*.js.br")) and list(tmp_path.glob("vendor/codemirror.*.js.gz"))
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        wire.collect_static_files()
        assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    finally:
        staticfiles_storage._setup()
