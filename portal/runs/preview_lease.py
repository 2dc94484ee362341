"""One warm executor, leased by one person for one job: started in a sandbox of its own, asked one thing at a time, ended when idle."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from portal.runs import launcher, reached
from portal.runs.launches import Equipment, Launch
from portal.runs.measures import Meter
from portal.runs.redaction import Redactor

log = logging.getLogger(__name__)

LONGEST_LINE = 32 * 1024 * 1024
ANSWER_SECONDS = 300.0
"""A preview that takes longer is cancelled; a run is the place for long work."""
CANCEL_SECONDS = 5.0
NOTHING = Equipment()
_numbers = count(1)


class Key(NamedTuple):
    """Whose session it is, for which job, and where it reads; ids."""

    user: int
    job: int
    environment: int


@dataclass(frozen=True)
class Given:
    """What the portal tells a session with one request. `values`: for the executor's standard input; `hidden`: what no answer may hold;
    `through`: place → names of the connections that lead there."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    through: Mapping[str, Any] = field(default_factory=dict)


FOLDER_ALONE = Given()


def said(code: str, message: str, fix: str) -> dict[str, Any]:
    """A problem in our own words, as an executor would say it."""
    return {"event": "problem", "problem": {"code": code, "message": message, "fix": fix}}


GONE = said(
    "preview-stopped", "The preview session stopped: Spark ended, often for lack of memory.", "Preview again; a fresh session is starting."
)
TOO_LONG = said("preview-too-long", "The preview took too long and was stopped.", "Preview fewer rows or the sample, or run the job.")
STOPPED = {"event": "cancelled"}


class SessionEnded(Exception):
    """The session ended before it was asked: whoever waited for a turn wants another one."""


class Lease:
    """`holder` is a name to show to people who wait."""

    def __init__(self, key: Key, holder: str, launch: Launch, equipment: Equipment = NOTHING) -> None:
        self.key, self.holder, self.launch, self.equipment = key, holder, launch, equipment
        self.used = time.monotonic()
        self.ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._answers: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}
        self._turn = asyncio.Lock()
        self._current = ""
        self._last_errors: deque[str] = deque(maxlen=20)
        self._tasks: list[asyncio.Task[None]] = []
        self._meter: Meter | None = None
        self._redact = Redactor()
        self._secrets: set[str] = set()
        """Every secret this session was ever told."""
        self._through: dict[str, Any] = {}
        """Place → names of the connections that lead there."""
        self._why_gone = GONE
        self._is_over = False
        """It has said that it ends, and may take a second for it."""

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None and not self._is_over

    @property
    def is_busy(self) -> bool:
        return self._turn.locked()

    @property
    def idle_seconds(self) -> float:
        return 0.0 if self.is_busy else time.monotonic() - self.used

    async def start(self) -> None:
        """Starts the process (from the main thread, which it dies with) and returns at once; `ready` is set when Spark is up."""
        self._process = await launcher.process_of(self.launch, longest_line=LONGEST_LINE)
        self._meter = Meter(self._process.pid, self.launch.memory_mb, None, None, beside_mb=self.launch.beside_mb, group=self.launch.group)
        self._tasks = [asyncio.create_task(self._read(self._process)), asyncio.create_task(self._read_errors(self._process))]

    async def ask(self, message: dict[str, Any], given: Given = FOLDER_ALONE) -> AsyncGenerator[dict[str, Any], None]:
        """Sends a request and gives its events, the last of them with `last`, and with what the session reached on other machines.
        Requests of one lease wait for each other.

        Raises SessionEnded when the one before took the session with it."""
        async with self._turn:
            if not self.is_alive:
                raise SessionEnded
            self.used = time.monotonic()
            if given.hidden - self._secrets:
                self._secrets |= given.hidden
                self._redact = Redactor(self._secrets)
            self._through.update(given.through)
            request_id = self._current = f"r{next(_numbers)}"
            answers = self._answers[request_id] = asyncio.Queue()
            try:
                if not self.ready.is_set():
                    yield {"event": "waiting", "message": "The preview session is starting; this takes some seconds, once."}
                self._send({**message, "id": request_id, "values": self._values(message, given.values)})
                async for event in self._answer(answers):
                    told = self._redact.json(event, only_known=True) if self._secrets and event.get("event") != "piece" else event
                    yield told | {"network": self._network()} if told.get("last") and self.equipment.endpoints else told
            finally:
                if request_id in self._answers and self.is_alive:  # whoever asked has gone away
                    await self.cancel()
                self._answers.pop(request_id, None)
                self._current = ""
                self.used = time.monotonic()

    async def _answer(self, answers: asyncio.Queue[dict[str, Any] | None]) -> AsyncIterator[dict[str, Any]]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                event = await asyncio.wait_for(answers.get(), deadline - time.monotonic())
            except TimeoutError:
                if not self.ready.is_set():
                    await self.end()
                yield {**TOO_LONG, "last": True}
                return
            yield event or {**self._why_gone, "last": True}
            if event is None or event.get("last"):
                return

    async def cancel(self) -> None:
        """Asks the executor to give up what it does; kills it when it does not within 5 seconds.

        One that is still starting cannot hear it yet: it is left to start, and begins nothing that was cancelled meanwhile."""
        request_id = self._current
        if not request_id:
            return
        self._send({"request": "cancel", "id": request_id})
        can_hear = self.ready.is_set()
        end = time.monotonic() + (CANCEL_SECONDS if can_hear else 0)
        while time.monotonic() < end and request_id in self._answers:
            await asyncio.sleep(0.05)
        answers = self._answers.pop(request_id, None)
        if answers is not None:
            if can_hear:
                await self.end()
            answers.put_nowait({**STOPPED, "last": True})  # not before: whoever is next must not ask what is just being killed

    async def measure(self) -> None:
        """Ends the session when it uses more than a preview may; whoever waits for an answer is told so."""
        excess = await asyncio.to_thread(self._meter.look) if self._meter and self.is_alive else None
        if excess:
            self._why_gone = {"event": "problem", "problem": excess.as_dict()}
            await self.end()

    async def end(self) -> None:
        """Kills the process and waits until it is gone."""
        if self._process is None:
            return
        launcher.end(self._process)
        await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._gone()

    def _network(self) -> list[tuple[str, str]]:
        """What the session could and did reach so far, in words that name connections and no hosts."""
        return reached.in_words(reached.places_of(reached.facts(self.launch.reached, self._through), with_hosts=False))

    def _values(self, message: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """What the portal says has precedence: nobody who asks names a folder, a root or a connection of their own."""
        asked = message.get("values")
        parameters = asked.get("parameters", {}) if isinstance(asked, dict) else {}
        return {"parameters": parameters, "secrets": {}, **given, "lake": self.launch.lake}

    def _send(self, message: dict[str, Any]) -> None:
        if self.is_alive and self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write((json.dumps(message, separators=(",", ":")) + "\n").encode())

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout and (line := await self._line(process.stdout)):
            with suppress(ValueError, AttributeError, RecursionError):
                event = json.loads(line, parse_constant=str)
                if event.get("event") == "ready":
                    self.ready.set()
                self._is_over = self._is_over or event.get("over") is True
                answers = self._answers.get(event.get("id", self._current))
                if answers is not None:
                    answers.put_nowait(event)
                if event.get("last"):
                    self._answers.pop(event.get("id"), None)
        await process.wait()
        if self._last_errors:
            log.warning("A preview session ended (exit code %s): %s", process.returncode, " | ".join(self._last_errors))
        self._gone()

    async def _line(self, stream: asyncio.StreamReader) -> bytes:
        try:
            return await stream.readline()
        except ValueError:  # longer than any answer may be
            return b"{}\n"

    async def _read_errors(self, process: asyncio.subprocess.Process) -> None:
        while process.stderr and (line := await self._line(process.stderr)):
            self._last_errors.append(self._redact(line.decode(errors="replace").rstrip())[:500])

    def _gone(self) -> None:
        self.launch.clear()
        if self._why_gone is GONE and self._meter and (excess := self._meter.told_by_the_kernel()):
            self._why_gone = {"event": "problem", "problem": excess.as_dict()}
        for answers in self._answers.values():
            answers.put_nowait(None)
        self._answers.clear()
