"""API tokens: `Authorization: Bearer slc_…`."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.accounts import token_scopes, tokens
from portal.accounts.models import ApiToken, User
from portal.audit import actions as audit

USED_NOTED_EVERY = timedelta(minutes=1)


class ApiTokenAuthentication(BaseAuthentication):
    """Sets request.user and request.auth (the ApiToken), names the token in the audit, and limits the policy to its scopes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        token = tokens.find(words[1].decode("ascii", "ignore")) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed("This API token is not known, has expired or was revoked. Make a new one on your account page.")
        _note_use(token)
        audit.from_token(token.prefix)
        token_scopes.limit_to(token.scopes, token.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="sluice"'


def _note_use(token: ApiToken) -> None:
    """Once a minute is enough to show when it was last used."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USED_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
