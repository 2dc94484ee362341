"""The editor's door to the preview service. Answers are streamed: one JSON event a line, the last of them with `last`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from executor.language import json_text
from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.audit.models import AuditEvent
from portal.environments import secrets
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import preview_client
from portal.runs.checks import declared_parameters
from portal.runs.models import Run
from portal.runs.start_views import find_job
from portal.wire import LIVE_HEADERS

MOST_ROWS = 1000


@require_POST
async def preview(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """JSON {document, to, rows, input, only, parameters} → events, the last `rows`, `stage_failed`, `problem` or `cancelled`."""
    content = await _content(request, project, job)
    rows = content.get("rows", 100)
    if not isinstance(rows, int) or isinstance(rows, bool) or not 1 <= rows <= MOST_ROWS:
        raise PortalError(f"“rows” must be a number from 1 to {MOST_ROWS}.", code="field-wrong", field="rows")
    asked = {"request": "preview", "rows": rows, "input": "full" if content.get("input") == "full" else "sample"}
    asked["only"] = "values" if content.get("only") == "values" else "all"
    return streamed(await _addressed(request, project, job, "ask", content, asked))


@require_POST
async def analyse(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """JSON {document, to, parameters} → `problem` events, then `analysed` with the columns of every view."""
    content = await _content(request, project, job)
    return streamed(await _addressed(request, project, job, "ask", content, {"request": "analyse"}))


@require_POST
async def tables(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """JSON {document, parameters}, in which a stage reads from a connection → `tables` with the names of those behind it, or `problem`."""
    content = await _content(request, project, job)
    return streamed(await _addressed(request, project, job, "ask", content, {"request": "tables"}))


@require_POST
async def cancel(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """Stops what this person's session for this job does."""
    await request.auser()
    return streamed(await _addressed(request, project, job, "cancel"))


@require_POST
async def warm(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """Starts this person's session for this job, so that the first preview does not wait for Spark."""
    await request.auser()
    return streamed(await _addressed(request, project, job, "warm"))


async def _content(request: HttpRequest, project: str, job: str) -> dict[str, Any]:
    """What was sent, once it is known that the person may preview at all."""
    await request.auser()
    await sync_to_async(lambda: lowest_for(request.user, find_job(request, project, job)))()
    return json_body.read_object(request)


def lowest_for(user: Any, job: Job) -> Environment:
    """Where this person's previews read. Raises NotAllowed; PortalError where nothing can be previewed."""
    environment = job.project.environments.filter(allows_drafts=True).first()
    if environment is None:
        raise PortalError("No environment of this project allows previews.", code="preview-not-allowed", status=409)
    policy.require(user, "preview", job, environment=environment.name)
    return environment


@sync_to_async
def _addressed(
    request: HttpRequest, project: str, job: str, do: str, content: dict[str, Any] | None = None, asked: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = find_job(request, project, job)
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    return message_for(request.user, found, do, content, asked)


def message_for(
    user: User, job: Job, do: str, content: dict[str, Any] | None = None, asked: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The message to the service. Previews are for people who may preview in the lowest environment, which is where they read.
    Raises NotAllowed; PortalError when nothing can be previewed or `content` is not right."""
    environment = lowest_for(user, job)
    message = addressed(user, do, job.pk, environment.pk)
    if content is not None:
        message["message"] = (asked or {}) | _work(content, environment.name, environment.parameters)
        if (asked or {}).get("request") == "preview":
            record_look(user, "preview", job, environment.name)
    return message


def addressed(user: User, do: str, job: int, environment: int) -> dict[str, Any]:
    """What to do, in whose session; `job` and `environment` are ids. `asker` stays here, and must still be allowed when it comes."""
    return {"asker": user, "do": do, "user": user.pk, "job": job, "environment": environment, "holder": user.shown_name}


def record_look(user: User, action: str, subject: Job | Run, environment: str) -> None:
    """Who looks at data is in the audit: once an hour for each person and subject, not at every Ctrl+Enter."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    if not AuditEvent.objects.about(subject).filter(actor=user, action=action, result="done", at__gt=an_hour_ago).exists():
        audit.record(action=action, actor=user, subject=subject, environment=environment)


def _work(content: dict[str, Any], environment: str, from_environment: dict[str, Any]) -> dict[str, Any]:
    """Document, stage and values of a request, checked as far as the portal must understand them."""
    document = content.get("document")
    try:
        document = json_text.loads(document) if isinstance(document, str) else document
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise PortalError("“document” must be a job document.", code="field-wrong", field="document")
    given = content.get("parameters") or {}
    if not isinstance(given, dict):
        raise PortalError("“parameters” must be an object of names and values.", code="field-wrong", field="parameters")
    return {
        "document": document,
        "to": content.get("to"),
        "environment": environment,
        "values": {"parameters": _values(document, from_environment, given)},
    }


def _values(document: dict[str, Any], from_environment: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """As for a run; while declarations are being typed they may be wrong, and then only what was given counts."""
    try:
        declared = declared_parameters(json.dumps(document))
    except PortalError:
        return given
    hidden = secrets.needed_by(declared)
    return {name: value for name, value in from_environment.items() if name in declared and name not in hidden} | {
        k: v for k, v in given.items() if v not in ("", None)
    }


def streamed(message: dict[str, Any]) -> StreamingHttpResponse:
    """The events of the service's answer, one a line."""

    async def lines() -> AsyncIterator[str]:
        async for event in preview_client.request(message):
            yield json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=LIVE_HEADERS)
