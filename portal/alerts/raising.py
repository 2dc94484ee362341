"""When an alert comes about: a run failed, or is late. Idempotent: one alert for a run and an event, however often one looks."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from portal.accounts.models import Project
from portal.alerts import words
from portal.alerts.models import FAILED, LATE, Alert, Delivery, Rule
from portal.audit.actions import record
from portal.runs.models import FINAL_STATES, Run

log = logging.getLogger("sluice.alerts")

BAD_ENDS = frozenset({"failed", "timed_out"})
LOOK_BACK = timedelta(days=2)
"""Runs asked for longer ago are not called late any more."""
UNTOLD_FOR = timedelta(hours=1)
TASK_TAKES = timedelta(seconds=10)
"""The worker's task usually comes first; the scheduler looks only after that."""


def default_rule(project: Project) -> Rule:
    """The rule every project has from its first run on: a failed run tells the job's owner."""
    return Rule.objects.get_or_create(project=project, is_default=True, defaults={"event": FAILED, "tell_owner": True})[0]


def rules_for(run: Run, event: str) -> list[Rule]:
    default_rule(run.project)
    rules = Rule.objects.filter(project=run.project, event=event).prefetch_related("channels")
    return [rule for rule in rules if rule.matches(run)]


def run_ended(run_id: uuid.UUID | str) -> None:
    """Raises what the rules want to be told about a run that has ended. Runs of drafts tell nobody: their author is watching."""
    run = Run.objects.select_related("job__owner", "project", "environment", "version", "requested_by").filter(pk=run_id).first()
    if run is None or run.version is None or not run.is_final:
        return
    if run.state in BAD_ENDS:
        raise_alert(run, FAILED, rules_for(run, FAILED))
    raise_late([run], rules_for(run, LATE), timezone.now())


def find_untold(now: datetime | None = None) -> int:
    """Looks for failed runs of the last hour nobody was told about, because the message that a run had ended was lost."""
    now = now or timezone.now()
    ended = Run.objects.filter(
        state__in=BAD_ENDS, version__isnull=False, finished_at__gt=now - UNTOLD_FOR, finished_at__lte=now - TASK_TAKES
    )
    untold = list(ended.exclude(alerts__event=FAILED).values_list("pk", flat=True))
    for run_id in untold:
        run_ended(run_id)
    return len(untold)


def find_late(now: datetime | None = None) -> int:
    """Looks for runs that take, or took, longer than a rule allows. Returns the number of new alerts."""
    now = now or timezone.now()
    found = 0
    for rule in Rule.objects.filter(event=LATE, paused_at=None).select_related("project"):
        limit = timedelta(minutes=rule.minutes or 0)  # the database holds that a late rule has minutes
        runs = Run.objects.filter(
            project=rule.project,
            version__isnull=False,
            created_at__lte=now - limit,
            created_at__gt=max(now - LOOK_BACK - limit, rule.created_at),
        )
        runs = runs.filter(Q(job=rule.job) if rule.job_id else Q(), Q(environment=rule.environment) if rule.environment_id else Q())
        too_long = ~Q(state__in=FINAL_STATES) | Q(finished_at__gt=F("created_at") + limit)
        related = (
            runs.filter(too_long)
            .exclude(alerts__event=LATE)
            .select_related("job__owner", "project", "environment", "version", "requested_by")
        )
        found += raise_late(list(related), [rule], now)
    return found


def raise_late(runs: list[Run], rules: list[Rule], now: datetime) -> int:
    """Raises the alert for every run that some rule calls late."""
    raised = 0
    for run in runs:
        took = (run.finished_at or now) - run.created_at
        broken = [rule for rule in rules if rule.minutes and took > timedelta(minutes=rule.minutes) and run.created_at > rule.created_at]
        raised += raise_alert(run, LATE, broken, min((rule.minutes or 0 for rule in broken), default=None))
    return raised


def raise_alert(run: Run, event: str, rules: list[Rule], minutes: int | None = None) -> bool:
    """The alert and its deliveries, in one transaction; False when there is nothing to tell or it was told already."""
    if not rules:
        return False
    with transaction.atomic():
        said = {"project": run.project, "title": words.title(run, event), "body": words.body(run, event, minutes)}
        alert, is_new = Alert.objects.get_or_create(run=run, event=event, defaults=said)
        if is_new:
            deliveries = _deliveries(alert, rules)
            Delivery.objects.bulk_create(deliveries)
            record(action="raise_alert", actor=None, subject=alert, environment=run.environment.name, event=event, told=len(deliveries))
            log.info("%s; %d to tell", alert.title, len(deliveries))
    return is_new


def _deliveries(alert: Alert, rules: list[Rule]) -> list[Delivery]:
    """One for each address, however many rules name it; the owner's own mail comes first, since it may say more."""
    by_target: dict[tuple[str, str], Delivery] = {}
    owner = alert.run.job.owner
    if any(rule.tell_owner for rule in rules) and owner.is_active and _is_address(owner.email):
        by_target["email", owner.email] = Delivery(alert=alert, recipient=owner, kind="email", target=owner.email)
    for rule in rules:
        for channel in rule.channels.all():
            if channel.paused_at is None:
                by_target.setdefault(
                    (channel.kind, channel.target), Delivery(alert=alert, channel=channel, kind=channel.kind, target=channel.target)
                )
    return list(by_target.values())


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
