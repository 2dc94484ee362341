"""Brings the programs up in order: Redis, database, web, worker, scheduler, previews."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command

from portal.demo import programs
from portal.demo.supervisor import Supervisor
from portal.errors import PortalError

WEB_SECONDS = 60
REDIS_SECONDS = 15


def port_number(text: str) -> int:
    """The number in PORT, or a sentence."""
    if text.isdecimal() and int(text) < 65_536:
        return int(text)
    raise PortalError(f"PORT is “{text}”.", fix="It must be a whole number below 65536.", code="not-a-port")


def listen(port: int) -> socket.socket:
    """A socket listening on 127.0.0.1:port (0 = any free one), to be handed to a program; a port in use is said in one sentence."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise PortalError(
            f"Port {port} is in use by another program.",
            fix=f"Choose another, for instance: make demo PORT={port + 80 if port < 60_000 else 8080}",
            code="port-in-use",
        ) from None
    return listening


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Holds the home folder; a second Sluice there is refused in one sentence. The lock goes with the process."""
    settings.RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.RUN_DIR / "supervisor.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PortalError(
                f"Another Sluice is already running in {home}.",
                fix="Stop it with Ctrl+C there, or choose another folder: make demo SLUICE_HOME=… PORT=…",
                code="home-in-use",
            ) from None
        yield


def remove_stale_sockets() -> None:
    """Sockets of a supervisor that was killed. Safe, because `only_one` holds the folder."""
    for path in settings.RUN_DIR.glob("*.sock"):  # not below: there are the folders of executors
        path.unlink(missing_ok=True)


def bring_up(supervisor: Supervisor, listening: socket.socket, *, catch_mail: bool) -> bool:
    """Starts everything and waits until the portal answers. False when it was stopped meanwhile."""
    os.environ["SLUICE_PUBLIC_URL"] = os.environ.get("SLUICE_PUBLIC_URL") or address(listening)
    if "SLUICE_REDIS_URL" not in os.environ:
        supervisor.start(programs.redis())
        _wait(supervisor, _redis_answers, REDIS_SECONDS, "Redis")
    migrate(supervisor)
    if catch_mail and "SLUICE_EMAIL_HOST" not in os.environ:
        mailbox = listen(0)
        os.environ |= {"SLUICE_EMAIL_HOST": "127.0.0.1", "SLUICE_EMAIL_PORT": str(mailbox.getsockname()[1])}
        supervisor.start(programs.mail_catcher(mailbox))
    for program in (programs.web(listening), programs.worker(), programs.scheduler(), programs.previews()):
        supervisor.start(program)
    return _wait(supervisor, lambda: _web_answers(listening), WEB_SECONDS, "The portal")


def migrate(supervisor: Supervisor) -> None:
    """Creates or updates the database."""
    begun = time.monotonic()
    where = "PostgreSQL" if settings.DATABASE_URL else f"SQLite {sqlite3.sqlite_version}, {settings.DATABASES['default']['NAME']}"
    call_command("migrate", verbosity=0, interactive=False)
    supervisor.terminal.say(f"database ready in {time.monotonic() - begun:.1f} s ({where})")


def address(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _wait(supervisor: Supervisor, condition: Callable[[], bool], seconds: float, what: str) -> bool:
    before = supervisor.deaths
    came = supervisor.run_until(lambda: condition() or supervisor.deaths > before + 2, seconds)
    if supervisor.stopping:
        return False
    if not came or supervisor.deaths > before + 2:
        raise PortalError(f"{what} did not start.", fix=f"Its lines are in {settings.SLUICE_HOME / 'log'}.", code="not-started")
    return True


def _redis_answers() -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        try:
            client.connect(str(programs.redis_socket()))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _web_answers(listening: socket.socket) -> bool:
    try:
        with urlopen(f"{address(listening)}/healthz", timeout=0.5):  # noqa: S310 - our own address
            return True
    except HTTPError as error:
        return error.code < 500
    except (URLError, OSError):
        return False
