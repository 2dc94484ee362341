"""What fails without a run is told too: each thing to those who must act, by mail and in their list, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.alerts import not_taken, raising, tasks
from portal.alerts.actions import create_channel, create_rule, pause_rule, resolve_alert
from portal.alerts.models import Alert, Delivery, Notice, Rule
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.pipelines import ticks
from portal.pipelines.actions import cancel_pipeline_run, create_pipeline, rerun_failed, resume_schedule, run_pipeline, save_schedule
from portal.pipelines.models import Pipeline, PipelineRun, PipelineRunJob, Schedule
from portal.runs import doorbell
from portal.runs.models import OutboxMessage, Run
from tests.factories import make_job, make_live, make_person, make_run, make_version

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NEEDS_DAY: dict[str, Any] = {
    "parameters": {"day": {"type": "date", "label": "Day"}},
    "stages": [
        {"type": "SQLTransform", "name": "one", "environments": ["dev", "test", "prod"], "sql": "SELECT ${day} AS d", "outputView": "o"},
        {"type": "ConsoleLoad", "name": "show", "environments": ["dev", "test", "prod"], "inputView": "o"},
    ],
}


def mailed(event: str) -> list[str]:
    """Whom mails about this go to."""
    return sorted(Delivery.objects.filter(alert__event=event, kind="email").values_list("target", flat=True))


def listed(event: str) -> set[str]:
    return set(Notice.objects.filter(alert__event=event).values_list("user__username", flat=True))


def hear() -> None:
    """What the worker does with the messages that changes left behind."""
    for message in OutboxMessage.objects.order_by("pk"):
        if message.task.startswith("portal.alerts."):
            getattr(tasks, message.task.rpartition(".")[2])(message.argument)


@pytest.fixture
def nightly(flights: Project, ben: User) -> Job:
    """Ben's job that needs a day; it is live in dev and test, and nobody gives it one."""
    job = make_job(flights, ben, "nightly")
    make_version(job, document=NEEDS_DAY, live_in=("dev", "test"))
    return job


@pytest.fixture
def night(flights: Project, ana: User, nightly: Job) -> Pipeline:
    return create_pipeline(actor=ana, project=flights, name="night", after={"nightly": []})


@pytest.fixture
def schedule(night: Pipeline, olu: User, test_env: Environment) -> Schedule:
    """In Olu's name, in test, due at noon."""
    made = save_schedule(actor=olu, pipeline=night, environment=test_env, cron="0 * * * *", timezone_name="UTC")
    Schedule.objects.filter(pk=made.pk).update(next_due_at=NOON)
    made.refresh_from_db()
    return made


# --- a pipeline that could not start -----------------------------------------------------------------------------------


def test_a_job_without_a_value_is_told_to_the_owners_and_the_operators(night: Pipeline, schedule: Schedule) -> None:
    ticks.start_due(NOON)
    hear()
    alert = Alert.objects.get()
    assert (alert.event, alert.subject_type, alert.state) == ("not_started", "pipeline_run", "open")
    assert alert.title == "nightly could not start in test (pipeline night)"
    assert "The parameter “day” has no value." in alert.body
    assert "What to do: Give it a default in the job, or a value in the environment test." in alert.body
    assert mailed("not_started") == ["ana@sluice.test", "ben@sluice.test", "olu@sluice.test"]
    assert listed("not_started") == {"ana", "ben", "olu"}


def test_heard_again_and_again_it_is_told_once(schedule: Schedule) -> None:
    ticks.start_due(NOON)
    for _ in range(3):
        hear()
        raising.find_untold(timezone.now() + timedelta(seconds=30))
    assert Alert.objects.count() == 1 and Delivery.objects.count() == 3


def test_what_cannot_start_every_hour_is_told_once_a_day_and_counted(schedule: Schedule, nightly: Job) -> None:
    """Twenty hours later it is told again; another obstacle at once."""
    for hour in range(4):
        ticks.start_due(NOON + timedelta(hours=hour))
        hear()
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    alert = Alert.objects.get(event="not_started")
    assert alert.times == 4 and "Since then it could not start again, last at" in alert.body
    assert mailed("not_started") == ["ana@sluice.test", "ben@sluice.test", "olu@sluice.test"]
    nightly.live_versions.all().delete()
    ticks.start_due(NOON + timedelta(hours=4))
    hear()
    assert Alert.objects.filter(event="not_started").count() == 2, "another obstacle"
    Alert.objects.update(created_at=timezone.now() - timedelta(hours=20))
    ticks.start_due(NOON + timedelta(hours=5))
    hear()
    assert Alert.objects.filter(event="not_started").count() == 3, "another night"


def test_what_cannot_start_is_told_anew_once_somebody_called_it_mended(schedule: Schedule, olu: User) -> None:
    ticks.start_due(NOON)
    hear()
    resolve_alert(actor=olu, alert=Alert.objects.get())
    ticks.start_due(NOON + timedelta(hours=1))
    hear()
    assert Alert.objects.count() == 2 and len(mailed("not_started")) == 6


def test_the_scheduler_tells_what_lost_messages_did_not(schedule: Schedule, olu: User) -> None:
    ticks.start_due(NOON)
    assert raising.find_untold(timezone.now() + timedelta(seconds=30)) == 1
    assert mailed("not_started")


@pytest.mark.parametrize(("why", "says"), [("archived", "is archived"), ("withdrawn", "No version of nightly is live in test")])
def test_a_job_that_is_archived_or_not_live(night: Pipeline, schedule: Schedule, nightly: Job, why: str, says: str) -> None:
    if why == "archived":
        Job.objects.filter(pk=nightly.pk).update(archived_at=timezone.now())
    else:
        nightly.live_versions.all().delete()
    ticks.start_due(NOON)
    hear()
    assert says in Alert.objects.get().body


def test_a_fault_of_ours_does_not_leave_it_running_for_ever(
    night: Pipeline, olu: User, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("portal.pipelines.progress.start_run", broken)
    made = run_pipeline(actor=olu, pipeline=night, environment=test_env)
    hear()
    assert made.state == "failed"
    alert = Alert.objects.get()
    assert "a fault in Sluice itself" in alert.body and "secret inside" not in alert.body


def test_it_is_told_while_the_other_jobs_still_run(flights: Project, night: Pipeline, ana: User, olu: User, test_env: Environment) -> None:
    make_version(make_job(flights, ana, "long"), live_in=("test",))
    both = create_pipeline(actor=ana, project=flights, name="both", after={"nightly": [], "long": []})
    assert run_pipeline(actor=olu, pipeline=both, environment=test_env).state == "running"
    hear()
    assert Alert.objects.get().event == "not_started"


def test_a_rerun_that_cannot_start_either_is_the_same_alert(night: Pipeline, nightly: Job, olu: User, test_env: Environment) -> None:
    made = run_pipeline(actor=olu, pipeline=night, environment=test_env)
    hear()
    nightly.live_versions.all().delete()
    rerun_failed(actor=olu, pipeline_run=made)
    raising.pipeline_run_changed(made.pk)
    assert "No version of nightly is live" in Alert.objects.get(event="not_started").body
    assert Delivery.objects.count() == 3


def test_a_channel_of_the_failed_rule_hears_of_it(night: Pipeline, olu: User, ada: User, test_env: Environment, prod: Environment) -> None:
    team, _ = create_channel(actor=ada, project=night.project, name="Team", kind="email", target="team@sluice.test")
    other, _ = create_channel(actor=ada, project=night.project, name="Other", kind="email", target="other@sluice.test")
    create_rule(actor=ada, project=night.project, event="failed", environment=test_env, channels=[team])
    create_rule(actor=ada, project=night.project, event="failed", environment=prod, channels=[other])
    run_pipeline(actor=olu, pipeline=night, environment=test_env)
    hear()
    assert "team@sluice.test" in mailed("not_started") and "other@sluice.test" not in mailed("not_started")


def test_nobody_left_to_tell_is_told_to_the_admins(
    night: Pipeline, olu: User, ana: User, ben: User, ada: User, test_env: Environment
) -> None:
    run_pipeline(actor=olu, pipeline=night, environment=test_env)
    User.objects.filter(pk__in=[ana.pk, ben.pk, olu.pk]).update(is_active=False)
    hear()
    assert mailed("not_started") == ["ada@sluice.test"]


# --- schedules ---------------------------------------------------------------------------------------------------------


def test_a_schedule_that_paused_itself_is_told_to_whoever_can_resume_it(schedule: Schedule, olu: User, ada: User, flights: Project) -> None:
    second = make_person("ike", flights, "operator@test")
    elsewhere = make_person("eve", flights, "operator@prod")
    User.objects.filter(pk=olu.pk).update(is_active=False)
    ticks.start_due(NOON)
    hear()
    alert = Alert.objects.get()
    assert alert.event == "paused" and "Olu, in whose name it ran, may no longer run it" in alert.body
    assert mailed("paused") == ["ada@sluice.test", "ana@sluice.test", "ike@sluice.test"]
    assert elsewhere.username not in listed("paused") and second.username in listed("paused")
    assert ticks.start_due(NOON + timedelta(hours=1)) == 0
    hear()
    assert Alert.objects.count() == 1


def test_resuming_it_runs_it_in_the_name_of_who_resumed_and_resolves_the_alert(schedule: Schedule, olu: User, flights: Project) -> None:
    ike = make_person("ike", flights, "operator@test")
    Membership.objects.filter(user=olu).delete()
    ticks.start_due(NOON)
    hear()
    schedule.refresh_from_db()
    resumed = resume_schedule(actor=ike, schedule=schedule)
    assert resumed.set_by == ike, "else it would pause again at once"
    hear()
    alert = Alert.objects.get()
    assert (alert.state, alert.resolution) == ("resolved", "the schedule was resumed")


def test_a_paused_rule_keeps_a_schedule_that_stopped_out_of_no_list(schedule: Schedule, olu: User, ada: User) -> None:
    pause_rule(actor=ada, rule=raising.default_rule(schedule.pipeline.project))
    User.objects.filter(pk=olu.pk).update(is_active=False)
    ticks.start_due(NOON)
    hear()
    assert listed("paused") == {"ada", "ana"} and mailed("paused") == ["ada@sluice.test"]


def test_a_pause_by_a_person_is_no_failure(schedule: Schedule, olu: User) -> None:
    from portal.pipelines.actions import pause_schedule

    pause_schedule(actor=olu, schedule=schedule)
    hear()
    assert not Alert.objects.exists()


def test_one_schedule_that_cannot_be_read_holds_up_no_other(
    schedule: Schedule, flights: Project, ana: User, olu: User, test_env: Environment
) -> None:
    make_version(make_job(flights, ana, "good"), live_in=("test",))
    other = create_pipeline(actor=ana, project=flights, name="other", after={"good": []})
    later = save_schedule(actor=olu, pipeline=other, environment=test_env, cron="0 * * * *", timezone_name="UTC")
    Schedule.objects.filter(pk=later.pk).update(next_due_at=NOON)
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=NOON - timedelta(hours=1), timezone="Europe/Atlantis")
    ticks.start_due(NOON)
    hear()
    assert other.pipeline_runs.count() == 1
    schedule.refresh_from_db()
    assert schedule.paused_itself and "Europe/Atlantis" in schedule.paused_because
    assert Alert.objects.get(event="paused").pipeline == schedule.pipeline


def test_a_skipped_time_is_told_once_and_counted(schedule: Schedule, nightly: Job, test_env: Environment) -> None:
    make_live(make_version(nightly), test_env)
    ticks.start_due(NOON)
    for hour in (1, 2, 3):
        ticks.start_due(NOON + timedelta(hours=hour))
        hear()
    alert = Alert.objects.get(event="skipped")
    assert alert.times == 3 and "skipped again, last at 2026-06-01 15:00 UTC" in alert.body
    assert mailed("skipped") == ["ana@sluice.test", "olu@sluice.test"]


@pytest.mark.parametrize("event", ["skipped", "not_started"])
@pytest.mark.parametrize("over", ["by a person", "by a good run"])
def test_what_was_counted_is_not_told_again_when_it_is_over(
    event: str, over: str, schedule: Schedule, nightly: Job, test_env: Environment, olu: User
) -> None:
    if event == "skipped":
        make_live(make_version(nightly), test_env)
        ticks.start_due(NOON)
    for hour in (1, 2, 3):
        ticks.start_due(NOON + timedelta(hours=hour))
        hear()
    if over == "by a person":
        resolve_alert(actor=olu, alert=Alert.objects.get(event=event))
    else:
        good = PipelineRun.objects.create(
            pipeline=schedule.pipeline, environment=test_env, state="succeeded", finished_at=timezone.now(), requested_by=olu
        )
        raising.pipeline_run_changed(good.pk)
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    hear()
    alert = Alert.objects.get(event=event)
    assert (alert.state, alert.times) == ("resolved", 3)
    ticks.start_due(NOON + timedelta(hours=4))
    hear()
    assert Alert.objects.filter(event=event).count() == 2, "a new trouble is told"


def test_missed_times_are_said(schedule: Schedule, nightly: Job, test_env: Environment) -> None:
    make_live(make_version(nightly), test_env)
    ticks.start_due(NOON + timedelta(hours=3))
    hear()
    note = Alert.objects.get(event="missed")
    assert note.state == "note" and "3 times before" in note.body


def test_missed_times_are_said_also_when_the_message_was_lost(schedule: Schedule, nightly: Job, test_env: Environment) -> None:
    make_live(make_version(nightly), test_env)
    ticks.start_due(NOON + timedelta(hours=3))
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    assert mailed("missed")
    assert raising.find_untold(timezone.now() + timedelta(seconds=30)) == 0


def test_one_that_could_not_start_a_job_and_was_stopped_then_is_told_of_both(
    flights: Project, night: Pipeline, ana: User, olu: User, test_env: Environment
) -> None:
    make_version(make_job(flights, ana, "long"), live_in=("test",))
    both = create_pipeline(actor=ana, project=flights, name="both", after={"nightly": [], "long": []})
    made = run_pipeline(actor=olu, pipeline=both, environment=test_env)
    hear()
    cancel_pipeline_run(actor=olu, pipeline_run=made)
    PipelineRun.objects.filter(state="cancelled").update(finished_at=timezone.now())
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    assert sorted(Alert.objects.values_list("event", flat=True)) == ["not_started", "stopped"]


# --- stopped by somebody else -------------------------------------------------------------------------------------------


def test_a_run_that_somebody_else_cancelled_is_told_to_its_owner(nightly: Job, test_env: Environment, olu: User, ben: User) -> None:
    version = nightly.versions.get()
    run = make_run(version, test_env, "cancelled", cancel_requested_by=olu, requested_by=olu)
    raising.run_ended(run.pk)
    assert listed("cancelled") == {"ben"} and mailed("cancelled") == ["ben@sluice.test"]
    own = make_run(version, test_env, "cancelled", cancel_requested_by=ben, requested_by=olu)
    raising.run_ended(own.pk)
    assert Alert.objects.about(own).count() == 1 and listed("cancelled") == {"ben", "olu"}  # its owner stopped what Olu had started
    nobodys = make_run(version, test_env, "cancelled", cancel_requested_by=ben, requested_by=ben)
    raising.run_ended(nobodys.pk)
    assert not Alert.objects.about(nobodys).exists()


def test_a_job_that_its_owner_stopped_within_a_pipeline_is_told_to_whose_pipeline_it_is(
    night: Pipeline, nightly: Job, test_env: Environment, ben: User, olu: User
) -> None:
    run = make_run(nightly.versions.get(), test_env, "cancelled", cancel_requested_by=ben, requested_by=olu)
    made = PipelineRun.objects.create(pipeline=night, environment=test_env, state="failed")
    PipelineRunJob.objects.create(pipeline_run=made, job=nightly, run=run, state="cancelled")
    raising.run_ended(run.pk)
    assert listed("cancelled") == {"ana", "olu"} and mailed("cancelled") == ["ana@sluice.test", "olu@sluice.test"]


def test_a_pipeline_run_that_its_owner_cancelled_is_told_to_who_started_it(
    night: Pipeline, test_env: Environment, ana: User, olu: User
) -> None:
    by_olu, by_ana = [
        PipelineRun.objects.create(pipeline=night, environment=test_env, state="cancelled", requested_by=who, cancel_requested_by=ana)
        for who in (olu, ana)
    ]
    raising.pipeline_run_changed(by_olu.pk)
    raising.pipeline_run_changed(by_ana.pk)
    assert listed("stopped") == {"olu"} and Alert.objects.count() == 1


def test_a_pipeline_run_that_was_cancelled_is_one_message(flights: Project, ana: User, olu: User, test_env: Environment) -> None:
    for name in ("a", "b", "c"):
        make_version(make_job(flights, ana, name), live_in=("test",))
    pipeline = create_pipeline(actor=ana, project=flights, name="three", after={"a": [], "b": [], "c": []})
    made = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    cancel_pipeline_run(actor=olu, pipeline_run=made)
    hear()
    for run in Run.objects.all():
        raising.run_ended(run.pk)
    assert [alert.event for alert in Alert.objects.all()] == ["stopped"]
    assert mailed("stopped") == ["ana@sluice.test"]


# --- late ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_limits(nightly: Job, ada: User) -> Run:
    """Ten minutes for the team, sixty for the manager; and a run that was asked for just now."""
    for name, minutes in (("team", 10), ("manager", 60)):
        channel, _ = create_channel(actor=ada, project=nightly.project, name=name, kind="email", target=f"{name}@sluice.test")
        create_rule(actor=ada, project=nightly.project, event="late", job=nightly, minutes=minutes, channels=[channel], tell_owner=False)
    Rule.objects.update(created_at=timezone.now() - timedelta(hours=5))
    return make_run(nightly.versions.get(), nightly.project.environments.get(name="test"), "running")


def test_every_limit_that_is_passed_tells_its_own(two_limits: Run) -> None:
    asked = two_limits.created_at
    assert raising.find_late(asked + timedelta(minutes=11)) == 1
    assert mailed("late") == ["team@sluice.test"]
    assert raising.find_late(asked + timedelta(minutes=12)) == 0
    assert raising.find_late(asked + timedelta(minutes=61)) == 1
    assert mailed("late") == ["manager@sluice.test", "team@sluice.test"]
    assert raising.find_late(asked + timedelta(minutes=62)) == 0


def test_limits_passed_while_nobody_looked_are_one_alert_for_all(two_limits: Run) -> None:
    assert raising.find_late(two_limits.created_at + timedelta(minutes=90)) == 1
    assert mailed("late") == ["manager@sluice.test", "team@sluice.test"]


def test_a_run_that_ends_late_tells_every_limit_it_passed(two_limits: Run) -> None:
    Run.objects.update(state="succeeded", finished_at=two_limits.created_at + timedelta(minutes=61))
    raising.run_ended(two_limits.pk)
    assert mailed("late") == ["manager@sluice.test", "team@sluice.test"]
    alert = Alert.objects.get(event="late")
    assert (alert.state, alert.resolution) == ("resolved", "when the run ended well")


def test_two_rules_of_the_same_limit_are_one_message(two_limits: Run, ada: User) -> None:
    twin = create_rule(
        actor=ada, project=two_limits.project, event="late", minutes=10, channels=list(two_limits.project.channels.filter(name="team"))
    )
    Rule.objects.filter(pk=twin.pk).update(created_at=timezone.now() - timedelta(hours=5))
    raising.find_late(two_limits.created_at + timedelta(minutes=11))
    assert Alert.objects.count() == 1 and mailed("late") == ["ben@sluice.test", "team@sluice.test"]


def test_a_rule_that_is_resumed_tells_what_another_of_its_limit_has_told(two_limits: Run, ada: User) -> None:
    manager = Rule.objects.get(minutes=60)
    Rule.objects.filter(pk=manager.pk).update(minutes=10, paused_at=timezone.now())
    assert raising.find_late(two_limits.created_at + timedelta(minutes=11)) == 1
    assert mailed("late") == ["team@sluice.test"]
    manager.refresh_from_db()
    pause_rule(actor=ada, rule=manager, paused=False)
    assert raising.find_late(two_limits.created_at + timedelta(minutes=12)) == 1
    assert mailed("late") == ["manager@sluice.test", "team@sluice.test"]
    assert raising.find_late(two_limits.created_at + timedelta(minutes=13)) == 0


def test_a_pipeline_run_without_trouble_tells_nobody(schedule: Schedule, nightly: Job, test_env: Environment) -> None:
    make_live(make_version(nightly), test_env)
    ticks.start_due(NOON)
    PipelineRun.objects.update(state="succeeded", finished_at=timezone.now())
    hear()
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    assert not Alert.objects.exists()


@pytest.mark.parametrize(("end", "told_again"), [("cancelled", []), ("succeeded", ["ben@sluice.test", "olu@sluice.test"])])
def test_what_waits_because_no_worker_is_there_is_told_once_in_each_environment(
    flights: Project,
    ben: User,
    olu: User,
    test_env: Environment,
    dev: Environment,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    told_again: list[str],
) -> None:
    silent = [False]
    monkeypatch.setattr(doorbell, "is_silent", lambda program: program == "worker" and silent[0])
    version = make_version(make_job(flights, ben, "hourly"), live_in=("dev", "test"))
    first, _ = make_run(version, test_env, minutes_ago=9), make_run(version, test_env, minutes_ago=8)
    make_run(version, dev, minutes_ago=1)
    assert not_taken.find_not_taken() == 0
    silent[0] = True
    assert [not_taken.find_not_taken() for _ in range(2)] == [1, 0]
    assert mailed("not_taken") == ["ben@sluice.test", "olu@sluice.test"]
    assert Alert.objects.get().title == "hourly waits in test: no worker answers"
    Delivery.objects.update(state="delivered")
    if end == "cancelled":
        Run.objects.filter(pk=first.pk).update(state="cancelled")
        assert not_taken.find_not_taken() == 0  # the others wait still
    else:
        raising.run_ended(make_run(version, test_env, "succeeded").pk)
    silent[0] = False
    assert not_taken.find_not_taken() == 0
    assert Alert.objects.get(event="not_taken").state == "resolved" and mailed("well_again") == told_again
