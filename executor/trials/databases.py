"""What the tests of databases have in common."""

from __future__ import annotations

import socket
from collections.abc import Callable

from executor.connections.databases import CHECKED, Database
from executor.trials.trial import UNSAFE, Step, Stopped, Trial, connected, encrypted, without_tls

CHECKS_NAME = ("verify-full", "strict")
"""Choices of TLS."""


def try_tls(connection: Database, trial: Trial, start: Callable[[socket.socket], None]) -> None:
    """The step TLS. `start`: what this kind of server is told before TLS begins. Raises Stopped."""
    if connection.tls == "disable":
        without_tls(trial)
        return
    with trial.step("TLS") as step, connected(connection.host, connection.port) as stream:
        start(stream)
        checks = {"checks_name": connection.tls in CHECKS_NAME, "checks_certificate": connection.tls in CHECKED}
        encrypted(step, stream, connection.host, authority=connection.authority, **checks).close()


def another_server(title: str) -> Stopped:
    """Something else answers."""
    return Stopped(f"Something answers there, but it is no {title}.", "Look at host and port.")


def no_tls() -> Stopped:
    return Stopped(f"The server speaks no TLS. {UNSAFE}", "Ask whoever runs the server to turn it on.")


def tables(step: Step, database: str, count: int) -> None:
    """What the step List says."""
    if count:
        step.good(f"The user sees {count:,} table{'s' if count > 1 else ''} in {database}.")
    else:
        step.note(f"The user sees no table in {database} yet.", "Where it shall, its owner grants SELECT.")
