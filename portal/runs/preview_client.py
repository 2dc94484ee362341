"""The portal's side of the preview service's socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from executor.event_lines import stored
from executor.events import ValueWarnings
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.runs.preview_lease import LONGEST_LINE, said

DOWN = {
    **said(
        "previews-down",
        "The preview service does not answer.",
        "Your draft is safe. Try again in a moment; if it stays so, tell whoever runs Sluice.",
    ),
    "last": True,
}

NO_MORE = {
    **said("right-gone", "You may not see this data any more.", "Ask whoever manages the people of this project, or sign in again."),
    "last": True,
}
RIGHTS_SECONDS = 1.0
"""How long an answer that still comes may outlast the right to it."""
QUIET_SECONDS = 5.0
"""The same of work that says nothing: a query that nobody may see the end of does not keep Spark busy."""

ANSWERS = {
    "look": "looked",
    "unpack": "unpacked",
    "survey": "surveyed",
    "put-back": "put_back",
    "repair": "repaired",
    "list": "listed",
    "walk": "walked",
    "texts": "read",
    "find": "found",
    "take": "taken",
    "bring": "brought",
    "keep": "kept",
    "test-root": "tested",
    "table": "table",
    "change-table": "table",
    "optimize-table": "table",
    "put-back-rows": "rows_put_back",
    "ddl": "described",
    "register": "registered",
}
"""What a program over files (`portal.runs.file_programs`) does → the event that it answers with when all went well."""


def _with_words(event: dict[str, Any]) -> dict[str, Any]:
    """What is told of values comes as a sentence, too."""
    told = stored(event) if event.get("event") == ValueWarnings.name else None
    return event | {"words": told.words()} if told else event


async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Sends one request (see portal.runs.preview_service) and gives the events of its answer, the last of them with `last`.

    Ending the iteration early cancels the work. A service that is down answers with a problem like any other. The answer ends when
    `asker` (who stays in this process) may not see the environment's data any more.
    """
    asked = time.monotonic()
    about, message = message, {name: value for name, value in message.items() if name != "asker"}
    try:
        reader, writer = await asyncio.open_unix_connection(str(settings.PREVIEW_SOCKET), limit=LONGEST_LINE)
    except OSError:
        yield DOWN
        return
    try:
        writer.write((json.dumps(message, separators=(",", ":")) + "\n").encode())
        await writer.drain()
        async with aclosing(_lines(reader)) as lines:
            async for line in lines:
                event = None if line is None else json.loads(line) if line else DOWN
                if event is None or event.get("last") or time.monotonic() - asked >= RIGHTS_SECONDS:
                    asked = time.monotonic()
                    try:
                        await sync_to_async(require_right)(about)
                    except NotAllowed:
                        yield NO_MORE
                        return
                if event is not None:
                    yield _with_words(event)
                    if event.get("last"):
                        return
    except (OSError, ValueError):
        yield DOWN
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[bytes | None, None]:
    """Each line as it comes; None whenever there has been none for a while."""
    reading = asyncio.ensure_future(reader.readline())
    try:
        while True:
            await asyncio.wait({reading}, timeout=QUIET_SECONDS)
            if not reading.done():
                yield None
                continue
            yield reading.result()
            reading = asyncio.ensure_future(reader.readline())
    finally:
        reading.cancel()


def require_right(message: dict[str, Any]) -> None:
    """Raises NotAllowed when whoever asked with `message` may not have its answer any more: it may come minutes later."""
    asker: User | None = message.get("asker")
    if asker is not None:
        action, places = (
            "view_data" if message["do"] in ("look", "query", "files") else "preview",
            Environment.objects.filter(pk=message["environment"]),
        )
        if not policy.allowed(asker, action, places).exists():
            raise NotAllowed(action, places.first())


async def answer_over_files(
    what: str, *, user: int, environment: int, values: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """How a program over files ended: the event that ANSWERS names, or one with a `problem`. `progress` is told what it says before."""
    last = DOWN
    message = {"do": "files", "what": what, "user": user, "environment": environment, "values": values}
    events: Any = request(message)
    try:
        async for event in events:
            last = event
            if progress and event.get("event") == "progress":
                await sync_to_async(progress)(event)
    finally:
        await events.aclose()  # what `progress` raises ends the program
    return last
