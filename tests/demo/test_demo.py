"""`make demo` as people start it: once, again, beside another, and where something is in the way."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.services.stack import Stack

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.timeout(900)]
PATIENCE = 600
"""Seconds; a machine that does other things besides needs them."""


def left_over(home: Path) -> list[str]:
    """Command lines of processes that know this home folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in words:
            found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


def shown(stack: Stack) -> str:
    return "\n".join(stack.lines)


def test_demo_once_shows_the_result_and_ends_and_a_second_beside_it_does_the_same(tmp_path: Path) -> None:
    stacks = [Stack(tmp_path / name, "demo", "--port", "0", "--once") for name in ("one", "two")]
    assert [stack.wait(PATIENCE) for stack in stacks] == [0, 0], "\n\n".join(map(shown, stacks))
    for stack in stacks:
        assert re.search(r"curated/daily_delays: 1,095 rows", shown(stack))
        assert re.search(r"EWR +2013-01-01 +304", shown(stack))
        assert re.search(r"http://127\.0\.0\.1:\d+/p/flights/runs/[0-9a-f-]{36}/", shown(stack))
        assert left_over(stack.home) == []
    again = Stack(tmp_path / "one", "demo", "--port", "0", "--once")
    assert again.wait(PATIENCE) == 0, shown(again)
    assert "all of it was there" in shown(again)


def test_ctrl_c_during_a_run_leaves_no_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "demo", "--port", "0")
    stack.wait_for("Spark is ready", PATIENCE)
    assert any("bwrap" in line for line in left_over(tmp_path))
    assert stack.stop(60) == 0, shown(stack)
    assert left_over(tmp_path) == []


def test_port_in_use_and_home_in_use_are_said_in_one_sentence(tmp_path: Path) -> None:
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
    stack = Stack(tmp_path / "b", "up", "--port", "0")
    stack.wait_until_ready(PATIENCE)
    second = Stack(tmp_path / "b", "up", "--port", "0")
    assert second.wait(60) == 1
    assert "Another Sluice is already running in" in shown(second) and len(second.lines) == 1
    assert stack.stop() == 0


def other(port: int) -> int:
    return port + 80 if port < 60_000 else 8080
