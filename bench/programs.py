"""Starting our executor and the peer, and reading the moment of each thing they say."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
JOB = ROOT / "examples" / "jobs" / "daily_delays.json"
COMPUTE = {"cores": 2, "memory_mb": 1024, "shuffle_partitions": 4}
"""What the demo's compute profile gives; the peer gets the same."""
FIRST_STAGE = '"event":"stage_entered"'


@dataclass
class Moments:
    """Seconds from the start of the process to its first stage, and to its end; `cpu`: seconds of processor of all its processes, and of
    the relay through which it reaches others."""

    first_stage: float
    end: float
    cpu: float = 0.0
    said: list[dict[str, Any]] = field(default_factory=list, repr=False)
    """Our events; of the peer nothing."""

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of each of our stages, by its name."""
        return {one["stage"]: one["duration_ms"] / 1000 for one in self.said if one["event"] == "stage_finished"}


@dataclass(frozen=True)
class Reached:
    """What a run is given beside its folder, as the portal hands it over."""

    connections: Mapping[str, Any] = field(default_factory=dict)
    roots: Mapping[str, Any] = field(default_factory=dict)
    ports: Sequence[int] = ()
    """Of this machine."""


def document(path: Path = JOB) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def our_run(job: Mapping[str, Any], lake: Path, compute: Mapping[str, int] = COMPUTE, reached: Reached = Reached()) -> Moments:  # noqa: B008
    """`python -m executor run` of a job, as the worker starts it: in bubblewrap, /tmp on the disk, the document on standard input, other
    machines by its own network alone. Raises RuntimeError where it does not succeed."""
    from executor.connections.base import Endpoint
    from portal.runs import launcher, sandbox
    from portal.runs.egress import Egress
    from portal.runs.scratch import Scratch

    values: dict[str, Any] = {
        "document": dict(job),
        "lake": sandbox.LAKE,
        "compute": dict(compute),
        "run_id": f"bench-{time.monotonic_ns()}",
    }
    values |= {"connections": dict(reached.connections), "roots": dict(reached.roots)}
    sandbox.give_to_executors(lake)
    scratch = Scratch("bench")
    egress = Egress([Endpoint("localhost", port, ("127.0.0.0/8",)) for port in reached.ports]) if reached.ports else None
    try:
        argv = launcher.command(["run", "-", "--environment", "dev", "--values", "-"])
        memory = compute["memory_mb"]
        wrapped = sandbox.wrapped(argv, lake=lake, writable=True, tmp=scratch.path, memory_mb=memory, egress=egress)
        return _timed(wrapped, json.dumps(values) + "\n", FIRST_STAGE, egress=egress)
    finally:
        if egress:
            egress.close()
        scratch.remove()


def peer_run(
    script: str,
    *arguments: object,
    compute: Mapping[str, int] = COMPUTE,
    jars: Sequence[Path] = (),
    settings: Mapping[str, str] | None = None,
) -> Moments:
    """`spark-submit` of bench/peer_`script`.py, with the same cores, memory and shuffle partitions. `jars`: what it needs beside Spark's;
    `settings`: Spark's, beside these."""
    import pyspark

    every = {"spark.sql.shuffle.partitions": str(compute["shuffle_partitions"]), "spark.ui.enabled": "false", "spark.log.level": "WARN"}
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--master", f"local[{compute['cores']}]", "--driver-memory", f"{compute['memory_mb']}m"),
        *(("--driver-class-path", ":".join(map(str, jars))) if jars else ()),  # --jars would copy them at each start
        *(word for name, value in (every | dict(settings or {})).items() for word in ("--conf", f"{name}={value}")),
        str(Path(__file__).with_name(f"peer_{script}.py")),
        *map(str, arguments),
    ]
    return _timed(command, "", "first stage")


def jars_for(connector: str) -> list[Path]:
    """Those that Sluice has itself."""
    from executor.spark.connectors import connector_jars
    from executor.spark.home import spark_home

    return [spark_home().connectors / jar.file_name for jar in connector_jars() if jar.connector == connector]


def _timed(command: list[str], given: str, mark: str, egress: Any = None) -> Moments:
    _be_heir()
    before = _children()
    begun, cpu = time.perf_counter(), _cpu()
    first = None
    env = os.environ | {"PYSPARK_PYTHON": sys.executable}
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=env,
            cwd=ROOT,
            pass_fds=[egress.descriptor] if egress else (),
        ) as process:
            assert process.stdin and process.stdout
            if egress:
                egress.serve()
            process.stdin.write(given)
            process.stdin.flush()
            said = []
            for line in process.stdout:
                said.append(line)
                if first is None and mark in line:
                    first = time.perf_counter() - begun
            process.stdin.close()
        if process.returncode != 0 or first is None:
            errors.seek(0)
            told = "".join(said[-20:]) + errors.read()[-3000:]
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{told}")
    ended = time.perf_counter() - begun
    _wait_for_orphans(before)
    events = [json.loads(line) for line in said if line.startswith('{"')]
    return Moments(first, ended, _cpu() - cpu, events)


def _cpu() -> float:
    """Seconds of processor of this process and of all that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _be_heir() -> None:
    """What a program of ours leaves behind becomes ours: bubblewrap does not wait for what it starts, and so nobody would count that."""
    become_subreaper = 36
    ctypes.CDLL(None).prctl(become_subreaper, 1, 0, 0, 0)


def _children() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def _wait_for_orphans(before: set[int]) -> None:
    for pid in _children() - before:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def cleared(*folders: Path) -> None:
    """What a turn has written goes, so that the next one begins as the first."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


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
