"""What the web server leaves open on a database that takes only so many connections. SQLite has no server that could run out of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from portal.accounts.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]
REQUESTS = 5


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[BaseDatabaseWrapper]:
    """Every connection that is opened; kept here, so that no tidying of memory closes one that the program has forgotten."""
    found: list[BaseDatabaseWrapper] = []
    connect = BaseDatabaseWrapper.connect

    def noted(self: BaseDatabaseWrapper) -> None:
        found.append(self)
        connect(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "connect", noted)
    return found


def ask(path: str, cookie: str) -> list[dict[str, Any]]:
    """What the server's application answers."""
    from portal.asgi import application

    said: list[dict[str, Any]] = []
    heard = [{"type": "http.request", "body": b"", "more_body": False}]
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}

    async def exchange() -> None:
        async def receive() -> dict[str, Any]:
            if not heard:
                await asyncio.Event().wait()  # whoever asked stays until the answer is there
            return heard.pop()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await application(scope | {"client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "scheme": "http"}, receive, send)

    asyncio.run(exchange())
    return said


@pytest.mark.parametrize("path", ["/p/flights/jobs/", "/api/v1/projects/flights/jobs/", "/p/flights/jobs/nothing/"])
def test_a_request_leaves_no_connection(ana: User, browser_of: Any, opened: list[BaseDatabaseWrapper], path: str) -> None:
    cookie = browser_of(ana).cookies[settings.SESSION_COOKIE_NAME].value
    opened.clear()
    for _ in range(REQUESTS):
        assert ask(path, cookie)[0]["status"] in (200, 404)
    assert len(opened) >= REQUESTS, "each request has a thread, and so a connection, of its own"
    assert [one for one in opened if one.connection is not None] == []
