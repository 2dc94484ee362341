"""Trouble and wishes of which nobody is left who could act: whoever was told has gone since, or has lost the right that it takes."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import Membership
from portal.accounts.policy import ROLES_FOR
from portal.alerts.conditions.base import stand_ins
from portal.alerts.conditions.promotions import Asked
from portal.alerts.models import Alert, AlertState, Notice
from portal.alerts.raising import of_promotions
from portal.alerts.telling import tell_again, tell_anew, tell_stand_ins, unique
from portal.audit.actions import record
from portal.locking import locked
from portal.promotions.models import Promotion

ACT = ROLES_FOR["acknowledge_alert"]


def find_left_alone() -> int:
    """Tells those who can act now, each once. Returns how many alerts there are that nobody who was told can do anything about."""
    for alert in _put_down():
        _open_again(alert)
    alone = list(_alone().exclude(event=Asked.event).select_related("project", "environment"))
    for alert in alone:
        tell_stand_ins(alert)
    return len(alone) + sum(_asked_in_vain(promotion) for promotion in of_promotions().waiting())


def _alone() -> QuerySet[Alert]:
    """Unsolved, and nobody in whose list it stands can sign in, see it, and do anything about it somewhere in the project."""
    see = _roles_of("user", "alert__").filter(Q(environment="") | Q(environment=OuterRef("alert__environment__name")) | Q(project=None))
    act = _roles_of("user", "alert__").filter(role__in=ACT)
    told = Notice.objects.filter(Exists(see), Exists(act), alert=OuterRef("pk"), user__is_active=True)
    return Alert.objects.unsolved().exclude(Exists(told))


def _put_down() -> QuerySet[Alert]:
    """Others believe that somebody looks after it, who is gone or may not any more."""
    here = _roles_of("acknowledged_by").filter(Q(environment="") | Q(environment=OuterRef("environment__name")), role__in=ACT)
    return Alert.objects.filter(~Exists(here) | Q(acknowledged_by__is_active=False), state=AlertState.ACKNOWLEDGED)


def _roles_of(person: str, alert: str = "") -> QuerySet[Membership]:
    """The roles in the alert's project, and outside of all projects, of the person that the outer row names."""
    return Membership.objects.filter(Q(project=None) | Q(project=OuterRef(f"{alert}project")), user=OuterRef(person))


def _open_again(alert: Alert) -> None:
    """For the others who were told of it, as something new."""
    with transaction.atomic():
        alert = locked(alert, "environment", "acknowledged_by")
        if alert.state != AlertState.ACKNOWLEDGED or alert.acknowledged_by is None:
            return
        who = alert.acknowledged_by
        alert.open_again(f"{who.shown_name} looked after it, and is not there any more: nobody does now.")
        tell_again(alert, but=who)
        record(action="open_alert_again", actor=None, subject=alert, environment=alert.environment.name, was=who.username)


def _asked_in_vain(promotion: Promotion) -> bool:
    """Whether nobody who was told that it waits may say yes any more; whoever may now is told, else who can give somebody the right."""
    alert = Alert.objects.unsolved().about(promotion).filter(event=Asked.event).select_related("project", "environment").first()
    if alert is None:
        return False
    may = unique(alert.environment, Asked(promotion).people())
    told = set(alert.notices.values_list("user_id", flat=True))
    if any(one.user.pk in told for one in may):
        return False
    tell_anew(alert, may or stand_ins(alert.project, alert.environment))
    return True
