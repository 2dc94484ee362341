"""Programs over files in the test's own process, with a real S3 server or real folders: no wall, no preview service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from executor.look import commands
from executor.problems import ProblemError
from executor.running import by_hand, tables
from executor.stores.roots import roots_of
from portal.environments.models import Environment
from portal.environments.reach import reach_of, told
from portal.runs import launcher, preview_client
from portal.runs.preview_reach import WRITE, _needs_of_files

WORK: dict[str, Any] = {"find": by_hand.find, "bring": by_hand.bring, "keep": by_hand.keep}
WORK |= {
    "walk": by_hand.walk,
    "texts": by_hand.texts,
    "list": commands.list_folder,
    "unpack": commands.unpack,
    "table": tables.table,
    "change-table": tables.table,
}


def given_to(here: Environment, values: dict[str, Any], what: str = "look") -> dict[str, Any]:
    """What a program is told for these values."""
    reach = reach_of(here, used_by=what, needs=_needs_of_files(here, values, writes=what in WRITE))
    folders = {mount.name: mount.path for mount in reach.mounts}  # no wall shows them elsewhere
    given = {**values, "connections": dict(reach.connections), "roots": told(reach.roots, folders)}
    return given | {"lake": str(launcher.lake_folder(here))}


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Gives what the programs were asked."""
    asked: list[dict[str, Any]] = []

    def answer(what: str, environment: int, values: dict[str, Any], progress: Any) -> dict[str, Any]:
        asked.append({"what": what, **values})
        here = Environment.objects.select_related("project").get(pk=environment)
        given = given_to(here, values, what)
        file = launcher._opened(launcher.hidden_folder(here) / "uploads" / values["arrived"]) if "arrived" in values else None

        def tell(said: str, done: int, whole: int) -> None:
            if progress:
                progress({"event": "progress", "what": said, "done": done, "of": whole})

        try:
            with roots_of(given) as roots:
                return WORK[what](given | {"source": file}, roots, tell)
        except ProblemError as error:
            return {"event": "problem", "problem": error.problems[0].as_dict()}

    async def over_files(
        what: str, *, user: int, environment: int, values: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        return await sync_to_async(answer)(what, environment, values, progress)

    monkeypatch.setattr(preview_client, "answer_over_files", over_files)
    return asked
