"""Pipelines, promotions and alerts in a real browser: accessible, never wider than the screen, alive without reloading."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.alerts import raising
from portal.alerts.actions import create_channel, create_rule
from portal.environments.models import Environment
from portal.jobs.actions import edit_job
from portal.pipelines.actions import rerun_failed, run_pipeline, save_schedule
from portal.pipelines.models import Pipeline, PipelineRun
from portal.promotions.actions import approve_promotion, request_promotion
from portal.promotions.models import Promotion
from portal.runs.models import Run, StageRun
from tests.factories import make_job, make_run, make_version
from tests.pipelines import conftest as prepared
from tests.pipelines.ends import end
from tests.promotions.conftest import changed
from tests.targets import look_at_once, note_columns, put

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
pipeline = prepared.pipeline
"""The fixture of tests/pipelines."""


@pytest.fixture
def run(pipeline: Pipeline, olu: User, test_env: Environment) -> PipelineRun:
    """One job has failed, two are held, one runs."""
    save_schedule(actor=olu, pipeline=pipeline, environment=test_env, cron="30 6 * * *", timezone_name="Europe/Berlin")
    made = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    raising.run_ended(end(made, "load_flights", "failed").pk)
    return made


@pytest.fixture
def promotion(
    flights: Any,
    ana: User,
    pat: User,
    dev: Environment,
    test_env: Environment,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tmp_path: Path,
) -> Promotion:
    """v1 is live in test; v2 is asked for."""
    look_at_once(monkeypatch, settings, tmp_path / "lake")
    put(dev), put(test_env)
    job = make_job(flights, ana, "monthly_delays")
    for sql in ("SELECT origin FROM flights", "SELECT origin, count(*) AS flights FROM flights GROUP BY origin"):
        version = make_version(job, ana, changed(sql), live_in=("dev",))
        note_columns(make_run(version, dev, "succeeded"))
        asked = request_promotion(actor=ana, version=version, message="Counts by origin")
        if version.number == 1:
            approve_promotion(actor=pat, promotion=asked)
    return asked


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_accessible_and_fits(
    screen: Any, visit: Visit, run: PipelineRun, promotion: Promotion, ana: User, pat: User, olu: User, ada: User, width: int, theme: str
) -> None:
    channel, _ = create_channel(actor=ada, project=run.pipeline.project, name="Team", kind="email", target="team@sluice.test")
    create_rule(actor=ada, project=run.pipeline.project, event="late", minutes=30, channels=[channel])
    dev = Environment.objects.get(project=run.pipeline.project, name="dev")
    broken = make_run(promotion.version, dev, "failed", fence=1, problem={"code": "x", "message": "12 rows are not whole. " * 20})
    times = {"started_at": broken.started_at, "finished_at": broken.finished_at}
    StageRun.objects.create(
        run=broken, attempt_number=1, index=0, name="a_name_that_is_long_" * 4, type="SQLTransform", state="failed", **times
    )
    pages = [
        (olu, "/p/flights/runs/"),
        (olu, f"/p/flights/runs/{broken.pk}/"),
        (olu, "/p/flights/pipelines/"),
        (olu, "/p/flights/pipelines/nightly_flights/?environment=test"),
        (olu, f"/p/flights/pipelines/nightly_flights/runs/{run.pk}/"),
        (ana, "/p/flights/pipelines/nightly_flights/edit"),
        (ana, "/p/flights/pipelines/new-pipeline"),
        (pat, "/p/flights/promotions/"),
        (pat, f"/p/flights/promotions/{promotion.pk}/"),
        (pat, f"/p/flights/promotions/{promotion.pk - 1}/"),
        (ana, f"/p/flights/promotions/{promotion.pk}/"),
        (ana, "/p/flights/jobs/monthly_delays/promote"),
        (olu, "/p/flights/alerts/"),
        (ada, "/p/flights/alerts/channels/"),
    ]
    screens = {user: screen(width=width, theme=theme) for user in (ana, pat, olu, ada)}
    found = {}
    for user, path in pages:
        visit(screens[user], user, path)
        found[user.username, path] = screens[user].faults()
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_the_graph_follows_the_run_without_reloading(screen: Any, visit: Visit, run: PipelineRun, olu: User) -> None:
    shown = screen()
    page = visit(shown, olu, f"/p/flights/pipelines/nightly_flights/runs/{run.pk}/")
    expect(page.get_by_role("table").get_by_text("waits for load_flights, which failed")).to_be_visible()
    end(run, "load_weather")
    expect(page.get_by_role("button", name="Rerun what failed")).to_be_visible()
    rerun_failed(actor=olu, pipeline_run=run)
    page.reload()
    end(run, "load_flights")
    expect(page.locator("svg .node.run text").first).to_have_text("daily_delays")
    assert Run.objects.filter(job__name="daily_delays").count() == 1
    assert shown.take_said() == []


def test_author_puts_a_pipeline_together_by_clicking(screen: Any, visit: Visit, pipeline: Pipeline, ana: User) -> None:
    shown = screen()
    page = visit(shown, ana, "/p/flights/pipelines/new-pipeline")
    page.get_by_label("Name").fill("short_one")
    for name in ("load_flights", "daily_delays"):
        page.get_by_label("Job to add").select_option(name)
        page.get_by_role("button", name="Add").click()
        expect(page.locator("#jobs td.main b", has_text=name)).to_be_visible()
    page.get_by_label("daily_delays runs after load_flights").check()
    expect(page.get_by_text("2 layers")).to_be_visible()
    page.get_by_label("load_flights runs after daily_delays").check()
    expect(page.get_by_role("alert")).to_contain_text("wait for each other in a circle")
    page.get_by_label("load_flights runs after daily_delays").uncheck()
    expect(page.get_by_text("2 layers")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="short_one")).to_be_visible()
    assert Pipeline.objects.get(name="short_one").dependencies() == {"load_flights": [], "daily_delays": ["load_flights"]}
    assert shown.take_said() == []


def test_a_pipeline_is_not_saved_before_what_was_just_added_is_there(screen: Any, visit: Visit, pipeline: Pipeline, ana: User) -> None:
    shown, held = screen(), []
    page = visit(shown, ana, "/p/flights/pipelines/new-pipeline")
    page.get_by_label("Name").fill("quick_one")
    page.get_by_label("Job to add").select_option("load_flights")
    page.route(re.compile("new-pipeline$"), lambda route: route.continue_() if held else held.append(route))
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.wait_for_timeout(100)
    held[0].continue_()
    expect(page.locator("#jobs td.main b", has_text="load_flights")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="quick_one")).to_be_visible()
    assert Pipeline.objects.get(name="quick_one").dependencies() == {"load_flights": []}


def test_times_are_explained_while_typing(screen: Any, visit: Visit, pipeline: Pipeline, olu: User) -> None:
    shown = screen()
    page = visit(shown, olu, "/p/flights/pipelines/nightly_flights/?environment=test")
    page.get_by_label("Times").press_sequentially("0 7 * * 1")
    expect(page.locator("#times")).to_contain_text("At 07:00 on Monday")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    expect(page.locator("#times")).to_contain_text("Next in Europe/Berlin: Mon")
    page.get_by_label("Times").fill("99 7 * * 1")
    expect(page.locator("#times")).to_contain_text("The minute of “99 7 * * 1” is not right.")
    assert shown.take_said() == []


def test_what_was_typed_stands_in_a_form_that_was_refused(screen: Any, visit: Visit, pipeline: Pipeline, ana: User, ben: User) -> None:
    shown, job = screen(), pipeline.project.jobs.get(name="load_flights")
    page = visit(shown, ana, "/p/flights/jobs/load_flights/")
    details = page.get_by_role("dialog", name="Description, tags, owner")
    page.evaluate("document.querySelector('[data-opens=edit-details]').click()")
    edit_job(actor=ana, job=job, description="theirs", owner=ben)
    details.get_by_label("Description").fill("mine")
    details.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody has changed load_flights since you opened it.")).to_be_visible()
    expect(details.get_by_label("Description")).to_have_value("mine")
    expect(details).to_contain_text("There now: theirs")
    expect(details.get_by_label("Owner").locator("option:checked")).to_have_text(ana.shown_name)
    expect(details).to_contain_text(f"There now: {ben.shown_name}")
    assert shown.faults() == []
    details.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(details).to_be_hidden()
    job.refresh_from_db()
    assert (job.description, job.owner) == ("mine", ana)

    page = visit(shown, ana, "/p/flights/pipelines/nightly_flights/?environment=dev")
    page.get_by_label("Times").fill("99 7 * * 1")
    page.get_by_role("button", name="Set the schedule").click()
    expect(page.get_by_text("is not right").first).to_be_visible()
    expect(page.get_by_label("Times")).to_have_value("99 7 * * 1")
    page.reload()
    expect(page.get_by_label("Times")).to_have_value("")
    assert shown.take_said() == []


def test_approver_sees_the_difference_and_approves(screen: Any, visit: Visit, promotion: Promotion, pat: User) -> None:
    shown = screen()
    page = visit(shown, pat, f"/p/flights/promotions/{promotion.pk}/")
    page.get_by_role("tab", name="SQL").click()
    expect(page.locator(".cm-changedText").first).to_be_visible()
    page.get_by_role("tab", name="JSON").click()
    expect(page.locator("#json-merge .cm-mergeView")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("v2 is live in test now.")).to_be_visible()
    page.get_by_role("button", name="Roll back to v1").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("v1 is live in test again.")).to_be_visible()
    assert shown.take_said() == []


def test_differences_stand_in_one_column_on_a_phone(screen: Any, visit: Visit, promotion: Promotion, pat: User) -> None:
    shown = screen(width=390)
    page = visit(shown, pat, f"/p/flights/promotions/{promotion.pk}/")
    page.get_by_role("tab", name="SQL").click()
    expect(page.locator(".sql-merge .cm-editor")).to_have_count(1)
    expect(page.locator(".sql-merge .cm-deletedChunk").first).to_be_visible()
    expect(page.locator(".sql-merge .cm-changedLine").first).to_be_visible()
    assert shown.too_wide() == [] and shown.take_said() == []
