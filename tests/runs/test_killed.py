"""Programs that die in the middle of a run: no run is lost, none is done twice, no process is left, the last output is untouched."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.runs import sandbox
from portal.runs.launcher import inner_pids
from tests.runs.stack import Stack, until

pytestmark = [pytest.mark.services, pytest.mark.spark, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One good run, behind the wall, has been: its output is there."""
    stack = Stack(tmp_path_factory.mktemp("sl"))
    try:
        stack.start_redis()
        stack.start_worker()
        run = stack.ask("start")
        found = stack.until_state(run, "succeeded", "failed")
        assert found["state"] == "succeeded", found
        assert found["attempts"] == [found["attempts"][0] | {"outcome": "succeeded", "sandbox": sandbox.status().kind}]
        yield stack
    finally:
        stack.close()


def descendants(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return children + [found for child in children for found in descendants(child)]


def executor_of(stack: Stack, run: str) -> list[int]:
    """The processes of a run's executor once Spark works for it: the wall, its inside, Python and Java."""
    stack.until_state(run, "running")
    pid = stack.ask("look", run=run)["attempts"][-1]["pid"]
    return [pid, *descendants(pid)]


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def made_by(stack: Stack) -> bytes:
    return b"".join(stack.published().values())


def test_fifty_copies_of_a_message_start_one_attempt_and_publish_once(stack: Stack) -> None:
    stack.start_worker("second")
    run = stack.ask("start")
    stack.ask("ring", run=run, times=50)
    found = stack.until_state(run, "succeeded", "failed")
    stack.kill("second")

    assert (found["state"], len(found["attempts"])) == ("succeeded", 1)
    assert sum(event["event"] == "publish_requested" for event in found["log"]) == 1
    assert run.encode() in made_by(stack)


def test_a_killed_executor_fails_its_run_and_leaves_the_last_output(stack: Stack) -> None:
    before = stack.published()
    run = stack.ask("start")
    pids = executor_of(stack, run)

    os.kill(inner_pids(pids[0])[0], signal.SIGKILL)
    found = stack.until_state(run, "failed", "succeeded")

    assert (found["state"], found["problem"]["code"]) == ("failed", "executor-stopped")
    assert "Nothing was published" in found["problem"]["message"]
    assert found["lines"] > 0
    until(lambda: gone(pids), "the executor's processes to be gone")
    assert stack.published() == before


def test_a_killed_worker_takes_its_executor_along_and_another_one_finishes_the_run(stack: Stack) -> None:
    before = stack.published()
    run = stack.ask("start")
    pids = executor_of(stack, run)

    stack.kill("worker")
    until(lambda: gone(pids), "the executor's processes to be gone")
    assert stack.published() == before

    stack.start_worker(ahead=1)
    found = stack.until_state(run, "succeeded", "failed", sweeping=True)
    assert found["state"] == "succeeded", found
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["lost", "succeeded"]
    assert [event["seq"] for event in found["log"]] == list(range(1, found["lines"] + 1))
    assert sum(event["event"] == "publish_requested" for event in found["log"]) == 1


def test_redis_gone_and_back_only_delays(stack: Stack) -> None:
    working = stack.ask("start")
    stack.until_state(working, "starting", "running")
    stack.kill("redis")
    accepted = stack.ask("start")
    assert stack.until_state(working, "succeeded", "failed")["state"] == "succeeded"

    stack.start_redis()
    found = stack.until_state(accepted, "succeeded", "failed", sweeping=True)

    assert (found["state"], len(found["attempts"])) == ("succeeded", 1)
    assert accepted.encode() in made_by(stack)


def test_a_killed_worker_takes_the_executor_along_that_it_started_ahead_and_no_process_is_left(stack: Stack) -> None:
    until(lambda: stack.living() != [], "an executor that waits for the next run")
    stack.kill("worker")
    until(lambda: stack.living() == [], "every executor to be gone")
