from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.alerts import raising
from portal.audit import actions as audit
from portal.pipelines.actions import create_pipeline
from portal.pipelines.models import PipelineRun, PipelineRunJob
from portal.promotions.models import Promotion
from portal.runs.models import StageRun
from tests import factories

pytestmark = pytest.mark.django_db

PROBLEM = {"code": "cast", "message": "“24:00” is not a timestamp.", "value": "24:00", "data_column": "time_hour"}


@pytest.fixture
def version(flights, ana):
    return factories.make_version(factories.make_job(flights, ana), live_in=("dev",))


def ask(version, dev, test_env, by, **fields):
    return Promotion.objects.create(
        job=version.job, version=version, sha256=version.sha256, from_environment=dev, to_environment=test_env, requested_by=by,
        expires_at=timezone.now() + timedelta(days=1), **fields,
    )  # fmt: skip


def needs(browser_of, user):
    return [f"{need.subject} {need.says}" for need in browser_of(user).get("/").context["needs"]]


def test_an_empty_home_says_why_it_is_empty(vic, browser_of):
    html = browser_of(vic).get("/").content.decode()
    for words in ("Nothing needs you", "Nothing runs now", "Nothing is scheduled"):
        assert words in html


def test_a_promotion_waits_for_its_approver_and_not_for_its_author(version, dev, test_env, ana, pat, browser_of):
    ask(version, dev, test_env, ana)
    assert needs(browser_of, pat) == ["daily_delays v1 → test Ana asks for your approval of"]
    assert needs(browser_of, ana) == []


@pytest.mark.parametrize(("state", "says"), [("declined", "was declined"), ("expired", "has expired: nobody decided in time")])
def test_what_became_of_it_comes_back_to_who_asked(version, dev, test_env, ana, browser_of, state, says):
    ask(version, dev, test_env, ana, state=state, decided_at=timezone.now())
    assert needs(browser_of, ana) == [f"daily_delays v1 → test {says}"]


def test_a_failed_run_needs_its_owner_until_a_later_one_went_well(version, dev, ana, olu, browser_of):
    factories.make_run(version, dev, "failed", minutes_ago=30, requested_by=olu)
    assert needs(browser_of, ana) == ["daily_delays failed in dev"]
    assert needs(browser_of, olu) == ["daily_delays failed in dev"]
    factories.make_run(version, dev, "succeeded", minutes_ago=5)
    assert needs(browser_of, ana) == []


@pytest.mark.parametrize("end", ["succeeded", "failed"])
def test_a_draft_hides_no_failure_of_a_version(version, dev, ana, olu, browser_of, end):
    factories.make_run(version, dev, "failed", minutes_ago=30)
    draft = factories.make_run(version, dev, end, minutes_ago=5)
    draft.version = None
    draft.save()
    assert needs(browser_of, olu) == ["daily_delays failed in dev"]  # somebody tries something out: what runs there is not mended
    assert needs(browser_of, ana) == ["daily_delays failed in dev"] * (1 if end == "succeeded" else 2)
    factories.make_run(version, dev, "succeeded", minutes_ago=1)
    assert needs(browser_of, olu) == needs(browser_of, ana) == []


def test_who_was_told_of_a_failure_finds_it_here_until_it_is_over(version, test_env, flights, ana, browser_of):
    ben = factories.make_person("ben", flights, "viewer")
    pipeline = create_pipeline(actor=ana, project=flights, name="night", after={version.job.name: []})
    pipeline.owner = ben
    pipeline.save()
    factories.make_live(version, test_env)
    made = PipelineRun.objects.create(pipeline=pipeline, environment=test_env)
    failed = factories.make_run(version, test_env, "failed", minutes_ago=5)
    PipelineRunJob.objects.create(pipeline_run=made, job=version.job, run=failed, state="failed")
    raising.run_ended(failed.pk)
    assert needs(browser_of, ben) == ["daily_delays failed in test"]
    by_hand = factories.make_run(version, test_env, "failed", minutes_ago=3)
    raising.run_ended(by_hand.pk)
    assert needs(browser_of, ben) == ["daily_delays failed in test"]  # that one is not theirs
    well = factories.make_run(version, test_env, "succeeded", minutes_ago=1)
    raising.run_ended(well.pk)
    assert needs(browser_of, ben) == []


def test_a_promotion_that_nobody_may_approve_waits_on_the_home_of_who_stands_in(version, dev, test_env, ana, ada, browser_of):
    promotion = ask(version, dev, test_env, ana)
    raising.promotion_changed(promotion.pk)
    assert needs(browser_of, ada) == ["Ana asks for approval: daily_delays v1 → test "]


def test_who_has_said_yes_is_not_asked_again(version, dev, test_env, ana, pat, browser_of):
    promotion = ask(version, dev, test_env, ana)
    raising.promotion_changed(promotion.pk)
    assert len(needs(browser_of, pat)) == 1
    promotion.approvals.create(approver=pat, decision="approve", sha256=promotion.sha256)
    assert needs(browser_of, pat) == []


def test_of_many_failures_of_one_job_the_last_is_named(version, dev, ana, browser_of):
    for minutes in (30, 20, 10):
        factories.make_run(version, dev, "failed", minutes_ago=minutes)
    assert len(needs(browser_of, ana)) == 1


def test_values_of_the_data_are_shown_only_to_those_who_may_see_data(version, prod, ana, olu, browser_of):
    factories.make_run(version, prod, "failed", minutes_ago=3, problem=PROBLEM, requested_by=olu)
    assert "24:00" in browser_of(olu).get("/").content.decode()
    assert "24:00" not in browser_of(ana).get("/").content.decode()  # Ana only looks in prod


def test_running_now_names_the_stage(version, dev, vic, browser_of):
    run = factories.make_run(version, dev, "running", minutes_ago=1)
    for index, state in enumerate(["done", "running", "waiting"]):
        finished = timezone.now() if state == "done" else None
        StageRun.objects.create(run=run, attempt_number=0, index=index, name=f"s{index}", type="X", state=state, finished_at=finished)
    assert "stage 2 of 3, s1" in browser_of(vic).get("/").content.decode()


def test_this_week_counts_the_runs_one_may_see(version, dev, test_env, flights, browser_of):
    factories.make_run(version, dev, "failed", minutes_ago=1)
    factories.make_run(version, test_env, "succeeded", minutes_ago=1)
    factories.make_run(version, test_env, "succeeded", minutes_ago=60 * 24 * 30)
    only_dev = factories.make_person("dee", flights, "viewer@dev")
    figures = {figure.name: figure.total for figure in browser_of(only_dev).get("/").context["figures"]}
    assert figures == {"Runs": 1, "Failed": 1, "Late": 0, "Minutes of work": 0.5}


def test_first_steps_tick_as_they_are_done(flights, ana, dev, browser_of):
    def done():
        return [step.title for step in browser_of(ana).get("/").context["steps"] if step.is_done]

    assert done() == []
    version = factories.make_version(factories.make_job(flights, ana))
    assert done() == ["Make a job", "Save a version"]
    factories.make_run(version, dev, "succeeded")
    audit.record(action="preview", actor=ana, subject=version.job)
    assert done() == ["Make a job", "Preview a stage", "Save a version", "Run it to green"]


def test_who_only_looks_has_no_steps(vic, browser_of):
    assert browser_of(vic).get("/").context["steps"] == []


def test_the_palette_finds_jobs_runs_and_actions_by_name(version, dev, ana, browser_of):
    run = factories.make_run(version, dev, "succeeded")

    def titles(text):
        return [item["title"] for item in browser_of(ana).get(f"/palette.json?q={text}").json()["items"]]

    assert "daily_delays" in titles("DELAYS")
    assert "Edit daily_delays" in titles("delays")
    assert any(str(run.pk)[:8] in title for title in titles(str(run.pk)[:6]))
    assert "New job" in titles("new")
    assert titles("nothing-of-the-kind") == []


def test_the_palette_offers_only_what_one_may_do(version, vic, outsider, browser_of):
    assert [item["title"] for item in browser_of(vic).get("/palette.json?q=delays").json()["items"]] == ["daily_delays"]
    assert browser_of(outsider).get("/palette.json?q=delays").json()["items"] == []


def test_somebody_without_a_project_is_told_what_to_do(browser_of):
    nia = factories.make_person("nia")
    assert b"You have no role in a project yet" in browser_of(nia).get("/").content


def test_an_operator_sees_what_failed_where_they_operate_and_nothing_of_elsewhere(version, dev, test_env, flights, ana, browser_of):
    factories.make_run(version, test_env, "failed", minutes_ago=5)
    here = factories.make_person("here", flights, "operator@test")
    elsewhere = factories.make_person("elsewhere", flights, "operator@dev")
    assert needs(browser_of, here) == ["daily_delays failed in test"]
    assert needs(browser_of, elsewhere) == []


def test_what_has_no_run_needs_its_owner_and_operator_until_it_is_over(version, test_env, ana, olu, vic, browser_of):
    from portal.alerts import raising
    from portal.pipelines.actions import create_pipeline, run_pipeline

    pipeline = create_pipeline(actor=ana, project=version.job.project, name="night", after={"daily_delays": []})
    made = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)  # it is live in dev only
    raising.pipeline_run_changed(made.pk)
    said = ["daily_delays could not start in test (pipeline night) "]
    assert needs(browser_of, ana) == needs(browser_of, olu) == said
    assert needs(browser_of, vic) == []


def test_a_failure_that_somebody_called_mended_needs_nobody(version, dev, ana, olu, browser_of):
    from portal.alerts import raising
    from portal.alerts.actions import resolve_alert
    from portal.alerts.models import Alert

    run = factories.make_run(version, dev, "failed", minutes_ago=5)
    raising.run_ended(run.pk)
    resolve_alert(actor=olu, alert=Alert.objects.get())
    assert needs(browser_of, ana) == []


def test_a_new_project_says_where_to_begin(ana, vic, olu, dev, browser_of):
    """Until somebody has made a job, whoever may bring a file and make one is shown where."""
    assert 'href="/p/flights/data/dev/"' in (page := browser_of(ana).get("/").content.decode()) and "Begin with a file of yours" in page
    for person in (vic, olu):
        assert "Begin with a file" not in browser_of(person).get("/").content.decode()
    assert "Drop a file anywhere on this page" in browser_of(ana).get("/p/flights/jobs/").content.decode()
    factories.make_job(dev.project, ana, "first")
    assert "Begin with a file" not in browser_of(ana).get("/").content.decode()
