"""What a run uses is measured, and too much of it ends the run with a sentence, at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.runs import measures
from portal.runs.measures import Meter, new_since, use_of

if TYPE_CHECKING:
    from portal.runs.models import Run


def started(script: str) -> subprocess.Popen[str]:
    """A process that says a line when it has done what it should, and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}\nprint(1, flush=True)\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "1\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")


def test_memory_and_processes_of_children_count_too(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "held = bytearray(30 * 2**20)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'held = bytearray(40 * 2**20); print(1, flush=True); input()'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()"
    )
    process = started(script)
    use = use_of(process.pid, 100)
    ended(process)
    assert use.processes == 2
    assert 70 <= use.memory_mb < 150


def test_what_is_written_to_disk_is_counted(tmp_path: Path) -> None:
    process = started(f"f = open({str(tmp_path / 'x')!r}, 'wb'); f.write(b'x' * 5 * 2**20); f.flush(); os = __import__('os'); os.fsync(f)")
    use = use_of(process.pid, 100)
    ended(process)
    assert use.written >= 5 * 2**20


def test_only_what_is_new_counts_whatever_its_own_time_says(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    time.sleep(0.05)
    since = time.time()
    time.sleep(0.05)
    (tmp_path / "a").mkdir()
    for number in range(20):
        (tmp_path / "a" / str(number)).write_text("x" * 5000)
        os.utime(tmp_path / "a" / str(number), (0, 0))
    files, size = new_since(tmp_path, since, 1000)
    assert files == 21
    assert size >= 20 * 5000
    assert new_since(tmp_path, since, 10)[0] <= 22
    assert new_since(tmp_path / "not there", since, 10) == (0, 0)


@pytest.mark.parametrize(
    ("limit", "code"),
    [("RUN_EXTRA_MEMORY_MB", "limit-memory"), ("RUN_PROCESSES", "limit-processes"), ("RUN_WRITES_MB", "limit-writes")],
)
def test_each_limit_has_a_sentence(settings: Any, limit: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "use_of", lambda pid, most: measures.Use(processes=500, memory_mb=5000, written=5000 * 2**20))
    meter = Meter(os.getpid(), 1000, None, None)
    for name in ("RUN_EXTRA_MEMORY_MB", "RUN_PROCESSES", "RUN_WRITES_MB"):
        setattr(settings, name, 10 if name == limit else 100_000)
    meter = Meter(os.getpid(), 1000, None, None)
    excess = meter.look()
    assert excess and excess.code == code
    assert excess.found and excess.expected and excess.fix


@pytest.mark.parametrize(
    ("limit", "value", "code"),
    [("RUN_TMP_MB", 1, "limit-tmp"), ("RUN_FILES", 5, "limit-files"), ("KEEP_FREE_MB", 10**9, "disk-nearly-full")],
)
def test_folders_are_measured_beside_the_work(settings: Any, tmp_path: Path, limit: str, value: int, code: str) -> None:
    setattr(settings, limit, value)
    for number in range(10):
        (tmp_path / str(number)).write_bytes(b"x" * 300_000)
    meter = Meter(os.getpid(), 100_000, tmp_path, None)
    for _ in range(100):
        if excess := meter.look():
            break
        time.sleep(0.05)
    meter.stop()
    assert excess and excess.code == code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("behaviour", ["slowly:60", "stubborn"])
def test_a_run_that_uses_too_much_is_ended_with_a_sentence(
    queued: Callable[..., Run], work: Callable[[Run], Run], monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setattr(measures, "use_of", lambda pid, most: measures.Use(processes=1, memory_mb=1_000_000, written=0))
    run = work(queued(behaviour))
    assert run.state == "failed"
    assert run.problem["code"] == "limit-memory"
    assert "1,000,000 MB of memory" in run.problem["message"]
