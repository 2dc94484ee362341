"""Trouble and wishes of which nobody is left who could act: whoever was told has gone since, or has lost the right that it takes."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import Membership
from portal.alerts.conditions.base import stand_ins
from portal.alerts.conditions.promotions import Asked
from portal.alerts.models import Alert, Notice
from portal.alerts.raising import of_promotions
from portal.alerts.telling import tell_anew, tell_stand_ins, unique
from portal.promotions.models import Promotion


def find_left_alone() -> int:
    """Tells those who can act now, each once. Returns how many alerts there are that nobody who was told can do anything about."""
    alone = list(_alone().exclude(event=Asked.event).select_related("project", "environment"))
    for alert in alone:
        tell_stand_ins(alert)
    return len(alone) + sum(_asked_in_vain(promotion) for promotion in of_promotions().waiting())


def _alone() -> QuerySet[Alert]:
    """Unsolved, and nobody in whose list it stands can sign in and see it."""
    everywhere = Q(project=None)
    here = Q(project=OuterRef("alert__project")) & (Q(environment="") | Q(environment=OuterRef("alert__environment__name")))
    roles = Membership.objects.filter(everywhere | here, user=OuterRef("user"))
    told = Notice.objects.filter(Exists(roles), alert=OuterRef("pk"), user__is_active=True)
    return Alert.objects.unsolved().exclude(Exists(told))


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
