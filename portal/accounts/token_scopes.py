"""What a request that came with an API token may do at most, whatever its owner's roles allow.

The API's views refuse early, in words (portal.api_base); the policy asks here too, so that no door can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

SCOPE_FOR: dict[str, str | None] = {
    "view": "read",
    "view_data": "read",
    "view_audit": "read",
    "preview": "run",
    "run_draft": "run",
    "start_run": "run",
    "cancel_run": "run",
    "run_pipeline": "run",
    "put_back_output": "run",
    # Only a person who is signed in decides about a promotion, about who may do what, or about how many must agree.
    "change_rules": None,
    "approve_promotion": None,
    "roll_back": None,
    "manage_members": None,
    "manage_platform": None,
}
"""The scope each action needs; `write` where it is not named, None where no token is enough."""

_scopes: ContextVar[frozenset[str] | None] = ContextVar("token_scopes", default=None)


def limit_to(scopes: Iterable[str] | None) -> None:
    """For the rest of this request; None means the person is signed in and no token limits them."""
    _scopes.set(None if scopes is None else frozenset(scopes))


def allow(action: str) -> bool:
    """True when no token is in use, or its scopes hold what `action` needs."""
    scopes = _scopes.get()
    return scopes is None or SCOPE_FOR.get(action, "write") in scopes
