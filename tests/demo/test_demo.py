"""`make demo` as people start it: once, again, and where something is in the way."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.services.stack import Stack

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.timeout(900)]
PATIENCE = 600
"""Seconds; a machine that does other things besides needs them."""
NOBODY_WAITS = {"SLUICE_WARM_EXECUTORS": "0"}
"""No Spark that is started for a next run."""


def left_over(home: Path) -> list[str]:
    """Command lines of processes that know this home folder, or see a folder of it behind their wall."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = b"".join((process / name).read_bytes() for name in ("cmdline", "environ", "mountinfo"))
        except OSError:
            continue
        if str(home).encode() in words:
            found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


def shown(stack: Stack) -> str:
    return "\n".join(stack.lines)


def shows_the_result(stack: Stack) -> bool:
    wanted = (r"curated/daily_delays: 1,095 rows", r"EWR +2013-01-01 +304", r"http://127\.0\.0\.1:\d+/p/flights/runs/[0-9a-f-]{36}/")
    return all(re.search(pattern, shown(stack)) for pattern in wanted)


def test_a_demo_that_was_stopped_during_its_run_shows_the_result_when_it_is_started_again(tmp_path: Path) -> None:
    stopped = Stack(tmp_path / "one", "demo", "--port", "0", env=NOBODY_WAITS)
    stopped.wait_for("Spark is ready", PATIENCE)
    assert any("bwrap" in line for line in left_over(stopped.home))
    the_home_is_refused_to_a_second_one(stopped.home)
    assert stopped.stop(60) == 0, shown(stopped)
    assert left_over(stopped.home) == []

    again = Stack(stopped.home, "demo", "--port", "0", "--once")
    assert again.wait(PATIENCE) == 0, shown(again)
    assert shows_the_result(again), shown(again)
    assert left_over(again.home) == []
    assert "all of it was there" in shown(again) and "Going on with daily_delays in dev" in shown(again)


def the_home_is_refused_to_a_second_one(home: Path) -> None:
    second = Stack(home, "up", "--port", "0")
    assert second.wait(60) == 1
    assert "Another Sluice is already running in" in shown(second) and len(second.lines) == 1


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = Stack(tmp_path / "a", "demo", "--port", str(port), "--once")
        assert refused.wait(60) == 1
    assert (
        shown(refused).strip()
        == f"CommandError: Port {port} is in use by another program. Choose another, for instance: make demo PORT={other(port)}"
    )


def other(port: int) -> int:
    return port + 80 if port < 60_000 else 8080
