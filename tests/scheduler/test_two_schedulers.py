"""Two schedulers at once, as real processes on one database: each tick is started once; SIGTERM ends them cleanly."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.services, pytest.mark.lake]

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 20


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    values = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    values |= {"SLUICE_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "tests.scheduler.prepare", str(SCHEDULES)], cwd=ROOT, env=values, check=True)
    return values


@pytest.fixture
def schedulers(environment: dict[str, str], tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = []
    for number in (1, 2):
        with (tmp_path / f"scheduler{number}.log").open("wb") as log:
            command = [sys.executable, "manage.py", "scheduler"]
            started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
    yield started
    for process in started:
        process.kill()
        process.wait()


def runs(home: str) -> list[tuple[int, int]]:
    """(schedule, number of pipeline runs) as the database has them."""
    with sqlite3.connect(Path(home) / "sluice.sqlite3", timeout=20) as connection:
        return connection.execute("SELECT schedule_id, count(*) FROM pipelines_pipelinerun GROUP BY schedule_id").fetchall()


def test_each_tick_is_started_once(environment: dict[str, str], schedulers: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    deadline = time.monotonic() + 60
    while len(runs(environment["SLUICE_HOME"])) < SCHEDULES and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)  # time for a second start, were one possible
    assert [count for _, count in runs(environment["SLUICE_HOME"])] == [1] * SCHEDULES
    with sqlite3.connect(tmp_path / "sluice.sqlite3", timeout=20) as connection:
        assert connection.execute("SELECT count(*) FROM runs_run").fetchone() == (SCHEDULES,)
    for process in schedulers:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=20) for process in schedulers] == [0, 0]
    logs = [(tmp_path / f"scheduler{number}.log").read_text() for number in (1, 2)]
    for log in logs:
        assert "ready: send waiting messages every 1 s" in log and log.rstrip().endswith("stopped")
        assert "locked" not in log
    assert sum(log.count("started in test (due") for log in logs) == SCHEDULES
