"""Kafka: TLS, and whether a broker answers. Signing in is not tried."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from contextlib import ExitStack

from executor.connections.kafka import Kafka
from executor.trials.trial import Placed, Stopped, Trial, connected, encrypted, received, without_tls

_API_VERSIONS, _NUMBER = 18, 7_391
_NOT_THIS_VERSION = 35
_LARGEST = 100_000
MOST_BROKERS = 10


def test(connection: Kafka, trial: Trial, roots: Sequence[Placed]) -> None:
    """Each broker. Raises Stopped."""
    if connection.tls == "off":
        without_tls(trial)
    for place in connection.endpoints(())[:MOST_BROKERS]:
        if connection.tls == "verified":
            with trial.step(f"TLS of {place.host}") as step, connected(place.host, place.port) as stream:
                encrypted(step, stream, place.host, authority=connection.authority).close()
        with trial.step(f"Broker {place.host}") as step, ExitStack() as opened:
            stream = opened.enter_context(connected(place.host, place.port))
            if connection.tls == "verified":
                stream = opened.enter_context(encrypted(step, stream, place.host, authority=connection.authority))
            _ask_for_versions(stream)
            step.good("It is a broker of Kafka.")
    if connection.sign_in != "nobody":
        trial.untried("Sign-in", "It is not tried for Kafka: whether user and password are right is not known. No stage uses them yet.")


def _ask_for_versions(stream: socket.socket) -> None:
    """Brokers tell them to everybody. Raises Stopped where what answers is none."""
    name = b"sluice"
    asks = struct.pack(">hhih", _API_VERSIONS, 0, _NUMBER, len(name)) + name
    stream.sendall(struct.pack(">i", len(asks)) + asks)
    (size,) = struct.unpack(">i", received(stream, 4))
    if not 6 <= size <= _LARGEST:
        raise _no_broker()
    number, code = struct.unpack(">ih", received(stream, size)[:6])
    if number != _NUMBER or code not in (0, _NOT_THIS_VERSION):
        raise _no_broker()


def _no_broker() -> Stopped:
    return Stopped("Something answers there, but it is no broker of Kafka.", "Look at host and port.")
