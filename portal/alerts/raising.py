"""Looks at what has changed, and raises or resolves what follows from it.

The worker looks at one thing when it hears of it; the scheduler looks for everything of which the message was lost.
Every function may be called any number of times, by anybody, at any time.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.alerts import late, looked, resolving
from portal.alerts.conditions.catalogs import NotRegistered
from portal.alerts.conditions.pipelines import Missed, NotStarted, PipelineCancelled, Skipped
from portal.alerts.conditions.promotions import Asked, Declined, Expired, Live, RolledBack, RunOnceEnded
from portal.alerts.conditions.runs import Cancelled, Failed
from portal.alerts.conditions.schedules import Paused
from portal.alerts.late import find_late
from portal.alerts.models import UNSOLVED, Alert
from portal.alerts.telling import default_rule, raise_alert
from portal.catalogs.models import Registration, RegistrationState
from portal.pipelines.models import PipelineRun, PipelineRunState, Schedule
from portal.promotions.models import Promotion, PromotionQuerySet, PromotionState
from portal.runs.models import GOOD_STATES, Run

__all__ = ["default_rule", "find_late", "find_untold", "pipeline_run_changed", "promotion_changed", "run_ended", "schedule_changed"]

log = logging.getLogger("sluice.alerts")

BAD_ENDS = frozenset({"failed", "timed_out"})
SAME_TROUBLE_FOR = timedelta(hours=20)
"""A nightly pipeline that cannot start is told every night; one of every minute is not told every minute."""
TASK_TAKES = timedelta(seconds=10)
"""The worker's task usually comes first; the scheduler looks only after that."""


def run_ended(run_id: uuid.UUID | str) -> None:
    """What the rules want to be told about a run that has ended, and what a good one resolves. Runs of drafts tell nobody."""
    related = Run.objects.select_related("job__owner", "project", "environment", "version", "requested_by", "cancel_requested_by")
    run = related.filter(pk=run_id).first()
    if run is None or run.version is None or not run.is_final:
        return
    if run.state in BAD_ENDS and raise_alert(Failed(run)) is not None:
        resolving.when_over_already(run)
    elif run.state == "cancelled":
        _cancelled(run)
    late.look_at([run], timezone.now())
    if run.state in GOOD_STATES:
        resolving.after_good_run(run)
    for promotion_id in Promotion.objects.filter(run_once=run).values_list("pk", flat=True):
        run_once_ended(promotion_id)  # last: it tells those who have not been told of this end


def _cancelled(run: Run) -> None:
    """Told to whose run it was when somebody else stopped it; where a whole pipeline run was stopped, once for all of it."""
    condition = Cancelled(run)
    stopped_whole = condition.pipeline_run is not None and condition.pipeline_run.cancel_requested_at is not None
    if run.cancel_requested_by and not stopped_whole and any(condition.people()):
        raise_alert(condition)


def pipeline_run_changed(pipeline_run_id: uuid.UUID | str) -> None:
    related = PipelineRun.objects.select_related(
        "pipeline__project", "pipeline__owner", "environment", "schedule__set_by", "requested_by", "cancel_requested_by"
    )
    found = related.filter(pk=pipeline_run_id).first()
    if found is None:
        return
    if found.state == PipelineRunState.SKIPPED:
        _skipped(found)
    elif found.note and found.schedule_id:
        raise_alert(Missed(found))
    if found.state in {PipelineRunState.FAILED, PipelineRunState.RUNNING} and found.job_runs.filter(state="failed", run=None).exists():
        _not_started(NotStarted(found))
    stopped = PipelineCancelled(found)
    if found.state == PipelineRunState.CANCELLED and found.cancel_requested_by and any(stopped.people()):
        raise_alert(stopped)
    if found.state == PipelineRunState.SUCCEEDED:
        resolving.after_good_pipeline_run(found)
    else:
        resolving.when_pipeline_is_over_already(found)


def _not_started(condition: NotStarted) -> None:
    """Told once; a rerun that cannot start either only changes what the alert says.

    A schedule of every minute that meets the same obstacle is told once a day, and counted meanwhile.
    """
    earlier = Alert.objects.about(condition.subject).filter(event=condition.event).first()
    now = "\n".join(condition.lines())
    if earlier is not None:
        if earlier.state in UNSOLVED and earlier.times == 1 and earlier.body != now:
            earlier.say(now)
        return
    same = _same_obstacle(condition)
    if same is None:
        raise_alert(condition)
    elif same.state in UNSOLVED and not _counted(same, condition.pipeline_run, NOT_STARTED):
        last = condition.pipeline_run.created_at
        same.happened_again(_again(same, f"Since then it could not start again, last at {last:%Y-%m-%d %H:%M} UTC."))


def _same_obstacle(condition: NotStarted) -> Alert | None:
    """What stood in the list already, from a run of the pipeline there in the last hours that met the very same."""
    run = condition.pipeline_run
    open_ones = _open_at(run, condition.event)
    recent = open_ones.filter(created_at__gt=run.created_at - SAME_TROUBLE_FOR, created_at__lt=run.created_at).order_by("-created_at")
    first = recent.first()
    return first if first is not None and first.body.startswith("\n".join(condition.causes())) else None


def _skipped(pipeline_run: PipelineRun) -> None:
    """The first of several skipped times is told; those after it are counted until a run of the pipeline went well."""
    condition = Skipped(pipeline_run)
    if Alert.objects.about(pipeline_run).filter(event=Skipped.event).exists():
        return
    earlier = _open_at(pipeline_run, Skipped.event).order_by("created_at").first()
    if earlier is None:
        raise_alert(condition)
    elif earlier.state in UNSOLVED and earlier.created_at < pipeline_run.created_at and not _counted(earlier, pipeline_run, SKIPPED):
        earlier.happened_again(_again(earlier, f"Since then it was skipped again, last at {pipeline_run.due_at:%Y-%m-%d %H:%M} UTC."))


def _open_at(pipeline_run: PipelineRun, event: str) -> QuerySet[Alert]:
    """Alerts of the pipeline there that were unsolved when this happened: they have told it, also when they are resolved by now."""
    here = Alert.objects.filter(event=event, pipeline=pipeline_run.pipeline, environment=pipeline_run.environment)
    return here.filter(Q(state__in=UNSOLVED) | Q(resolved_at__gte=pipeline_run.created_at))


def _again(alert: Alert, again: str) -> str:
    """What the alert says, with the last time it happened."""
    return "\n".join([*(line for line in alert.body.split("\n") if not line.startswith("Since then")), again])


SKIPPED, NOT_STARTED = Q(state=PipelineRunState.SKIPPED), Q(job_runs__state="failed", job_runs__run=None)


def _counted(alert: Alert, pipeline_run: PipelineRun, kind: Q) -> bool:
    """Whether this time is in the alert's count already (a message may come twice)."""
    same = PipelineRun.objects.filter(kind, pipeline=pipeline_run.pipeline, environment=pipeline_run.environment).distinct()
    return alert.times > same.filter(created_at__gte=alert.created_at, created_at__lte=pipeline_run.created_at).count()


def schedule_changed(schedule_id: int | str) -> None:
    related = Schedule.objects.select_related("pipeline__project", "pipeline__owner", "environment", "set_by")
    schedule = related.filter(pk=schedule_id).first()
    if schedule is not None and schedule.paused_itself:
        raise_alert(Paused(schedule))
    else:
        resolving.schedule_goes_on(str(schedule_id), schedule)


DECIDED = {PromotionState.LIVE: Live, PromotionState.DECLINED: Declined, PromotionState.EXPIRED: Expired}


def of_promotions() -> PromotionQuerySet:
    """With all that is told of them."""
    return Promotion.objects.select_related(
        "job__project",
        "job__owner",
        "version__author",
        "to_environment",
        "requested_by",
        "previous_version__author",
        "run_once__requested_by",
    )


def promotion_changed(promotion_id: int | str) -> None:
    promotion = of_promotions().filter(pk=promotion_id).first()
    if promotion is None:
        return
    if promotion.is_waiting:
        raise_alert(Asked(promotion))
        return
    resolving.promotion_decided(promotion)
    if promotion.is_roll_back:
        raise_alert(RolledBack(promotion))
    elif kind := DECIDED.get(PromotionState(promotion.state)):
        raise_alert(kind(promotion))


def run_once_ended(promotion_id: int | str) -> None:
    """The run after it went live: how it ended. A failed one has told everybody who had a part in it."""
    promotion = of_promotions().filter(pk=promotion_id).first()
    if promotion is not None and promotion.run_once is not None and promotion.run_once.is_final and not _told_as_failed(promotion):
        raise_alert(RunOnceEnded(promotion))


def _told_as_failed(promotion: Promotion) -> bool:
    return Alert.objects.filter(subject_type="run", subject_id=str(promotion.run_once_id), event=Failed.event).exists()


def registrations_changed() -> None:
    """Outputs that are not registered in a catalog, and those that are again."""
    failing = Registration.objects.filter(state=RegistrationState.FAILED)
    for registration in failing.select_related("place__environment__project", "place__owner__owner", "connection"):
        if NotRegistered.is_due(registration):
            raise_alert(NotRegistered(registration))
    resolving.registrations_well()


def find_untold(now: datetime | None = None) -> int:
    """Looks for what has happened in the last hour, or since one looked last, and was told to nobody, because the message was lost."""
    now = now or timezone.now()
    found = _untold(looked.since("untold", now), now - TASK_TAKES)
    registrations_changed()
    looked.note("untold", now)
    return found


def _untold(since: datetime, until: datetime) -> int:
    ended = {"finished_at__gt": since, "finished_at__lte": until}
    resolving.find_over(since)
    runs = Run.objects.filter(version__isnull=False, **ended)
    failed, stopped = runs.filter(state__in=BAD_ENDS), runs.filter(state="cancelled", cancel_requested_by__isnull=False)
    pipeline_runs = PipelineRun.objects.filter(state__in=["failed", "skipped"], **ended)
    stopped_whole = PipelineRun.objects.filter(state="cancelled", **ended)
    missed = PipelineRun.objects.filter(schedule__isnull=False, created_at__gt=since, created_at__lte=until).exclude(note="")
    going = PipelineRun.objects.filter(state="running", job_runs__state="failed", job_runs__run=None, created_at__lte=until)
    schedules = Schedule.objects.filter(paused_by=None, paused_at__gt=since, paused_at__lte=until)
    decided = Promotion.objects.filter(decided_at__gt=since, decided_at__lte=until)
    waiting = Promotion.objects.waiting().filter(created_at__lte=until)
    ran = Promotion.objects.filter(run_once__finished_at__gt=since, run_once__finished_at__lte=until)
    return sum(
        [
            _look_at_untold("run", failed.values_list("pk", flat=True), run_ended, Failed.event),
            _look_at_untold("run", stopped.values_list("pk", flat=True), run_ended, Cancelled.event),
            _look_at_untold("pipeline_run", pipeline_runs.values_list("pk", flat=True), pipeline_run_changed),
            _look_at_untold("pipeline_run", stopped_whole.values_list("pk", flat=True), pipeline_run_changed, PipelineCancelled.event),
            _look_at_untold("pipeline_run", missed.values_list("pk", flat=True), pipeline_run_changed, Missed.event, Skipped.event),
            _look_at_untold("pipeline_run", going.values_list("pk", flat=True), pipeline_run_changed, NotStarted.event),
            _look_at_untold("schedule", schedules.values_list("pk", flat=True), schedule_changed, Paused.event),
            _look_at_untold("promotion", decided.values_list("pk", flat=True), promotion_changed, *[one.event for one in _DECISIONS]),
            _look_at_untold("promotion", [one.pk for one in ran if not _told_as_failed(one)], run_once_ended, RunOnceEnded.event),
            _look_at_untold("promotion", waiting.values_list("pk", flat=True), promotion_changed, Asked.event),
        ]
    )


_DECISIONS = [*DECIDED.values(), RolledBack]


def _look_at_untold(subject_type: str, ids: Iterable[Any], look: Callable[[Any], None], *events: str) -> int:
    """Looks at those without an alert (of these events). One that cannot be told about does not hold up the others."""
    wanted = {str(one): one for one in ids}
    told = Alert.objects.filter(subject_type=subject_type, subject_id__in=list(wanted))
    if events:
        told = told.filter(event__in=events)
    untold = wanted.keys() - set(told.values_list("subject_id", flat=True))
    for one in untold:
        try:
            look(wanted[one])
        except DatabaseError:
            raise
        except Exception:
            log.exception("%s %s cannot be told about.", subject_type, one)
    return len(untold)
