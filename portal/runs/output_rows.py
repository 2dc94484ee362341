"""The rows of what a run published, as they lie in the lake now: read by a warm executor, like a preview."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from executor.document.job import parse
from executor.problems import ProblemError
from executor.stages.file_kinds import PlaceLoad
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.reach import judged_by
from portal.errors import PortalError
from portal.jobs import places
from portal.runs.doors import find_run
from portal.runs.models import Run
from portal.runs.preview_views import addressed, record_look, streamed

ROWS = 100


@require_POST
async def output_rows(request: HttpRequest, project: str, run: UUID, output: int) -> HttpResponseBase:
    """`output` counts from 0 → events as of a preview, the last `rows`, `stage_failed` or `problem`."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 - the middleware lets nobody else in
    return streamed(await _message(user, project, run, output))


@sync_to_async
def _message(user: User, project: str, run: UUID, output: int) -> dict[str, Any]:
    return message_for(user, find_run(user, project, run), output)


def message_for(user: User, run: Run, output: int, rows: int = ROWS) -> dict[str, Any]:
    """The message to the preview service. The document in it is ours: it can read this one output and nothing else.

    Raises NotAllowed without the right to see data there, Http404 when the run has no such output, PortalError when it cannot be read.
    """
    policy.require(user, "view_data", run)
    asked = preview_of(run, output, rows)
    record_look(user, "view_data", run, run.environment.name)
    return {**addressed(user, "look", run.job_id, run.environment_id), "message": asked}


def preview_of(run: Run, output: int, rows: int = ROWS) -> dict[str, Any]:
    """The request to an executor. Raises as `reader_of`."""
    return {
        "request": "preview",
        "document": {"stages": [reader_of(run, output)]},
        "to": 0,
        "rows": rows,
        "input": "sample",
        "environment": run.environment.name,
        "values": {"parameters": {}},
    }


def reader_of(run: Run, number: int) -> dict[str, Any]:
    """The extract stage that reads the run's output again. Raises Http404, PortalError."""
    if number >= len(run.outputs):
        raise Http404
    output = run.outputs[number]
    place = places.place_at(run.environment, str(output.get("uri")))
    if place and not places.lies_there(place):
        words = f"“{place.uri}” leads elsewhere since this run published there."
        raise PortalError(words, code="place-moved", status=409, fix="Look at what lies there on the page Data.")
    try:
        asked = {"environment": run.environment.name, "parameters": run.parameters, "run_id": str(run.pk)}
        stages = parse(run.document, roots=judged_by(run.environment), **asked).stages
        load = next(stage for stage in stages if stage.name == output.get("stage"))
    except (ProblemError, StopIteration):
        load = None
    if not isinstance(load, PlaceLoad):
        raise PortalError("The rows of this output cannot be shown.", code="output-unreadable", fix="Read it in a job of your own.")
    reader = {"name": "output", "inputURI": output.get("uri"), "outputView": "output"} | load.reader()
    return reader if load.is_table else {"contiguousIndex": False} | reader
