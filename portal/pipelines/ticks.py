"""Starting pipelines at the times of their schedules. Any number of schedulers may call `start_due` at the same moment."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import cast

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.policy import can
from portal.audit.actions import record
from portal.errors import PortalError
from portal.pipelines import times
from portal.pipelines.actions import start
from portal.pipelines.models import PipelineRun, PipelineRunState, Schedule

log = logging.getLogger("sluice.schedules")


def start_due(now: datetime | None = None) -> int:
    """Starts every schedule that is due, each tick once. Returns how many ticks were taken by this call."""
    now = now or timezone.now()
    due = Schedule.objects.filter(next_due_at__lte=now, paused_at=None).select_related("pipeline__project", "environment", "set_by")
    return sum(_take(schedule, now) for schedule in due.order_by("next_due_at"))


def _take(schedule: Schedule, now: datetime) -> bool:
    """Claims what is due; when several ticks were missed, only the latest is started, and its note tells of the others."""
    first_due = cast(datetime, schedule.next_due_at)  # the query asked for schedules with a time
    due = times.missed_times(schedule.cron, schedule.timezone, first_due, now) or [first_due]
    next_due = times.next_due(schedule.cron, schedule.timezone, now)
    try:
        with transaction.atomic():
            if schedule.claim(first_due, next_due):
                _start(schedule, due[-1], _about_missed(due[:-1]))
                return True
    except IntegrityError:
        # This very tick has a pipeline run already (a clock that went back); only the next time is left to set.
        schedule.claim(first_due, next_due)
    return False


def _start(schedule: Schedule, due_at: datetime, note: str) -> None:
    pipeline, environment = schedule.pipeline, schedule.environment
    if not can(schedule.set_by, "run_pipeline", pipeline, environment=environment.name):
        because = f"{schedule.set_by.shown_name}, in whose name it ran, may no longer run it"
        schedule.pause(because)
        record(action="pause_schedule", actor=None, subject=schedule, environment=environment.name, because=because)
        return
    active = pipeline.pipeline_runs.filter(environment=environment, state=PipelineRunState.RUNNING).first()
    if active is not None:
        _skip(schedule, due_at, f"not started: the run of {active.created_at:%H:%M} UTC was still going")
        return
    try:
        with transaction.atomic():
            run = start(pipeline, environment, requested_by=schedule.set_by, schedule=schedule, due_at=due_at, note=note)
            record(
                action="run_pipeline",
                actor=None,
                subject=run,
                environment=environment.name,
                in_the_name_of=schedule.set_by.username,
                due_at=due_at.isoformat(),
            )
    except PortalError as error:
        _skip(schedule, due_at, f"not started: {error.message}")
    else:
        log.info(
            "%s started in %s (due %s)%s", pipeline.name, environment.name, f"{due_at:%Y-%m-%d %H:%M} UTC", f"; {note}" if note else ""
        )


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
