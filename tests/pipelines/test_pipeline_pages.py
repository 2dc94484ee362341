"""The pages of pipelines, as people meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.pipelines import ticks
from portal.pipelines.actions import remove_schedule, run_pipeline, save_schedule
from portal.pipelines.models import Pipeline, PipelineRun, Schedule
from tests.factories import make_job, make_version
from tests.pipelines.ends import end

Browser = Callable[[User], Client]
ROOT = "/p/flights/pipelines/"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_the_list_is_empty_with_a_reason_then_holds_pipelines(flights: Project, ana: User, browser_of: Browser) -> None:
    assert "No pipelines yet" in text_of(browser_of(ana).get(ROOT))


def test_author_puts_a_pipeline_together_without_script(flights: Project, ana: User, browser_of: Browser) -> None:
    for name in ("load_flights", "daily_delays"):
        make_job(flights, ana, name)
    client, url = browser_of(ana), ROOT + "new-pipeline"
    added = text_of(client.post(url, {"name": "nightly", "step": "add", "add": "load_flights"}))
    assert '<input type="hidden" name="job" value="load_flights">' in added and not Pipeline.objects.exists()
    form = {"name": "nightly", "job": ["load_flights", "daily_delays"], "after-daily_delays": ["load_flights"]}
    assert "2 layers" in text_of(client.post(url, {**form, "step": "look"}))
    loop = text_of(client.post(url, {**form, "after-load_flights": ["daily_delays"], "step": "look"}))
    assert "The jobs wait for each other in a circle" in loop
    refused = client.post(url, {**form, "after-load_flights": ["daily_delays"], "step": "save"})
    assert refused.status_code == 422 and not Pipeline.objects.exists()
    assert client.post(url, {**form, "step": "save"}).url == ROOT + "nightly/"
    assert Pipeline.objects.get().dependencies() == {"load_flights": [], "daily_delays": ["load_flights"]}


def chain_of(flights: Project, ana: User) -> None:
    """load writes raw/flights; daily reads that and writes curated/daily; report reads a part of that and writes what load reads."""
    for name, reads, writes in (
        ("load", "curated/report", "raw/flights"),
        ("daily", "raw/*", "curated/daily"),
        ("report", "curated/daily/year=2024", "curated/report"),
        ("alone", "raw/other/x.csv", "curated/alone"),
    ):
        stages = [
            {"type": "ParquetExtract", "name": "r", "inputURI": reads, "outputView": "v"},
            {"type": "ParquetLoad", "name": "w", "inputView": "v", "outputURI": writes},
        ]
        make_version(make_job(flights, ana, name), ana, {"stages": stages}, live_in=("dev",))


def test_the_order_is_proposed_by_what_jobs_read_and_write(flights: Project, ana: User, browser_of: Browser) -> None:
    chain_of(flights, ana)
    client, url = browser_of(ana), ROOT + "new-pipeline"
    form = {"name": "nightly", "job": ["daily", "load", "alone"]}
    page = text_of(client.post(url, {**form, "step": "look"}))
    assert "<b>daily</b> runs after <b>load</b> (<code>raw/flights</code>)" in page and "Use this order" in page
    used = text_of(client.post(url, {**form, "step": "order"}))
    assert "Use this order" not in used and "2 layers" in used
    assert 'aria-label="daily runs after load" checked' in used and 'aria-label="load runs after daily" checked' not in used
    page = text_of(client.post(url, {**form, "job": ["daily", "load"], "after-load": ["daily"], "step": "look"}))
    assert "which writes it, runs after it" in page and "Use this order" not in page


def test_programs_ask_for_the_same_order(flights: Project, ana: User, outsider: User, program_of: Callable[..., Any]) -> None:
    chain_of(flights, ana)
    address, asked = "/api/v1/projects/flights/pipeline-order", {"after": {"report": [], "daily": [], "load": []}}
    answer = program_of(ana, "read").post(address, asked, format="json").json()
    assert answer["after"] == {"report": ["daily"], "daily": ["load"], "load": []}, "a circle is never proposed"
    assert [(one["job"], one["before"], one["place"]) for one in answer["added"]] == [
        ("report", "daily", "curated/daily"), ("daily", "load", "raw/flights"),
    ]  # fmt: skip
    assert answer["against"] == []
    assert program_of(outsider, "read").post(address, asked, format="json").status_code == 404


def test_a_job_is_taken_out_again(pipeline: Pipeline, ana: User, browser_of: Browser) -> None:
    form = {"job": ["load_flights", "load_weather"], "after-load_weather": ["load_flights"], "remove": "load_flights"}
    page = text_of(browser_of(ana).post(ROOT + "nightly_flights/edit", form))
    assert 'name="job" value="load_weather"' in page and 'name="job" value="load_flights"' not in page


def test_operator_runs_it_and_sees_what_waits_for_what(pipeline: Pipeline, olu: User, browser_of: Browser) -> None:
    client = browser_of(olu)
    page = text_of(client.post(ROOT + "nightly_flights/run", {"environment": "test"}, follow=True))
    assert "Started in test." in page and "running · 0 of 4" in page
    assert "daily_delays: waits for load_flights, load_weather" in page
    run = PipelineRun.objects.get()
    end(run, "load_flights", "failed")
    end(run, "load_weather")
    page = text_of(client.get(f"{ROOT}nightly_flights/runs/{run.pk}/"))
    assert "waits for load_flights, which failed" in page and "Rerun what failed" in page
    again = text_of(client.post(f"{ROOT}nightly_flights/runs/{run.pk}/rerun-failed", follow=True))
    assert "What failed runs again" in again
    cancelled = text_of(client.post(f"{ROOT}nightly_flights/runs/{run.pk}/cancel", follow=True))
    assert "nothing more is started" in cancelled


def test_the_parts_that_refresh_themselves(pipeline: Pipeline, olu: User, test_env: Environment, browser_of: Browser) -> None:
    client = browser_of(olu)
    quiet = text_of(client.get(ROOT + "nightly_flights/live?environment=test"))
    assert 'hx-trigger="every 15s"' in quiet and "<html" not in quiet
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    assert 'hx-trigger="every 2s"' in text_of(client.get(ROOT + "nightly_flights/live?environment=test"))
    page = f"{ROOT}nightly_flights/runs/{run.pk}/live"
    assert 'hx-trigger="every 2s"' in text_of(client.get(page))
    PipelineRun.objects.update(state="succeeded", finished_at=timezone.now())
    assert "hx-trigger" not in text_of(client.get(page)), "a run that has ended is not asked for again"


def test_state_is_told_without_colour(pipeline: Pipeline, olu: User, test_env: Environment, browser_of: Browser) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_flights", "failed")
    page = text_of(browser_of(olu).get(ROOT + "nightly_flights/?environment=test"))
    assert re.search(r'aria-label="load_flights, [^"]*: failed[^"]*" tabindex="-1"\s*>✕</a>', page)


def test_the_schedule_is_explained_while_it_is_typed(pipeline: Pipeline, olu: User, browser_of: Browser) -> None:
    client = browser_of(olu)
    told = text_of(client.get(ROOT + "explain-times", {"cron": "30 6 * * 1-5", "timezone": "Europe/Berlin"}))
    assert "At 06:30 on Monday through Friday" in told and told.count("06:30") >= 6, "the words and five times, in Berlin's clock"
    assert "five fields" in text_of(client.get(ROOT + "explain-times", {"cron": "x"}))


def test_who_opened_a_schedule_before_another_saved_does_not_undo_it(
    pipeline: Pipeline, olu: User, test_env: Environment, browser_of: Browser
) -> None:
    client, page = browser_of(olu), "/p/flights/pipelines/nightly_flights/"
    assert 'value="none"' in client.get(f"{page}?environment=test").content.decode()
    sent = {"environment": "test", "step": "save", "cron": "0 6 * * *", "timezone": "UTC", "edition": "none"}
    client.post(f"{page}schedule", sent)
    schedule = Schedule.objects.get()
    seen = schedule.edition
    assert f'value="{seen}"' in client.get(f"{page}?environment=test").content.decode()
    refused = [sent, sent | {"cron": "30 7 * * *"}]  # as if there were none yet
    save_schedule(actor=olu, pipeline=pipeline, environment=schedule.environment, cron="0 9 * * *", timezone_name="UTC")
    refused.append(sent | {"edition": seen, "cron": "30 7 * * *"})
    for late in refused:
        html = client.post(f"{page}schedule", late, follow=True).content.decode()
        assert "Somebody has changed the schedule in test since you opened it." in html
        assert "data-typed" in html and f'action="{page}schedule"' in html
    address = "/api/v1/projects/flights/pipelines/nightly_flights/schedules/test"
    body = {"cron": "30 7 * * *", "timezone": "UTC", "edition": seen}
    assert client.put(address, body, "application/json").status_code == 409
    schedule.refresh_from_db()
    assert schedule.cron == "0 9 * * *"
    remove_schedule(actor=olu, schedule=schedule)
    assert client.put(address, body | {"edition": schedule.edition}, "application/json").status_code == 409, (
        "what was taken away stays away"
    )
    assert client.put(address, body | {"edition": "none"}, "application/json").status_code == 200


def test_operator_sets_pauses_and_removes_a_schedule(pipeline: Pipeline, olu: User, browser_of: Browser) -> None:
    client, url = browser_of(olu), ROOT + "nightly_flights/schedule"
    saved = {"environment": "test", "step": "save", "cron": "30 * * * *", "timezone": "Europe/Berlin"}
    page = text_of(client.post(url, saved, follow=True))
    assert "The schedule is set." in page and "at minute 30 of every hour, Europe/Berlin" in page
    assert "is not right" in text_of(client.post(url, {**saved, "cron": "77 * * * *"}, follow=True))
    assert "paused" in text_of(client.post(url, {"environment": "test", "step": "pause"}, follow=True))
    client.post(url, {"environment": "test", "step": "resume"})
    assert Schedule.objects.get().paused_at is None
    client.post(url, {"environment": "test", "step": "remove"})
    assert not Schedule.objects.exists()


def test_a_skipped_time_is_told_on_the_page(pipeline: Pipeline, olu: User, test_env: Environment, browser_of: Browser) -> None:
    save_schedule(actor=olu, pipeline=pipeline, environment=test_env, cron="0 * * * *", timezone_name="UTC")
    run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    Schedule.objects.update(next_due_at=timezone.now() - timedelta(seconds=1))
    ticks.start_due()
    assert "was still going" in text_of(browser_of(olu).get(ROOT + "nightly_flights/?environment=test"))


@pytest.mark.parametrize("path", ["", "nightly_flights/", "nightly_flights/edit", "nightly_flights/live", "explain-times", "new-pipeline"])
def test_strangers_see_nothing(pipeline: Pipeline, outsider: User, path: str, browser_of: Browser) -> None:
    assert browser_of(outsider).get(ROOT + path).status_code == 404


def test_viewers_have_no_buttons_that_work(pipeline: Pipeline, vic: User, browser_of: Browser) -> None:
    client = browser_of(vic)
    page = text_of(client.get(ROOT + "nightly_flights/?environment=test"))
    assert "You may not run it in test." in page and "Set the schedule" not in page
    assert client.post(ROOT + "nightly_flights/run", {"environment": "test"}).status_code == 404
    assert client.post(ROOT + "nightly_flights/schedule", {"environment": "test", "cron": "0 6 * * *"}).status_code == 404
    assert client.get(ROOT + "nightly_flights/edit").status_code == 404
