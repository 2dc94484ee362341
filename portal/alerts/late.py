"""Which runs are late: they take, or took, longer than a rule allows. Every rule that is broken is told, each once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from portal.alerts import looked, resolving
from portal.alerts.conditions.runs import Late
from portal.alerts.models import LATE, Alert, Rule
from portal.alerts.telling import raise_alert
from portal.runs.models import ACTIVE_STATES, FINAL_STATES, GOOD_STATES, Run

LOOK_BACK = timedelta(days=9)
"""Runs asked for longer ago are not called late any more; the longest limit of a rule is a week."""
RELATED = ("job__owner", "project", "environment", "version", "requested_by")


def find_late(now: datetime | None = None) -> int:
    """Looks at what is not over, and at what ended lately. Returns the number of new alerts."""
    now = now or timezone.now()
    shortest = Rule.objects.filter(event=LATE, paused_at=None).order_by("minutes").values_list("minutes", flat=True).first()
    if shortest is None:
        looked.note("late", now)  # a rule is about runs that are asked for after it was made
        return 0
    limit = timedelta(minutes=shortest)
    runs = Run.objects.filter(version__isnull=False).select_related(*RELATED)
    # Each by one index, whose rows are few; what they hold is looked at here.
    active = runs.filter(state__in=ACTIVE_STATES)
    since = looked.since("late", now)
    ended = runs.filter(state__in=FINAL_STATES, finished_at__gt=since)
    recent = [run for run in (*active, *ended) if run.created_at > min(since, now) - LOOK_BACK]
    raised = look_at([run for run in recent if (run.finished_at or now) - run.created_at > limit], now)
    looked.note("late", now)
    return raised


def look_at(runs: Iterable[Run], now: datetime) -> int:
    """Raises an alert for every run that breaks rules it has not been told by yet. Returns how many."""
    runs = list(runs)
    rules = Rule.objects.filter(event=LATE, paused_at=None, project__in={run.project_id for run in runs}).prefetch_related("channels")
    by_project: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_project[rule.project_id].append(rule)
    told = _told(run for run in runs if by_project[run.project_id])
    raised = 0
    for run in runs:
        broken = [rule for rule in by_project[run.project_id] if _breaks(run, rule, now) and rule.pk not in told[str(run.pk)]]
        if broken:
            raised += _raise(run, broken)
    return raised


def _told(runs: Iterable[Run]) -> dict[str, set[int]]:
    """Of each run the ids of the rules that have been told."""
    found: dict[str, set[int]] = defaultdict(set)
    alerts = Alert.objects.filter(subject_type="run", event=Late.event, subject_id__in=[str(run.pk) for run in runs])
    for subject_id, rule in alerts.values_list("subject_id", "rules"):
        found[subject_id].add(rule)
    return found


def _breaks(run: Run, rule: Rule, now: datetime) -> bool:
    limit = timedelta(minutes=rule.minutes or 0)  # the database holds that a late rule has minutes
    took = (run.finished_at or now) - run.created_at
    return took > limit and run.created_at > rule.created_at and rule.matches({run.job_id}, run.environment_id)


def _raise(run: Run, broken: list[Rule]) -> bool:
    """One alert for all limits that were passed since one looked last. What has ended well meanwhile needs nobody any more."""
    longest = max(broken, key=lambda rule: (rule.minutes or 0, -rule.pk))
    alert = raise_alert(Late(run, longest.minutes or 0, longest.pk), broken)
    if alert is not None and run.state in GOOD_STATES:
        resolving.quietly([alert], "when the run ended well", alert.page, stays_unread=True)
    return alert is not None
