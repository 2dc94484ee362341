"""What a run has told of values in its stages (did not fit, were rounded, can be read in two ways), and the rows themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from executor.events import ValueWarnings
from executor.problems import Problem
from executor.value_kinds import described
from portal.accounts import policy
from portal.accounts.models import User
from portal.runs.doors import find_run
from portal.runs.models import Run, StageRun
from portal.runs.preview_views import addressed, record_look, streamed
from portal.runs.problems import shown_to

ROWS = 100
MOST_COUNTS = 200
KEPT = ("rows", "affected", "is_whole", "can_show")


@dataclass(frozen=True)
class StageValues:
    """What one stage of a run told: `affected` of the `rows` it saw; `counts`: (column, rows, words). Where it counted nothing, `remarks`:
    what it said there is to look at."""

    index: int
    stage: str
    rows: int = 0
    affected: int = 0
    is_whole: bool = True
    can_show: bool = False
    counts: list[tuple[str, int, str]] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)


def noted(event: ValueWarnings) -> dict[str, Any]:
    """What is kept of the event with its stage."""
    return {name: getattr(event, name) for name in KEPT} | {"counts": event.counts[:MOST_COUNTS], "names": event.names[:MOST_COUNTS]}


def values_of(run: Run, *, with_data: bool) -> list[StageValues]:
    """The stages of the last attempt that have values to look at. Names that only the data has are for readers who may see data."""
    return [
        values for stage in run.last_stages if (values := stage_values(stage, with_data=with_data) or _only_remarks(run, stage, with_data))
    ]


def stage_values(stage: StageRun, *, with_data: bool) -> StageValues | None:
    facts = stage.details.get("values")
    if not isinstance(facts, dict):
        return None
    counts = described(facts["counts"], facts["names"] if with_data else ())
    return StageValues(index=stage.index, stage=stage.name, counts=counts, **{name: facts[name] for name in KEPT})


def _only_remarks(run: Run, stage: StageRun, with_data: bool) -> StageValues | None:
    remarks = remarks_of(run, stage, with_data=with_data)
    return StageValues(index=stage.index, stage=stage.name, remarks=remarks) if remarks else None


def remarks_of(run: Run, stage: StageRun, *, with_data: bool) -> list[Problem]:
    """What the stage said is to be looked at, as this reader may see it."""
    found = stage.details.get("warnings")
    told = [remark | {"severity": "warning"} for remark in found if isinstance(remark, dict)] if isinstance(found, list) else []
    return [shown_to(remark, run.document, with_data=with_data) for remark in told]


@require_POST
async def value_rows(request: HttpRequest, project: str, run: UUID, stage: int) -> HttpResponseBase:
    """`stage` counts from 0 → events as of a preview, the last `rows`, `stage_failed` or `problem`."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 - the middleware lets nobody else in
    return streamed(await _message(user, project, run, stage))


@sync_to_async
def _message(user: User, project: str, run: UUID, stage: int) -> dict[str, Any]:
    return message_for(user, find_run(user, project, run), stage)


def message_for(user: User, run: Run, stage: int, rows: int = ROWS) -> dict[str, Any]:
    """The message to the preview service: the run's own document up to the stage, over its inputs as they are now.

    Raises NotAllowed without the right to see data there, Http404 when the stage told of no rows that can be shown.
    """
    policy.require(user, "view_data", run)
    if not any(values.index == stage and values.can_show for values in values_of(run, with_data=True)):
        raise Http404
    record_look(user, "view_data", run, run.environment.name)
    asked = {
        "request": "preview",
        "document": json.loads(run.document),
        "to": stage,
        "rows": rows,
        "input": "full",
        "only": "values",
        "environment": run.environment.name,
        "values": {"parameters": run.parameters},
    }
    return {**addressed(user, "look", run.job_id, run.environment_id), "message": asked}
