"""Executors that are started before anybody asks: each is used once, and only for what it was started for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.runs import warm_pool
from portal.runs.launches import Equipment
from portal.runs.warm_pool import MOST_DEATHS, WarmPool
from tests.factories import make_project

if TYPE_CHECKING:
    from portal.environments.models import Environment
    from portal.runs.launcher import Executor
    from portal.runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)  # a worker closes its connection


@pytest.fixture
def pool(fake_executor: Path, settings: Any) -> Iterator[WarmPool]:
    """A pool of one. Its rounds are made by the tests, which are the thread that starts executors here."""
    settings.WARM_EXECUTORS = 1
    pool = WarmPool(lambda: True)
    pool._thread = object()  # type: ignore[assignment]
    yield pool
    pool.close()


def taken(pool: WarmPool, environment: Environment) -> Executor | None:
    """What the pool gives; it is ended at once, since these tests only ask whether there is one."""
    executor = pool.take(environment)
    if executor:
        executor.kill()
        executor.finish()
    return executor


def test_one_that_waits_is_given_once(pool: WarmPool, dev: Environment) -> None:
    pool.keep(dev)
    pool.look()
    assert taken(pool, dev)
    assert pool.take(dev) is None
    pool.look()
    assert taken(pool, dev)


def test_it_fits_one_environment_only(pool: WarmPool, dev: Environment) -> None:
    prod = dev.project.environments.get(name="prod")
    pool.keep(dev)
    pool.look()
    assert pool.take(prod) is None


def test_it_fits_one_compute_profile_only(pool: WarmPool, dev: Environment) -> None:
    pool.keep(dev)
    pool.look()
    dev.compute.memory_mb += 512
    assert pool.take(dev) is None


def test_one_that_has_died_is_not_given_but_replaced(pool: WarmPool, dev: Environment) -> None:
    pool.keep(dev)
    pool.look()
    (waiting,) = pool._waiting
    waiting.executor.kill()
    waiting.executor.finish()
    assert pool.take(dev) is None
    pool.look()
    assert taken(pool, dev)


def test_the_environment_used_longest_ago_gives_way(pool: WarmPool, dev: Environment) -> None:
    other = make_project("trains").environments.get(name="dev")
    for environment in (dev, other):
        pool.keep(environment)
        pool.look()
    assert pool.take(dev) is None
    assert taken(pool, other)


def test_one_that_waits_too_long_is_ended_and_not_started_again(pool: WarmPool, dev: Environment, settings: Any) -> None:
    pool.keep(dev)
    pool.look()
    (waiting,) = pool._waiting
    settings.WARM_IDLE_SECONDS = -1
    pool.look()
    assert not waiting.executor.is_alive
    assert pool.take(dev) is None


def test_one_that_has_what_it_may_not_have_any_more_is_ended(pool: WarmPool, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root was edited: its folder stays open in nothing that waits, and nothing with it is started again."""
    equipment = Equipment(connectors=("postgresql",))
    pool.keep(dev, equipment)
    pool.look()
    (waiting,) = pool._waiting
    asked: list[tuple[int, Equipment]] = []
    monkeypatch.setattr(warm_pool, "may_still_have", lambda *of: asked.append(of) or False)
    monkeypatch.setattr(warm_pool, "SECONDS", 0)
    pool.look()
    assert asked == [(dev.pk, equipment)] and not waiting.executor.is_alive and pool._waiting == []
    pool.look()
    assert pool._waiting == []


def test_none_is_started_while_the_worker_is_busy(fake_executor: Path, settings: Any, dev: Environment) -> None:
    settings.WARM_EXECUTORS = 1
    busy = WarmPool(lambda: False)
    busy._thread = object()  # type: ignore[assignment]
    busy.keep(dev)
    busy.look()
    assert busy.take(dev) is None


def test_a_run_uses_the_executor_that_waits(
    pool: WarmPool, dev: Environment, queued: Callable[..., Run], work: Callable[[Run], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.runs import worker

    monkeypatch.setattr(worker, "pool", pool)
    pool.keep(dev)
    pool.look()
    pid = pool._waiting[0].executor.pid
    run = work(queued())
    assert run.state == "succeeded"
    assert run.attempts.get().process_id == pid
    assert '"ready"' not in "".join(segment.lines for segment in run.log_segments.all())


@pytest.mark.parametrize("fate", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "dead"])
def test_a_run_does_not_depend_on_the_executor_that_was_started_ahead(
    fate: int,
    pool: WarmPool,
    dev: Environment,
    queued: Callable[..., Run],
    work: Callable[[Run], Run],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    from portal.runs import worker

    settings.RUN_SILENT_SECONDS = 8  # a busy machine takes some to start another
    pool.keep(dev)
    pool.look()
    gone = pool._waiting[0].executor

    def taken_too_early(environment: Environment, equipment: Equipment) -> Executor:
        os.kill(gone.pid, fate)
        return gone

    monkeypatch.setattr(worker, "pool", pool)
    monkeypatch.setattr(pool, "take", taken_too_early)
    run = work(queued())
    assert run.state == "succeeded"
    assert run.attempts.get().process_id != gone.pid
    assert not gone.is_alive


def test_one_that_is_frozen_is_not_given_but_replaced(pool: WarmPool, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.runs import warm_pool

    pool.keep(dev)
    pool.look()
    (waiting,) = pool._waiting
    os.kill(waiting.executor.pid, signal.SIGSTOP)
    monkeypatch.setattr(warm_pool, "SILENT_SECONDS", 0)
    assert pool.take(dev) is None
    pool.look()
    assert not waiting.executor.is_alive
    monkeypatch.undo()
    assert taken(pool, dev)


def test_what_never_comes_up_is_not_started_for_ever(pool: WarmPool, dev: Environment) -> None:
    pool.keep(dev)
    for _ in range(MOST_DEATHS):
        pool.look()
        pool._waiting[0].executor.kill()
        pool._waiting[0].executor.finish()
    pool.look()
    assert pool._waiting == []
    pool.keep(dev)
    pool.look()
    assert taken(pool, dev)
