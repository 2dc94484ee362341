"""The log as it arrives (Server-Sent Events, resumable) and as a file."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.views.decorators.http import require_GET

from portal.errors import NotAllowed
from portal.runs import log_lines
from portal.runs.doors import Reader, reader_of
from portal.runs.hints import Listener
from portal.runs.models import Run
from portal.wire import LIVE_HEADERS, while_allowed

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
RIGHTS_SECONDS = 5.0
"""How long a stream may outlast a right that was taken away, or a session that was ended."""
RETRY = "retry: 2000\n\n"
LIVE_FIELDS = ("state", "state_version", "fence", "log_lines", "log_bytes", "log_sha256")


@require_GET
async def events(request: HttpRequest, project: str, run: UUID) -> HttpResponseBase:
    """Lines after `Last-Event-ID` (or ?after=) from the database, then new ones as they are stored, until the run's end. With ?words=1 each
    line brings its words and level along.

    Events: `line` (id = its number), `gap`, `state`, and once `end` with state, lines, bytes and (for readers of data) sha256.
    """
    await request.auser()
    reader = await _in_thread(reader_of, request, project, run)
    return StreamingHttpResponse(
        _Stream(request, project, reader).messages(_starting_point(request)), content_type="text/event-stream", headers=LIVE_HEADERS
    )


def _starting_point(request: HttpRequest) -> int:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    return int(text) if text.isdecimal() and len(text) < 10 else 0


class _Stream:
    """One reader's connection."""

    def __init__(self, request: HttpRequest, project: str, reader: Reader) -> None:
        self.request, self.project, self.reader = request, project, reader
        self.shape = log_lines.with_words if request.GET.get("words") else str
        self.shown: tuple[str, int] | None = None
        self.checked = self.said = time.monotonic()

    async def messages(self, after: int) -> AsyncIterator[str]:
        yield RETRY
        async with Listener(self.reader.run.pk) as listener:
            while await self._still_allowed():
                was_final = await self._refresh()
                for text in self._state():
                    yield text
                lines = await _in_thread(log_lines.lines_after, self.reader.run.pk, after, with_data=self.reader.with_data)
                if lines:
                    after, self.said = lines[-1].seq, time.monotonic()
                    yield "".join(self._line(line) for line in lines)
                elif was_final:
                    yield _message("end", await self._end())
                    return
                else:
                    await listener.wait(POLL_SECONDS)
                    if time.monotonic() - self.said >= HEARTBEAT_SECONDS:
                        self.said = time.monotonic()
                        yield ": still here\n\n"

    def _line(self, line: log_lines.Line) -> str:
        return _message("gap" if '"event":"gap"' in line.text[:60] else "line", self.shape(line.text), line.seq)

    async def _refresh(self) -> bool:
        """Reads the run's row; True when it had ended before the lines are read, so that none can follow."""
        run = self.reader.run
        await _in_thread(run.refresh_from_db, fields=LIVE_FIELDS)
        return run.is_final

    def _state(self) -> Iterator[str]:
        run = self.reader.run
        if self.shown != (run.state, run.fence):
            self.shown = (run.state, run.fence)
            yield _message("state", json.dumps({"state": run.state, "attempt": run.fence, "lines": run.log_lines}))

    async def _end(self) -> str:
        run = self.reader.run
        facts: dict[str, Any] = {"state": run.state, "lines": run.log_lines, "bytes": run.log_bytes}
        if self.reader.with_data:
            facts["sha256"] = await _in_thread(log_lines.sha256_of, run)
        return json.dumps(facts)

    async def _still_allowed(self) -> bool:
        """Asks again every few seconds, however much there is to say: whoever loses the right (or the session) loses the stream."""
        if time.monotonic() - self.checked < RIGHTS_SECONDS:
            return True
        self.checked = time.monotonic()
        try:
            self.reader = await _in_thread(_again, self.request, self.project, self.reader.run)
        except (NotAllowed, Http404):
            return False
        return True


def _again(request: HttpRequest, project: str, run: Run) -> Reader:
    """Session and rights read anew. A session also ends with the password that it was opened with."""
    anew = HttpRequest()
    anew.session = type(request.session)(request.session.session_key)
    anew.user = get_user(anew)
    if not anew.user.is_authenticated:
        raise NotAllowed("view", run)
    return reader_of(anew, project, run.pk)


@require_GET
async def download(request: HttpRequest, project: str, run: UUID) -> HttpResponseBase:
    """The log as ndjson (the stored lines; with ?words=1 and their words) or, with ?format=text, as words; ?from= and ?to= are line
    numbers.

    The log of a run that has ended is sent once to each browser: later it is asked whether it changed, and answers 304.
    """
    await request.auser()
    reader = await _in_thread(reader_of, request, project, run)
    as_text = request.GET.get("format") == "text"
    shape = log_lines.as_words if as_text else log_lines.with_words if request.GET.get("words") else str
    first, last = _number(request, "from") or 1, _number(request, "to")
    kept = {"ETag": _tag(reader), "Cache-Control": "private, no-cache"} if reader.run.is_final else {"Cache-Control": "no-store"}
    if reader.run.is_final and reader.with_data and first == 1:
        kept["X-Log-Sha256"] = await _in_thread(log_lines.sha256_of, reader.run)
    if kept.get("ETag") in request.headers.get("If-None-Match", "").split(", "):
        return HttpResponseNotModified(headers=kept)

    batches = log_lines.all_lines(reader.run.pk, with_data=reader.with_data, first=first, last=last)
    begin = await _in_thread(next, batches, None)  # before anything is sent, so that what cannot be read is told as an error

    async def content() -> AsyncIterator[str]:
        batch = begin
        while batch:
            yield "".join(shape(line.text) + "\n" for line in batch)
            batch = await _in_thread(next, batches, None)

    kind, ending = ("text/plain", "txt") if as_text else ("application/x-ndjson", "ndjson")
    name = f"{reader.run.job.name}-{reader.run.short_id}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **kept}
    whole = while_allowed(content(), lambda: _require_as_before(request, project, reader))
    return StreamingHttpResponse(whole, content_type=f"{kind}; charset=utf-8", headers=headers)


def _require_as_before(request: HttpRequest, project: str, reader: Reader) -> None:
    """Raises NotAllowed when the log, or its data, may not be seen any more."""
    if _again(request, project, reader.run).with_data < reader.with_data:
        raise NotAllowed("view_data", reader.run)


def _tag(reader: Reader) -> str:
    """Stands for what this reader may see of a log that grows no more. Weak, because it may be packed on the way."""
    run = reader.run
    return f'W/"{run.pk.hex}-{run.fence}-{run.log_lines}-{"all" if reader.with_data else "words"}"'


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _message(event: str, data: str, number: int | None = None) -> str:
    """One Server-Sent Event. `data` is JSON, which has no line ends of its own."""
    return (f"id: {number}\n" if number is not None else "") + f"event: {event}\ndata: {data}\n\n"


async def _in_thread(function: Any, *arguments: Any, **named: Any) -> Any:
    """Database work of a stream, on a thread of a small pool: a hundred open logs must not hold a hundred connections."""

    def call() -> Any:
        close_old_connections()
        try:
            return function(*arguments, **named)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False)()
