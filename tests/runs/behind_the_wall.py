"""A program inside the very command line of a run, and servers that it may or may not reach. The fixtures are those of tests/runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executor.files import tree
from portal.runs import sandbox
from portal.runs.egress import Egress

OTHER, OF_EXECUTORS = 1_900_000_077, 1_900_000_078
"""Users without any right, where the tests run as root. The kernel counts processes by user: those of a Sluice that runs beside the tests
must not count here."""
STARTERS = ["root", "another user"] if os.geteuid() == 0 else ["another user"]
Serve = Callable[[Callable[[socket.socket], object]], int]


class Wall:
    """Runs Python behind the wall that `starter` would build."""

    def __init__(self, starter: str, home: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        self.home, self._before = home, []
        settings.RUN_DIR, settings.BASE_DIR = home / "run", home
        settings.RUN_PROCESSES, settings.RUN_SHM_MB, settings.EXECUTOR_UID = 60, 8, OF_EXECUTORS
        for name in ("lake", "executor"):
            (home / name).mkdir()
        sandbox.make_tmp(home / "scratch")  # with a Sluice below /tmp, too: the home is there
        if starter == "another user" and os.geteuid() == 0:
            self._before = ["/usr/bin/setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "--"]
            monkeypatch.setattr(sandbox.os, "geteuid", lambda: OTHER)
            monkeypatch.setattr(sys, "base_prefix", "/usr")
            monkeypatch.setattr(sys, "prefix", "/usr")
            tree.give(home, OTHER)
        sandbox.give_to_executors(home / "lake")

    def run(self, script: str, told: dict[str, Any], **about: Any) -> subprocess.CompletedProcess[str]:
        with self.start(script, **about) as process:
            out, err = process.communicate(json.dumps(told) + "\n", timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, script: str, egress: Egress | None = None, **about: Any) -> subprocess.Popen[str]:
        given = {"lake": self.home / "lake", "writable": True, "tmp": self.home / "scratch", "egress": egress} | about
        argv = sandbox.wrapped(["/usr/bin/python3", "-c", script], **given)
        for file in (self.home / "run").rglob("*") if self._before else ():
            os.chown(file, OTHER, OTHER)
        pipe, inherited = subprocess.PIPE, (egress.descriptor,) if egress else ()
        started = subprocess.Popen(
            [*self._before, *argv], stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/", pass_fds=inherited, start_new_session=True
        )
        if egress:
            egress.serve()
        return started


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that another user can reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-wall-"))
    folder.chmod(0o755)
    yield folder
    tree.remove(folder)


@pytest.fixture(params=STARTERS)
def wall(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Wall:
    return Wall(request.param, home, monkeypatch, settings)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a real server on loopback; `answer` has each of its connections. Gives the port."""
    servers: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], object]) -> int:
        server = socket.create_server(("127.0.0.1", 0), backlog=512)
        servers.append(server)

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                answer(connection)

        def work() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=work, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in servers:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def all_of(connection: socket.socket) -> bytes:
    found = bytearray()
    while part := connection.recv(65536):
        found += part
    return bytes(found)


def until(true: Callable[[], Any], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
