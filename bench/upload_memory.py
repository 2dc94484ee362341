"""Memory of the web process while a large file is uploaded, in one form and in pieces.

python -m bench.upload_memory [--megabytes 2048]

Starts a web server of its own on a home folder of its own, sends lines of a table, and prints for each way: seconds, MB a second, and
the web process's memory before and at its most (VmRSS, sampled ten times a second).
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import Figure, Say

ROOT = Path(__file__).parents[1]
MB = 1024 * 1024
PIECE = 8 * MB
FIGURE_MB = 1024
LINE = b"2013-01-01T05:00:00,EWR,IAH,1545,227.0,1400\n" * (MB // 44)
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from portal.accounts.models import Membership, User
from portal.accounts import tokens
from portal.environments.actions import create_project
root = User.objects.create_user("root"); Membership.objects.create(user=root, role="platform_admin")
project = create_project(actor=root, slug="big", name="Big")
ana = User.objects.create_user("ana"); Membership.objects.create(user=ana, project=project, role="author")
print(tokens.issue(user=ana, name="bench", scopes=["read", "write"])[1])
"""
DEV = "/api/v1/projects/big/environments/dev/"


class Web:
    """A web server on a fresh home folder, and how much memory it uses."""

    def __init__(self, home: Path, limit_mb: int) -> None:
        self.environment = {
            **os.environ, "SLUICE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "portal.settings", "SLUICE_UPLOAD_LIMIT_MB": str(limit_mb)
        }  # fmt: skip
        made = subprocess.run([sys.executable, "-c", PREPARE], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=True)
        self.token = made.stdout.split()[-1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(self.port), "--log-level", "warning"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT)
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self.ask("GET", "/healthz")
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("The web server does not answer.")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", "Host": "127.0.0.1"} | headers)  # type: ignore[arg-type]
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
            return dict(json.loads(text)) if text.startswith(b"{") else {}
        finally:
            connection.close()

    def rss_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def in_one_form(web: Web, megabytes: int) -> None:
    """As curl -F sends it."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="form.csv"\r\nContent-Type: text/csv\r\n\r\n'
    tail = b"\r\n--x--\r\n"

    def parts() -> Iterator[bytes]:
        yield head
        for _ in range(megabytes):
            yield LINE
        yield tail

    length = len(head) + megabytes * len(LINE) + len(tail)
    web.ask("POST", DEV + "files/", parts(), **{"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(length)})


def in_pieces(web: Web, megabytes: int, name: str = "pieces.csv") -> None:
    """As the page sends it."""
    size = megabytes * len(LINE)
    about = json.dumps({"name": name, "size": size}).encode()
    upload = web.ask("POST", DEV + "uploads/", about, **{"Content-Type": "application/json"})
    sent, piece = 0, LINE * (PIECE // len(LINE))
    while sent < size:
        part = piece[: size - sent]
        digest = b64encode(hashlib.sha256(part).digest()).decode()
        headers = {"Upload-Offset": str(sent), "Content-Digest": f"sha-256=:{digest}:", "Content-Type": "application/octet-stream"}
        web.ask("PUT", f"{DEV}uploads/{upload['id']}", part, **headers)
        sent += len(part)
    web.ask("POST", f"{DEV}uploads/{upload['id']}/finish", b"{}", **{"Content-Type": "application/json"})


def measure(web: Web, way: Callable[[Web, int], None], megabytes: int) -> dict[str, float]:
    """seconds, mb_per_second, rss_before_mb and rss_most_mb."""
    before, most, over = web.rss_mb(), [web.rss_mb()], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], web.rss_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        way(web, megabytes)
    finally:
        over.set()
        watcher.join()
    seconds = time.monotonic() - began
    return {
        "seconds": round(seconds, 1),
        "mb_per_second": round(megabytes / seconds, 1),
        "rss_before_mb": round(before, 1),
        "rss_most_mb": round(most[0], 1),
    }


def figure(lake: Path, turns: int, say: Say) -> list[Figure]:
    """How much memory the web process has at its most over what it had idle; `lake` and `turns` are not needed."""
    say(f"a file of {FIGURE_MB:,} MB is uploaded, in one form and in pieces; the memory of the web process")
    found = main(FIGURE_MB)
    names = {"in_one_form": "one form", "in_pieces": "pieces, as the page does"}
    return [
        Figure(
            f"upload of 1 GB in {names[way]}: web's memory over idle",
            "–",
            "≤ 150 MB",
            [facts["rss_most_mb"] - facts["rss_before_mb"]],
            notes=dict(facts),
            unit="MB",
        )
        for way, facts in found.items()
    ]


def main(megabytes: int) -> dict[str, dict[str, float]]:
    """The figures of each way, by its name."""
    with tempfile.TemporaryDirectory(prefix="sluice-upload-") as folder:
        web = Web(Path(folder), limit_mb=2 * megabytes + 100)
        try:
            in_pieces(web, 1, "first.csv")  # so that everything is loaded
            return {way.__name__: measure(web, way, megabytes) for way in (in_one_form, in_pieces)}
        finally:
            web.process.terminate()
            web.process.wait()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--megabytes", type=int, default=2048)
    print(json.dumps(main(asked.parse_args().megabytes), indent=1))
