"""The columns and types of a typing stage's input: of the whole file where a stage reads one, else of the first rows of the view."""

from __future__ import annotations

import re
from typing import Any

from asgiref.sync import sync_to_async

from executor.look.views import MOST_ROWS, schema_of_rows
from executor.stages.file_kinds import separator_of
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.looks import asking
from portal.looks.choosing import checked
from portal.looks.fitting import judged_words
from portal.runs import preview_client
from portal.runs.preview_views import message_for

_QUOTES = {"DoubleQuote": '"', "SingleQuote": "'", "None": ""}
_SAME = ("encoding", "header", "skipLines", "skipLastLines", "comment", "otherWidths")
_ONE_FILE = re.compile(r"^[^*?\[\]{}$]+\.[A-Za-z0-9.]+$")


async def columns_of_input(*, user: User, job: Job, content: dict[str, Any]) -> dict[str, Any]:
    """{document, to: the typing stage, parameters} → {"schema", "words": what it was taken from}. Raises PortalError, NotAllowed."""
    place, source = _input_of(content)
    environment = await sync_to_async(_environment)(user, job)
    if source.get("type") == "DelimitedExtract" and _ONE_FILE.match(str(source.get("inputURI") or "")):
        return await _of_file(user, environment, source)
    message = await sync_to_async(message_for)(user, job, "ask", content | {"to": place}, _preview(place))
    async for event in preview_client.request(message):
        if event.get("event") == "rows":
            schema = schema_of_rows(event["columns"], event["rows"])
            rows = len(event["rows"])
            return {"schema": schema, "words": f"from {'all' if event.get('complete') else 'the first'} {rows:,} rows of {event['view']}"}
        problem = event.get("problem")
        if problem:
            raise PortalError(str(problem.get("message")), code="input-not-shown", status=422, fix=problem.get("fix"))
    raise PortalError("The rows of the input did not come.", code="input-not-shown", status=422, fix="Preview the stage before this one.")


def _preview(place: int) -> dict[str, Any]:
    return {"request": "preview", "rows": MOST_ROWS, "input": "full", "to": place}


def _environment(user: User, job: Job) -> Environment:
    environment = job.project.environments.select_related("project", "compute").filter(allows_drafts=True).first()
    if environment is None:
        raise PortalError("No environment of this project allows previews.", code="preview-not-allowed", status=409)
    policy.require(user, "preview", job, environment=environment.name)
    return environment


def _input_of(content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Which stage makes the input view of the typing stage: (its place, the stage)."""
    document, to = content.get("document"), content.get("to")
    stages = document.get("stages") if isinstance(document, dict) else None
    if not isinstance(stages, list) or not isinstance(to, int) or not 0 <= to < len(stages) or not isinstance(stages[to], dict):
        raise PortalError("“document” and “to” must name a stage.", code="field-wrong", field="to")
    view = stages[to].get("inputView")
    for place in range(to - 1, -1, -1):
        if isinstance(stages[place], dict) and view and stages[place].get("outputView") == view:
            return place, stages[place]
    raise PortalError(
        f"No stage before this one makes “{view}”." if view else "The stage has no input view yet.",
        code="input-missing", status=422, fix="Choose the input view first.",
    )  # fmt: skip


async def _of_file(user: User, environment: Environment, source: dict[str, Any]) -> dict[str, Any]:
    separator = separator_of(str(source.get("delimiter", "Comma")), source.get("customDelimiter"))
    settings = {key: source[key] for key in _SAME if source.get(key) is not None}
    if source.get("backslashes") in ("codes", "text"):
        settings["backslashes"] = source["backslashes"]
    settings |= {"format": "delimited", "separator": separator, "quote": _QUOTES.get(str(source.get("quote", "DoubleQuote")), '"')}
    settings |= {"header": bool(source.get("header")), "skipLines": settings.get("skipLines", 0)}
    uri = str(source["inputURI"]).strip("/")
    proposal = await asking.look(user, environment, uri, checked(settings))
    kept = [column for column in proposal.columns if not column.dropped]
    plain = [column.type if column.sure else _as_text(column.name) for column in kept]
    schema = [{**column_type, "name": column.name} for column_type, column in zip(plain, kept, strict=True)]
    return {"schema": schema, "words": f"from {judged_words(proposal)} of {uri}"}


def _as_text(name: str) -> dict[str, Any]:
    """What only a person can say stays text."""
    return {"name": name, "type": "string", "nullable": True, "nullableValues": [""]}
