"""Addresses that cannot be reached: told once in the portal, over when the next message arrives."""

from __future__ import annotations

from portal.alerts import resolving
from portal.alerts.conditions.deliveries import Undelivered
from portal.alerts.models import Alert, Delivery
from portal.alerts.telling import raise_alert


def tell_when_given_up(delivery: Delivery) -> None:
    """A message about an address that cannot be reached never leads to another such alert, or they would follow each other for ever."""
    if delivery.state != "given_up" or delivery.alert.event == Undelivered.event:
        return
    condition = Undelivered(delivery)
    earlier = next(iter(_unsolved(delivery)), None)
    if earlier is None:
        raise_alert(condition)
    else:
        earlier.happened_again(earlier.body)


def works_again(delivery: Delivery) -> None:
    """A message has just arrived there."""
    quietly_over = _unsolved(delivery)
    if quietly_over:
        resolving.quietly(quietly_over, "the next message arrived")


def _unsolved(delivery: Delivery) -> list[Alert]:
    """Alerts about the same address, the oldest first."""
    same = Delivery.objects.filter(kind=delivery.kind, target=delivery.target, state="given_up").values_list("pk", flat=True)
    found = Alert.objects.unsolved().filter(project=delivery.alert.project, event=Undelivered.event)
    return list(found.filter(subject_id__in=[str(one) for one in same]).order_by("created_at")) if found.exists() else []
