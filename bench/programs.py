"""Starting our executor and the peer, and reading the moment of each thing they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER = Path(__file__).with_name("peer_daily_delays.py")
JOB = ROOT / "examples" / "jobs" / "daily_delays.json"
COMPUTE = {"cores": 2, "memory_mb": 1024, "shuffle_partitions": 4}
"""What the demo's compute profile gives; the peer gets the same."""


@dataclass
class Moments:
    """Seconds from the start of the process to its first stage, and to its end."""

    first_stage: float
    end: float


def document(path: Path = JOB) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def our_run(lake: Path) -> Moments:
    """`python -m executor run` of the daily_delays job, as the worker starts it (in bubblewrap, document on standard input)."""
    from portal.runs import sandbox

    values = {"document": document(), "lake": sandbox.LAKE, "compute": COMPUTE, "run_id": f"bench-{time.monotonic_ns()}"}
    command = [sys.executable, "-m", "executor", "run", "-", "--environment", "dev", "--values", "-"]
    return _timed(sandbox.wrapped(command, lake=lake, writable=True), json.dumps(values) + "\n", '"event":"stage_entered"')


def peer_run(lake: Path) -> Moments:
    """`spark-submit` of the same job, written by hand for PySpark, with the same cores, memory and shuffle partitions."""
    import pyspark

    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    settings = {"spark.sql.shuffle.partitions": COMPUTE["shuffle_partitions"], "spark.ui.enabled": "false", "spark.log.level": "WARN"}
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    command = [
        str(submit),
        "--master",
        f"local[{COMPUTE['cores']}]",
        "--driver-memory",
        f"{COMPUTE['memory_mb']}m",
        *options,
        str(PEER),
        str(lake),
    ]
    return _timed(command, "", "first stage")


def _timed(command: list[str], given: str, mark: str) -> Moments:
    begun = time.perf_counter()
    first = None
    env = os.environ | {"PYSPARK_PYTHON": sys.executable}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=ROOT
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(given)
        process.stdin.flush()
        said = []
        for line in process.stdout:
            said.append(line)
            if first is None and mark in line:
                first = time.perf_counter() - begun
        process.stdin.close()
    if process.returncode != 0 or first is None:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{''.join(said[-20:])}")
    return Moments(first, time.perf_counter() - begun)


class Serve:
    """A warm executor (`python -m executor serve`), as previews lease it."""

    def __init__(self, lake: Path) -> None:
        from portal.runs import sandbox

        self.lake = sandbox.LAKE
        command = sandbox.wrapped([sys.executable, "-m", "executor", "serve"], lake=lake, writable=False)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        self._number = 0
        next(event for event in self._events() if event["event"] == "ready")

    def _events(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout
        for line in self.process.stdout:
            yield json.loads(line)
        raise RuntimeError("the warm executor has ended")

    def preview(self, job: dict[str, Any], to: int, rows: int, sample: bool) -> Moments:
        """Seconds to the first event of a stage, and to the rows."""
        assert self.process.stdin
        self._number += 1
        request = {"request": "preview", "id": self._number, "document": job, "to": to, "rows": rows, "environment": "dev"}
        begun = time.perf_counter()
        self.process.stdin.write(json.dumps(request | {"input": "sample" if sample else "full", "values": {"lake": self.lake}}) + "\n")
        self.process.stdin.flush()
        first = None
        for event in self._events():
            first = first or (time.perf_counter() - begun if event["event"] == "stage_entered" else None)
            if event.get("last"):
                if event["event"] != "rows":
                    raise RuntimeError(f"the preview failed: {event}")
                break
        return Moments(first or 0.0, time.perf_counter() - begun)


@contextmanager
def serving(lake: Path) -> Iterator[Serve]:
    serve = Serve(lake)
    try:
        yield serve
    finally:
        serve.process.kill()
        serve.process.communicate()
