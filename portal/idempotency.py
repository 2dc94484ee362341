"""`Idempotency-Key`: a request that is sent twice is done once.

The key is claimed in a row of its own first, so that a second request that arrives meanwhile is told to wait. The work and the
answer are then written in one transaction: after a crash either both are there or neither. A refused request changed nothing and
is not remembered. Keys live a day.

What waits for other programs (a look, unpacking, a receiver or a store elsewhere) is not done in that transaction: on SQLite nobody could
write anything meanwhile. After a crash such a request may be done again, and finds what there is by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, cast

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.models import IdempotentAnswer, User
from portal.errors import Conflict, PortalError

KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=15)
"""Longer than anything takes."""
LONGEST = 100
Handler = Callable[..., Response]


def once(handler: Handler, key: str, *, waits: bool = False) -> Handler:
    """`handler`, but a request whose key was answered before gets that answer again. `waits`: for other programs."""

    def answer(request: Request, *args: Any, **kwargs: Any) -> Response:
        claim, is_new = _claim(request, key)
        if not is_new:
            return _again(claim, request)
        try:
            with nullcontext() if waits else transaction.atomic():
                response = handler(request, *args, **kwargs)
                claim.status, claim.body = response.status_code, json.loads(JSONRenderer().render(response.data) or b"null")
                claim.save(update_fields=["status", "body"])
        except BaseException:
            claim.delete()
            raise
        return response

    return answer


def _claim(request: Request, key: str) -> tuple[IdempotentAnswer, bool]:
    if len(key) > LONGEST:
        raise PortalError(f"The Idempotency-Key is longer than {LONGEST} characters.", code="bad-idempotency-key", fix="Send a UUID.")
    _forget_old(request.user)
    return IdempotentAnswer.objects.get_or_create(
        user=cast(User, request.user), endpoint=_endpoint(request), key=key, defaults={"request_sha256": _sha256_of(request)}
    )


def _forget_old(user: Any) -> None:
    now = timezone.now()
    mine = IdempotentAnswer.objects.filter(user=user)
    mine.filter(created_at__lt=now - KEPT).delete()
    mine.filter(status=None, created_at__lt=now - GIVEN_UP).delete()  # whoever held them has died


def _endpoint(request: Request) -> str:
    return hashlib.sha256(f"{request.method} {request.path}".encode()).hexdigest()


def _sha256_of(request: Request) -> str:
    """Of the meaning of the body, so that spaces and the order of keys do not matter. Keyed: a body may hold a password, and who has the
    database alone could try words against a plain hash of it."""
    text = json.dumps(request.data, sort_keys=True, separators=(",", ":"), default=str)
    return salted_hmac("portal.idempotency", text, algorithm="sha256").hexdigest()


def _again(claim: IdempotentAnswer, request: Request) -> Response:
    if claim.request_sha256 != _sha256_of(request):
        raise PortalError(
            "This Idempotency-Key was used for another request.",
            code="idempotency-key-reused",
            status=422,
            fix="Use a new key for a new request.",
        )
    if claim.status is None:
        raise Conflict(
            "The first request with this Idempotency-Key is still being worked on.", code="in-progress", fix="Ask again in a moment."
        )
    return Response(claim.body, status=claim.status, headers={"Idempotency-Replayed": "true"})
