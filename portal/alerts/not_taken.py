"""Runs that nobody takes because no worker is there: told once in each environment. Nothing fails then, so nothing else would tell."""

from __future__ import annotations

from datetime import timedelta

from portal.alerts import resolving
from portal.alerts.conditions.runs import NotTaken
from portal.alerts.models import Alert, AlertQuerySet
from portal.alerts.telling import raise_alert
from portal.runs import doorbell
from portal.runs.models import Run, database_now
from portal.runs.states import BAD_STATES

PATIENCE = timedelta(minutes=5)
"""A worker that is started again, or a new one, is there by then."""


def find_not_taken() -> int:
    """Returns the number of new alerts."""
    told = Alert.objects.unsolved().filter(event=NotTaken.event)
    if not doorbell.is_silent("worker"):
        _resolve_ended(told)
        return 0
    told_in = set(told.values_list("environment_id", flat=True))
    waiting = Run.objects.waiting().filter(version__isnull=False, queued_at__lt=database_now() - PATIENCE)
    raised = 0
    for run in waiting.exclude(environment__in=told_in).select_related("job__owner", "project", "environment", "version", "requested_by"):
        if run.environment_id not in told_in:
            told_in.add(run.environment_id)
            raised += raise_alert(NotTaken(run)) is not None
    return raised


def _resolve_ended(told: AlertQuerySet) -> None:
    """A worker is back: a good end tells that it is well again, any other is told by itself."""
    ids = list(told.values_list("subject_id", flat=True))
    if ids:
        ended = Run.objects.filter(pk__in=ids, state__in=BAD_STATES).values_list("pk", flat=True)
        resolving.quietly(told.filter(subject_id__in=[str(pk) for pk in ended]), "it does not wait any more")
