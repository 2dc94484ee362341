"""Writing the audit. Checking it is portal.audit.chain."""

from __future__ import annotations

import ipaddress
import math
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from portal.audit.chain import FIRST_HASH, hash_of
from portal.audit.models import AuditEvent, kind_of

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
    hold no secret. Call it last in the transaction: from here to the commit, nobody else can append.
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
            ip=_clean_ip(came_from.ip),
            request_id=came_from.request_id,
            action=action,
            result=result,
            project=project or _named(subject, "access_project"),
            environment=environment or _named(subject, "access_environment"),
            **_about(subject),
            details=as_stored(details),
            prev_hash=last or FIRST_HASH,
        )
        event.hash = hash_of(event)
        event.save(force_insert=True)
        return event


def as_stored(value: Any) -> Any:
    """The value as every database gives it back, so that its hash is the same before and after: plain JSON, whole floats as integers,
    no NUL characters (PostgreSQL takes none)."""
    if isinstance(value, dict):
        return {_text(str(key)): as_stored(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_stored(inner) for inner in value]
    if isinstance(value, float):
        return str(value) if not math.isfinite(value) else int(value) if value.is_integer() else value
    if value is None or isinstance(value, bool | int):
        return value
    return _text(str(value))


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _about(subject: Any) -> dict[str, str]:
    if subject is None:
        return {}
    return {
        "subject_type": kind_of(subject),
        "subject_id": str(subject.pk or ""),
        "subject_label": _text(str(subject))[:200],
    }


def _clean_ip(text: str | None) -> str | None:
    """In the one form that comes back from the database."""
    try:
        address = ipaddress.ip_address(text) if text else None
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address) if address else None


def _lock_chain() -> None:
    """One appender at a time. SQLite has one writer anyway: its transactions begin as IMMEDIATE."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])


def _named(subject: Any, attribute: str) -> str:
    """The slug of the subject's project, or the name of its environment, where it has one."""
    path = getattr(subject, attribute, None)
    if path is None:
        return ""
    for name in path.split("__") if path else []:
        subject = getattr(subject, name) if subject is not None else None
    return "" if subject is None else str(getattr(subject, "slug", subject))
