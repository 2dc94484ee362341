"""Figures of the last seven days, a day at a time, and what runs now and next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.alerts.models import Alert
from portal.home.needs import BAD_STATES
from portal.pipelines import times
from portal.pipelines.models import Schedule
from portal.runs.models import Run, StageRun

DAYS = 7
SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Figure:
    """A sum and its days, oldest first."""

    name: str
    total: float
    days: list[float]
    is_bad: bool = False


def figures(user: User, project: Project) -> list[Figure]:
    """Of the runs this person may see; days are UTC's, minutes those between the first attempt's start and the end."""
    days = _days()
    since = datetime.combine(days[0], time.min, UTC)  # an instant: a date would be asked of every row
    runs = policy.allowed(user, "view", Run.objects.filter(project=project, created_at__gte=since))
    worked = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    by_day = {
        row["day"]: row
        for row in _by_day(runs).annotate(all=Count("pk"), bad=Count("pk", filter=Q(state__in=BAD_STATES)), worked=Sum(worked))
    }
    alerts = policy.allowed(user, "view", Alert.objects.filter(project=project, event="late", created_at__gte=since))
    late = {row["day"]: row["all"] for row in _by_day(alerts).annotate(all=Count("pk"))}
    return [
        _figure("Runs", [by_day[day]["all"] if day in by_day else 0 for day in days]),
        _figure("Failed", [by_day[day]["bad"] if day in by_day else 0 for day in days], is_bad=True),
        _figure("Late", [late.get(day, 0) for day in days], is_bad=True),
        _figure("Minutes of work", [_minutes(by_day.get(day)) for day in days]),
    ]


def _minutes(row: dict[str, Any] | None) -> float:
    worked = row["worked"] if row else None
    return round(worked.total_seconds() / 60, 1) if worked else 0


def _days() -> list[date]:
    today = timezone.now().astimezone(UTC).date()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def _by_day(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day")


def _figure(name: str, values: list[float], *, is_bad: bool = False) -> Figure:
    total = sum(values)
    return Figure(name, round(total, 1) if isinstance(total, float) else total, values, is_bad and total > 0)


@dataclass(frozen=True)
class Now:
    """A run that is not over, and the stage it is in: `stage 3 of 5, typing`."""

    run: Run
    says: str
    done: int
    of: int


def running_now(user: User, project: Project, most: int = 8) -> list[Now]:
    runs = policy.allowed(user, "view", Run.objects.active().filter(project=project))
    return [_now(run) for run in runs.select_related("job", "environment").order_by("created_at")[:most]]


def _now(run: Run) -> Now:
    stages = list(StageRun.objects.filter(run=run, attempt_number=run.fence).order_by("index"))
    current = next((stage for stage in stages if stage.state == "running"), None)
    done = sum(stage.finished_at is not None for stage in stages)
    if current is not None:
        return Now(run, f"stage {current.index + 1} of {len(stages)}, {current.name}", done, len(stages))
    return Now(run, "waits for a free worker" if run.started_at is None else run.get_state_display(), done, len(stages))


@dataclass(frozen=True)
class Due:
    """A schedule and its time in words: `At 30 minutes past the hour`."""

    schedule: Schedule
    jobs: int
    says: str


def next_up(user: User, project: Project, most: int = 6) -> list[Due]:
    """Schedules that are due within a day, the soonest first."""
    rows = Schedule.objects.filter(pipeline__project=project, paused_at=None, next_due_at__lt=timezone.now() + SOON)
    seen = policy.allowed(user, "view", rows.select_related("pipeline", "environment")).order_by("next_due_at")[:most]
    return [Due(schedule, schedule.pipeline.members.count(), times.explain(schedule.cron)) for schedule in seen]
