"""Bodies that are read while they arrive.

Django takes in a whole body before it asks anybody whether the sender may send one. `StreamedBodies` stands in front of it: for the
addresses that take files, the view is called at once, with an empty body, and reads what comes from `Body`; for all others a body
larger than any form or document is refused before it is taken in.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest

from portal.errors import PortalError

TAKES_FILES = re.compile(r"^/api/v1/projects/[^/]+/environments/[^/]+/(files/|uploads/[0-9a-f-]{36})$")
METHODS = {"POST", "PUT"}
RECEIVE, TYPE, LENGTH = "sluice.receive", "sluice.content_type", "sluice.content_length"
LONGEST_OTHER = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1024 * 1024
READ = 256 * 1024
GATHERED = 256 * 1024
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class BrokenOff(PortalError):
    """The sender went away in the middle."""

    code = "broken-off"
    status = 400


class StreamedBodies:
    """An ASGI application round another."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] in METHODS and TAKES_FILES.match(scope["path"]):
            await self.app(_without_body(scope, _from_here(receive)), _Nothing(), send)
        elif _length(scope) > LONGEST_OTHER:
            await _refuse(send)
        else:
            await self._with_bound(scope, receive, send)

    async def _with_bound(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ends the conversation with a sender of more than any form or document may have, whatever length was announced."""
        taken, is_answered = 0, False

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return {"type": "http.disconnect"} if taken > LONGEST_OTHER else message

        async def noticed(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        await self.app(scope, bounded, noticed)
        if taken > LONGEST_OTHER and not is_answered:
            await _refuse(send)


def _from_here(receive: Receive) -> Receive:
    """`receive`, called in the context of now.

    Asking for more may make the server read from the connection again, and all that it does for that connection from then on, later
    requests too, has the context of whoever asked. That must not be a view's, whose thread is gone by then.
    """
    context = contextvars.copy_context()

    async def asked() -> Message:
        return await asyncio.get_running_loop().create_task(_message(receive), context=context)

    return asked


async def _message(receive: Receive) -> Message:
    return await receive()


def _without_body(scope: Scope, receive: Receive) -> Scope:
    """The scope as Django sees it: no body, so that no layer before the view reads one."""
    headers = dict(scope["headers"])
    kept = [(name, value) for name, value in scope["headers"] if name not in (b"content-type", b"content-length", b"transfer-encoding")]
    length = headers.get(b"content-length", b"")
    return {
        **scope,
        "headers": kept,
        RECEIVE: receive,
        TYPE: headers.get(b"content-type", b"").decode("latin-1"),
        LENGTH: int(length) if length.isdigit() else None,
    }


def _length(scope: Scope) -> int:
    said = dict(scope["headers"]).get(b"content-length", b"")
    return int(said) if said.isdigit() else 0


class _Nothing:
    """An empty body; whether the sender is still there is for the reader of the real one to find out."""

    def __init__(self) -> None:
        self._told = False

    async def __call__(self) -> Message:
        if self._told:
            await asyncio.Event().wait()
        self._told = True
        return {"type": "http.request", "body": b"", "more_body": False}


async def _refuse(send: Send) -> None:
    said = PortalError("What was sent is larger than 12 MB.", code="too-large", status=413, fix="Files go to the address for uploads.")
    members = {"type": f"urn:sluice:problem:{said.code}", "title": "Request Entity Too Large", "status": 413, "detail": said.message}
    body = json.dumps(members | {"code": said.code, "fix": said.fix, "problems": [], "request_id": ""}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Source(Protocol):
    def read(self, size: int) -> bytes: ...


class Body:
    """What a request brings, from first to last byte, once. `content_type` and `length` (None: not said) are as it was sent."""

    def __init__(self, request: HttpRequest) -> None:
        scope = getattr(request, "scope", {})
        self._receive: Receive | None = scope.get(RECEIVE)
        self._request = request
        self._rest = b""
        self._is_over = self._is_broken = False
        self.content_type: str = scope.get(TYPE, "") if self._receive else request.META.get("CONTENT_TYPE", "")
        said = request.META.get("CONTENT_LENGTH") or ""
        self.length: int | None = scope.get(LENGTH) if self._receive else int(said) if said.isdigit() else None

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(READ):
            yield part

    def read(self, size: int = READ) -> bytes:
        """At most `size` bytes; empty at the end. Raises BrokenOff when the sender has gone before it."""
        if not self._receive:
            return self._request.read(size)
        if self._is_broken and not self._rest:
            raise BrokenOff("The connection ended before the file had arrived.", fix="Send the rest from where it stopped.")
        if not self._rest and not self._is_over:
            self._rest = async_to_sync(self._gather)()
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    async def _gather(self) -> bytes:
        """What has come, GATHERED bytes or more where they are there, so that the event loop is not asked for every packet."""
        parts: list[bytes] = []
        while not self._is_over and sum(map(len, parts)) < GATHERED:
            assert self._receive is not None  # noqa: S101 - read() asked
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_broken = self._is_over = True
                break
            parts.append(message.get("body", b""))
            self._is_over = not message.get("more_body")
        if self._is_broken and not any(parts):
            raise BrokenOff("The connection ended before the file had arrived.", fix="Send the rest from where it stopped.")
        return b"".join(parts)
