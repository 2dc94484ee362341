"""Signed webhooks as Standard Webhooks describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from portal.errors import PortalError
from portal.outgoing import addresses, client

SECRET_BYTES = 32
BEGINS = "whsec_"
INTERNAL = "An operator can list an internal network in SLUICE_WEBHOOK_ALLOW."


def new_secret() -> str:
    """A signing key, to be shown once."""
    return BEGINS + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(BEGINS))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def require_address(url: str) -> None:
    """PortalError where no webhook may go."""
    with _fix_told():
        addresses.checked(url, settings.WEBHOOK_ALLOW)


@contextmanager
def _fix_told() -> Iterator[None]:
    try:
        yield
    except addresses.NotPublic as refusal:
        refusal.fix = INTERNAL
        raise


def send(*, url: str, secret: str, message_id: str, payload: dict[str, Any]) -> None:
    """Posts the payload as JSON. PortalError with a plain reason unless the receiver answers with 2xx; its answer is never shown."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    with _fix_told():
        status = client.ask("POST", url, allowed=settings.WEBHOOK_ALLOW, headers=headers, body=body).status
    if 300 <= status < 400:
        raise PortalError(f"The receiver answered with a redirect ({status}); redirects are not followed.", code="webhook-failed")
    if not 200 <= status < 300:
        raise PortalError(f"The receiver answered with status {status}; 200 to 299 was expected.", code="webhook-failed")
