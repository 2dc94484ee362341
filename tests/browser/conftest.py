"""Chromium for tests marked `browser`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Screen, started
from tests.services import smtp
from tests.services.stack import Stack, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

    from portal.accounts.models import User


@pytest.fixture(scope="session")
def mailbox() -> Iterator[smtp.Mailbox]:
    """Where the shared stack's mails arrive."""
    with smtp.running() as box:
        yield box


@pytest.fixture(scope="session")
def sluice(mailbox: smtp.Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack with the demo's people and files, for all files that ask for it (`ONE_STACK` in tests/conftest.py). Nothing runs."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        (tmp_path_factory.getbasetemp().parent / "one-stack").touch(
            exist_ok=False
        )  # a second one for the same run: `ONE_STACK` lacks a file
    mail = {"SLUICE_EMAIL_HOST": mailbox.host, "SLUICE_EMAIL_PORT": str(mailbox.port)}
    with running(tmp_path_factory.mktemp("sl"), "up", env={"SLUICE_DEMO": "1", "SLUICE_WARM_EXECUTORS": "0", **mail}) as stack:
        stack.manage("load_demo")
        yield stack


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=20_000)  # machines under test are busy
    with started() as browser:
        yield browser


@pytest.fixture
def screen(chromium: Browser) -> Iterator[Callable[..., Screen]]:
    """`screen(width=390, theme="dark")` opens a fresh browser window; all are closed at the end."""
    opened: list[Screen] = []

    def open_screen(**options: Any) -> Screen:
        opened.append(Screen.open(chromium, **options))
        return opened[-1]

    yield open_screen
    for one in opened:
        one.close()


@pytest.fixture
def visit(live_server: LiveServer, browser_of: Any, settings: Any) -> Callable[..., Page]:
    """`visit(screen, olu, "/p/…")` is that page, as Olu sees it. She signs in once."""
    cookies: dict[User, Any] = {}

    def go(shown: Screen, user: User, path: str) -> Page:
        cookie = cookies.get(user) or cookies.setdefault(user, browser_of(user).cookies[settings.SESSION_COOKIE_NAME])
        shown.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}])
        shown.page.goto(live_server.url + path)
        return shown.page

    return go
