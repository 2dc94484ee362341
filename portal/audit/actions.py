"""Writing and checking the audit chain."""

from __future__ import annotations

import hashlib
import json
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from portal.audit.models import AuditEvent

FIRST_HASH = "0" * 64
_LOCK_NUMBER = 7_391_001  # any constant; names the advisory lock that keeps the chain in one line


@dataclass(frozen=True)
class Origin:
    """Where a request came from; the middleware sets it for the length of the request."""

    ip: str | None = None
    request_id: str = ""
    token_prefix: str = ""


_NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("audit_origin", default=_NOWHERE)


def from_token(prefix: str) -> None:
    """For the rest of this request, events name the API token that was used."""
    origin.set(replace(origin.get(), token_prefix=prefix))


def record(
    *,
    action: str,
    actor: Any,
    actor_name: str = "",
    subject: Any = None,
    project: str = "",
    environment: str = "",
    result: str = "done",
    **details: Any,
) -> AuditEvent:
    """Appends one event, in the caller's transaction: no audit, no action.

    `actor` is a user, or None for the system (or for `actor_name`, somebody who is not signed in). `details` must be JSON-ready and
    hold no secret.
    """
    with transaction.atomic():
        _lock_chain()
        last = AuditEvent.objects.order_by("-seq").values_list("hash", flat=True).first()
        came_from = origin.get()
        event = AuditEvent(
            at=timezone.now(),
            actor=actor,
            actor_name=actor.get_username() if actor else actor_name or "system",
            token_prefix=came_from.token_prefix,
            ip=came_from.ip,
            request_id=came_from.request_id,
            action=action,
            result=result,
            project=project or _project_of(subject),
            environment=environment,
            subject_type=type(subject).__name__.lower() if subject is not None else "",
            subject_id=str(subject.pk) if subject is not None else "",
            subject_label=str(subject)[:200] if subject is not None else "",
            details=details,
            prev_hash=last or FIRST_HASH,
        )
        event.hash = hash_of(event)
        event.save(force_insert=True)
        return event


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


def _lock_chain() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])


def _project_of(subject: Any) -> str:
    path = getattr(subject, "access_project", None)
    if path is None:
        return ""
    for name in path.split("__") if path else []:
        subject = getattr(subject, name)
    return str(subject.slug)
