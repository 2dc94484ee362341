"""The whole of Sluice for tests and measurements: the real supervisor in a folder of its own, on a free port."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"ready at (http://\S+?);")


class Stack:
    """A running `manage.py demo` or `up`. `url` is where the portal answers, `lines` what the terminal showed so far."""

    def __init__(self, home: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.home, self.url = home, ""
        self.lines: list[str] = []
        self._heard: queue.Queue[str | None] = queue.Queue()
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "DJANGO_"))}
        self.environment = variables | {"SLUICE_HOME": str(home), "COLUMNS": "140"} | (env or {})
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self._heard.put(line.rstrip("\n"))
        self._heard.put(None)

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """The first line, from the next one on, in which the pattern is found. Raises with everything shown when it does not come."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._heard.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"“{pattern}” was not shown within {seconds} s:\n" + "\n".join(self.lines))

    def wait_until_ready(self, seconds: float = 120) -> None:
        self.url = self.wait_for(READY.pattern, seconds)[1]

    def manage(self, *arguments: str) -> None:
        """Another command of `manage.py` on the same home folder, to its end."""
        subprocess.run([sys.executable, str(ROOT / "manage.py"), *arguments], cwd=ROOT, env=self.environment, check=True)

    def stop(self, seconds: float = 30) -> int:
        """Ctrl+C; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait(seconds)

    def wait(self, seconds: float) -> int:
        """The exit code, once it has ended by itself."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        while (line := self._heard.get(timeout=10)) is not None:
            self.lines.append(line)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@contextmanager
def running(home: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Stack]:
    """Waits until the portal answers; everything is stopped afterwards."""
    stack = Stack(home, *arguments, "--port", "0", env=env)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()
