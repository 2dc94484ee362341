"""A test of a connection: its steps, each in words, and what the kinds' tests have in common.

It runs behind the wall, where nothing but the connection's own places can be reached; names and ports were looked at outside already
(`portal.runs.connection_tests`).

Words are ours. What a server says is never repeated, but for a few short facts (a version, a region, who signed a certificate)."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from executor import trust

GOOD, BAD, NOTE = "good", "bad", "note"
"""How a step went. NOTE: nothing is wrong, and there is something to know."""
SECONDS = 10.0
"""That a server may take for one answer."""
LONGEST_FACT = 60
_FACT = re.compile(r"[^\w .:/@+=-]")
UNSAFE = "Whoever is on the way can read and change everything, what it signs in with too."


@dataclass
class Step:
    """One step. `ms`: how long it took."""

    name: str
    state: str = GOOD
    words: str = ""
    fix: str = ""
    ms: int = 0

    def good(self, words: str) -> None:
        self.state, self.words = GOOD, words

    def note(self, words: str, fix: str = "") -> None:
        self.state, self.words, self.fix = NOTE, words, fix


class Stopped(Exception):
    """A step that went wrong, and those behind it have no sense. Its words are for people."""

    def __init__(self, words: str, fix: str = "") -> None:
        super().__init__(words)
        self.words, self.fix = words, fix


@dataclass(frozen=True)
class Placed:
    """A root on the connection."""

    name: str
    address: str
    may_write: bool = False


class Trial:
    """Tells each step as soon as it is known."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], lake: Path | None = None) -> None:
        """`lake`: the environment's folder, where it is needed."""
        self._tell, self.lake = tell, lake

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step that ends with what the block says of it. What stops it is told, and stops the test: Stopped is raised again."""
        step, began = Step(name), time.monotonic()
        self._tell({"event": "step-begins", "name": name})
        try:
            yield step
        except Exception as error:
            why = _why(error)
            step.state, step.words, step.fix = BAD, why.words, why.fix
            raise why from None
        finally:
            step.ms = round(1000 * (time.monotonic() - began))
            self._tell({"event": "step", **asdict(step)})

    def untried(self, name: str, words: str) -> None:
        """A step that is not tried, and why."""
        with self.step(name) as step:
            step.note(words)


def _why(error: Exception) -> Stopped:
    """In our words."""
    if isinstance(error, Stopped):
        return error
    if isinstance(error, OSError | EOFError):
        return broken_off(error)
    return Stopped("The server's answer cannot be understood.", "Try again; if it stays so, ask whoever runs the server.")


def fact(text: object) -> str:
    """A short fact that a server said, without signs that could be anything else."""
    return _FACT.sub("", str(text))[:LONGEST_FACT].strip()


def seconds() -> float:
    """That a server may take for one answer."""
    return SECONDS


def whole_seconds() -> int:
    """The same for drivers that count whole ones."""
    return max(2, round(SECONDS))


def connected(host: str, port: int) -> socket.socket:
    """Behind the wall every place is there; what is not there outside breaks off."""
    made = socket.create_connection((host, port), timeout=SECONDS)
    made.settimeout(SECONDS)
    return made


def received(stream: socket.socket, count: int) -> bytes:
    """Exactly so many bytes. Raises EOFError where the server ends before."""
    found = b""
    while len(found) < count:
        part = stream.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def broken_off(error: BaseException) -> Stopped:
    """A connection that came to nothing."""
    if isinstance(error, ssl.SSLError):
        return tls_fault(error)
    if isinstance(error, TimeoutError):
        return Stopped(
            f"The server does not answer within {SECONDS:g} seconds.",
            "Look at host and port; if they are right, ask whoever runs the server whether it is up and lets this machine in.",
        )
    return Stopped(
        "The server broke the connection off.", "Look at the port and at TLS; if they are right, ask whoever runs the server what it says."
    )


def encrypted(
    step: Step, stream: socket.socket, host: str, *, authority: str = "", checks_name: bool = True, checks_certificate: bool = True
) -> ssl.SSLSocket:
    """TLS over an open connection, and the step's words about it."""
    made = trust.context(authority=authority, checks_name=checks_name, checks_certificate=checks_certificate)
    try:
        safe = made.wrap_socket(stream, server_hostname=host)
    except ssl.SSLError as error:
        raise tls_fault(error, host) from None
    says_certificate(step, safe.getpeercert() or {}, checks_name=checks_name, checks_certificate=checks_certificate)
    return safe


def says_certificate(step: Step, certificate: dict[str, Any], *, checks_name: bool, checks_certificate: bool) -> None:
    if not checks_certificate:
        step.note("It is encrypted; nobody checks whose server it is.", "Choose TLS with certificate and name checked.")
        return
    about = _issuer_and_end(certificate)
    if checks_name:
        step.good(f"The certificate is right{about}.")
    else:
        step.note(f"The certificate is trusted{about}; its name is not checked.", "Choose TLS with certificate and name checked.")


def without_tls(trial: Trial) -> None:
    with trial.step("TLS") as step:
        step.note(f"None. {UNSAFE}", "Choose TLS, unless the way to the server is safe.")


def tls(trial: Trial, host: str, port: int, *, is_on: bool, authority: str) -> None:
    """The step TLS of a kind that begins with it, and then hangs up."""
    if not is_on:
        without_tls(trial)
        return
    with trial.step("TLS") as step, connected(host, port) as stream, encrypted(step, stream, host, authority=authority):
        pass


def _issuer_and_end(certificate: dict[str, Any]) -> str:
    issuer = dict(pair for part in certificate.get("issuer", ()) for pair in part)
    by = fact(issuer.get("organizationName") or issuer.get("commonName") or "")
    until = ""
    with suppress(ValueError, KeyError):
        until = f", good until {datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate['notAfter']), UTC):%d %B %Y}"
    return (f", signed by {by}" if by else "") + until


_RENEW = "Whoever runs the server has to put a new one there."
_TRUST = "Put the certificate of the authority that signed it into the connection, or have it signed by one that everybody knows."
_FAULTS = {
    7: ("The server's certificate is signed by an authority that is not known here.", _TRUST),
    9: ("The server's certificate is not valid yet.", "Compare the clocks of this machine and of the server."),
    10: ("The server's certificate has expired.", _RENEW),
    18: ("The server's certificate is signed by itself, so anybody could have made it.", _TRUST),
    19: ("The server's certificate is signed by an authority that is not known here.", _TRUST),
    20: ("The server's certificate is signed by an authority that is not known here.", _TRUST),
    21: ("The server's certificate is signed by an authority that is not known here.", _TRUST),
    23: ("The server's certificate was taken back.", _RENEW),
    62: ("The server's certificate is for another name.", "Write the name that stands in it as the host, or have a new one made."),
    64: ("The server's certificate is for another name.", "Write the name that stands in it as the host."),
}
"""OpenSSL's numbers."""


def tls_fault(error: ssl.SSLError, host: str = "") -> Stopped:
    if isinstance(error, ssl.SSLCertVerificationError):
        words, fix = _FAULTS.get(error.verify_code, ("The server's certificate is not right.", _RENEW))
        return Stopped(words.replace("another name", f"another name than {host}") if host else words, fix)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Stopped("The server broke the connection off before there was TLS.", "Look at the port: something else may listen there.")
    return Stopped("Something answers, but it does not speak TLS.", "Look at the port, and at whether the server speaks TLS there.")
