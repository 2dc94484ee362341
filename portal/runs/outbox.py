"""Messages that follow a commit: written with it, sent after it, sent again by the scheduler when that did not work."""

from __future__ import annotations

from datetime import timedelta

from portal.runs.models import OutboxMessage, database_now

RELAY_AFTER = timedelta(seconds=1)
"""Younger rows are left to the process that wrote them."""
KEEP_SENT = timedelta(days=1)
BATCH = 200


def send_after_commit(task: str, argument: str) -> None:
    """Sends `task` with one id when (and only when) the current transaction commits. A broker that is away only delays it."""
    OutboxMessage.add(task, argument)


def relay() -> int:
    """Sends what could not be sent at once, the oldest first; stops at the first failure. Gives the number sent.

    Two relays at a time may send a message twice; tasks are idempotent.
    """
    sent = 0
    due = OutboxMessage.objects.filter(sent_at=None, created_at__lt=database_now() - RELAY_AFTER).order_by("created_at")
    for message in due[:BATCH]:
        if not message.send():
            break
        sent += 1
    return sent


def forget_sent() -> int:
    """Deletes rows sent long ago; gives their number."""
    return OutboxMessage.objects.filter(sent_at__lt=database_now() - KEEP_SENT).delete()[0]
