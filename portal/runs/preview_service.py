"""The process behind `manage.py previews`: holds the warm executors and answers on a unix socket that only its own user can open.

A connection carries one request, a JSON object on one line: {"do": "ask" | "look" | "query" | "warm" | "cancel", "user", "job",
"environment", "holder", "message"}. "look" is "ask" with a document of the portal's own, "query" with one that holds a person's query over
tables that the portal reads; only these two are answered where no drafts are allowed.
Or it is {"do": "files", "what": one of `portal.runs.preview_client.ANSWERS`, "user", "environment", "values"} for a
program without Spark.
The answer is JSON lines: the executor's events, and `waiting` with a sentence while there is nothing to show yet.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import launcher, sandbox
from portal.runs.connection_tests import ConnectionTests
from portal.runs.file_programs import FilePrograms
from portal.runs.launches import Equipment, Launch
from portal.runs.preview_lease import GONE, LONGEST_LINE, STOPPED, Key, Lease, SessionEnded
from portal.runs.preview_pool import Pool
from portal.runs.preview_reach import PreviewReach, fresh_connection
from portal.runs.still_allowed import SECONDS, may_still_have

log = logging.getLogger(__name__)
TIDY_SECONDS = 5.0
MEASURE_SECONDS = 0.5
BUSY = "Another query of yours is at work here; this one begins when it has ended."
MOST_SESSIONS = 3
"""How many sessions may end under requests before it before a request is given up."""


def launch_for(environment: int, equipment: Equipment) -> Launch:
    """How to start a session that reads this environment's data."""
    with fresh_connection():
        found = Environment.objects.select_related("project").get(pk=environment)
        return launcher.for_previews(found, equipment.endpoints, equipment.connectors, equipment.folders)


def may_have(environment: int, equipment: Equipment) -> bool:
    with fresh_connection():
        return may_still_have(environment, equipment)


def require_drafts(environment: int) -> None:
    """Raises PortalError where no drafts are allowed: there the portal's own documents are read, and none that a person wrote."""
    with fresh_connection():
        found = Environment.objects.get(pk=environment)
    if not found.allows_drafts:
        raise PortalError(f"Nothing is previewed in {found.name}.", code="preview-not-allowed")


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Again and again; a round that fails is told and keeps no later one from coming."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception:
            log.exception("The preview service could not look after its sessions.")


class Service:
    """Answers connections until it is told to stop."""

    def __init__(
        self,
        pool: Pool,
        require_drafts: Callable[[int], None] = require_drafts,
        reach: PreviewReach | None = None,
    ) -> None:
        self.pool, self.require_drafts, self.reach = pool, require_drafts, reach or PreviewReach()
        self.file_programs, self.connection_tests = FilePrograms(self.reach), ConnectionTests()

    async def serve(self, path: Path) -> None:
        """Until SIGTERM or SIGINT. Whatever ends this process ends every session with it."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = await self.listen(path)
        tidying = asyncio.gather(
            _every(TIDY_SECONDS, self.pool.end_idle),
            _every(SECONDS, self.pool.end_those_that_have_too_much),
            _every(MEASURE_SECONDS, self._measure),
        )
        log.info("Previews: at most %s sessions, on %s", settings.PREVIEW_LEASES, path)
        await stop.wait()
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        server.close()
        await self.pool.end_all()
        path.unlink(missing_ok=True)

    async def listen(self, path: Path) -> asyncio.Server:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._connection, path=str(path), limit=LONGEST_LINE)
        finally:
            os.umask(before)

    async def _measure(self) -> None:
        for lease in list(self.pool.leases.values()):
            await lease.measure()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request. When the asker goes away, what was begun for it is cancelled."""
        work = asyncio.create_task(self._answer(reader, writer))
        try:
            await work
        except (ConnectionError, ValueError, KeyError, TypeError) as error:
            log.info("A connection of the preview service ended early: %r", error)
        finally:
            with suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline())
        if request["do"] in ("files", "test-connection"):
            work = self.file_programs.answer if request["do"] == "files" else self.connection_tests.answer
            await self._until_left(self._files(work(request), writer), reader)
            return
        key = Key(*(int(request[name]) for name in Key._fields))
        if request["do"] == "cancel":
            await self._cancel(key)
            await _send(writer, {**STOPPED, "last": True})
            return
        await self._until_left(self._events(request, key, writer), reader)

    async def _until_left(self, work: Coroutine[Any, Any, None], reader: asyncio.StreamReader) -> None:
        """Does the work; when the asker goes away first, it is cancelled."""
        answering = asyncio.create_task(work)
        leaving = asyncio.create_task(reader.read())
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not answering.done():
            answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering

    async def _files(self, answer: AsyncGenerator[dict[str, Any], None], writer: asyncio.StreamWriter) -> None:
        """A program over files, see portal.runs.file_programs, or a test of a connection."""
        async with aclosing(answer) as events:
            async for event in events:
                await _send(writer, event)

    async def _events(self, request: dict[str, Any], key: Key, writer: asyncio.StreamWriter) -> None:
        try:
            if request["do"] not in ("look", "query"):
                await asyncio.to_thread(self.require_drafts, key.environment)
            for _ in range(MOST_SESSIONS):
                with suppress(SessionEnded):
                    await self._in_a_session(request, key, writer)
                    return
            await _send(writer, {**GONE, "last": True})
        except PortalError as error:
            problem = {"code": error.code, "message": error.message, "fix": error.fix}
            await _send(writer, {"event": "problem", "problem": problem, "last": True})

    async def _in_a_session(self, request: dict[str, Any], key: Key, writer: asyncio.StreamWriter) -> None:
        message = None if request["do"] == "warm" else request["message"]
        wanted = await asyncio.to_thread(self.reach.wanted, key, message)
        async for found in self.pool.lease(key, str(request["holder"]), wanted):
            if isinstance(found, str):
                await _send(writer, {"event": "waiting", "message": found})
            elif request["do"] == "warm":
                await _send(writer, {"event": "warm", "ready": found.ready.is_set(), "last": True})
            else:
                if request["do"] == "query" and found.is_busy:
                    await _send(writer, {"event": "waiting", "message": BUSY})
                await self._ask(found, request["message"], writer)

    async def _ask(self, lease: Lease, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if lease.launch.data:  # what came since the session started, for instance an upload
            await asyncio.to_thread(sandbox.give_to_executors, lease.launch.data)
        given = await asyncio.to_thread(self.reach.given, lease.key, message, lease.holder)
        async with aclosing(lease.ask(message, given)) as events:
            async for event in events:
                event.pop("id", None)
                await _send(writer, event)
        if not lease.is_alive:
            await self.pool.drop(lease)

    async def _cancel(self, key: Key) -> None:
        lease = self.pool.leases.get(key)
        if lease:
            await lease.cancel()
            if not lease.is_alive:
                await self.pool.drop(lease)


async def _send(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    writer.write((json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    await writer.drain()
