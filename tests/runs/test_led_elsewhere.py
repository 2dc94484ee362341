"""Roots and connections that lead elsewhere by now: what is known of a place is so where it led, and nothing is done where it leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils import timezone

from portal.accounts import token_scopes
from portal.accounts.models import User
from portal.data.elsewhere import Elsewhere
from portal.data.models import Upload
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import actions as jobs
from portal.jobs import places
from portal.jobs.models import Place
from portal.runs import actions, preview_client, published, table_actions
from portal.runs.models import Run
from portal.runs.output_rows import message_for, reader_of
from portal.runs.preview_reach import PreviewReach
from tests import factories
from tests.environments.connected import KEYS, PASSWORD, make_database, make_root, make_s3

pytestmark = pytest.mark.django_db
URI = "landing:orders"
KEPT = [{"id": "version-3", "run_id": "", "rows": 5}]


@pytest.fixture
def landing(ada: User, dev: Environment) -> Environment:
    """dev, whose root `landing` lies on S3."""
    make_root(ada, make_s3(ada, dev), "landing", may_write=True)
    return dev


@pytest.fixture
def run(landing: Environment, job: Any) -> Run:
    """It has published a Delta table there, of which an earlier version is kept."""
    *before, load = factories.DOCUMENT["stages"]
    document = {"stages": [*before, {**load, "type": "DeltaLakeLoad", "outputURI": URI}]}
    output = {"stage": "write", "uri": URI, "format": "delta", "rows": 7, "kept": KEPT}
    made = factories.make_run(factories.make_version(job, document=document, live_in=("dev",)), landing, "succeeded", outputs=[output])
    with transaction.atomic():
        places.claim(job, landing, [URI])
        published.note(made)
    return made


def move(ada: User, environment: Environment) -> None:
    """The same bucket's name, and another team's table under the same name."""
    root = environment.roots.get(name="landing")
    connections.edit_root(actor=ada, root=root, connection="lake_s3", address="s3a://acme-elsewhere/", may_write=True)


def lead_away(ada: User, environment: Environment) -> None:
    """The connection leads to another service."""
    made = environment.connections.get(name="lake_s3")
    settings = made.settings | {"service": "other", "endpoint": "https://minio.example.org", "region": "eu-central-1"}
    connections.edit_connection(actor=ada, connection=made, settings=settings, secrets=KEYS)


AWAY = pytest.mark.parametrize("away", [move, lead_away])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What programs over files were asked to do."""
    seen: list[tuple[str, dict[str, Any]]] = []

    async def answer(what: str, *, user: int, environment: int, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        seen.append((what, values))
        return {"event": preview_client.ANSWERS[what], "current": {}, "kept": [], "gone": [[0, 3]], "version": 9}

    monkeypatch.setattr(preview_client, "answer_over_files", answer)
    return seen


@AWAY
def test_nothing_is_put_back_where_the_root_leads_by_now(
    away: Callable[..., None], run: Run, landing: Environment, ada: User, ana: User, asked: list[Any], browser_of: Any, program_of: Any
) -> None:
    """“Version 3” is one of any table: it would be that of somebody else's."""
    place = Place.objects.get()
    page, listed = f"/p/flights/runs/{run.pk}/", "/api/v1/projects/flights/environments/dev/places/"

    def offered() -> tuple[bool, list[Any], list[Any]]:
        history = [one.kept_id for one in published.history(Place.objects.get()) if one.kept_id]
        return "History of publishes" in browser_of(ana).get(page).content.decode(), history, kept_by_api()

    def kept_by_api() -> list[Any]:
        told = program_of(ana, "read").get(listed).json()["results"][0]["kept"]
        token_scopes.limit_to(None)  # what follows is done by people again
        return [one["id"] for one in told]

    assert offered() == (True, ["version-3"], ["version-3"])
    away(ada, landing)
    assert offered() == (False, [], [])
    assert published.history(Place.objects.get())[0].rows is None, "nobody has counted what lies there"
    with pytest.raises(PortalError, match="does not lie where its root leads by now"):
        actions.put_back_output(actor=ana, place=place, kept_id="version-3")
    told = program_of(ana, "read", "run").post(f"{listed}put-back", {"uri": URI, "kept": "version-3"}, format="json")
    token_scopes.limit_to(None)
    assert (told.status_code, told.json()["code"]) == (409, "output-not-kept")
    assert asked == []


@AWAY
def test_a_table_that_lies_there_by_now_is_nobodys_publish(
    away: Callable[..., None], run: Run, landing: Environment, ada: User, ana: User, asked: list[Any]
) -> None:
    """Its page shows its own history: a version of that goes back by itself, and what is known of the other table stays."""
    away(ada, landing)
    table_actions.put_back_version(actor=ana, environment=landing, uri=URI, version=3)
    table_actions.clean_up(actor=ana, environment=landing, uri=URI, until="2026-01-01T00:00:00Z", keep_from=4)
    assert [(what, values["do"]) for what, values in asked] == [("change-table", "restore"), ("change-table", "vacuum")]
    assert (Place.objects.get().kept, Place.objects.get().last_run_id) == (KEPT, run.pk)


@pytest.mark.django_db(transaction=True)
@AWAY
def test_what_waits_for_its_turn_is_not_done_where_the_root_leads_by_now(
    away: Callable[..., None], run: Run, landing: Environment, ada: User, ana: User, asked: list[Any]
) -> None:
    """A program that changes something waits until others are done, which may take minutes."""
    actions.put_back_output(actor=ana, place=Place.objects.get(), kept_id="version-3")
    table_actions.clean_up(actor=ana, environment=landing, uri=URI, until="2026-01-01T00:00:00Z", keep_from=4)
    Elsewhere(landing, "landing:x.csv", ana).forget(UUID(int=1))
    assert [what for what, _ in asked] == ["put-back", "change-table", "keep"]

    for what, values in asked:
        assert PreviewReach().of_files(what, ana.pk, landing.pk, values)[0].endpoints
    away(ada, landing)
    for what, values in asked:
        assert refused(PreviewReach().of_files, what, ana.pk, landing.pk, values) == "place-moved"


def test_what_was_put_back_while_the_root_was_led_elsewhere_is_not_noted_there(
    run: Run, landing: Environment, ada: User, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved() -> None:
        assert refused(move, ada, landing) == "root-in-use", "it stays as long"
        landing.roots.filter(name="landing").update(address="s3a://acme-elsewhere/")  # as if somebody had been just before

    async def answer(what: str, **_: Any) -> dict[str, Any]:
        await sync_to_async(moved)()
        return {"event": preview_client.ANSWERS[what], "current": {"rows": 5}, "kept": []}

    monkeypatch.setattr(preview_client, "answer_over_files", answer)
    actions.put_back_output(actor=ana, place=Place.objects.get(), kept_id="version-3")
    assert Place.objects.get().kept == KEPT, "of where it led when it was published"


@AWAY
def test_rows_that_lie_there_by_now_are_not_told_as_the_runs(
    away: Callable[..., None], run: Run, landing: Environment, ada: User, ana: User
) -> None:
    assert message_for(ana, run, 0) and reader_of(run, 0)["inputURI"] == URI
    away(ada, landing)
    for look in (lambda: message_for(ana, run, 0), lambda: reader_of(run, 0)):
        assert refused(look) == "place-moved"


@AWAY
def test_who_takes_the_place_over_gets_nothing_of_what_lay_elsewhere(
    away: Callable[..., None], run: Run, landing: Environment, ada: User, ana: User
) -> None:
    away(ada, landing)
    taken = jobs.take_over_place(actor=ana, job=run.job, environment=landing, uri=URI)
    assert (taken.kept, taken.last_run_id, taken.published_at) == ([], None, None)
    assert [one.kept_id for one in published.history(taken)] == [None]


# --- while something is under way there -------------------------------------------------------------------------------------


def lead_the_database_away(ada: User, environment: Environment) -> None:
    made = environment.connections.get(name="shop")
    connections.edit_connection(actor=ada, connection=made, settings=made.settings | {"host": "other.example.org"}, secrets=PASSWORD)


def remove_the_database(ada: User, environment: Environment) -> None:
    connections.remove_connection(actor=ada, connection=environment.connections.get(name="shop"))


def refused(change: Callable[..., None], *given: Any) -> str:
    with pytest.raises(PortalError) as error:
        change(*given)
    return error.value.code


@AWAY
def test_a_root_leads_where_it_leads_while_a_run_publishes_there_or_has_left_something(
    away: Callable[..., None], run: Run, landing: Environment, ada: User
) -> None:
    """What a run has left could not be ended any more, and half of it would stay visible."""
    working = factories.make_run(run.version, landing, "running")
    assert refused(away, ada, landing) == "root-in-use"
    Run.objects.filter(pk=working.pk).update(state="failed")
    attempt = working.attempts.create(number=1, worker="w", may_have_left=True, started_at=timezone.now(), finished_at=timezone.now())
    assert refused(away, ada, landing) == "root-in-use"
    attempt.delete()
    away(ada, landing)


@AWAY
def test_a_root_leads_where_it_leads_while_a_file_is_sent_there(
    away: Callable[..., None], landing: Environment, ada: User, ana: User
) -> None:
    sent = Upload.objects.create(environment=landing, person=ana, name="a.csv", uri="landing:a.csv", size=1, state="sending")
    assert refused(away, ada, landing) == "root-in-use"
    sent.delete()
    away(ada, landing)


@pytest.mark.parametrize("change", [lead_the_database_away, remove_the_database])
def test_a_database_stays_while_a_run_loads_there(change: Callable[..., None], dev: Environment, job: Any, ada: User) -> None:
    """What lies in a table, and what is kept of before, is noted at the run's end."""
    make_database(ada, dev)
    *before, load = factories.DOCUMENT["stages"]
    load = {key: value for key, value in load.items() if key != "outputURI"}
    loads = {"stages": [*before, load | {"type": "JDBCLoad", "connection": "shop", "tableName": "orders", "saveMode": "Append"}]}
    working = factories.make_run(factories.make_version(job, document=loads), dev, "running")
    assert refused(change, ada, dev) == "connection-in-use"
    secret = {"password": "a new one 12345"}
    connections.rotate_secret(actor=ada, connection=dev.connections.get(), secrets=secret)
    connections.edit_connection(
        actor=ada, connection=dev.connections.get(), settings=dev.connections.get().settings | {"user": "other"}, secrets=secret
    )
    Run.objects.filter(pk=working.pk).update(state="succeeded")
    change(ada, dev)
