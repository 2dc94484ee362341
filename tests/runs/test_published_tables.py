"""What runs have published in tables of databases: noted by environment, told on pages, and put back by whoever may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from portal.errors import Conflict, PortalError
from portal.runs import actions, published_tables, run_page
from portal.runs.models import DatabaseTable, Run
from tests import factories

if TYPE_CHECKING:
    from django.test import Client

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import JobVersion

pytestmark = pytest.mark.django_db
SETTINGS = {"host": "db.example.org", "port": 5432, "database": "shop", "user": "sluice"}


@pytest.fixture
def loads(flights: Project, ana: User, dev: Environment) -> JobVersion:
    """A job that loads a table, spelled in its own way."""
    return factories.make_version(factories.make_job(flights, ana, "loader"), document=document(), live_in=("dev",))


def document(**more: Any) -> dict[str, Any]:
    read = {"type": "ParquetExtract", "name": "r", "inputURI": "raw/x", "outputView": "v"}
    load = {"type": "JDBCLoad", "name": "w", "connection": "shop", "inputView": "v", "tableName": '"orders"', **more}
    return {"stages": [read, load]}


def connect(environment: Environment, **other: Any) -> None:
    environment.connections.update_or_create(name="shop", defaults={"kind": "postgresql", "settings": SETTINGS | other})


def publish(version: JobVersion, environment: Environment, kept: str = "") -> Run:
    run = factories.make_run(version, environment, "succeeded")
    output = {"stage": "w", "uri": 'shop:"orders"', "format": "table", "save_mode": "Overwrite", "rows": 7}
    run.outputs = [output | ({"kept": [{"id": kept, "rows": 5}]} if kept else {})]
    run.save()
    published_tables.note(run)
    return run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the program that puts rows back was asked; it answers as the real one (tests/executor/databases/test_put_back.py)."""
    heard: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        heard.append(message)
        yield {"event": "rows_put_back", "kept": f"after-{message['values']['kept']}", "rows": 7, "changed": 12, "last": True}

    monkeypatch.setattr(published_tables.preview_client, "request", request)
    return heard


def test_rows_of_before_are_put_back_with_one_click_and_back_again(
    loads: JobVersion, dev: Environment, ana: User, vic: User, browser_of: Callable[..., Client], asked: list[dict[str, Any]]
) -> None:
    from portal.audit.models import AuditEvent

    connect(dev)
    first, second = publish(loads, dev), publish(loads, dev, "k1")
    address = f"/p/flights/runs/{second.pk}/"
    page = browser_of(ana).get(address).content.decode()
    assert "See rows" not in page  # of a database nobody sees any here
    assert "History of publishes" in page and "Put back" in page and "shop:orders" in page
    assert "Put back" not in browser_of(vic).get(address).content.decode()
    table = DatabaseTable.objects.get()
    for kept, stands, beside in (("k1", first, second), ("after-k1", second, first)):
        body = {"table": table.pk, "kept": kept}
        assert browser_of(vic).post(f"{address}put-back-rows", body).status_code == 404
        assert browser_of(ana).post(f"{address}put-back-rows", body).status_code == 302
        table.refresh_from_db()
        assert (table.last_run_id, table.kept[0]["run_id"]) == (stands.pk, str(beside.pk))
        assert asked[-1]["values"] == {"connection": "shop", "table": "orders", "kept": kept}
    assert AuditEvent.objects.filter(action="put_back_output", environment="dev", result="done").count() == 2
    with pytest.raises(PortalError, match="no longer kept"):
        actions.put_back_rows(actor=ana, table=table, kept_id="k1")


def test_the_page_of_a_failed_run_says_whose_rows_are_in_the_table(
    loads: JobVersion, dev: Environment, ana: User, asked: list[dict[str, Any]]
) -> None:
    connect(dev)
    first, _ = publish(loads, dev), publish(loads, dev, "k1")
    failed = factories.make_run(loads, dev, "failed")
    failed.problem = {"code": "x", "message": "No."}

    def told() -> list[tuple[Any, bool]]:
        shown = run_page.failure_of(failed, with_data=True)
        return [(one.run.pk, one.is_put_back) for one in shown.left_by] if shown else []

    Run.objects.filter(pk=first.pk).update(finished_at=first.created_at)
    Run.objects.exclude(pk=first.pk).update(finished_at=failed.created_at)
    assert told()[0][1] is False and told()[0][0] != first.pk
    actions.put_back_rows(actor=ana, table=DatabaseTable.objects.get(), kept_id="k1")
    assert told() == [(first.pk, True)]
    connect(dev, host="other.example.org")
    assert told() == [], "nobody knows what lies where the connection leads now"


def test_what_lies_elsewhere_or_was_published_over_is_not_offered(
    loads: JobVersion, dev: Environment, test_env: Environment, ana: User, asked: list[dict[str, Any]]
) -> None:
    connect(dev)
    connect(test_env)
    publish(loads, dev)
    publish(loads, dev, "k1")
    mine = DatabaseTable.objects.get()
    publish(loads, test_env, "k2")
    assert len(published_tables.history(mine)) == 1, "another environment has published in the same table since"
    with pytest.raises(PortalError, match="no longer kept"):
        actions.put_back_rows(actor=ana, table=mine, kept_id="k1")
    connect(test_env, database="another")
    publish(loads, test_env, "k3")
    assert len(published_tables.history(mine)) == 2
    factories.make_run(loads, dev, "running")
    with pytest.raises(Conflict, match="works on"):
        actions.put_back_rows(actor=ana, table=mine, kept_id="k1")
    assert asked == []


def test_a_table_that_was_put_back_gets_its_rows_again(loads: JobVersion, dev: Environment, ana: User, asked: list[dict[str, Any]]) -> None:
    """A job that reads only what is new reads again what is no longer there; nothing else that it adds to has it twice."""
    from portal.runs import published

    connect(dev)
    appends = factories.make_version(loads.job, document=document(saveMode="Append"))
    first, second = publish(appends, dev), publish(appends, dev, "k1")
    for run, value in ((first, "10"), (second, "20")):
        Run.objects.filter(pk=run.pk).update(watermarks={"r": {"about": "a", "value": value}}, finished_at=run.created_at)
    now = factories.make_run(appends, dev)
    assert published.values_for(now)["watermarks"]["r"]["value"] == "20"
    actions.put_back_rows(actor=ana, table=DatabaseTable.objects.get(), kept_id="k1")
    assert published.values_for(now)["watermarks"]["r"]["value"] == "10"


def test_why_nothing_was_put_back_is_told(
    loads: JobVersion, dev: Environment, ana: User, browser_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from executor.problems import Problem
    from portal.audit.models import AuditEvent

    connect(dev)
    publish(loads, dev)
    run, table = publish(loads, dev, "k1"), DatabaseTable.objects.get()
    told = Problem(code="table-changed", message="“orders” was changed since.", fix="Take the later changes out.")

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield {"event": "problem", "problem": told.as_dict(), "last": True}

    monkeypatch.setattr(published_tables.preview_client, "request", request)
    answer = browser_of(ana).post(f"/p/flights/runs/{run.pk}/put-back-rows", {"table": table.pk, "kept": "k1"}, follow=True)
    assert "was changed since." in answer.content.decode() and "Take the later changes out." in answer.content.decode()
    table.refresh_from_db()
    assert (table.last_run_id, table.kept[0]["id"]) == (run.pk, "k1")
    assert not AuditEvent.objects.filter(action="put_back_output", result="done").exists()


@pytest.mark.parametrize(("of_the_run", "is_told"), [("orders", True), ("untouched", False), (None, True)])
def test_the_table_that_a_value_of_the_run_names_is_the_one_that_is_looked_at(
    of_the_run: str | None, is_told: bool, loads: JobVersion, dev: Environment
) -> None:
    """Which of two tables has the rows that would be read again: the run's value goes before the environment's."""
    from portal.runs import outputs_apart

    connect(dev)
    dev.parameters = {"into": "untouched" if of_the_run else "orders"}
    dev.save()
    named = document(tableName="${into}", saveMode="Append") | {"parameters": {"into": {"type": "string", "default": "x"}}}
    version = factories.make_version(loads.job, document=named)
    before = factories.make_run(version, dev, "succeeded", watermarks={"r": {"about": "a", "value": "10"}}, watermarks_hold=False)
    other = factories.make_run(version, dev, "succeeded")
    for name, run in (("orders", before), ("untouched", other)):
        where = {"environment": dev, "connection": "shop", "name": name}
        DatabaseTable.objects.create(job=loads.job, last_run_id=run.pk, published_at=run.created_at, lies_at="x", **where)
    now = factories.make_run(version, dev, parameters={"into": of_the_run} if of_the_run else {})
    if is_told:
        with pytest.raises(PortalError, match="“orders in shop” holds rows that this run would read again"):
            outputs_apart.require_together(now)
    else:
        outputs_apart.require_together(now)
