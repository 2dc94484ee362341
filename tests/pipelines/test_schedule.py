"""Schedules: setting them, and starting each tick once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.accounts.models import Membership, User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.pipelines import ticks
from portal.pipelines.actions import pause_schedule, remove_schedule, resume_schedule, save_schedule
from portal.pipelines.models import Pipeline, PipelineRun, Schedule
from portal.runs import turns
from portal.runs.actions import start_run
from portal.runs.models import Run
from tests.factories import make_person
from tests.pipelines.ends import end

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def schedule(pipeline: Pipeline, olu: User, test_env: Environment) -> Schedule:
    made = save_schedule(actor=olu, pipeline=pipeline, environment=test_env, cron="0 * * * *", timezone_name="Europe/Berlin")
    Schedule.objects.filter(pk=made.pk).update(next_due_at=NOON)
    made.refresh_from_db()
    return made


def test_a_due_tick_starts_the_pipeline_in_the_name_of_who_set_it(schedule: Schedule, olu: User) -> None:
    assert ticks.start_due(NOON - timedelta(seconds=1)) == 0
    assert ticks.start_due(NOON + timedelta(seconds=1)) == 1
    run = PipelineRun.objects.get()
    assert (run.due_at, run.requested_by, run.state, run.note) == (NOON, olu, "running", "")
    schedule.refresh_from_db()
    assert schedule.next_due_at == NOON + timedelta(hours=1)
    event = AuditEvent.objects.get(action="run_pipeline")
    assert (event.actor_name, event.details["in_the_name_of"]) == ("system", "olu")


def test_what_a_schedule_starts_is_not_of_the_share_of_who_set_it(
    schedule: Schedule, olu: User, test_env: Environment, settings: Any
) -> None:
    settings.PERSON_RUNS = 1
    ticks.start_due(NOON + timedelta(seconds=1))
    pipeline_run = PipelineRun.objects.get()
    for job in ("load_flights", "load_weather"):
        end(pipeline_run, job)
    after = Run.objects.get(job__name="daily_delays")  # what follows is the schedule's too
    assert {(run.trigger, run.trigger_label) for run in Run.objects.all()} == {("schedule", "of nightly_flights")}
    Run.objects.filter(pk=after.pk).update(state="running")
    by_hand = start_run(actor=olu, job=after.job, environment=test_env)
    assert not turns.has_its_share(by_hand)


def test_looking_again_starts_nothing_again(schedule: Schedule) -> None:
    for _ in range(5):
        ticks.start_due(NOON + timedelta(seconds=1))
    assert PipelineRun.objects.count() == 1


def _no_such_zone(schedule: Schedule, by: User) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(timezone="Nowhere/Else")


def _paused_meanwhile(schedule: Schedule, by: User) -> None:
    pause_schedule(actor=by, schedule=schedule)


def _taken_by_another(schedule: Schedule, by: User) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=NOON + timedelta(hours=1))


def _set_anew(schedule: Schedule, by: User) -> None:
    """The times as they were, in another name: the next time stays."""
    Schedule.objects.filter(pk=schedule.pk).update(set_by=by)


def _removed(schedule: Schedule, by: User) -> None:
    remove_schedule(actor=by, schedule=schedule)


@pytest.mark.parametrize(
    ("before", "meanwhile", "started", "because"),
    [
        (None, _paused_meanwhile, 0, "by Ola"),
        (_no_such_zone, _paused_meanwhile, 0, "by Ola"),
        (_no_such_zone, _taken_by_another, 0, ""),
        (None, _taken_by_another, 0, ""),
        (None, _removed, 0, None),
        (None, _set_anew, 1, ""),
    ],
)
def test_what_changed_while_others_were_started_counts(
    schedule: Schedule, pipeline: Pipeline, before: Any, meanwhile: Any, started: int, because: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler sees what is due at once, and starts one after the other."""
    ola = make_person("ola", pipeline.project, "operator")
    if before:
        before(schedule, ola)
    held = ticks._held

    def after_somebody(seen: Schedule) -> Schedule | None:
        Membership.objects.filter(user=seen.set_by).delete()
        meanwhile(Schedule.objects.get(), ola)
        return held(seen)

    monkeypatch.setattr(ticks, "_held", after_somebody)
    assert ticks.start_due(NOON) == started
    assert [run.requested_by for run in PipelineRun.objects.all()] == [ola] * started
    found = Schedule.objects.filter(pk=schedule.pk).first()
    assert (found.paused_because if found else None) == because


def test_of_missed_ticks_only_the_latest_is_started_and_its_note_says_so(schedule: Schedule) -> None:
    ticks.start_due(NOON + timedelta(hours=3, minutes=20))
    run = PipelineRun.objects.get()
    assert run.due_at == NOON + timedelta(hours=3)
    assert run.note.startswith("3 times before, 2026-06-01 12:00 to 2026-06-01 14:00 UTC, were missed")
    schedule.refresh_from_db()
    assert schedule.next_due_at == NOON + timedelta(hours=4)


def test_a_clock_that_goes_back_starts_no_tick_twice(schedule: Schedule) -> None:
    ticks.start_due(NOON + timedelta(seconds=1))
    PipelineRun.objects.update(state="succeeded")
    Schedule.objects.update(next_due_at=NOON)
    assert ticks.start_due(NOON + timedelta(seconds=2)) == 0
    assert PipelineRun.objects.count() == 1
    schedule.refresh_from_db()
    assert schedule.next_due_at == NOON + timedelta(hours=1)


def test_a_tick_is_skipped_while_the_run_before_still_goes(schedule: Schedule) -> None:
    ticks.start_due(NOON)
    ticks.start_due(NOON + timedelta(hours=1))
    skipped, first = PipelineRun.objects.order_by("-due_at")
    assert first.state == "running"
    assert skipped.state == "skipped" and "was still going" in skipped.note


def test_a_schedule_stops_with_the_rights_of_who_set_it(schedule: Schedule, olu: User) -> None:
    Membership.objects.filter(user=olu).delete()
    ticks.start_due(NOON)
    schedule.refresh_from_db()
    assert PipelineRun.objects.count() == 0
    assert schedule.paused_at is not None and "may no longer run it" in schedule.paused_because
    assert AuditEvent.objects.filter(action="pause_schedule", actor_name="system").exists()


def test_an_empty_pipeline_skips_its_tick_with_the_reason(schedule: Schedule, pipeline: Pipeline) -> None:
    pipeline.members.all().delete()
    ticks.start_due(NOON)
    assert PipelineRun.objects.get().note == "not started: nightly_flights has no jobs yet."


def test_pause_and_resume(schedule: Schedule, olu: User) -> None:
    pause_schedule(actor=olu, schedule=schedule)
    assert ticks.start_due(NOON + timedelta(days=1)) == 0
    resumed = resume_schedule(actor=olu, schedule=schedule)
    assert resumed.paused_at is None and resumed.next_due_at is not None and resumed.next_due_at > datetime.now(UTC)
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"save_schedule", "pause_schedule", "resume_schedule"}


def test_setting_new_times_keeps_a_pause(schedule: Schedule, olu: User, pipeline: Pipeline, test_env: Environment) -> None:
    pause_schedule(actor=olu, schedule=schedule)
    changed = save_schedule(actor=olu, pipeline=pipeline, environment=test_env, cron="5  6 * * *", timezone_name="UTC")
    assert changed.pk == schedule.pk and changed.paused_at is not None and changed.next_due_at is None
    assert changed.cron == "5 6 * * *"


def test_a_wrong_line_changes_nothing(schedule: Schedule, olu: User, pipeline: Pipeline, test_env: Environment) -> None:
    with pytest.raises(PortalError, match="hour"):
        save_schedule(actor=olu, pipeline=pipeline, environment=test_env, cron="0 25 * * *", timezone_name="UTC")
    schedule.refresh_from_db()
    assert schedule.cron == "0 * * * *"


def test_rights_of_schedules(schedule: Schedule, ana: User, vic: User, olu: User, pipeline: Pipeline, test_env: Environment) -> None:
    for person in (ana, vic):  # ana is an author in dev only
        with pytest.raises(NotAllowed):
            save_schedule(actor=person, pipeline=pipeline, environment=test_env, cron="0 6 * * *", timezone_name="UTC")
        with pytest.raises(NotAllowed):
            pause_schedule(actor=person, schedule=schedule)
    remove_schedule(actor=olu, schedule=schedule)
    assert not Schedule.objects.exists()


def test_times_that_a_clock_set_which_was_ahead_are_mended(schedule: Schedule) -> None:
    """Else nothing would start for years, and nobody would hear of it."""
    assert ticks.mend_times(NOON - timedelta(minutes=1)) == 0
    Schedule.objects.update(next_due_at=NOON + timedelta(days=800))
    assert ticks.start_due(NOON) == 0
    assert ticks.mend_times(NOON - timedelta(minutes=1)) == 1
    assert ticks.start_due(NOON) == 1
    assert PipelineRun.objects.get().due_at == NOON


def test_a_clock_that_goes_back_an_hour_repeats_no_time(schedule: Schedule) -> None:
    ticks.start_due(NOON)
    PipelineRun.objects.update(state="succeeded")
    back = NOON - timedelta(hours=1)
    for minute in range(0, 121, 10):
        ticks.mend_times(back + timedelta(minutes=minute))
        ticks.start_due(back + timedelta(minutes=minute))
    assert sorted(run.due_at for run in PipelineRun.objects.all()) == [NOON, NOON + timedelta(hours=1)]
