"""Chromium for tests marked `browser`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.chromium import Screen, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
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
