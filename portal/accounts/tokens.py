"""API tokens: how they are made and recognised. Only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from portal.accounts.models import ApiToken, User

SCOPES = {
    "read": "Look: jobs, versions, runs and their logs, and whatever else its owner may see",
    "write": "Change: jobs, drafts, versions, requests for promotion, pipelines, settings",
    "run": "Start, cancel and repeat runs",
}
"""What a token may be limited to, in words. Approving is in none of them."""
BEGINS = "slc_"
PREFIX_LENGTH = 12
DEFAULT_DAYS = 90
LONGEST_DAYS = 365


def hash_of(text: str) -> str:
    """The token has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(text.encode()).hexdigest()


def issue(*, user: User, name: str, scopes: list[str], days: int = DEFAULT_DAYS) -> tuple[ApiToken, str]:
    """The new row and the token's text, which nobody can see again."""
    text = BEGINS + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=text[:PREFIX_LENGTH],
        hash=hash_of(text),
        scopes=sorted(scopes),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, text


def find(text: str) -> ApiToken | None:
    """The token of this text, when it is valid now and its owner may still sign in."""
    return (
        ApiToken.objects.select_related("user")
        .filter(hash=hash_of(text), revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)
        .first()
    )
