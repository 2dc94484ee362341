"""What a request that came with an API token may do at most, whatever its owner's roles allow.

The API's views refuse early, in words (portal.api_base); the policy asks here too, so that no door can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import ApiToken

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
_token: ContextVar[int | None] = ContextVar("token", default=None)


def limit_to(scopes: Iterable[str] | None, token: int | None = None) -> None:
    """For the rest of this request; None means the person is signed in and no token limits them. `token`: its id."""
    _scopes.set(None if scopes is None else frozenset(scopes))
    _token.set(token)


def token_in_use() -> QuerySet[ApiToken] | None:
    """The token that the request came with, if it is valid at the moment in which the query is made; None where none is in use."""
    token = _token.get()
    return None if token is None else ApiToken.objects.filter(pk=token, revoked_at=None, expires_at__gt=timezone.now())


def allow(action: str) -> bool:
    """True when no token is in use, or its scopes hold what `action` needs."""
    scopes = _scopes.get()
    return scopes is None or SCOPE_FOR.get(action, "write") in scopes
