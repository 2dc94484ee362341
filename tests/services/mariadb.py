"""A real MariaDB for tests, from Debian's package; it listens on a free port of 127.0.0.1 and is gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services.ports import free_port
from tests.services.postgresql import NOBODY

PROGRAM = "/usr/sbin/mariadbd"
UNSAFE_BUT_FAST = ("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--skip-log-bin")
SECONDS = 60


@contextmanager
def running(certificate: Path | None = None) -> Iterator[str]:
    """The address of a fresh server with a database and who may do everything in it: mysql://user:password@127.0.0.1:port/sluice.
    `certificate`: with its key; the server speaks TLS then."""
    if not Path(PROGRAM).is_file():
        raise RuntimeError("MariaDB is not here; `make test` gets it, or: apt-get install --no-install-recommends mariadb-server-core")
    folder = Path(tempfile.mkdtemp(prefix="sluice-mariadb-"))
    try:
        password, port = secrets.token_hex(12), free_port()
        _make(folder, password)
        server = _start(folder, port, certificate)
        try:
            _wait(folder, server)
            yield f"mysql://sluice:{password}@127.0.0.1:{port}/sluice"
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, password: str) -> None:
    """As mariadb-install-db does it, which needs a second package for one small program."""
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        for path in (folder, data):
            os.chown(path, NOBODY, NOBODY)
    tables = [Path(f"/usr/share/mysql/mysql_system_tables{part}.sql").read_text() for part in ("", "_data")]
    first = f"CREATE USER sluice IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO sluice WITH GRANT OPTION;\n"
    script = "\n".join(["CREATE DATABASE mysql;", "USE mysql;", *tables, "CREATE DATABASE sluice;", "FLUSH PRIVILEGES;", first])
    command = [PROGRAM, "--no-defaults", "--bootstrap", f"--datadir={data}", f"--tmpdir={folder}", *UNSAFE_BUT_FAST]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, **_who())
    if done.returncode != 0:
        raise RuntimeError(f"MariaDB could not be set up: {done.stderr[-500:]}")


def _start(folder: Path, port: int, certificate: Path | None) -> subprocess.Popen[bytes]:
    options = [f"--datadir={folder}/data", f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1", *UNSAFE_BUT_FAST]
    # A server that starts removes temporary tables: in a folder that several share, those of another one at work, too.
    options += [f"--pid-file={folder}/pid", "--skip-name-resolve", f"--tmpdir={folder}"]
    if certificate:
        own = folder / "server.pem"
        own.write_bytes(certificate.read_bytes())
        if os.geteuid() == 0:
            os.chown(own, NOBODY, NOBODY)
        options += [f"--ssl-cert={own}", f"--ssl-key={own}"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([PROGRAM, "--no-defaults", *options], cwd=folder, stdout=log, stderr=log, **_who())


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while "ready for connections" not in (log := (folder / "log").read_text(errors="replace")):
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"MariaDB did not start: {log[-1000:]}")
        time.sleep(0.1)


def _who() -> dict[str, Any]:
    """Whom subprocess shall run it as: MariaDB does not run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
