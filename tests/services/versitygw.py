"""A second real S3 server for tests, written by others than moto and in another language. It is made by Go, once, where Go is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.services.ports import free_port

VERSION = "v1.8.0"
PACKAGE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
KEYS = {"ROOT_ACCESS_KEY": "test", "ROOT_SECRET_KEY": "test-secret"}
MINUTES_TO_MAKE = 15


class NotThere(Exception):
    """Why this machine has none."""


def program() -> Path:
    """Where it is. Raises NotThere."""
    found = Path(sys.prefix) / "share" / "versitygw" / VERSION / "versitygw"
    if found.is_file():
        return found
    if shutil.which("go") is None:
        raise NotThere("there is no Go on this machine")
    found.parent.mkdir(parents=True, exist_ok=True)
    variables = os.environ | {"GOBIN": str(found.parent), "CGO_ENABLED": "0"}
    try:
        made = subprocess.run(["go", "install", PACKAGE], env=variables, capture_output=True, text=True, timeout=60 * MINUTES_TO_MAKE)
    except subprocess.TimeoutExpired:
        raise NotThere(f"Go has not made it in {MINUTES_TO_MAKE} minutes") from None
    if made.returncode != 0:
        raise NotThere(f"Go could not make it: {made.stderr.strip()[-200:]}")
    return found


@contextmanager
def running(folder: Path, keys: Mapping[str, str] = KEYS) -> Iterator[str]:
    """Its address; it holds no bucket yet. `folder`: for its files; `keys`: whom it knows. Raises NotThere."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(program()), "--port", f"127.0.0.1:{port}", "--quiet", "posix", "--sidecar", str(folder / "about"), str(folder / "data")]
    for name in ("about", "data"):
        (folder / name).mkdir()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **keys})
    try:
        _wait(server, address, folder / "log")
        yield address
    finally:
        server.kill()
        server.wait()


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(address, timeout=1).close()
            return
        except HTTPError:
            return  # it wants somebody to sign in
        except (URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()[-500:]) from None
            time.sleep(0.1)
