"""How a worker picks its work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.runs import worker
from portal.runs.models import Run, RunState
from tests.runs.stack import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_ring_is_enough_for_everything_that_waits(queued: Callable[..., Run], work: Callable[[Run], Run]) -> None:
    runs = [queued(minutes_ago=3 - number) for number in range(3)]

    work(runs[2])

    assert set(Run.objects.values_list("state", flat=True)) == {"succeeded"}


def test_a_ring_for_a_run_that_is_not_there_or_not_waiting_does_no_harm(queued: Callable[..., Run], fake_executor: Path) -> None:
    ended = queued(state="succeeded")

    for name in (str(ended.pk), "00000000-0000-0000-0000-000000000000", "not an id"):
        worker.work(name)

    assert ended.attempts.count() == 0


def test_a_worker_that_is_shut_down_gives_its_run_back(
    queued: Callable[..., Run], work: Callable[[Run], Run], fake_executor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "stopping", threading.Event())
    run = queued("slowly:600")

    def shut_down() -> None:
        until((fake_executor / "started").exists, "the fake executor")
        worker.stopping.set()

    thread = threading.Thread(target=shut_down)
    thread.start()
    work(run)
    thread.join()

    assert (run.state, run.max_attempts, run.attempts.get().outcome) == (RunState.QUEUED, 3, "lost")
    assert not (fake_executor / "published").exists()
