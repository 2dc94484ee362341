"""Signed webhooks as Standard Webhooks describes them, sent to a checked and pinned address."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import ssl
import threading
import time
from typing import Any

from portal.alerts.addresses import Target, checked
from portal.errors import PortalError

CONNECT_SECONDS, ANSWER_SECONDS = 5, 15
"""`ANSWER_SECONDS`: from the first address that is tried to the end of the answer's head, however slowly it comes: a receiver that sends a
letter every few seconds must not hold up everybody else's messages."""
SECRET_BYTES = 32
BEGINS = "whsec_"


def new_secret() -> str:
    """A signing key, to be shown once."""
    return BEGINS + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(BEGINS))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(*, url: str, secret: str, message_id: str, payload: dict[str, Any]) -> None:
    """Posts the payload as JSON. PortalError with a plain reason unless the receiver answers with 2xx; its answer is never shown."""
    target = checked(url)
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(time.time())
    headers = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        "User-Agent": "Sluice",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    status = _post(target, body, headers)
    if 300 <= status < 400:
        raise PortalError(f"The receiver answered with a redirect ({status}); redirects are not followed.", code="webhook-failed")
    if not 200 <= status < 300:
        raise PortalError(f"The receiver answered with status {status}; 200 to 299 was expected.", code="webhook-failed")


def _post(target: Target, body: bytes, headers: dict[str, str]) -> int:
    connection = _Pinned(target)
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise PortalError(_why(error, connection.is_cut), code="webhook-failed") from None
    finally:
        connection.end()


def _why(error: Exception, is_cut: bool) -> str:
    if is_cut or isinstance(error, TimeoutError):
        return f"The receiver did not answer within {ANSWER_SECONDS} seconds."
    if isinstance(error, ssl.SSLError):
        return f"No trusted connection: {error.reason or 'TLS failed'}."
    return f"The receiver cannot be reached ({type(error).__name__})."


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever the name may resolve to by now. Proxies of the environment are not used.
    It is cut when its time is over; call `end` when it is no longer needed."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port)
        self._target = target
        self._ends_at = time.monotonic() + ANSWER_SECONDS
        self.is_cut = False
        self._clock = threading.Timer(ANSWER_SECONDS, self._cut)
        self._clock.daemon = True
        self._clock.start()

    def connect(self) -> None:
        plain = self._first_that_answers()
        self.sock = plain
        if self._target.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._target.host, do_handshake_on_connect=False)
            self.sock.settimeout(self._left())
            self.sock.do_handshake()
        self.sock.settimeout(self._left())

    def end(self) -> None:
        self._clock.cancel()
        self.close()

    def _cut(self) -> None:
        """Whoever waits for the receiver is woken. The TLS layer is left out: it would wait, too."""
        self.is_cut = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _left(self) -> float:
        """Seconds that are left. TimeoutError when there are none."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _first_that_answers(self) -> socket.socket:
        *others, last = self._target.addresses
        for address in others:
            with contextlib.suppress(OSError):
                return self._connected(address)
        return self._connected(last)

    def _connected(self, address: str) -> socket.socket:
        return socket.create_connection((address, self._target.port), min(CONNECT_SECONDS, self._left()))
