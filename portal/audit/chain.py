"""The hash of an event, and whether the chain is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from portal.audit.models import AuditEvent

FIRST_HASH = "0" * 64


def hash_of(event: AuditEvent) -> str:
    """SHA-256 over the event's canonical JSON and the hash before it."""
    content = {
        "at": event.at.isoformat(),
        "actor": event.actor_id,
        "actor_name": event.actor_name,
        "token_prefix": event.token_prefix,
        "ip": event.ip,
        "request_id": event.request_id,
        "action": event.action,
        "result": event.result,
        "project": event.project,
        "environment": event.environment,
        "subject": [event.subject_type, event.subject_id, event.subject_label],
        "details": event.details,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((text + event.prev_hash).encode()).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """`count` events were read. `broken_seq` is the first that does not fit, None when all do; `head` the last good hash."""

    count: int
    head: str
    broken_seq: int | None = None
    why: str = ""


def verify(events: Iterable[AuditEvent] | None = None) -> Verdict:
    """Reads the whole chain from its begin. Numbers may have holes (a rolled back transaction uses one up); hashes may not."""
    head, count = FIRST_HASH, 0
    for event in events if events is not None else AuditEvent.objects.order_by("seq").iterator(chunk_size=2000):
        count += 1
        if event.prev_hash != head:
            return Verdict(count, head, event.seq, "the event before it is missing or was changed")
        if hash_of(event) != event.hash:
            return Verdict(count, head, event.seq, "its content was changed")
        head = event.hash
    return Verdict(count, head)


def lost_heads(heads: Iterable[str]) -> list[str]:
    """Which of these hashes, noted elsewhere earlier, are no longer in the chain: it was cut off or written anew."""
    wanted = list(heads)
    known = set(AuditEvent.objects.filter(hash__in=wanted).values_list("hash", flat=True)) | {FIRST_HASH}
    return [head for head in wanted if head not in known]
