"""A run whose program is gone in the middle of publishing: files are taken back, rows of a database may be there. That is said, and
they are not added a second time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from executor.problems import Problem
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import JobVersion
from portal.pipelines.actions import create_pipeline, rerun_failed, run_pipeline
from portal.runs import actions, leases, published, sweeper, visible
from portal.runs.models import Run, RunState, Trigger, database_now
from tests import factories
from tests.pipelines.ends import end

pytestmark = pytest.mark.django_db
WHY = Problem(code="executor-stopped", message="The program stopped.", found="exit code 1", fix="Run it again.")
BEHAVES = {"behaviour": {"type": "string", "default": "succeed"}}


def into(*tables: str, mode: str = "Append") -> dict[str, Any]:
    """A document that loads a view into tables of the database “shop”."""
    read = {"type": "DelimitedExtract", "name": "read", "description": "${behaviour}", "inputURI": "raw/a.csv", "outputView": "a"}
    load = {"type": "JDBCLoad", "inputView": "a", "connection": "shop", "saveMode": mode}
    return {"parameters": BEHAVES, "stages": [read, *({**load, "name": f"to_{one}", "tableName": one} for one in tables)]}


@pytest.fixture
def version_of(flights: Any, ana: Any) -> Callable[..., JobVersion]:
    job = factories.make_job(flights, ana, "orders")
    return lambda *tables, **how: factories.make_version(job, ana, into(*tables, **how), live_in=("dev",))


def lost(version: JobVersion, environment: Environment, code: str = "lost-while-publishing", state: str = "failed") -> Run:
    now = timezone.now() - timedelta(minutes=10)
    problem = {"code": code, "message": "It was lost."}
    return factories.make_run(version, environment, state, minutes_ago=10, publishing_since=now, problem=problem)


def test_what_a_dead_run_has_left_visible_is_said_as_it_is(version: JobVersion, version_of: Any, dev: Environment) -> None:
    now = timezone.now()
    before = visible.told(factories.make_run(version, dev), WHY)
    assert (before.code, before.message, before.fix) == (WHY.code, "The program stopped. Nothing was published.", WHY.fix)
    files = visible.told(factories.make_run(version, dev, publishing_since=now), WHY)
    assert (files.code, files.fix) == (WHY.code, WHY.fix) and "the outputs are as before then" in files.message
    for mode in ("Append", "Overwrite", "Merge"):
        rows = visible.told(factories.make_run(version_of("orders", mode=mode), dev, publishing_since=now), WHY)
        assert rows.code == "lost-while-publishing" and "“orders” of “shop”: they may be there" in rows.message
        assert "as before" not in rows.message and "Nothing was published" not in rows.message
        assert ("Look into “orders” of “shop”" in (rows.fix or "")) == (mode == "Append")


@pytest.mark.parametrize("trigger", [Trigger.PERSON, Trigger.API, Trigger.SCHEDULE, Trigger.PIPELINE])
@pytest.mark.parametrize("code", visible.NOT_KNOWN)
def test_rows_that_may_be_there_are_not_added_again_before_somebody_has_looked(
    version_of: Any, dev: Environment, trigger: str, code: str
) -> None:
    version = version_of("orders", "items")
    gone = lost(version, dev, code)
    factories.make_run(version, dev, "failed", minutes_ago=5, problem={"code": "input-not-found", "message": "It failed before that."})
    with pytest.raises(PortalError) as refused:
        published.values_for(factories.make_run(version, dev, trigger=trigger))
    assert refused.value.code == "rows-may-be-there"
    assert gone.short_id in str(refused.value) and "“orders” of “shop”" in str(refused.value)


def test_rows_of_a_run_that_was_ended_by_its_time_limit_may_be_there_too(version_of: Any, dev: Environment) -> None:
    version = version_of("orders")
    lost(version, dev, state="timed_out")
    with pytest.raises(PortalError) as refused:
        published.values_for(factories.make_run(version, dev, trigger=Trigger.SCHEDULE))
    assert refused.value.code == "rows-may-be-there"


def test_whoever_runs_that_very_run_again_was_told_to_look(version_of: Any, dev: Environment) -> None:
    version = version_of("orders")
    gone = lost(version, dev)
    again = factories.make_run(version, dev, "failed", minutes_ago=5, rerun_of=gone, trigger=Trigger.RERUN)
    published.values_for(factories.make_run(version, dev, rerun_of=gone, trigger=Trigger.RERUN))
    published.values_for(factories.make_run(version, dev, rerun_of=again, trigger=Trigger.RERUN))
    other = factories.make_run(version, dev, "failed", minutes_ago=20, problem={"code": "x", "message": "Another one."})
    with pytest.raises(PortalError):
        published.values_for(factories.make_run(version, dev, rerun_of=other, trigger=Trigger.RERUN))
    factories.make_run(version, dev, "succeeded", minutes_ago=1, rerun_of=gone, publishing_since=timezone.now())
    published.values_for(factories.make_run(version, dev, trigger=Trigger.SCHEDULE))


def test_what_adds_nothing_twice_runs_on(version_of: Any, dev: Environment, flights: Any) -> None:
    lost(version_of("orders"), dev)
    for other in (version_of("orders", mode="Overwrite"), version_of("orders", mode="Merge"), version_of("items")):
        published.values_for(factories.make_run(other, dev))
    published.values_for(factories.make_run(version_of("orders"), factories.make_environment(flights, "other", 9)))


@pytest.mark.parametrize("state", ["succeeded", "failed"])
@pytest.mark.parametrize("name", ["orders", "shop.orders", '"Orders"'])
def test_a_run_that_published_elsewhere_says_nothing_of_the_table(version_of: Any, dev: Environment, state: str, name: str) -> None:
    gone = lost(version_of("orders"), dev)
    factories.make_run(version_of("items"), dev, state, minutes_ago=2, publishing_since=timezone.now())
    with pytest.raises(PortalError) as refused:
        published.values_for(factories.make_run(version_of(name), dev, trigger=Trigger.SCHEDULE))
    assert refused.value.code == "rows-may-be-there" and gone.short_id in str(refused.value)


def test_a_run_beside_it_or_one_that_replaced_nothing_has_not_looked_either(version_of: Any, dev: Environment) -> None:
    lost(version_of("orders"), dev)
    beside = factories.make_run(version_of("orders"), dev, "succeeded", minutes_ago=12, publishing_since=timezone.now())
    assert beside.started_at is not None
    factories.make_run(version_of("orders", mode="Overwrite"), dev, "failed", minutes_ago=3, publishing_since=timezone.now())
    with pytest.raises(PortalError):
        published.values_for(factories.make_run(version_of("orders"), dev))
    factories.make_run(version_of("orders", mode="Overwrite"), dev, "succeeded", minutes_ago=2, publishing_since=timezone.now())
    published.values_for(factories.make_run(version_of("orders"), dev))


@pytest.mark.parametrize("is_saved", [False, True])
def test_a_draft_that_is_run_again_is_that_very_run(version_of: Any, dev: Environment, ana: Any, is_saved: bool) -> None:
    version = version_of("orders")
    gone = lost(version, dev)
    Run.objects.filter(pk=gone.pk).update(version=None, **({} if is_saved else {"document": version.document.replace("read", "look")}))
    gone.refresh_from_db()
    again = actions.rerun(actor=ana, run=gone)
    assert (again.rerun_of, again.trigger, again.trigger_label) == (gone, Trigger.RERUN, f"of {gone.short_id}")
    assert bool(again.version) == is_saved
    published.values_for(again)
    fresh = actions.run_draft(actor=ana, job=gone.job, document=gone.document)
    assert (fresh.rerun_of, fresh.trigger, fresh.trigger_label) == (None, Trigger.PERSON, "")
    with pytest.raises(PortalError):
        published.values_for(fresh)


def test_nobody_runs_it_again_among_many(version_of: Any, dev: Environment, ana: Any) -> None:
    gone, replaced = lost(version_of("orders"), dev), lost(version_of("orders", mode="Overwrite"), dev)
    came = actions.do_to_many(actor=ana, runs=[gone, replaced], action="rerun")
    assert [run for run, _ in came.refused] == [gone] and [one.rerun_of for one in came.done] == [replaced]
    assert came.refused[0][1].code == "rows-may-be-there"


def test_a_pipeline_takes_what_came_of_it_on_its_own_page(version_of: Any, dev: Environment, ana: Any, flights: Any) -> None:
    version = version_of("orders")
    pipeline = create_pipeline(actor=ana, project=flights, name="nightly", after={version.job.name: []})
    run = run_pipeline(actor=ana, pipeline=pipeline, environment=dev)
    gone, now = end(run, version.job.name, "failed"), timezone.now()
    Run.objects.filter(pk=gone.pk).update(publishing_since=now, problem={"code": "lost-while-publishing", "message": "It was lost."})
    with pytest.raises(PortalError) as refused:
        rerun_failed(actor=ana, pipeline_run=run)
    assert refused.value.code == "rows-may-be-there"
    gone.refresh_from_db()
    again = actions.rerun(actor=ana, run=gone)
    with pytest.raises(PortalError):
        rerun_failed(actor=ana, pipeline_run=run)
    Run.objects.filter(pk=again.pk).update(state="succeeded", finished_at=timezone.now())
    done = rerun_failed(actor=ana, pipeline_run=run)
    assert done.state == "succeeded" and Run.objects.filter(rerun_of=gone).get() == again


def test_a_failure_whose_program_said_itself_that_nothing_is_there_holds_nobody_up(version_of: Any, dev: Environment) -> None:
    version = version_of("orders")
    lost(version, dev, "rows-lost")
    published.values_for(factories.make_run(version, dev))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("behaviour", ["dies_while_publishing", "dies_while_publishing:freezes"])
def test_a_program_that_dies_while_it_publishes(
    version_of: Any, dev: Environment, ada: Any, work: Any, settings: Any, behaviour: str
) -> None:
    settings.CONNECTION_KINDS_ALLOWED = ["sqlite"]
    settings.RUN_SILENT_SECONDS = 8 if behaviour.endswith("freezes") else 60
    connections.add_connection(actor=ada, environment=dev, name="shop", kind="sqlite", settings={"file": "raw/shop.sqlite"}, secrets={})
    run = work(factories.make_run(version_of("orders"), dev, parameters={"behaviour": behaviour}))
    assert (run.state, run.problem["code"]) == ("failed", "lost-while-publishing"), run.problem
    assert "they may be there" in run.problem["message"] and "Look into “orders”" in run.problem["fix"]
    after = work(factories.make_run(version_of("orders"), dev, trigger=Trigger.SCHEDULE))
    assert (after.state, after.problem["code"]) == ("failed", "rows-may-be-there")


def test_a_machine_that_is_lost_while_it_publishes(version_of: Any, dev: Environment) -> None:
    run = factories.make_run(version_of("orders"), dev)
    assert leases.claim(run, "worker-1")
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=10))
    sweeper.sweep()
    run.refresh_from_db()
    assert (run.state, run.problem["code"]) == ("failed", "lost-while-publishing")
    assert "they may be there" in run.problem["message"] and "twice" in run.problem["fix"]
