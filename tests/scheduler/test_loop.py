"""The scheduler's loop: every tick in its own time, and no tick's failure ends another."""

from __future__ import annotations

import logging
import threading

import pytest

from portal.scheduler import ticks
from portal.scheduler.loop import Loop, Tick

pytestmark = pytest.mark.django_db


def test_a_tick_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def broken() -> None:
        called.append("broken")
        raise ValueError("no such table")

    loop = Loop([Tick("first", 1, broken), Tick("second", 1, lambda: called.append("second"))])
    loop.run_due(0.0)
    assert called == ["broken", "second"]
    assert "first failed: ValueError: no such table" in caplog.text


def test_the_same_failure_is_told_once_a_minute_and_its_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    broken = True

    def sometimes() -> None:
        if broken:
            raise OSError("away")

    tick = Tick("send", 0, sometimes)
    loop = Loop([tick])
    for second in range(3):
        tick.due_at = 0
        loop.run_due(float(second))
    assert caplog.text.count("send failed") == 1
    tick.due_at = 0
    loop.run_due(61.0)
    assert caplog.text.count("send failed") == 2
    broken = False
    tick.due_at = 0
    loop.run_due(62.0)
    assert "send: works again" in caplog.text


def test_each_tick_has_its_own_interval() -> None:
    called: list[str] = []
    often = Tick("often", 0, lambda: called.append("often"))
    seldom = Tick("seldom", 3600, lambda: called.append("seldom"))
    loop = Loop([often, seldom])
    for _ in range(3):
        loop.run_due(often.due_at)
    assert called == ["often", "seldom", "often", "often"]


def test_stopping_ends_the_loop_after_the_tick_under_way() -> None:
    called: list[str] = []
    loop = Loop([])

    def stop() -> None:
        called.append("first")
        loop.stop()

    loop.ticks = [Tick("first", 0, stop), Tick("second", 0, lambda: called.append("second"))]
    thread = threading.Thread(target=loop.run)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive() and called == ["first"]


def test_receivers_elsewhere_have_a_thread_of_their_own() -> None:
    assert [[tick.name for tick in thread] for thread in ticks.all_ticks()][1] == ["deliver alerts"]


def test_every_tick_works_on_an_empty_database() -> None:
    for tick in (tick for thread in ticks.all_ticks() for tick in thread):
        tick.call()
    assert [tick.name for tick in ticks.all_ticks()[0]][:3] == ["send waiting messages", "start due schedules", "advance pipelines"]
