"""The portal's side of the preview service's socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from django.conf import settings

from executor.event_lines import stored
from executor.events import ValueWarnings
from portal.runs.preview_lease import LONGEST_LINE, said

DOWN = {
    **said(
        "previews-down",
        "The preview service does not answer.",
        "Your draft is safe. Try again in a moment; if it stays so, tell whoever runs Sluice.",
    ),
    "last": True,
}

ANSWERS = {"look": "looked", "unpack": "unpacked", "survey": "surveyed", "put-back": "put_back", "repair": "repaired"}
"""What a program over files (`portal.runs.file_programs`) does → the event that it answers with when all went well."""


def _with_words(event: dict[str, Any]) -> dict[str, Any]:
    """What is told of values comes as a sentence, too."""
    told = stored(event) if event.get("event") == ValueWarnings.name else None
    return event | {"words": told.words()} if told else event


async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Sends one request (see portal.runs.preview_service) and gives the events of its answer, the last of them with `last`.

    Ending the iteration early cancels the work. A service that is down answers with a problem like any other.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(str(settings.PREVIEW_SOCKET), limit=LONGEST_LINE)
    except OSError:
        yield DOWN
        return
    try:
        writer.write((json.dumps(message, separators=(",", ":")) + "\n").encode())
        await writer.drain()
        while True:
            line = await reader.readline()
            event = json.loads(line) if line else DOWN
            yield _with_words(event)
            if event.get("last"):
                return
    except (OSError, ValueError):
        yield DOWN
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def answer_over_files(what: str, *, user: int, environment: int, values: dict[str, Any]) -> dict[str, Any]:
    """How a program over files ended: the event that ANSWERS names, or one with a `problem`."""
    last = DOWN
    async for event in request({"do": "files", "what": what, "user": user, "environment": environment, "values": values}):
        last = event
    return last
