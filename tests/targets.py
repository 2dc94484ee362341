"""Lakes that a version can be promoted into, and looks at them without the preview service: the same program, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from portal.environments.models import Environment
    from portal.runs.models import Run

FLIGHTS = "origin,dep_delay\nJFK,4\nEWR,\n"
WROTE = {
    "edition": 1,
    "uri": "curated/by_origin",
    "files": 1,
    "bytes": 700,
    "seen": 1,
    "columns": [["origin", "string"], ["flights", "bigint"]],
}
"""What the usual document's load notes."""


def lake_of(environment: Environment) -> Path:
    from portal.runs import launcher

    return launcher.lake_folder(environment)


def put(environment: Environment, uri: str = "raw/flights.csv", text: str = FLIGHTS) -> Path:
    """A file in the environment's lake."""
    file = lake_of(environment) / uri
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def note_columns(run: Run) -> Run:
    """What the run would have noted of the files that it read and wrote: told by the same look, of the files that lie there now."""
    from portal.jobs.documents import stages_of
    from portal.runs.models import StageRun

    told = {one["stage_index"]: one for one in surveyed(run.environment, run.document)["inputs"]}
    for index, stage in enumerate(stages_of(run.document)):
        details: dict[str, Any] = {}
        if "columns" in told.get(index, {}):
            details["read"] = {"uri": told[index]["uri"], **told[index]["columns"]}
        if str(stage.get("type")).endswith("Load"):
            details["wrote"] = {**WROTE, "uri": stage["outputURI"], "is_named": True, "is_whole": True}
        StageRun.objects.create(
            run=run, attempt_number=1, index=index, name=stage["name"], type=stage["type"], state="done", rows_out=2, details=details
        )
    return run


def surveyed(environment: Environment, document: str) -> dict[str, Any]:
    from executor.running.survey import survey
    from executor.stores.roots import Roots

    values = {"document": document, "environment": environment.name, "parameters": environment.parameters}
    return survey(values, Roots(lake_of(environment)), lambda what, done, whole: None)


def answer_here(monkeypatch: pytest.MonkeyPatch, settings: Any, folder: Path) -> list[dict[str, Any]]:
    """Answers what promotions ask the preview service; gives the messages. Lakes lie in `folder` from now on."""
    from executor.problems import ProblemError
    from executor.running.survey import survey
    from executor.stores.roots import Roots
    from portal.environments.models import Environment
    from portal.promotions import target

    settings.LAKE_DIR = folder
    target._kept.clear()
    messages: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        place = Environment.objects.select_related("project").get(pk=message["environment"])
        try:
            return survey(message["values"], Roots(lake_of(place)), lambda what, done, whole: None)
        except ProblemError as error:
            return {"event": "problem", "problem": error.problems[0].as_dict()}

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        messages.append(message)
        yield await sync_to_async(answer)(message) | {"last": True}

    monkeypatch.setattr(target.preview_client, "request", request)
    return messages


def look_at_once(monkeypatch: pytest.MonkeyPatch, settings: Any, folder: Path) -> None:
    """The same where an event loop runs in this thread already, as in tests with a browser."""
    from portal.promotions import target

    settings.LAKE_DIR = folder
    target._kept.clear()

    def ask(user: int, environment: Environment, values: dict[str, Any]) -> target.TargetLook:
        return target._told(surveyed(environment, values["document"]))

    monkeypatch.setattr(target, "async_to_sync", lambda asked: ask)
