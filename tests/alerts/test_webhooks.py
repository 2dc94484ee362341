"""Signed webhooks, sent to a real receiver."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.alerts import addresses, webhooks
from portal.alerts.addresses import Target
from portal.errors import PortalError
from tests.alerts import receiver
from tests.alerts.receiver import Receiver


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


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 ", b" "), (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"", b"")],
    ids=["letter by letter", "go on", "nothing"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_never_ends_its_answer_is_left(monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...], scheme: str) -> None:
    """Else one such receiver keeps every mail and message of everybody waiting."""
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.5)
    with receiver.dripping(*pieces, every=0.05) as url, pytest.raises(PortalError) as refusal:
        send(url.replace("http", scheme, 1), webhooks.new_secret())
    assert refusal.value.message.startswith(("The receiver did not answer within", "No trusted connection"))


def test_all_addresses_of_a_name_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.2)
    tried: list[float] = []

    def connect(address: tuple[str, int], timeout: float) -> None:
        tried.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(webhooks.socket, "create_connection", connect)
    many = Target("https", "many.example", 443, "/", tuple(f"192.0.2.{last}" for last in range(1, 60)))
    monkeypatch.setattr(webhooks, "checked", lambda url: many)
    with pytest.raises(PortalError, match="did not answer within"):
        send("https://many.example/", webhooks.new_secret())
    assert len(tried) == 1


def test_a_refusal_tells_the_status_and_nothing_of_the_answer(hook: Receiver) -> None:
    hook.answers = 500
    with pytest.raises(PortalError, match="answered with status 500"):
        send(hook.url, webhooks.new_secret())


def test_a_receiver_that_is_away_is_told_in_words(hook: Receiver) -> None:
    with pytest.raises(PortalError, match="cannot be reached"):
        send("http://127.0.0.1:1/", webhooks.new_secret())


def test_a_name_that_changes_its_address_after_the_check_is_still_not_reached(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked; the name is looked up once only."""
    pinned = Target("http", "rebound.example", hook.port, "/", ("::1", "127.0.0.1"))
    monkeypatch.setattr(webhooks, "checked", lambda url: pinned)
    send("http://rebound.example/", webhooks.new_secret())
    assert hook.sent[0][1]["host"] == f"rebound.example:{hook.port}"


def test_proxies_of_the_environment_are_not_used(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    send(hook.url, webhooks.new_secret())
    assert len(hook.sent) == 1


def self_signed(folder: Path) -> Path:
    """A certificate for localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    path = folder / "certificate.pem"
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + made.sign(key, hashes.SHA256()).public_bytes(pem))
    return path


def test_https_needs_a_certificate_somebody_vouches_for(hook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path)
    with receiver.running(certificate) as secure:
        url = f"https://localhost:{secure.port}/"
        with pytest.raises(PortalError, match="No trusted connection: CERTIFICATE_VERIFY_FAILED"):
            send(url, webhooks.new_secret())
        assert secure.sent == []
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        send(url, webhooks.new_secret())
        assert len(secure.sent) == 1
        with pytest.raises(PortalError, match="No trusted connection"):
            send(f"https://127.0.0.1:{secure.port}/", webhooks.new_secret())  # the certificate is for another name


def test_a_private_address_gets_no_connection(hook: Receiver, settings: object) -> None:
    settings.WEBHOOK_ALLOW = []  # type: ignore[attr-defined]
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(PortalError):
            send(f"http://{host}:{hook.port}/", webhooks.new_secret())
    assert hook.sent == []
    assert addresses.parse(hook.url).addresses == ()
