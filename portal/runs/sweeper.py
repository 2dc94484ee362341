"""Finds what was lost: runs whose worker is gone, and waiting runs nobody was rung for. Safe with two sweepers at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from portal.runs import doorbell, leases, outbox, receipts
from portal.runs.models import Run, StateChanged, database_now

log = logging.getLogger(__name__)

RING_AGAIN_AFTER = timedelta(seconds=10)
RING_AT_ONCE = 20
"""A worker that is rung goes on with whatever waits, so a few rings are enough."""


def sweep() -> dict[str, int]:
    """One round. Gives how many runs were handed on, how many rung for again, and what was forgotten."""
    return {"handed_on": _hand_on_lost(), "rung": _ring_again(), "forgotten": outbox.forget_sent(), "receipts": receipts.forget_noted()}


def _hand_on_lost() -> int:
    count, now = 0, database_now()
    over = Run.objects.lost(before=now - leases.GRACE).values_list("pk", flat=True)
    lost = Run.objects.filter(pk__in=[*over, *_never_over(now)]).select_related("job", "project", "environment")
    for run in lost:
        try:
            log.warning("Run %s: its worker %s stopped answering; the run is %s now.", run.pk, run.lease_owner, leases.hand_on(run))
        except StateChanged:
            continue
        except OSError:
            log.exception("Run %s was lost while it published, and its lake cannot be written: it is looked at again.", run.pk)
            continue
        count += 1
    return count


_seen_beyond: dict[tuple[UUID, datetime | None], float] = {}
"""Leases that end later than any can, and since when this process has seen them, by a clock that nobody sets."""


def _never_over(now: datetime) -> list[UUID]:
    """Runs whose lease would be waited for in vain, since the clock was set back after it was given. A worker that lives renews it soon."""
    lasts = leases.lasts() + leases.GRACE
    there = set(Run.objects.held_beyond(now + lasts).values_list("pk", "lease_until"))
    for gone in _seen_beyond.keys() - there:
        del _seen_beyond[gone]
    moment = monotonic()
    return [one[0] for one in there if moment - _seen_beyond.setdefault(one, moment) > lasts.total_seconds()]


def _ring_again() -> int:
    count = 0
    forgotten = Run.objects.startable().filter(queued_at__lt=database_now() - RING_AGAIN_AFTER)
    for run_id in forgotten.values_list("pk", flat=True)[:RING_AT_ONCE]:
        if not doorbell.ring(leases.EXECUTE, str(run_id)):
            break
        count += 1
    return count
