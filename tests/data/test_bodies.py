"""Bodies that are read while they arrive: nobody's is taken in before it is known that they may send one."""

from __future__ import annotations

from typing import Any

import pytest

from portal.data import bodies
from portal.data.bodies import LONGEST_OTHER, StreamedBodies

UPLOAD = "/api/v1/projects/p/environments/dev/uploads/12345678-1234-1234-1234-123456789012"


class Sender:
    """A client that sends these pieces, and keeps what it is answered."""

    def __init__(self, *pieces: bytes, breaks_off: bool = False) -> None:
        self.waiting: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if breaks_off:
            self.waiting.append({"type": "http.disconnect"})
        elif self.waiting:
            self.waiting[-1]["more_body"] = False
        self.answers: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return self.waiting.pop(0)

    async def send(self, message: Any) -> None:
        self.answers.append(dict(message))


def scope_of(path: str, method: str = "POST", **headers: str) -> dict[str, Any]:
    shown = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": shown}


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    """Django, as far as it matters: takes in the body first, and gives up when the sender has gone."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def test_where_files_go_the_view_is_called_before_anything_is_read() -> None:
    seen: dict[str, Any] = {}

    async def view(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope, message=await receive())

    sender = Sender(b"x" * 10)
    headers = {"content_type": "multipart/form-data; boundary=x", "content_length": "10", "authorization": "Bearer t"}
    await StreamedBodies(view)(scope_of(UPLOAD, "PUT", **headers), sender.receive, sender.send)
    assert seen["message"] == {"type": "http.request", "body": b"", "more_body": False}
    assert [name for name, _ in seen["headers"]] == [b"authorization"]
    assert (seen[bodies.TYPE], seen[bodies.LENGTH]) == ("multipart/form-data; boundary=x", 10)
    assert len(sender.waiting) == 1


@pytest.mark.parametrize(
    "path", ["/sign-in", UPLOAD + "/finish", UPLOAD + "/../x", "/api/v1/projects/p/environments/dev/uploads/", "/x" + UPLOAD]
)
async def test_elsewhere_a_body_larger_than_any_form_is_refused(path: str) -> None:
    announced = Sender(b"x")
    await StreamedBodies(reads_all)(scope_of(path, content_length=str(LONGEST_OTHER + 1)), announced.receive, announced.send)
    assert announced.answers[0]["status"] == 413 and len(announced.waiting) == 1
    quiet = Sender(*[b"x" * 1024 * 1024] * 20)
    await StreamedBodies(reads_all)(scope_of(path), quiet.receive, quiet.send)
    assert quiet.answers[0]["status"] == 413 and quiet.waiting
    small = Sender(b"x" * 1000)
    await StreamedBodies(reads_all)(scope_of(path), small.receive, small.send)
    assert small.answers[0]["status"] == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_other_methods_bring_no_file(method: str) -> None:
    sender = Sender(b"x" * 10)
    await StreamedBodies(reads_all)(scope_of(UPLOAD, method), sender.receive, sender.send)
    assert sender.answers[0]["status"] == 200 and not sender.waiting


async def read_in_a_view(sender: Sender) -> Any:
    """What a view gets from `Body`, in a thread as Django's views are."""
    from asgiref.sync import sync_to_async

    class Request:
        META: dict[str, str] = {}
        scope = {bodies.RECEIVE: sender.receive, bodies.TYPE: "", bodies.LENGTH: None}

    def view() -> list[bytes]:
        got: list[bytes] = []
        try:
            got.extend(bodies.Body(Request()))  # type: ignore[arg-type]
        except bodies.BrokenOff:
            got.append(b"BROKEN")
        return got

    return await sync_to_async(view)()


async def test_a_view_reads_all_that_was_sent() -> None:
    pieces = [bytes([number]) * 100_000 for number in range(8)]
    assert b"".join(await read_in_a_view(Sender(*pieces))) == b"".join(pieces)


async def test_the_server_is_asked_for_more_as_it_called() -> None:
    """What a server does for a connection after it was asked for more has the context of whoever asked. Were it that of a view, the next
    request of the connection would be given to the view's thread, which is gone."""
    from asgiref.sync import AsyncToSync, sync_to_async

    threads: list[Any] = []

    async def receive() -> dict[str, Any]:
        threads.append(getattr(AsyncToSync.executors, "current", None))
        return {"type": "http.request", "body": b"x", "more_body": len(threads) < 3}

    class Request:
        META: dict[str, str] = {}

    async def view(scope: Any, receive: Any, send: Any) -> None:
        request = Request()
        request.scope = scope  # type: ignore[attr-defined]
        await sync_to_async(lambda: list(bodies.Body(request)))()  # type: ignore[arg-type]

    await StreamedBodies(view)(scope_of(UPLOAD, "PUT"), receive, Sender().send)
    assert threads == [None] * 3


async def test_a_break_is_told_after_what_came_before_it() -> None:
    got = await read_in_a_view(Sender(b"abc", b"def", breaks_off=True))
    assert (b"".join(got[:-1]), got[-1]) == (b"abcdef", b"BROKEN")
