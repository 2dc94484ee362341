"""Pages of a Delta table's versions, wherever it lies: what was done to it, and putting an earlier one back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.data import table_rows, table_versions, version_changes
from portal.data.uses import READS, used_by_any
from portal.data.views import find_environment
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.doors import find_project, person
from portal.page_actions import refused, sentence
from portal.runs import table_actions
from portal.ui import words
from portal.wire import LIVE_HEADERS

DAYS = (7, 14, 30, 90)
"""How long ago versions may be that stay, to choose from."""


def address(environment: Environment, uri: str) -> str:
    """The page of a table's versions."""
    return f"{reverse('data:versions', args=[environment.project.slug, environment.name])}?{urlencode({'uri': uri})}"


def _asked(request: HttpRequest, project: str, environment: str, action: str = "view") -> tuple[User, Environment, str]:
    user = person(request)
    found = find_environment(user, find_project(request, project), environment, action)
    return user, found, table_versions.require_shown(user, found, request.GET.get("uri") or request.POST.get("uri", ""))


def _to_change(request: HttpRequest, project: str, environment: str) -> tuple[User, Environment, str]:
    """As `_asked`, once it is known that the person may change tables here at all."""
    user = person(request)
    table_actions.require_change(user, find_environment(user, find_project(request, project), environment))
    _, found, uri = _asked(request, project, environment)
    table_actions.require_change(user, found, uri)
    return user, found, uri


@require_GET
def versions(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names the table. With the header HX-Request only the list is sent, for the table's own page."""
    user, found, uri = _asked(request, project, environment)
    context: dict[str, Any] = {"project": found.project, "environment": found, "uri": uri, "versions_url": address(found, uri)}
    if not request.headers.get("HX-Request"):
        return render(request, "data/versions.html", context)
    try:
        context["table"] = table_versions.versions_of(user, found, uri)
    except PortalError as error:
        context["trouble"] = sentence(error)
    context["with_data"] = policy.can(user, "view_data", found)
    context["may_change"] = table_actions.may_change_table(user, found, uri)
    context["read_by"] = places.read_by(use["job"] for use in used_by_any(found, [uri]) if use["does"] == READS)
    return render(request, "data/_versions.html", context)


@require_GET
def version(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names the table, `version` one of its versions, and `against` the one it is compared with (without: the one before)."""
    user, found, uri = _asked(request, project, environment, "view_data")
    now, of = table_versions.number(request.GET.get("version", "")), request.GET.get("table", "")
    before = table_versions.number(request.GET.get("against") or str(max(now - 1, 0)))
    context: dict[str, Any] = {
        "project": found.project,
        "environment": found,
        "uri": uri,
        "now": now,
        "before": before,
        "now_text": str(now),
        "of": of,
    }
    context["versions_url"] = address(found, uri)
    try:
        difference, context["between"] = version_changes.difference(user, found, uri, before, now, of)
        context["difference"] = difference if before != now else None  # the first version has none before it
    except PortalError as error:
        context["trouble"] = sentence(error)
    asked = urlencode({"uri": uri, "version": now, "table": of})
    context["rows_url"] = f"{reverse('data:version_rows', args=[found.project.slug, found.name])}?{asked}"
    context["changes_url"] = f"{reverse('data:version_changes', args=[found.project.slug, found.name])}?{asked}&against={before}"
    return render(request, "data/version.html", context)


@require_POST
async def version_rows(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """?uri= and `version`: the first rows as they were; events as of a preview, the last `rows`, `stage_failed` or `problem`."""
    await request.auser()

    @sync_to_async
    def message() -> dict[str, Any]:
        user, found, uri = _asked(request, project, environment, "view_data")
        stage = version_changes.reader(uri, table_versions.number(request.GET.get("version", "")))
        table_actions.require_shown(user, found, uri, request.GET.get("table", ""))
        return table_rows.message_for(user, found, uri, [stage])

    return table_rows.streamed(await message(), lambda event: None)


@require_POST
async def changed_rows(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """?uri=, `version` and `against`, JSON {"keys", "counts"}: the rows that differ, or how many of each kind; events as of a preview."""
    await request.auser()

    @sync_to_async
    def message() -> dict[str, Any]:
        user, found, uri = _asked(request, project, environment, "view_data")
        before, now = (table_versions.number(request.GET.get(name, "")) for name in ("against", "version"))
        told, _ = version_changes.difference(user, found, uri, before, now, request.GET.get("table", ""))
        content = json_body.read_object(request)
        keys = content.get("keys")
        named = [str(key) for key in keys] if isinstance(keys, list) else []
        stages = version_changes.stages_for(uri, told, named, counts=content.get("counts") is True)
        return table_rows.message_for(user, found, uri, stages, is_whole=True)

    return table_rows.streamed(await message(), lambda event: None)


# --- work on the whole table ------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def clean_up(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """GET ?uri= and `days`: what would go, and which versions can be read no longer then. POST `uri`, `until` and `keep_from` as that said:
    it goes."""
    user, found, uri = _to_change(request, project, environment)
    if request.method == "POST":
        return _clean_up(request, user, found, uri)
    days = request.GET.get("days", "")
    context: dict[str, Any] = {"project": found.project, "environment": found, "uri": uri, "versions_url": address(found, uri)}
    context |= {"days": int(days) if days in map(str, DAYS) else DAYS[0], "choices": DAYS}
    try:
        context["plan"] = table_versions.would_go(user, found, uri, context["days"], request.GET.get("table", ""))
    except PortalError as error:
        context["trouble"] = sentence(error)
    return render(request, "data/clean_up.html", context)


def _clean_up(request: HttpRequest, user: User, found: Environment, uri: str) -> HttpResponse:
    keep_from = table_versions.number(request.POST.get("keep_from", ""))
    try:
        until, of = request.POST.get("until", ""), request.POST.get("table", "")
        told = table_actions.clean_up(actor=user, environment=found, uri=uri, until=until, keep_from=keep_from, table=of)
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
    else:
        messages.success(request, f"{words.plural(told['files'] or 0, 'file is', 'files are')} gone ({words.size(told['bytes'])}).")
    return redirect(address(found, uri))


@require_GET
def optimize_page(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names the table: what putting its files together does, and by which columns."""
    user, found, uri = _to_change(request, project, environment)
    context: dict[str, Any] = {"project": found.project, "environment": found, "uri": uri, "versions_url": address(found, uri)}
    try:
        context["table"] = table = table_versions.versions_of(user, found, uri)
        asked = urlencode({"uri": uri, "table": table.table})
        context["optimize_url"] = f"{reverse('data:optimize_now', args=[found.project.slug, found.name])}?{asked}"
        context["columns"] = [name for name, _ in table.columns if name not in table.folders]
    except PortalError as error:
        context["trouble"] = sentence(error)
    return render(request, "data/optimize.html", context)


@require_POST
async def optimize(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """?uri=, JSON {"columns"} → `progress` now and then, and at the end `done` with a sentence, or `problem`. It goes on when nobody
    waits any more."""
    await request.auser()
    user, found, uri = await sync_to_async(_to_change)(request, project, environment)
    columns = json_body.read_object(request).get("columns")
    named = [str(one) for one in columns] if isinstance(columns, list) else []
    of = request.GET.get("table", "")

    async def lines() -> AsyncIterator[str]:
        try:
            async for event in table_actions.optimize(actor=user, environment=found, uri=uri, columns=named, table=of):
                is_end = event.get("event") == table_actions.ANSWER
                yield json.dumps({"event": "done", "words": table_versions.optimized(event)} if is_end else event) + "\n"
        except PortalError as refusal:
            problem = {"code": refusal.code, "message": refusal.message, "fix": refusal.fix}
            yield json.dumps({"event": "problem", "problem": problem}) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=LIVE_HEADERS)


@require_POST
def put_back(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """POST `uri`, `version`, and `table` and `latest` as the page showed them. Goes back to the page it was asked on."""
    user, found, uri = _to_change(request, project, environment)
    version, of, latest = (request.POST.get(name, "") for name in ("version", "table", "latest"))
    try:
        back, newest = table_versions.number(version), table_versions.number(latest) if latest else None
        table_actions.put_back_version(actor=user, environment=found, uri=uri, version=back, table=of, latest=newest)
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
    else:
        messages.success(
            request, f"“{uri}” is as it was at version {version}. What lay there is a version of its own: put it back in turn."
        )
    return redirect(address(found, uri))
