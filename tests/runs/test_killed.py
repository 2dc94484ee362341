"""Programs that die in the middle of a run: no run is lost, none is done twice, no process is left, the last output is untouched.

And a run whose places lie on S3, by the same real worker: it reads there, publishes there and in the folder, and leaves no word of what it
signed in with."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from portal.runs import sandbox
from portal.runs.launcher import inner_pids
from tests.environments.connected import KEYS
from tests.runs.fake_executor import forms_of
from tests.runs.stack import Stack, until

if TYPE_CHECKING:
    from tests.services.s3 import S3Server

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


@pytest.mark.lake
def test_fifty_copies_of_a_message_start_one_attempt_and_publish_once(stack: Stack) -> None:
    stack.start_worker("second")
    run = stack.ask("start")
    stack.ask("ring", run=run, times=50)
    found = stack.until_state(run, "succeeded", "failed")
    stack.kill("second")

    assert (found["state"], len(found["attempts"])) == ("succeeded", 1)
    assert sum(event["event"] == "publish_requested" for event in found["log"]) == 1
    assert run.encode() in made_by(stack)


class Watched:
    """What anybody on this machine could read while a run works: what is said to Redis, and command lines and environments of processes."""

    def __init__(self, stack: Stack) -> None:
        self.seen: list[str] = []
        self._over, self._redis = threading.Event(), redis.Redis(unix_socket_path=f"{stack.run_folder}/redis.sock", decode_responses=True)
        self._threads = [threading.Thread(target=work) for work in (self._monitor, self._processes)]

    def __enter__(self) -> Watched:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._redis.ping()  # so that the monitor has something to read
        for thread in self._threads:
            thread.join(timeout=30)
        self.seen += [f"{key}: {self._redis.dump(key)!r}" for key in self._redis.keys("*")]  # type: ignore[union-attr]
        self._redis.close()

    def _monitor(self) -> None:
        with self._redis.monitor() as monitor:
            for said in monitor.listen():
                self.seen.append(f"redis: {said['command']}")
                if self._over.is_set():
                    return

    def _processes(self) -> None:
        while not self._over.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with suppress(OSError):
                        self.seen.append(f"{process.name} {name}: {(process / name).read_bytes().decode(errors='replace')}")


@pytest.mark.lake
def test_a_run_reads_and_publishes_on_s3_and_leaves_no_word_of_its_keys(stack: Stack, s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="archive/2013/flights.csv", Body=b"origin,delay\nJFK,1\nEWR,2\nJFK,3\nLGA,4\n")
    stack.ask("connect", address=s3_server.address, bucket=bucket, secrets=KEYS)
    with Watched(stack) as watched:
        run = stack.ask("start", name="on_s3")
        found = stack.until_state(run, "succeeded", "succeeded_with_warnings", "failed")

    assert found["state"] == "succeeded", found
    assert [(one["stage"], one["uri"], one["rows"]) for one in found["outputs"]] == [
        ("write", "curated/of_s3", 3),
        ("out", "shop_out:by_origin", 3),
    ]
    assert list((stack.home / "lake/flights/dev/curated/of_s3").glob("part-*"))
    (pointer,) = [key for key in s3_server.keys(bucket) if key.endswith("by_origin/.sluice-output.json")]
    assert pointer == "shop_out/by_origin/.sluice-output.json" and not [key for key in s3_server.keys(bucket) if "publishing" in key]

    (attempt,) = found["attempts"]
    place = s3_server.address.removeprefix("http://")
    assert attempt["reached"]["could"] == [place] and attempt["reached"]["through"] == {place: ["store"]}
    assert attempt["reached"]["did"][place]["connections"] > 0 and not attempt["reached"]["did"][place]["failed"]
    assert (attempt["sandbox"], attempt["may_have_left"]) == ("full", False)

    pieces = {form for secret in KEYS.values() for form in forms_of(secret)}
    logs = [file.read_text(errors="replace") for file in stack.home.rglob("*") if file.is_file() and file.suffix in (".log", ".json", "")]
    texts = [*watched.seen, stack.ask("dump"), *logs]
    assert sum(text.startswith("redis: ") for text in texts) > 3 and any("bwrap" in text for text in texts)
    assert [text[:200] for text in texts if any(piece in text for piece in pieces)] == []


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
