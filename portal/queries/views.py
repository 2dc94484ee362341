"""The query page and what its script asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.data import table_rows
from portal.data.views import find_environment
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.doors import body, find_project, person
from portal.jobs.sql_format import formatted
from portal.queries.answers import answer
from portal.queries.asking import TYPES, Query
from portal.queries.names import Named, Names
from portal.queries.reading import TYPED, columns_of
from portal.queries.shaping import HOW, Filter, Shape
from portal.queries.tables import tables_of, tables_to_show
from portal.runs import downloads
from portal.runs.preview_views import MOST_ROWS
from portal.wire import LIVE_HEADERS


@require_GET
def home(request: HttpRequest, project: str) -> HttpResponse:
    """The lowest environment whose data this person sees; where there is none, the lowest that they see."""
    place, user = find_project(request, project), person(request)
    ranked = place.environments.order_by("rank")
    found = policy.allowed(user, "view_data", ranked).first() or policy.allowed(user, "view", ranked).first()
    if found is None:
        raise Http404
    return redirect("queries:page", project, found.name)


@require_GET
def page(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """Who may not see data here sees what there is, and cannot ask."""
    place, user = find_project(request, project), person(request)
    found = find_environment(user, place, environment)
    with_data = policy.can(user, "view_data", found)
    listing = tables_to_show(found)
    names = Names(table for table in listing.tables if with_data or not table.tells_values)
    context = {
        "project": place,
        "environment": found,
        "environments": policy.allowed(user, "view", place.environments.order_by("rank")),
        "with_data": with_data,
        "has_tables": bool(names.all),
        "warnings": listing.warnings,
        "config": _config(user, found, names, with_data=with_data),
        "section": "data",
    }
    return render(request, "queries/query.html", context)


def _config(user: User, environment: Environment, names: Names, *, with_data: bool) -> dict[str, Any]:
    """What the page's script needs."""
    project, arguments = environment.project.slug, [environment.project.slug, environment.name]
    in_environment = f"/api/v1/projects/{project}/environments/{environment.name}/query"
    return {
        "environment": environment.name,
        "person": user.get_username(),
        "may_ask": with_data,
        "tables": [_listed(named, with_data=with_data) for named in names.all],
        "types": TYPES,
        "filters": HOW,
        "most_rows": MOST_ROWS,
        "download_rows": downloads.most_rows(),
        "urls": {name: reverse(f"queries:{name}", args=arguments) for name in ("page", "run", "columns", "format")}
        | {"table": reverse("data:table", args=arguments), "look": reverse("looks:look", args=arguments)}
        | {
            "download": f"{in_environment}/download",
            "history": f"{in_environment}/history",
            "saved": f"/api/v1/projects/{project}/queries/",
        },
    }


def _listed(named: Named, *, with_data: bool) -> dict[str, Any]:
    table = named.table
    is_typed = table.ending in TYPED
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
        meant = Names(tables_of(place, [name])).meaning(name)
        if len(meant) != 1:
            raise PortalError(f"There is no table “{name[:80]}” here.", code="table-unknown", status=404, fix="Look at the list again.")
        table_rows.record_look(user, "view_data", place, meant[0].uri)
        return meant[0]

    reading = await columns_of(user, place, await sync_to_async(found)(), name)
    return JsonResponse({"columns": reading.columns, "words": reading.words, "questions": reading.questions, "remarks": reading.remarks})


@require_POST
def format_sql(request: HttpRequest, project: str, environment: str) -> JsonResponse:
    """{sql} → {sql}: the same query, laid out. 422 when it cannot be read."""
    find_environment(person(request), find_project(request, project), environment, "view_data")
    return JsonResponse({"sql": formatted(body(request, sql=str)["sql"])})


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
