"""The portal's one HTTP client. An address is checked, and the very IP address that was checked is connected to; redirects are answers like
others; proxies of the environment are not used; every request has an end in time, and every answer one in size.

See design/security.md 4.6 and docs/decisions/outgoing.md.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from portal.errors import PortalError
from portal.outgoing.addresses import Network, Target, checked

CONNECT_SECONDS, ANSWER_SECONDS = 5, 15
"""`ANSWER_SECONDS`: from the first address that is tried to the last byte of the answer, however slowly it comes: a server that sends a
letter every few seconds must not hold up everybody else."""
PIECE = 64 * 1024


class NotReached(PortalError):
    """There is no answer: nobody is there, nobody vouches for who is, or time or size came to their end."""

    code = "not-reached"
    status = 502


@dataclass(frozen=True)
class Answer:
    """`body`: as far as it was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    method: str,
    url: str,
    *,
    allowed: Sequence[Network] = (),
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    most_bytes: int = 0,
) -> Answer:
    """The answer, whatever its status is. `allowed`: networks that are not public and may be reached all the same, also without TLS.
    `most_bytes`: of the answer's body; 0 reads none of it. Raises PortalError where the address is refused, NotReached."""
    target = checked(url, allowed)
    whole = {"User-Agent": "Sluice", **(headers or {}), "Host": target.host_header, "Accept-Encoding": "identity"}
    with _Clock(ANSWER_SECONDS) as clock:
        try:
            return _first_that_answers(method, target, whole, body, most_bytes, clock)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotReached(_why(error, clock)) from None


def _first_that_answers(method: str, target: Target, headers: Mapping[str, str], body: bytes, most_bytes: int, clock: _Clock) -> Answer:
    *others, last = target.addresses
    for address in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return _asked(method, target, address, headers, body, most_bytes, clock)
    return _asked(method, target, last, headers, body, most_bytes, clock)


def _asked(method: str, target: Target, address: str, headers: Mapping[str, str], body: bytes, most_bytes: int, clock: _Clock) -> Answer:
    """The name stands in the Host header and in TLS, whose certificate is checked for it; the connection goes to `address`."""
    left = clock.left()
    pinned = httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode("ascii"))
    about: dict[str, Any] = {"sni_hostname": target.host, "trace": clock.watch}
    timeout = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left))
    trusted = ssl.create_default_context() if target.scheme == "https" else False
    with (
        httpx.Client(trust_env=False, follow_redirects=False, verify=trusted, timeout=timeout) as client,
        client.stream(method, pinned, headers=dict(headers), content=body, extensions=about) as answer,
    ):
        return Answer(answer.status_code, dict(answer.headers), b"".join(_pieces(answer, most_bytes, clock)))


def _pieces(answer: httpx.Response, most_bytes: int, clock: _Clock) -> Iterator[bytes]:
    """The body as it comes over the wire: nothing that was packed to burst is unpacked."""
    size = 0
    for piece in answer.iter_raw(PIECE) if most_bytes else ():
        size += len(piece)
        if size > most_bytes:
            raise NotReached(f"The answer is larger than {most_bytes:,} bytes.")
        clock.left()
        yield piece


class _Clock:
    """The end of one request. Whoever waits for the server is woken then, also within the handshake of TLS."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._ends_at = time.monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Clock:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def left(self) -> float:
        """Seconds. TimeoutError when there are none."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpx of each step. A second handle of the connection is kept: TLS takes the first one away, and its number may be a
        stranger's by the time that it is cut."""
        if event == "connection.connect_tcp.complete":
            made: socket.socket = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._watched.append(socket.socket(fileno=os.dup(made.fileno())))

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for one in self._watched:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def _why(error: Exception, clock: _Clock) -> str:
    if clock.is_over or isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"The receiver did not answer within {clock.seconds:g} seconds."
    if tls := _tls_error(error):
        return f"No trusted connection: {tls.reason or 'TLS failed'}."
    return f"The receiver cannot be reached ({type(error).__name__})."


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
