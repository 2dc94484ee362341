"""How alerts end by themselves: the next good run of the job, or of the pipeline, in that environment; a schedule that goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from portal.alerts.conditions import Condition
from portal.alerts.conditions.catalogs import NotRegistered
from portal.alerts.conditions.pipelines import NotStarted, PipelineWellAgain, Skipped
from portal.alerts.conditions.promotions import Asked
from portal.alerts.conditions.runs import Failed, Late, NotTaken, WellAgain
from portal.alerts.conditions.schedules import Paused
from portal.alerts.models import UNSOLVED, Alert, AlertState, Delivery, Notice, subject_type_of
from portal.audit.actions import record
from portal.catalogs.models import Registration
from portal.pipelines.models import PipelineRun, Schedule
from portal.promotions.models import Promotion
from portal.runs.models import GOOD_STATES, Run

log = logging.getLogger("sluice.alerts")

OF_RUNS = [Failed.event, Late.event, NotTaken.event]
"""Troubles of runs, which the next good run of the job there ends."""


def after_good_run(run: Run) -> None:
    """Ends the alerts about this run and about earlier runs of the job there, and tells those who were told of them."""
    found = Alert.objects.unsolved().filter(job=run.job, environment=run.environment, event__in=OF_RUNS)
    asked = dict(Run.objects.filter(pk__in=[alert.subject_id for alert in found]).values_list("pk", "created_at"))
    moments = {str(key): moment for key, moment in asked.items()}
    earlier = [alert for alert in found if moments.get(alert.subject_id, run.created_at) <= run.created_at]
    _resolve_and_tell(earlier, WellAgain(run), f"by run {run.short_id}")


def after_good_pipeline_run(pipeline_run: PipelineRun) -> None:
    """Ends what earlier runs and times of the pipeline there left open."""
    _end_troubles(pipeline_run, Q(created_at__lte=pipeline_run.finished_at))


def _end_troubles(pipeline_run: PipelineRun, which: Q) -> None:
    found = Alert.objects.unsolved().filter(
        which,
        pipeline=pipeline_run.pipeline,
        environment=pipeline_run.environment,
        event__in=[NotStarted.event, Skipped.event],
    )
    _resolve_and_tell(list(found), PipelineWellAgain(pipeline_run), f"by pipeline run {str(pipeline_run.pk)[:8]}")


def when_over_already(failed: Run) -> None:
    """Heard of late: what failed may have gone well since."""
    since = Run.objects.filter(job=failed.job, environment=failed.environment, state__in=GOOD_STATES, version__isnull=False)
    good = since.filter(created_at__gt=failed.created_at).select_related("job__owner", "project", "environment", "version", "requested_by")
    if (last := good.order_by("-created_at").first()) is not None:
        after_good_run(last)


def when_pipeline_is_over_already(trouble: PipelineRun) -> None:
    """The same of a pipeline that did not start."""
    here = PipelineRun.objects.filter(pipeline=trouble.pipeline, environment=trouble.environment, state="succeeded")
    good = here.filter(created_at__gt=trouble.created_at).select_related(
        "pipeline__project", "environment", "schedule__set_by", "requested_by"
    )
    if (last := good.order_by("-created_at").first()) is not None:
        _end_troubles(last, Q(subject_type=subject_type_of(trouble), subject_id=str(trouble.pk)))


def find_over(since: datetime) -> int:
    """Looks for good ends since then that resolve something still, because the message about them was lost. Returns how many."""
    here = Alert.objects.unsolved().filter(environment=OuterRef("environment"), created_at__lte=OuterRef("finished_at"))
    of_job = here.filter(job=OuterRef("job"), event__in=OF_RUNS)
    of_pipeline = here.filter(pipeline=OuterRef("pipeline"), event__in=[NotStarted.event, Skipped.event])
    ended = {"finished_at__gt": since}
    runs = Run.objects.filter(Exists(of_job), state__in=GOOD_STATES, version__isnull=False, **ended)
    pipeline_runs = PipelineRun.objects.filter(Exists(of_pipeline), state="succeeded", **ended)
    good_runs = list(runs.select_related("job__owner", "project", "environment", "version", "requested_by"))
    good_pipeline_runs = list(pipeline_runs.select_related("pipeline__project", "environment", "schedule__set_by", "requested_by"))
    for run in good_runs:
        after_good_run(run)
    for pipeline_run in good_pipeline_runs:
        after_good_pipeline_run(pipeline_run)
    return len(good_runs) + len(good_pipeline_runs)


def schedule_goes_on(schedule_id: str, schedule: Schedule | None) -> None:
    """Resumed, paused by a person, or removed. Whoever did it knows."""
    found = Alert.objects.unsolved().filter(subject_type="schedule", subject_id=schedule_id, event=Paused.event)
    if schedule is None:
        word = "the schedule was removed"
    else:
        word = "the schedule was resumed" if schedule.paused_at is None else "a person has paused it"
    quietly(found, word)


def registrations_well() -> None:
    """Of places that are registered by now, that are not wanted there any more, or of which the catalog is gone."""
    found = list(Alert.objects.unsolved().filter(subject_type="registration", event=NotRegistered.event))
    failing = Registration.objects.filter(pk__in=[alert.subject_id for alert in found], failing_since__isnull=False)
    still = {str(pk) for pk in failing.values_list("pk", flat=True)}
    if over := [alert for alert in found if alert.subject_id not in still]:
        quietly(over, "it is registered, or not wanted there any more")


def promotion_decided(promotion: Promotion) -> None:
    found = Alert.objects.unsolved().about(promotion).filter(event=Asked.event)
    page = reverse("promotions:promotion", args=[promotion.job.project.slug, promotion.pk])
    quietly(found, f"the promotion is {promotion.get_state_display()}", page)


def quietly(alerts: Iterable[Alert], resolution: str, page: str = "", *, stays_unread: bool = False) -> None:
    """Resolves without a message. Those who have not read it need not any more, unless it `stays_unread`."""
    with transaction.atomic():
        _record(_resolved(alerts, resolution, page, stays_unread=stays_unread))


def _resolved(alerts: Iterable[Alert], resolution: str, page: str, *, stays_unread: bool = False) -> list[Alert]:
    """Those that were unsolved still; held until the transaction ends."""
    ids = [alert.pk for alert in alerts]
    held = Alert.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=ids, state__in=UNSOLVED).order_by("created_at", "pk")
    found = list(held.select_related("project", "environment"))
    for alert in found:
        alert.resolve(None, resolution, page)
    if not stays_unread:
        Notice.objects.filter(alert__in=found, read_at=None).update(read_at=timezone.now())
    return found


def _record(ended: Iterable[Alert]) -> None:
    """Last in the transaction: whoever appends to the audit waits for nobody after it."""
    for alert in ended:
        record(action="resolve_alert", actor=None, subject=alert, environment=alert.environment.name, resolution=alert.resolution)


def _resolve_and_tell(alerts: list[Alert], good: Condition, resolution: str) -> None:
    """Each person and channel that got a message about any of them gets one more: it is well again.

    Where the first message is still on its way, it says so itself, and no second one follows.
    """
    with transaction.atomic():
        ended = _resolved(alerts, resolution, good.page)
        if not ended:
            return
        note, is_new = Alert.objects.get_or_create(
            subject_type=subject_type_of(good.subject),
            subject_id=str(good.subject.pk),
            event=good.event,
            defaults={
                "project": good.project,
                "environment": good.environment,
                "job": good.job,
                "pipeline": good.pipeline,
                "page": good.page,
                "title": good.title[:300],
                "body": "\n".join([*good.lines(), _ends(ended)]),
                "state": AlertState.NOTE,
            },
        )
        if is_new:
            _tell_the_same(note, ended)
        _record(ended)
    log.info("%s; %d alerts are resolved", note.title, len(ended))


def _ends(ended: list[Alert]) -> str:
    first = f"It ends: {ended[0].title}, {ended[0].created_at:%Y-%m-%d %H:%M} UTC"
    more = len(ended) - 1
    return f"{first}{f', and {more} more' if more else ''}."


def _tell_the_same(note: Alert, ended: list[Alert]) -> None:
    told = Notice.objects.filter(alert__in=ended).order_by("pk")
    Notice.objects.bulk_create(
        [Notice(alert=note, user_id=user, because=because) for user, because in {one.user_id: one.because for one in told}.items()]
    )
    arrived = Delivery.objects.filter(alert__in=ended, state="delivered").select_related("channel").order_by("created_at")
    for one in arrived:
        if one.channel is not None and one.channel.paused_at is not None:
            continue
        same = {"recipient_id": one.recipient_id, "channel_id": one.channel_id}
        if any(same.values()):
            Delivery.objects.get_or_create(alert=note, kind=one.kind, target=one.target, defaults=same)
