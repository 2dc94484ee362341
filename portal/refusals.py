"""Refusals are recorded too, outside the transaction that was refused."""

from __future__ import annotations

from typing import Any

from portal.audit import actions as audit
from portal.errors import NotAllowed


def record_refusal(user: Any, refused: NotAllowed) -> None:
    """One audit event `refused` for an action somebody may not do. Call it after the refused transaction has been rolled back."""
    signed_in = user is not None and user.is_authenticated
    audit.record(
        action=refused.action,
        actor=user if signed_in else None,
        actor_name="" if signed_in else "anonymous",
        subject=refused.subject,
        result="refused",
    )
