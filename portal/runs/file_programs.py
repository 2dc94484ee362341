"""Programs that look at files and places, unpack files, put outputs back and work on whole tables, behind the wall: one process each, ended
with its answer.

They live in the preview service rather than in the web process because that is where walls are built (the web container may not build
any), and rather than in the worker because a person waits for the answer. See docs/decisions/looks.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from executor.problems import Problem
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import places
from portal.runs import launcher
from portal.runs.launches import Equipment, Launch
from portal.runs.measures import DISK_NEARLY_FULL, Meter
from portal.runs.preview_client import ANSWERS
from portal.runs.preview_lease import LONGEST_LINE, said
from portal.runs.preview_reach import PreviewReach, fresh_connection
from portal.runs.redaction import Redactor

log = logging.getLogger(__name__)
QUICK = ("survey", "put-back", "repair", "list", "walk", "texts", "find", "keep", "test-root", "table", "change-table", "ddl", "register")
"""They read little: they do not wait behind files that are unpacked for minutes."""
WITH_SPARK = ("optimize-table", "put-back-rows")
"""One at a time: each takes as much memory as a run."""
AT_ONCE = 2
OF_ONE_PERSON = 2
SECONDS = {
    "look": 60.0,
    "unpack": 600.0,
    "survey": 30.0,
    "put-back": 60.0,
    "repair": 60.0,
    "list": 20.0,
    "walk": 30.0,
    "texts": 30.0,
    "find": 20.0,
    "keep": 300.0,
    "take": 3600.0,
    "bring": 3600.0,
    "test-root": 30.0,
    "table": 60.0,
    "change-table": 300.0,
    "optimize-table": 3600.0,
    "put-back-rows": 3600.0,
    "ddl": 30.0,
    "register": 120.0,
}
TOO_LONG = said("look-too-long", "This took too long and was stopped.", "Try again when less is going on, or bring a smaller file.")
BROKEN = said(
    "look-stopped", "The file could not be looked at: the program stopped.", "Try again; if it stays so, the file is not what it says."
)
TOO_MUCH = "This file needs more than one file may, and was stopped: {found}, {most}."
NOT_AS_IT_SAYS = "Nothing was kept. Bring a smaller file, or its parts one by one; a small file that needs so much is not what it says."
MEASURE_SECONDS = 0.25
NOBODY = 0
"""Whoever asks for Sluice itself, and for lists that all of an environment see."""
BUSY = said("look-busy", "You are looking at several files already.", "Wait until one of them is done.")


class FilePrograms:
    """At most AT_ONCE of them work, as many of the quick ones, and one with Spark; others wait for their turn."""

    def __init__(self, reach: PreviewReach | None = None) -> None:
        self.reach = reach or PreviewReach()
        slow, quick, spark = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(1)
        self._places = {what: quick if what in QUICK else spark if what in WITH_SPARK else slow for what in SECONDS}
        self._people: Counter[int] = Counter()

    async def answer(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The events of one program, the last of them with `last`. Closing the iteration ends the program."""
        what, user = str(request["what"]), int(request["user"])
        if what not in SECONDS:
            raise ValueError(f"There is no program {what!r} for files.")
        if user != NOBODY and self._people[user] >= OF_ONE_PERSON + 1:
            yield {**BUSY, "last": True}
            return
        self._people[user] += 1
        try:
            events = self._run(what, user, int(request["environment"]), dict(request["values"]))
            async with self._places[what], aclosing(events):
                async for event in events:
                    yield event
        except PortalError as error:
            yield {**said(error.code, error.message, error.fix or ""), "last": True}
        finally:
            self._people[user] -= 1

    async def _run(self, what: str, user: int, environment: int, values: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        equipment, given = await asyncio.to_thread(self.reach.of_files, what, user, environment, values)
        redact = Redactor(given.hidden)
        launch, more = await asyncio.to_thread(_launch, environment, what, equipment, values.pop("arrived", None))
        process = await launcher.process_of(launch, longest_line=LONGEST_LINE)
        errors = asyncio.create_task(_last_errors(process))
        added_to = launch.data if launch.writes and what not in QUICK else None  # the quick ones only move and remove, also on a full disk
        tmp = launch.scratch.path if launch.scratch else None
        about: dict[str, Any] = {"beside_mb": launch.beside_mb, "group": launch.group}
        about["folders"] = [] if what in QUICK else launch.written_folders
        meter = Meter(process.pid, launch.memory_mb, tmp, added_to, **about)
        watch, is_broken = asyncio.create_task(_measured(process, meter)), False
        try:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            values.pop(places.MEANT, None)
            told = {**values, **given.values, **more, "lake": launch.lake, "source": launch.source}
            process.stdin.write((json.dumps(told) + "\n").encode())
            async for event in _events(process, SECONDS[what]):
                event = await _why_ended(event, watch, meter)
                is_broken = event.get("problem") is BROKEN["problem"]
                yield redact.json(event, only_known=True) if given.hidden else event
        finally:
            meter.stop()
            watch.cancel()
            launcher.end(process)
            await process.wait()
            launch.clear()
            text = await errors
            if (is_broken or process.returncode not in (0, 1)) and text:
                log.warning("A program over files ended (exit code %s): %s", process.returncode, redact(text))


async def _measured(process: asyncio.subprocess.Process, meter: Meter) -> Problem:
    """Ends the program when it uses more than it may, and says what."""
    while (excess := await asyncio.to_thread(meter.look)) is None:
        await asyncio.sleep(MEASURE_SECONDS)
    launcher.end(process)
    return excess


async def _why_ended(event: dict[str, Any], watch: asyncio.Task[Problem], meter: Meter) -> dict[str, Any]:
    """The event; where a program ended without an answer because it used too much, that is the answer."""
    if event.get("problem") is not BROKEN["problem"]:
        return event
    excess = watch.result() if watch.done() else meter.told_by_the_kernel()
    if excess is None:
        return event
    if excess.code == DISK_NEARLY_FULL:  # the file is not to blame
        return said(excess.code, excess.message, excess.fix or "") | {"last": True}
    return said(excess.code, TOO_MUCH.format(found=excess.found, most=excess.expected), NOT_AS_IT_SAYS) | {"last": True}


def _launch(environment: int, what: str, equipment: Equipment, arrived: Any) -> tuple[Launch, dict[str, Any]]:
    """How to start it, and what it is told besides. `arrived`: id of an upload that the program is to send."""
    with fresh_connection():
        found = Environment.objects.select_related("project", "compute").get(pk=environment)
        if what in WITH_SPARK:
            launch = launcher.for_table_work(found, what, equipment.endpoints, equipment.folders)
            return launch, {"compute": launcher.compute_of(found)}
        source = launcher.hidden_folder(found) / "uploads" / str(UUID(arrived)) if arrived else None
        return launcher.for_files(found, what, equipment.endpoints, source, equipment.folders), {}


async def _events(process: asyncio.subprocess.Process, seconds: float) -> AsyncGenerator[dict[str, Any], None]:
    """What it says; one of its events is the last one, whatever happens."""
    deadline = time.monotonic() + seconds
    before: dict[str, Any] | None = None
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), max(0.0, deadline - time.monotonic()))
            event = json.loads(line) if line else None
        except TimeoutError:
            yield {**TOO_LONG, "last": True}
            return
        except ValueError:
            event = None
        if event is None or not isinstance(event, dict):
            is_answer = before is not None and before.get("event") in (*ANSWERS.values(), "problem")
            yield {**(before if is_answer and before else BROKEN), "last": True}
            return
        if before is not None:
            yield before
        before = event


async def _last_errors(process: asyncio.subprocess.Process) -> str:
    """The end of what it says about itself, for the service's log."""
    kept = b""
    while process.stderr and (part := await process.stderr.read(4096)):
        kept = (kept + part)[-2000:]
    return kept.decode(errors="replace").strip()[-500:]
