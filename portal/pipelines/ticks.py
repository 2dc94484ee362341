"""Starting pipelines at the times of their schedules. Any number of schedulers may call `start_due` at the same moment."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from typing import cast

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from portal.accounts.policy import can
from portal.audit.actions import record
from portal.errors import PortalError
from portal.pipelines import times
from portal.pipelines.actions import start
from portal.pipelines.models import PipelineRun, PipelineRunState, Schedule
from portal.pipelines.readiness import reason_of

log = logging.getLogger("sluice.schedules")


def start_due(now: datetime | None = None) -> int:
    """Starts every schedule that is due, each tick once. Returns how many ticks were taken by this call."""
    now = now or timezone.now()
    due = Schedule.objects.filter(next_due_at__lte=now, paused_at=None).select_related("pipeline__project", "environment", "set_by")
    return sum(_take_safely(schedule, now) for schedule in due.order_by("next_due_at"))


def mend_times(now: datetime | None = None) -> int:
    """A clock that was ahead for a while has set next times that lie further away than they can be; without this, they would be waited for
    in silence. Returns how many there were."""
    now, count = now or timezone.now(), 0
    for schedule in Schedule.objects.filter(next_due_at__gt=now, paused_at=None):
        with suppress(PortalError):  # one that cannot be read pauses itself when it is due
            due = times.next_due(schedule.cron, schedule.timezone, now)
            stored = cast(datetime, schedule.next_due_at)
            if due is not None and due < stored and _mend(schedule, due):
                log.warning("%s in %s was to start at %s only; it starts at %s.", schedule.pipeline, schedule.environment, stored, due)
                count += 1
    return count


def _mend(seen: Schedule, due: datetime) -> bool:
    with transaction.atomic():
        schedule = _held(seen)
        if schedule is not None:
            schedule.wait_for(due)
    return schedule is not None


def _take_safely(seen: Schedule, now: datetime) -> bool:
    """One schedule that cannot be started holds up no other."""
    try:
        with transaction.atomic():
            schedule = _held(seen)
            return schedule is not None and _take(schedule, now)
    except DatabaseError:
        raise  # tried again at the next tick
    except Exception:
        log.exception("%s in %s cannot be started.", seen.pipeline.name, seen.environment.name)
        _skip_after_fault(seen, now)
    return False


def _held(seen: Schedule) -> Schedule | None:
    """The schedule as it is now, held until the transaction ends. None where its time is not due any more: while those before it were
    started, somebody has paused it, set other times or removed it, or another scheduler has taken it."""
    there = Schedule.objects.select_for_update(no_key=True, of=("self",)).select_related("pipeline__project", "environment", "set_by")
    return there.filter(pk=seen.pk, next_due_at=seen.next_due_at, paused_at=None).first()


def _skip_after_fault(seen: Schedule, now: datetime) -> None:
    """What went wrong may be gone at the next time; this one is skipped, visibly."""
    with transaction.atomic():
        if schedule := _held(seen):
            due_at = cast(datetime, schedule.next_due_at)
            schedule.wait_for(times.next_due(schedule.cron, schedule.timezone, now))
            _skip(schedule, due_at, "not started: a fault in Sluice itself; its log says more")


def _take(schedule: Schedule, now: datetime) -> bool:
    """Starts what is due; when several ticks were missed, only the latest, and its note tells of the others. One whose times cannot be read
    (say, its time zone is gone) pauses itself."""
    first_due = cast(datetime, schedule.next_due_at)  # only what is due is held
    try:
        next_due = times.next_due(schedule.cron, schedule.timezone, now)
        due = times.missed_times(schedule.cron, schedule.timezone, first_due, now) or [first_due]
    except PortalError as error:
        _pause(schedule, f"its times cannot be read: {error.message}")
        return False
    schedule.wait_for(next_due)
    try:
        with transaction.atomic():
            _start(schedule, due[-1], _about_missed(due[:-1]))
    except IntegrityError:
        return False  # this very tick has a pipeline run already (a clock that went back)
    if next_due is None and schedule.paused_at is None:
        _pause(schedule, "its times never come again")
    return True


def _start(schedule: Schedule, due_at: datetime, note: str) -> None:
    pipeline, environment = schedule.pipeline, schedule.environment
    if not can(schedule.set_by, "run_pipeline", pipeline, environment=environment.name):
        _pause(schedule, f"{schedule.set_by.shown_name}, in whose name it ran, may no longer run it")
        return
    active = pipeline.pipeline_runs.filter(environment=environment, state=PipelineRunState.RUNNING).first()
    if active is not None:
        _skip(schedule, due_at, f"not started: the run of {active.created_at:%H:%M} UTC was still going")
        return
    try:
        with transaction.atomic():
            run = start(pipeline, environment, requested_by=schedule.set_by, schedule=schedule, due_at=due_at, note=note)
            if note:
                run.tell()
            record(
                action="run_pipeline",
                actor=None,
                subject=run,
                environment=environment.name,
                in_the_name_of=schedule.set_by.username,
                due_at=due_at.isoformat(),
            )
    except PortalError as error:
        _skip(schedule, due_at, f"not started: {reason_of(error, None, environment).message}")
    else:
        more = f"; {note}" if note else ""
        line = f"{pipeline.name} started in {environment.name} (due {due_at:%Y-%m-%d %H:%M} UTC){more}"
        transaction.on_commit(lambda: log.info(line))  # a full disk may still take it back


def _pause(schedule: Schedule, because: str) -> None:
    with transaction.atomic():
        schedule.pause(because)
        record(action="pause_schedule", actor=None, subject=schedule, environment=schedule.environment.name, because=because)
    log.warning("%s in %s is paused: %s", schedule.pipeline.name, schedule.environment.name, because)


def _skip(schedule: Schedule, due_at: datetime, note: str) -> None:
    """A tick without a run is shown too."""
    run = PipelineRun.objects.create(
        pipeline=schedule.pipeline,
        environment=schedule.environment,
        schedule=schedule,
        due_at=due_at,
        requested_by=schedule.set_by,
        state=PipelineRunState.SKIPPED,
        note=note[:300],
        finished_at=timezone.now(),
    )
    run.tell()
    record(action="skip_schedule", actor=None, subject=run, environment=schedule.environment.name, note=note)
    log.warning("%s in %s %s", schedule.pipeline.name, schedule.environment.name, note)


def _about_missed(missed: list[datetime]) -> str:
    if not missed:
        return ""
    first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (missed[0], missed[-1]))
    if len(missed) == 1:
        return f"The time before, {first} UTC, was missed: no scheduler was running. Only the latest is made up for."
    many = f"{len(missed)} or more" if len(missed) >= times.MISSED_AT_MOST - 1 else str(len(missed))
    return f"{many} times before, {first} to {last} UTC, were missed: no scheduler was running. Only the latest is made up for."
