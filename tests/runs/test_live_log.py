"""The live log over a real web server: whatever is cut on the way, readers get every line once and in order."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.runs.stack import Stack

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("sl"))
    stack.start_redis()
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    return stack.start_web()


class Reader:
    """Reads Server-Sent Events as a browser does: it remembers the last id and comes back with it."""

    def __init__(self, address: str, session: str, run: str) -> None:
        self.client = httpx.Client(base_url=address, cookies={"sluice": session}, timeout=30)
        self.run, self.last_id = run, ""
        self.lines: list[tuple[int, str]] = []
        self.end: dict[str, Any] | None = None
        self.cuts = 0

    def read(self, at_most: int | None = None) -> None:
        """Until the end event, or until `at_most` lines were read and the connection is cut, wherever in the stream that is."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        taken = 0
        with self.client.stream("GET", f"/p/flights/runs/{self.run}/events", headers=headers) as answer:
            assert answer.status_code == 200
            for event in self._events(answer):
                if event.get("event") == "end":
                    self.end = json.loads(event["data"])
                    return
                if event.get("event") == "line":
                    self.last_id = event["id"]
                    self.lines.append((int(event["id"]), event["data"]))
                    taken += 1
                    if at_most is not None and taken >= at_most:
                        self.cuts += 1
                        return

    def _events(self, answer: httpx.Response) -> Iterator[dict[str, str]]:
        event: dict[str, str] = {}
        for text in answer.iter_lines():
            if text:
                name, _, value = text.partition(": ")
                event[name] = value
            else:
                yield event
                event = {}


@pytest.fixture
def reader_of(stack: Stack, address: str) -> Iterator[Callable[[str, str], Reader]]:
    """`reader_of("ana", run)` reads as Ana."""
    made: list[Reader] = []

    def make(person: str, run: str) -> Reader:
        made.append(Reader(address, stack.sessions[person], run))
        return made[-1]

    yield make
    for reader in made:
        reader.client.close()


def test_no_line_is_lost_or_doubled_over_twenty_cuts(stack: Stack, reader_of: Callable[[str, str], Reader]) -> None:
    run = stack.ask("made_run", state="running")
    reader = reader_of("ana", run)
    rng, total = random.Random(20131109), 3000

    def write() -> None:
        written = 0
        while written < total:
            size = min(rng.randint(1, 200), total - written)
            stack.ask("add_lines", run=run, first=written + 1, texts=[f"line {written + i}" for i in range(size)])
            written += size
        stack.ask("finish", run=run)

    writer = Thread(target=write)
    writer.start()
    while reader.end is None:
        reader.read(at_most=rng.randint(20, 150) if reader.cuts < 20 else None)
    writer.join()

    assert reader.cuts == 20
    assert [seq for seq, _ in reader.lines] == list(range(1, total + 1))
    text = "".join(f"{line}\n" for _, line in reader.lines)
    assert (reader.end["state"], reader.end["lines"]) == ("succeeded", total)
    assert reader.end["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert reader.client.get(f"/p/flights/runs/{run}/log").text == text


def test_a_reader_without_the_right_to_data_sees_no_message_of_the_job(stack: Stack, reader_of: Callable[[str, str], Reader]) -> None:
    run = stack.ask("made_run", state="running")
    stack.ask("add_lines", run=run, first=1, texts=["passenger Doe, seat 12"])
    stack.ask("finish", run=run)
    reader = reader_of("vic", run)

    reader.read()

    assert "Doe" not in reader.lines[0][1] and "hidden" in reader.lines[0][1]
    assert "sha256" not in (reader.end or {})
    assert "Doe" not in reader.client.get(f"/p/flights/runs/{run}/log?format=text").text


def test_the_log_goes_on_without_redis(stack: Stack, reader_of: Callable[[str, str], Reader]) -> None:
    run = stack.ask("made_run", state="running")
    reader = reader_of("ana", run)
    stack.ask("add_lines", run=run, first=1, texts=["before"])
    stack.kill("redis")
    try:
        stack.ask("add_lines", run=run, first=2, texts=["while it is away"])
        writer = Thread(target=lambda: (stack.ask("add_lines", run=run, first=3, texts=["after"]), stack.ask("finish", run=run)))
        writer.start()
        reader.read()
        writer.join()
    finally:
        stack.start_redis()
    assert [json.loads(line)["message"] for _, line in reader.lines] == ["before", "while it is away", "after"]


def test_whoever_loses_role_session_or_password_loses_the_stream_however_much_it_says(
    stack: Stack, reader_of: Callable[[str, str], Reader]
) -> None:
    run = stack.ask("made_run", state="running")
    readers = {name: reader_of(name, run) for name in ("ana", "off", "out", "new", "less")}
    threads = [Thread(target=reader.read, daemon=True) for reader in readers.values()]
    for thread in threads:
        thread.start()
    written, is_taken = 0, False
    while written < 1_000 and not all(len(readers[name].lines) + 50 < written for name in ("off", "out", "new")):
        written += 1
        stack.ask("add_lines", run=run, first=written, texts=[f"seat {written}"])
        if not is_taken and all(reader.lines for reader in readers.values()):
            is_taken = stack.ask("take_away", run=run) is None
        time.sleep(0.05)
    stack.ask("finish", run=run)
    for thread in threads:
        thread.join(timeout=20)
    assert is_taken and len(readers["ana"].lines) == written and readers["ana"].end
    for name in ("off", "out", "new"):
        assert readers[name].end is None and len(readers[name].lines) < written, name
    assert "seat" in readers["less"].lines[0][1] and "seat" not in readers["less"].lines[-1][1]
    assert "sha256" not in (readers["less"].end or {"sha256": 1})


def test_strangers_get_no_log(stack: Stack, address: str) -> None:
    run = stack.ask("made_run", state="running")
    answer = httpx.get(f"{address}/p/flights/runs/{run}/events", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    unknown = httpx.get(f"{address}/p/flights/runs/{'0' * 8}-0000-0000-0000-{'0' * 12}/events", cookies={"sluice": stack.sessions["ana"]})
    assert unknown.status_code == 404
