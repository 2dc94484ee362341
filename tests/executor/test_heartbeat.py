"""Whoever waits for an executor can tell a long query from a frozen process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from executor.events import Alive
from executor.running import heartbeat


@pytest.fixture(autouse=True)
def _quick_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.02)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Stands for the JVM."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def beats(said: list[Alive], more_than: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(said) <= more_than:
        time.sleep(0.01)
    return len(said) > more_than


def test_it_beats_while_the_work_lasts_and_not_after(child: subprocess.Popen[bytes]) -> None:
    said: list[Alive] = []
    with heartbeat.beating(said.append):
        assert beats(said, 2)
    time.sleep(0.1)
    heard = len(said)
    assert not beats(said, heard, 0.2)


def test_it_is_silent_while_the_jvm_is_stopped(child: subprocess.Popen[bytes]) -> None:
    said: list[Alive] = []
    with heartbeat.beating(said.append):
        assert beats(said, 0)
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(0.1)
        heard = len(said)
        assert not beats(said, heard, 0.3)
        os.kill(child.pid, signal.SIGCONT)
        assert beats(said, heard)


def test_nobody_listening_ends_it_quietly() -> None:
    def gone(event: Alive) -> None:
        raise BrokenPipeError

    with heartbeat.beating(gone):
        time.sleep(0.1)
