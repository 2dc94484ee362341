"""The query page and what its script asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.data import table_rows
from portal.data.listing import list_tables
from portal.data.views import find_environment
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.doors import find_project, person
from portal.queries.answers import answer
from portal.queries.asking import TYPES, Asked, Query, asked
from portal.queries.names import Named, Names
from portal.queries.reading import reading_of
from portal.queries.shaping import Filter, Shape
from portal.runs import downloads
from portal.runs.preview_views import MOST_ROWS
from portal.wire import LIVE_HEADERS


@require_GET
def page(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """Who may not see data here sees what there is, and cannot ask."""
    place, user = find_project(request, project), person(request)
    found = find_environment(user, place, environment)
    with_data = policy.can(user, "view_data", found)
    names = Names(table for table in list_tables(found).tables if with_data or not table.tells_values)
    context = {
        "project": place,
        "environment": found,
        "environments": policy.allowed(user, "view", place.environments.order_by("rank")),
        "with_data": with_data,
        "has_tables": bool(names.all),
        "download_rows": downloads.most_rows(),
        "config": _config(found, names, with_data=with_data),
        "section": "data",
    }
    return render(request, "queries/query.html", context)


def _config(environment: Environment, names: Names, *, with_data: bool) -> dict[str, Any]:
    """What the page's script needs."""
    arguments = [environment.project.slug, environment.name]
    return {
        "environment": environment.name,
        "may_ask": with_data,
        "tables": [_listed(named, with_data=with_data) for named in names.all],
        "types": TYPES,
        "most_rows": MOST_ROWS,
        "urls": {name: reverse(f"queries:{name}", args=arguments) for name in ("run", "columns", "download")}
        | {"table": reverse("data:table", args=arguments), "look": reverse("looks:look", args=arguments)},
    }


def _listed(named: Named, *, with_data: bool) -> dict[str, Any]:
    table = named.table
    is_typed = table.ending == "parquet"
    return {
        "name": named.name,
        "uri": table.uri,
        "folder": table.folder,
        "kind": table.kind,
        "icon": table.icon,
        "rows": table.rows,
        "bytes": table.bytes,
        "columns": table.columns if with_data and is_typed else None,
    }


@require_POST
async def run(request: HttpRequest, project: str, environment: str) -> StreamingHttpResponse:
    """JSON {sql, parameters, order, descending, filters, rows} → events, one a line (see `answers.answer`)."""
    user, place = await _asker(request, project, environment)
    query = query_of(json_body.read_object(request))

    async def lines() -> AsyncIterator[str]:
        async for event in answer(user, place, query):
            yield json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=LIVE_HEADERS)


@require_POST
async def columns(request: HttpRequest, project: str, environment: str) -> JsonResponse:
    """JSON {table: its name in SQL} → {columns, words, questions}: what a query would find. A text file is looked at."""
    user, place = await _asker(request, project, environment)
    name = str(json_body.read_object(request).get("table", ""))

    def found() -> Any:
        meant = Names(list_tables(place).tables).meaning(name)
        if len(meant) != 1:
            raise PortalError(f"There is no table “{name[:80]}” here.", code="table-unknown", status=404, fix="Look at the list again.")
        table_rows.record_look(user, "view_data", place, meant[0].uri)
        return meant[0]

    reading = await reading_of(user, place, await sync_to_async(found)(), name)
    return JsonResponse({"columns": reading.columns, "words": reading.words, "questions": reading.questions})


@require_POST
async def download(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """The same JSON with {form, name} → all rows of the result as a file, up to the cap."""
    user, place = await _asker(request, project, environment)
    content = json_body.read_object(request)
    return await file_of(user, place, query_of(content), content.get("form"), str(content.get("name") or "query"))


async def file_of(user: User, environment: Environment, query: Query, form: Any, name: str) -> HttpResponseBase:
    """The rows of the result as a file called after `name`. Raises PortalError."""
    form = downloads.form_of(form)
    async for found in asked(user, environment, query):
        if isinstance(found, Asked):
            places = [reading.uri for reading in found.readings]
            note = downloads.noted(user, environment, environment.name, form, sql_sha256=query.sha256, uris=places)
            return await downloads.download(found.message, form, downloads.file_name(name, form), note)
    raise AssertionError("asking ends with a message")


async def _asker(request: HttpRequest, project: str, environment: str) -> tuple[User, Environment]:
    """Who asks, where; raises as for an environment that is not there without the right to see its data."""
    user = cast(User, await request.auser())
    places = Environment.objects.select_related("project", "compute").filter(project__slug=project)
    return user, await sync_to_async(policy.find)(user, "view_data", places, name=environment)


def query_of(content: dict[str, Any]) -> Query:
    """From JSON. Raises PortalError for what is no query."""
    sql, parameters, filters = content.get("sql"), content.get("parameters") or {}, content.get("filters") or []
    rows = content.get("rows", MOST_ROWS)
    if not isinstance(sql, str):
        raise PortalError("“sql” must be a text.", code="field-wrong", field="sql")
    if not isinstance(parameters, dict) or not all(isinstance(one, dict) for one in parameters.values()):
        raise PortalError("“parameters” must be an object of names, each with a type and a value.", code="field-wrong", field="parameters")
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        raise PortalError("“filters” must be a list of column, how and value.", code="field-wrong", field="filters")
    if not isinstance(rows, int) or isinstance(rows, bool) or not 1 <= rows <= MOST_ROWS:
        raise PortalError(f"“rows” must be a number from 1 to {MOST_ROWS}.", code="field-wrong", field="rows")
    made = tuple(Filter(str(one.get("column", "")), str(one.get("how", "")), str(one.get("value", ""))) for one in filters)
    return Query(sql, parameters, Shape(str(content.get("order") or ""), content.get("descending") is True, made), rows)
