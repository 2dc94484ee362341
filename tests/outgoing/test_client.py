"""The portal's one HTTP client, against real servers."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.errors import PortalError
from portal.outgoing import client
from portal.outgoing.addresses import Network, Target
from tests.outgoing import receiver
from tests.outgoing.receiver import Receiver

HERE = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver.running() as kept:
        yield kept


def send(url: str, allowed: Sequence[Network] = HERE, most_bytes: int = 0) -> client.Answer:
    return client.ask("POST", url, allowed=allowed, body=b"{}", most_bytes=most_bytes)


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 ", b" "), (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"", b"")],
    ids=["letter by letter", "go on", "nothing"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_never_ends_its_answer_is_left(monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...], scheme: str) -> None:
    """Else one such receiver keeps every mail and message of everybody waiting."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    with receiver.dripping(*pieces, every=0.05) as url, pytest.raises(PortalError) as refusal:
        send(url.replace("http", scheme, 1))
    assert refusal.value.message.startswith(("The receiver did not answer within", "No trusted connection"))


def test_all_addresses_of_a_name_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    tried: list[float] = []

    def connect(address: tuple[str, int], timeout: float, **_: object) -> None:
        tried.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    many = Target("https", "many.example", 443, "/", tuple(f"192.0.2.{last}" for last in range(1, 60)))
    monkeypatch.setattr(client, "checked", lambda url, allowed: many)
    with pytest.raises(PortalError, match="did not answer within"):
        send("https://many.example/")
    assert len(tried) == 1


def test_a_receiver_that_is_away_is_told_in_words(hook: Receiver) -> None:
    with pytest.raises(PortalError, match="cannot be reached"):
        send("http://127.0.0.1:1/")


def test_a_name_that_changes_its_address_after_the_check_is_still_not_reached(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked; the name is looked up once only."""
    pinned = Target("http", "rebound.example", hook.port, "/", ("::1", "127.0.0.1"))
    monkeypatch.setattr(client, "checked", lambda url, allowed: pinned)
    send("http://rebound.example/")
    assert hook.sent[0][1]["host"] == f"rebound.example:{hook.port}"


def test_proxies_of_the_environment_are_not_used(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    send(hook.url)
    assert len(hook.sent) == 1


def self_signed(folder: Path, host: str = "localhost") -> Path:
    """A certificate for this host that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
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
            send(url)
        assert secure.sent == []
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        send(url)
        assert len(secure.sent) == 1
        with pytest.raises(PortalError, match="No trusted connection"):
            send(f"https://127.0.0.1:{secure.port}/")  # the certificate is for another name


def test_a_private_address_gets_no_connection(hook: Receiver) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(PortalError):
            send(f"http://{host}:{hook.port}/", allowed=[])
    assert hook.sent == []


def test_the_body_is_read_as_far_as_it_is_asked_for(hook: Receiver) -> None:
    hook.answers, hook.content = 200, b"x" * 5000
    assert send(hook.url, most_bytes=5000).body == hook.content
    assert send(hook.url).body == b""
    with pytest.raises(client.NotReached, match="larger than 4,999 bytes"):
        send(hook.url, most_bytes=4999)


def test_what_was_packed_to_burst_stays_packed(hook: Receiver) -> None:
    hook.answers, hook.content, hook.packed_as = 200, gzip.compress(b"0" * 50_000_000), "gzip"
    assert send(hook.url, most_bytes=100_000).body == hook.content


@pytest.mark.parametrize("most_bytes", [100_000, 1_000_000_000])
def test_a_body_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    with (
        receiver.dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x", every=0.05) as url,
        pytest.raises(client.NotReached, match="did not answer within"),
    ):
        send(url, most_bytes=most_bytes)


def test_an_answer_leaves_no_connection_and_no_thread_behind(hook: Receiver) -> None:
    open_before, threads = set(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(20):
        send(hook.url)
        with suppress(PortalError):
            send("http://127.0.0.1:1/")
    assert len(set(os.listdir("/proc/self/fd")) - open_before) < 5
    assert threading.active_count() - threads < 5
