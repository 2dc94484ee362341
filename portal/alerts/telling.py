"""How an alert comes about: one for a subject, an event and an occasion, however often and by however many one looks.

Whoever must act gets a notice in their list and a mail; the channels of the rules that want it get a message; nobody gets two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import can
from portal.alerts.conditions import Condition, Told
from portal.alerts.conditions.base import DUTY, stand_ins
from portal.alerts.models import FAILED, Alert, AlertState, Delivery, MailChoice, Notice, Rule, subject_type_of
from portal.audit.actions import record
from portal.environments.models import Environment

log = logging.getLogger("sluice.alerts")


def default_rule(project: Project) -> Rule:
    """The rule every project has from its first run on: a failed run tells the job's owner."""
    return Rule.objects.get_or_create(project=project, is_default=True, defaults={"event": FAILED, "tell_owner": True})[0]


def rules_for(condition: Condition) -> list[Rule]:
    """The rules that want to be told of it."""
    if not condition.rule_event:
        return []
    default_rule(condition.project)
    rules = Rule.objects.filter(project=condition.project, event=condition.rule_event).prefetch_related("channels")
    return [rule for rule in rules if rule.matches(condition.jobs, condition.environment.pk)]


def raise_alert(condition: Condition, rules: list[Rule] | None = None) -> Alert | None:
    """The alert with its notices and deliveries, in one transaction; None when there is nothing to tell or it was told already.

    `rules`: those to be told; default: all that match. Where a condition is `only_by_rule` and no rule wants it, nobody is told.
    """
    rules = rules_for(condition) if rules is None else rules
    if condition.only_by_rule and not rules:
        return None
    with transaction.atomic():
        _hold(condition.subject)
        about = {"event": condition.event, "occasion": condition.occasion}
        if Alert.objects.about(condition.subject).filter(**about).exists():
            return None
        people = _people(condition, rules)
        alert = _create(condition, **about)
        alert.rules.set(rules)
        _tell_people(alert, people)
        _tell_channels(alert, rules)
        told = list(alert.deliveries.all())
        record(
            action="raise_alert",
            actor=None,
            subject=alert,
            environment=alert.environment.name,
            event=alert.event,
            told=len(told),
            listed=len(people),
        )
    log.info("%s; %d to tell", alert.title, len(told))
    return alert


def _hold(subject: Any) -> None:
    """Two who look at the same subject at once come one after the other."""
    type(subject)._default_manager.select_for_update(no_key=True, of=("self",)).get(pk=subject.pk)


def _create(condition: Condition, **about: str) -> Alert:
    return Alert.objects.create(
        project=condition.project,
        environment=condition.environment,
        subject_type=subject_type_of(condition.subject),
        subject_id=str(condition.subject.pk),
        job=condition.job,
        pipeline=condition.pipeline,
        page=condition.page,
        title=condition.title[:300],
        body="\n".join(condition.lines()),
        state=AlertState.NOTE if condition.is_note else AlertState.OPEN,
        **about,
    )


def _people(condition: Condition, rules: list[Rule]) -> list[Told]:
    """Each person once. Where nobody who must act is there any more, operators and admins of the environment stand in.

    Owners are told by mail unless every rule that wants it leaves the owner out; in the list they find it either way.
    """
    owners_by_mail = not condition.rule_event or any(rule.tell_owner for rule in rules)
    found = unique(condition.environment, condition.people())
    if condition.has_stand_ins and not condition.is_note and not any(told.by_mail for told in found):
        found = unique(condition.environment, [*stand_ins(condition.project, condition.environment), *found])
    if owners_by_mail:
        return found
    return [told if told.kind == DUTY else Told(told.user, told.because, told.kind, by_mail=False) for told in found]


def unique(environment: Environment, people: Iterable[Told]) -> list[Told]:
    """Each person who is still there and may see it, once, for the first reason."""
    by_user: dict[int, Told] = {}
    for told in people:
        if told.user.pk not in by_user and is_there(told.user, environment):
            by_user[told.user.pk] = told
    return list(by_user.values())


def is_there(user: User, environment: Environment) -> bool:
    """Whether this person can still sign in and see what happens in the environment."""
    return user.is_active and can(user, "view", environment)


def _tell_people(alert: Alert, people: list[Told]) -> None:
    Notice.objects.bulk_create([Notice(alert=alert, user=told.user, because=told.because[:100]) for told in people], ignore_conflicts=True)
    choices = {choice.user_id: choice for choice in MailChoice.objects.filter(user__in=[told.user for told in people])}
    for told in people:
        choice = choices.get(told.user.pk)
        wants = choice is None or (choice.duty if told.kind == DUTY else choice.own)
        if told.by_mail and wants and _is_address(told.user.email):
            _deliver(alert, "email", told.user.email, recipient=told.user)


def _tell_channels(alert: Alert, rules: list[Rule]) -> None:
    """An address that a person's own mail goes to already is not told twice."""
    for rule in rules:
        for channel in rule.channels.all():
            if channel.paused_at is None:
                _deliver(alert, channel.kind, channel.target, channel=channel)


def _deliver(alert: Alert, kind: str, target: str, **to: Any) -> None:
    """Once for an address. Mail addresses that differ in capital letters are one mailbox."""
    same = {"target__iexact": target} if kind == "email" else {"target": target}
    if not Delivery.objects.filter(alert=alert, kind=kind, **same).exists():
        Delivery.objects.create(alert=alert, kind=kind, target=target, **to)


def tell_stand_ins(alert: Alert) -> None:
    """Somebody who was to be told is gone: whoever else looks after the environment is told, unless they were."""
    tell_anew(alert, stand_ins(alert.project, alert.environment))


def tell_anew(alert: Alert, people: Iterable[Told]) -> None:
    """Those of the people who have not been told."""
    known = set(alert.deliveries.exclude(recipient=None).values_list("recipient_id", flat=True))
    with transaction.atomic():
        _tell_people(alert, [told for told in unique(alert.environment, people) if told.user.pk not in known])


def tell_again(alert: Alert, *, but: User) -> None:
    """Those who were told, but this one: it is new in their list, and whoever got a mail gets another."""
    alert.notices.exclude(user=but).update(read_at=None)
    now = timezone.now()
    mails = alert.deliveries.filter(state="delivered").exclude(recipient=None).exclude(recipient=but)
    mails.update(state="waiting", attempts=0, created_at=now, next_try_at=now)


def tell_instead(alert: Alert) -> None:
    """A channel is gone before the message: where nobody else gets it, those who have it in their list get it by mail."""
    if alert.deliveries.filter(state__in=["waiting", "delivered"]).exists():
        return
    users = User.objects.filter(pk__in=alert.notices.values("user")).order_by("pk")
    known = [Told(user, "the channel that it was for is gone") for user in users if is_there(user, alert.environment)]
    if not known:
        tell_stand_ins(alert)
        return
    with transaction.atomic():
        _tell_people(alert, known)


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
