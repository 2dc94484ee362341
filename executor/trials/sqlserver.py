"""SQL Server: whether it is one, and its TLS. Signing in is left to the first run (docs/decisions/connection-tests.md)."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence

from executor import trust
from executor.connections.databases import CHECKED
from executor.connections.sqlserver import SQLServer
from executor.trials.databases import CHECKS_NAME, another_server, no_tls
from executor.trials.trial import Placed, Trial, connected, encrypted, received, says_certificate, tls_fault, without_tls

_PRELOGIN, _ANSWER, _LAST = 0x12, 0x04, 0x01
_VERSION, _ENCRYPTION, _END = 0, 1, 0xFF
_ON, _NOT_SUPPORTED = 1, 2
_LARGEST = 32_768


def test(connection: SQLServer, trial: Trial, roots: Sequence[Placed]) -> None:
    """Whether a SQL Server answers, and TLS. Raises Stopped."""
    if connection.tls == "disable":
        without_tls(trial)
        with trial.step("Server") as step, connected(connection.host, connection.port) as stream:
            _prelogin(stream)
            step.good("It is a SQL Server.")
    else:
        with trial.step("TLS") as step, connected(connection.host, connection.port) as stream:
            checks = {"checks_name": connection.tls in CHECKS_NAME, "checks_certificate": connection.tls in CHECKED}
            if connection.tls == "strict":
                with encrypted(step, stream, connection.host, authority=connection.authority, **checks) as safe:
                    _prelogin(safe)
            else:
                if _prelogin(stream) == _NOT_SUPPORTED:
                    raise no_tls()
                says_certificate(step, _tls_in_packets(stream, connection, **checks), **checks)
    trial.untried("Sign-in", "It is not tried for SQL Server: the first run tells whether user, password and database are right.")


def _prelogin(stream: socket.socket) -> int:
    """What the server says of encryption. Raises Stopped where it is no SQL Server."""
    options = struct.pack(">BHHBHHB", _VERSION, 11, 6, _ENCRYPTION, 17, 1, _END) + bytes(6) + bytes([_ON])
    _send(stream, options)
    kind, said = _packet(stream)
    if kind != _ANSWER:
        raise another_server(SQLServer.title)
    found = _options(said)
    if _VERSION not in found or len(found.get(_ENCRYPTION, b"")) != 1:
        raise another_server(SQLServer.title)
    return found[_ENCRYPTION][0]


def _options(said: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for place in range(0, len(said) - 4, 5):
        if said[place] == _END:
            break
        start, size = struct.unpack(">HH", said[place + 1 : place + 5])
        found[said[place]] = said[start : start + size]
    return found


def _tls_in_packets(stream: socket.socket, connection: SQLServer, *, checks_name: bool, checks_certificate: bool) -> dict[str, object]:
    """The server's certificate: TLS is carried in packets of its own until it stands."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = trust.context(authority=connection.authority, checks_name=checks_name, checks_certificate=checks_certificate)
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    safe = made.wrap_bio(coming, going, server_hostname=connection.host)
    while True:
        try:
            safe.do_handshake()
        except ssl.SSLWantReadError:
            _send(stream, going.read())
            coming.write(_packet(stream)[1])
        except ssl.SSLError as error:
            raise tls_fault(error, connection.host) from None
        else:
            return dict(safe.getpeercert() or {})


def _send(stream: socket.socket, body: bytes) -> None:
    stream.sendall(struct.pack(">BBHHBB", _PRELOGIN, _LAST, len(body) + 8, 0, 1, 0) + body)


def _packet(stream: socket.socket) -> tuple[int, bytes]:
    kind, _, size, _, _, _ = struct.unpack(">BBHHBB", received(stream, 8))
    if kind not in (_ANSWER, _PRELOGIN) or not 8 < size <= _LARGEST:
        raise another_server(SQLServer.title)
    return kind, received(stream, size - 8)
