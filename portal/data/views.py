"""Pages of data: what lies in each environment's lake, one table of it, and what may be done with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from executor.files import tree
from executor.language.places import holds_a_value
from portal import json_body
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.data import actions, folders, kinds, noted, rights, sending, table_rows, table_versions, uploads
from portal.data import versions as versions_of_files
from portal.data.lake import Lake
from portal.data.listing import Filters, Table, files_of, find_table, list_tables
from portal.data.models import FileVersion, VersionState
from portal.data.partitions import partitions_of
from portal.data.uses import READS, used_by_any
from portal.environments.models import Environment
from portal.environments.reach import is_here, read_only_problem, roots_in_words
from portal.errors import NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.doors import find_project, person
from portal.page_actions import refused, sentence
from portal.runs import downloads, published, table_actions
from portal.wire import while_allowed

ON_A_PAGE = 100
MOST_FILES = 200


def find_environment(user: User, project: Project, name: str, action: str = "view") -> Environment:
    return policy.find(user, action, project.environments.select_related("project"), name=name)


@require_GET
def home(request: HttpRequest, project: str) -> HttpResponse:
    """The lowest environment that this person sees, which is where people work."""
    place = find_project(request, project)
    first = policy.allowed(person(request), "view", place.environments.all()).order_by("rank").first()
    if first is None:
        raise Http404
    return redirect("data:list", project, first.name)


@require_GET
def list_data(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """Filters are in the address; with the header HX-Request only the table is sent."""
    place, user = find_project(request, project), person(request)
    found = find_environment(user, place, environment)
    listing, filters = list_tables(found), Filters.of(request.GET)
    with_data = policy.can(user, "view_data", found)
    known, shown = (one.take(listing.tables, with_data=with_data) for one in (Filters(), filters))
    page = Paginator(shown, ON_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "project": place,
        "environment": found,
        "listing": listing,
        "filters": filters,
        "page": page,
        "may_upload": rights.may_change(user, found),
        "may_create": policy.can(user, "create_job", place),
    }
    if request.headers.get("HX-Request"):
        return render(request, "data/_table.html", context)
    counted = Counter(table.folder for table in known if table.folder)
    return render(
        request,
        "data/list.html",
        context
        | {
            "environments": policy.allowed(user, "view", place.environments.order_by("rank")),
            "folders": sorted(counted.items(), key=lambda one: (one[0] != "raw", one[0] != "curated", one[0]))[:8],
            "writers": sorted({table.by for table in known if table.by})[:200],
            "unread": sum(not table.readers for table in known),
            "who_may": rights.who_may(found),
            "roots": [root for root in roots_in_words(found) if not (root["is_default"] and is_here(found, root["name"]))],
            "uploads": uploads.config(user, place, found),
            "bin": [version for version in _bin(user, found) if with_data or not holds_a_value(version.uri)][:20],
        },
    )


def _bin(user: User, environment: Environment) -> list[FileVersion]:
    """Each says whether this person may put it back: `may_come_back`."""
    rows = FileVersion.objects.filter(environment=environment, state=VersionState.BINNED).select_related("changed_by", "brought_by")
    may = rights.may_change(user, environment, "change_data")
    found = _with_why_kept(environment, rows.order_by("-changed_at")[:100])
    for version in found:
        is_open = not version.why_kept and read_only_problem(environment, version.uri) is None  # type: ignore[attr-defined]
        version.may_come_back = may and is_open  # type: ignore[attr-defined]
    return found


def _with_why_kept(environment: Environment, found: Iterable[FileVersion]) -> list[FileVersion]:
    """Each says why it cannot be put back where its root leads by now: `why_kept`."""
    storages, known = places.Storages(environment), list(found)
    for version in known:
        is_away = version.state in (VersionState.KEPT, VersionState.BINNED)
        version.why_kept = versions_of_files.why_kept_elsewhere(version, storages) if is_away else ""  # type: ignore[attr-defined]
    return known


def address(name: str, environment: Environment, uri: str) -> str:
    """The page `data:<name>` of a table."""
    return f"{reverse(f'data:{name}', args=[environment.project.slug, environment.name])}?{urlencode({'uri': uri})}"


@require_GET
def folder(request: HttpRequest, project: str, environment: str) -> JsonResponse:
    """?uri= names a root (`archive:`) or a folder in one → {entries, more, is_table}, see `portal.data.folders`."""
    user, place = person(request), find_project(request, project)
    return JsonResponse(folders.folder(user, find_environment(user, place, environment), request.GET.get("uri", "")))


@require_GET
def browse(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names a root (`archive:`) or a folder in one; what lies there, and who reads and writes it."""
    user, place = person(request), find_project(request, project)
    found = find_environment(user, place, environment)
    at = folders.place(found, request.GET.get("uri", ""))
    context: dict[str, Any] = {
        "project": place,
        "environment": found,
        "uri": folders.shown(at),
        "above": folders.above(at),
        "root": (root := next(root for root in roots_in_words(found) if root["name"] == at.root)),
    }
    if root["may_write"]:
        context["uploads"] = uploads.config(user, place, found, folder=folders.shown(at), browsed=True)
    if at.place and rights.may_change_at(user, found, str(at)):
        context["page_of_it"] = address("table", found, str(at))
    try:
        context["level"] = folders.with_uses(found, folders.folder(user, found, folders.shown(at)))
    except PortalError as error:
        context["trouble"] = " ".join(filter(None, (error.message, error.fix)))
    return render(request, "data/browse.html", context)


@require_GET
def arrived(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """Where somebody lands whose file has arrived: the look at it (for the job it was dropped on), and where that cannot be, its page."""
    place, user = find_project(request, project), person(request)
    found = find_environment(user, place, environment)
    uri, job = request.GET.get("uri", ""), request.GET.get("job", "")
    if policy.can(user, "view_data", found) and policy.can(user, "create_job", place):
        asked = {"uri": uri, "job": job} if job else {"uri": uri}
        return redirect(f"{reverse('looks:look', args=[project, environment])}?{urlencode(asked)}")
    return redirect(address("table", found, uri))


@require_GET
def packed(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names a file of another root that was made of a packed one: on to that, where it is unpacked again."""
    user, place = person(request), find_project(request, project)
    found = find_environment(user, place, environment)
    rights.require_change(user, found, "change_data")
    at = folders.place(found, request.GET.get("uri", ""))
    try:
        source = None if is_here(found, at.root) else noted.source_of(found, str(at), user)
    except PortalError as error:
        refused(request, sentence(error))
        return redirect("data:list", project, environment)
    if source is None:
        refused(request, f"It is not noted of which file “{at}” was made: it was unpacked anew since, or replaced by hand.")
        return redirect(address("table", found, str(at)))
    return redirect(f"{reverse('data:arrived', args=[project, environment])}?{urlencode({'uri': source})}")


def _asked(request: HttpRequest, project: str, environment: str, action: str = "view") -> tuple[User, Environment, Table]:
    user, place = person(request), find_project(request, project)
    found = find_environment(user, place, environment, action)
    table = find_table(found, request.GET.get("uri") or request.POST.get("uri", ""))
    if table is None or (table.tells_values and not policy.can(user, "view_data", found)):
        raise PortalError(
            "There is no such file or table any more.", code="nothing-there", status=404, fix="Look at the list of data, or into its bin."
        )
    return user, found, table


def _to_change(request: HttpRequest, project: str, environment: str) -> tuple[User, Environment, Table]:
    """As `_asked`, once it is known that the person may change anything here at all."""
    user = person(request)
    rights.require_change(user, find_environment(user, find_project(request, project), environment), "change_data")
    return _asked(request, project, environment)


@require_GET
def table(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """?uri= names the file or table; without it one chooses from the list."""
    if not request.GET.get("uri"):
        return redirect("data:list", project, find_environment(person(request), find_project(request, project), environment).name)
    user, found, shown = _asked(request, project, environment)
    with_data = policy.can(user, "view_data", found)
    may_change = rights.may_change_at(user, found, shown.uri)
    versions = FileVersion.objects.at(found, shown.uri).exclude(state=VersionState.GONE).select_related("brought_by", "changed_by")
    place = places.known_at(found, shown.uri)
    is_packed = not shown.is_folder and shown.ending in kinds.PACKED
    made = _made_of(found, shown, is_packed)
    uses = used_by_any(found, [shown.uri, *made.places])
    context = {
        "project": found.project,
        "environment": found,
        "table": shown,
        "above": folders.above(folders.place(found, shown.uri)) if shown.is_elsewhere else [],
        "uses": uses,
        "read_by": places.read_by(use["job"] for use in uses if use["does"] == READS),
        "versions": _with_why_kept(found, versions[:50]),
        "place": place,
        "publishes": published.history(place) if place and place.owner and shown.ending != kinds.DELTA else [],
        "versions_url": address("versions", found, shown.uri) if shown.ending == kinds.DELTA else "",
        "may_put_back_output": table_actions.may_change_table(user, found, shown.uri),
        "with_data": with_data,
        "is_packed": is_packed,
        "is_outdated": made.is_outdated,
        "parts": [(place, address("table", found, place)) for place in made.places] if with_data else [],
        "may_change": may_change,
        "may_rename": may_change and not shown.job and sending.can_be_renamed(found, shown),
        "may_delete": may_change and sending.can_be_deleted(shown),
        "may_create": policy.can(user, "create_job", found.project),
        "rows_url": address("rows", found, shown.uri),
        "columns_url": address("columns", found, shown.uri) if with_data and not is_packed else "",
        **(_files_in(found, shown) if with_data else {}),  # their folders may tell values
        "takes_files": (takes_files := shown.is_folder and not shown.job and shown.ending != kinds.DELTA),
        "uploads": uploads.config(user, found.project, found, folder=shown.uri if takes_files else "") if may_change else None,
        "download_rows": downloads.most_rows(),
        "download_url": address("download", found, shown.uri),
    }
    return render(request, "data/table.html", context)


def _made_of(environment: Environment, table: Table, is_packed: bool) -> noted.Parts:
    """What was unpacked from it; nothing where its root cannot be asked."""
    with suppress(PortalError):
        return noted.parts_of(environment, table.uri, None) if is_packed else noted.Parts([])
    return noted.Parts([])


def _files_in(environment: Environment, table: Table) -> dict[str, Any]:
    """The first files and partitions of a folder, by names that can be written: what others have put there need be no text. The files of a
    Delta table may be those of earlier versions, so nothing is counted there."""
    files = files_of(environment, table)
    partitions = partitions_of(files) if table.ending != kinds.DELTA else []
    return {
        "files": [{"path": tree.shown(file.path), "size": file.size} for file in files[:MOST_FILES]],
        "partitions": partitions[:MOST_FILES],
        "more_partitions": len(partitions) - len(partitions[:MOST_FILES]),
    }


@require_POST
async def columns(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """The columns of a table that nobody has looked at yet, as a piece of its page: it is looked at now, and that is remembered."""
    await request.auser()
    user, found, shown = await sync_to_async(_asked)(request, project, environment, "view_data")
    why = None
    if shown.columns is None:
        try:
            if shown.ending == kinds.DELTA:
                await sync_to_async(table_versions.remember_columns)(user, found, shown)
            else:
                await table_rows.look_at(user, found, shown)
        except PortalError as error:
            why = error
    _, _, shown = await sync_to_async(_asked)(request, project, environment, "view_data")
    return await sync_to_async(render)(request, "data/_columns.html", {"table": shown, "with_data": True, "why": why})


@require_POST
async def rows(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """The first rows: events as of a preview, the last `rows`, `stage_failed` or `problem`."""
    await request.auser()

    user, found, shown = await sync_to_async(_asked)(request, project, environment, "view_data")
    reader = await table_rows.reader_of(user, found, shown)
    message = await sync_to_async(table_rows.message_for)(user, found, shown.uri, [reader.stage], names=reader.names)
    return table_rows.streamed(message, table_rows.rememberer(found, shown, is_looked_at=reader.is_looked_at))


@require_POST
async def download(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """JSON {form} → the table's rows as a file."""
    await request.auser()
    user, found, shown = await sync_to_async(_asked)(request, project, environment, "view_data")
    form = downloads.form_of(str(json_body.read_object(request).get("form", "")))
    reader = await table_rows.reader_of(user, found, shown)
    message = await sync_to_async(table_rows.message_for)(user, found, shown.uri, [reader.stage], names=reader.names)
    name = downloads.file_name(shown.original_name or shown.uri, form)
    return await downloads.download(message, form, name, downloads.noted(user, found, found.name, form, uri=shown.uri))


async def file(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """The file as it lies there, byte by byte, under the name it was brought with."""
    await request.auser()

    @sync_to_async
    def opened() -> tuple[User, Environment, Table, Any]:
        user, found, shown = _asked(request, project, environment, "view_data")
        if shown.is_folder:
            raise PortalError("A folder cannot be downloaded as one file.", code="is-folder", status=422, fix="Download its rows.")
        table_rows.record_look(user, "download_data", found, shown.uri, form="file")
        return user, found, shown, None if shown.is_elsewhere else Lake(found).read(shown.uri)

    if request.method != "GET":
        return HttpResponse(status=405)
    user, found, shown, parts = await opened()
    if parts is None:
        return await downloads.file_elsewhere(user, found, shown.uri, shown.original_name or shown.name)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while part := await asyncio.to_thread(next, parts, b""):
                yield part
        finally:
            await asyncio.to_thread(parts.close)

    name = quote(shown.original_name or shown.name)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Length": str(shown.bytes),
        "Cache-Control": "no-store, no-transform",
    }
    whole = while_allowed(pieces(), lambda: policy.require(user, "view_data", found))
    return StreamingHttpResponse(whole, content_type="application/octet-stream", headers=headers)


# --- buttons --------------------------------------------------------------------------------------------------------------


@require_POST
def rename(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    user, found, shown = _to_change(request, project, environment)

    def act() -> str:
        to, seen = request.POST.get("to", ""), request.POST.get("seen", "")
        return address("table", found, actions.rename_data(actor=user, environment=found, uri=shown.uri, to=to, seen=seen))

    return _do(request, act, "It has its new name.", address("table", found, shown.uri))


@require_POST
def delete(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    user, found, shown = _to_change(request, project, environment)
    listed = reverse("data:list", args=[project, environment])

    def act() -> str:
        version = actions.delete_data(actor=user, environment=found, uri=shown.uri, seen=request.POST.get("seen", ""))
        said = f"{shown.uri} is in the bin"
        messages.success(request, f"{said} until {version.expires_at:%d %b %Y}." if version.expires_at else f"{said}.")
        return listed

    return _do(request, act, "", address("table", found, shown.uri))


@require_POST
def discard(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """A file that has just been brought goes again."""
    user, found, shown = _asked(request, project, environment)

    def act() -> str:
        actions.discard_upload(actor=user, environment=found, uri=shown.uri)
        there = find_table(found, shown.uri)
        messages.success(request, f"{shown.uri} is in the bin{'; the version before it is shown again' if there else ''}.")
        return reverse("data:list", args=[project, environment])

    return _do(request, act, "", address("table", found, shown.uri))


@require_POST
def put_back(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    user = person(request)
    found = find_environment(user, find_project(request, project), environment)
    version = policy.find(
        user,
        "view",
        FileVersion.objects.filter(environment=found).select_related("environment__project"),
        pk=request.POST.get("version", ""),
    )
    rights.require_change(user, found, "change_data")
    page, listed = address("table", found, version.uri), reverse("data:list", args=[project, environment])

    def act() -> str:
        actions.put_back(actor=user, version=version, seen=request.POST.get("seen", ""))
        return page

    return _do(request, act, f"{version.uri} is as it was.", page if request.POST.get("seen") else listed)


def _do(request: HttpRequest, act: Callable[[], str], done: str, back: str) -> HttpResponse:
    """Does it and goes where `act` says; a refusal becomes a message, and goes `back`."""
    try:
        to = act()
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
        return redirect(back)
    if done:
        messages.success(request, done)
    return redirect(to)
