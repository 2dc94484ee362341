"""A lake, and looks without the preview service: the same program, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def lake(settings: Any, tmp_path: Path) -> Path:
    """Dev's folder."""
    settings.LAKE_DIR = tmp_path / "lake"
    folder = settings.LAKE_DIR / "flights" / "dev"
    (folder / "raw").mkdir(parents=True)
    return Path(folder)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """The messages to the service; answered as it would answer them."""
    from executor.look import commands
    from executor.problems import ProblemError
    from executor.stores.roots import Roots
    from portal.environments.models import Environment
    from portal.looks import asking

    messages: list[dict[str, Any]] = []
    settings.OBJECT_STORE = str(tmp_path / "objects")
    asking._kept.clear()

    def quiet(what: str, done: int, whole: int) -> None:
        """Nobody listens."""

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        place = Environment.objects.select_related("project").get(pk=message["environment"])
        folder = settings.LAKE_DIR / place.project.slug / place.name
        try:
            return {"look": commands.look, "unpack": commands.unpack}[message["what"]](message["values"], Roots(folder), quiet)
        except ProblemError as error:
            return {"event": "problem", "problem": error.problems[0].as_dict()}

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        from asgiref.sync import sync_to_async

        messages.append(message)
        yield await sync_to_async(answer)(message) | {"last": True}

    monkeypatch.setattr(asking.preview_client, "request", request)
    return messages
