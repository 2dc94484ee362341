"""Signed webhooks, sent to a real receiver."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from portal.alerts import webhooks
from portal.errors import PortalError
from tests.outgoing.receiver import Receiver


def send(url: str, secret: str) -> None:
    webhooks.send(url=url, secret=secret, message_id="msg_1", payload={"type": "test", "data": {"text": "grüße"}})


def test_a_message_is_signed_as_standard_webhooks_says(hook: Receiver) -> None:
    secret = webhooks.new_secret()
    send(hook.url, secret)
    path, headers, body = hook.sent[0]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (path, headers["webhook-id"], headers["host"]) == ("/hook?a=1", "msg_1", f"127.0.0.1:{hook.port}")
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert json.loads(body)["data"]["text"] == "grüße"
    assert len(key) == 32


def test_the_standard_s_own_example_gives_its_signature() -> None:
    """The test vector that Standard Webhooks publishes with its libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(hook: Receiver, status: int) -> None:
    hook.answers, hook.location = status, hook.url
    with pytest.raises(PortalError, match="redirects are not followed"):
        send(hook.url, webhooks.new_secret())
    assert len(hook.sent) == 1


def test_a_refusal_tells_the_status_and_nothing_of_the_answer(hook: Receiver) -> None:
    hook.answers = 500
    with pytest.raises(PortalError, match="answered with status 500"):
        send(hook.url, webhooks.new_secret())
