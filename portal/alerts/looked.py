"""How far back the scheduler looks for what was told to nobody: an hour, and over all the time in which nobody looked (a power cut)."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.alerts.models import LookedUntil

BACK = timedelta(hours=1)
"""A message that was lost is found out within it, while the scheduler works."""
NOTED_EVERY = timedelta(minutes=5)


def since(what: str, now: datetime) -> datetime:
    """An hour before one looked last. A clock that was ahead then, and was set back, counts as now."""
    last = LookedUntil.objects.filter(what=what).values_list("at", flat=True).first()
    return min(now, last or now) - BACK


def note(what: str, now: datetime) -> None:
    """Everything up to now has been looked at. Written every five minutes, which is well within what is looked at again."""
    recent = LookedUntil.objects.filter(what=what, at__gt=now - NOTED_EVERY, at__lte=now)
    if not recent.exists():
        LookedUntil.objects.update_or_create(what=what, defaults={"at": now})
