"""The page of a proposal: the frame at once, then the proposal as a piece of it, again with each change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from executor.language import json_text
from executor.look.proposal import Proposal
from portal import json_body
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.data import table_rows
from portal.data.listing import find_table
from portal.data.models import FileVersion
from portal.data.rights import may_change, require_change
from portal.data.uses import as_dicts
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.doors import find_job
from portal.jobs.models import Draft, Job
from portal.looks import actions, asking, choosing, shown
from portal.looks.inputs import columns_of_input
from portal.looks.new_job import read_alone, require_answers, stages_for
from portal.looks.unpacking import Unpacked, own_folder, unpack_and_tell
from portal.runs.preview_views import streamed
from portal.wire import LIVE_HEADERS


@require_GET
def look(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """`?uri=` names the file. Nothing is looked at yet: the frame asks for it, so that a large file shows that something goes on.

    Without it one chooses from the list of data."""
    user = cast(User, request.user)
    place = _environment(user, project, environment)
    if not request.GET.get("uri"):
        return redirect("data:list", project, place.name)
    uri = actions.look_at_file(actor=user, environment=place, uri=request.GET.get("uri", ""))
    context = {
        "project": place.project,
        "environment": place,
        "section": "data",
        "uri": uri,
        "file_name": uri.rsplit("/", 1)[-1],
        "given": choosing.given(request.GET),
        "table": find_table(place, uri),
        "uses": as_dicts(places.used_by(place, uri)),
        "notes": FileVersion.objects.at(place, uri).shown().values_list("notes", flat=True).first() or [],
        "may_discard": _may_discard(user, place, uri),
        **_addresses(place),
    }
    return render(request, "looks/look.html", context)


def _may_discard(user: User, place: Environment, uri: str) -> bool:
    """Who has brought what is shown there may take it back."""
    mine = FileVersion.objects.at(place, uri).shown().filter(brought_by=user)
    return may_change(user, place, "change_data") and mine.exists()


@require_POST
async def proposal(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """A form (see `portal.looks.choosing`) → the piece of the page that holds the proposal."""
    user = cast(User, await request.auser())
    place, uri = await _place(user, project, environment, request.POST.get("uri", ""))
    try:
        chosen = choosing.read(request.POST)
        found = await asking.look(user, place, uri, chosen.settings)
    except asking.NotLookedAt as error:
        return await sync_to_async(render)(request, "looks/_not.html", {"error": error, "uri": uri}, status=422)
    return await sync_to_async(_piece)(request, user, place, uri, found, chosen)


def _piece(request: HttpRequest, user: User, place: Environment, uri: str, found: Proposal, chosen: choosing.Chosen) -> HttpResponse:
    context = shown.page(place, found, uri, chosen) | _addresses(place)
    open_jobs = _open_jobs(user, place.project)
    context |= {
        "project": place.project,
        "environment": place,
        "may_create": policy.can(user, "create_job", place.project),
        "open_jobs": open_jobs,
        "job": chosen.job if chosen.job in open_jobs else "",
    }
    return render(request, "looks/_proposal.html", context)


@require_POST
async def create_job(request: HttpRequest, project: str, environment: str) -> JsonResponse:
    """The same form → {"url"} of the editor with the new job's draft, at its last stage: what is added next is about what they make."""
    user = cast(User, await request.auser())
    place, uri = await _place(user, project, environment, request.POST.get("uri", ""))
    chosen = choosing.read(request.POST)
    found = await asking.look(user, place, uri, chosen.settings)
    choices = chosen.choices(found, uri)

    new = actions.NewJob(chosen.name, chosen.description, tuple(chosen.tags.split()), chosen.start)

    def create() -> Job:
        return actions.create_job_from_file(actor=user, environment=place, new=new, proposal=found, uri=uri, choices=choices)

    job = await sync_to_async(create)()
    return JsonResponse({"url": reverse("jobs:edit", args=[place.project.slug, job.name]) + "?stage=last"}, status=201)


@require_POST
async def stages(request: HttpRequest, project: str, environment: str) -> JsonResponse:
    """The same form with `job` → {"stages", "url"}: what the editor of that job puts into the draft, as one step that can be undone.
    With `part` "read" the one that reads alone."""
    user = cast(User, await request.auser())
    place, uri = await _place(user, project, environment, request.POST.get("uri", ""))
    job = await sync_to_async(_job)(user, place.project, request.POST.get("job", ""))
    chosen = choosing.read(request.POST)
    found = await asking.look(user, place, uri, chosen.settings)
    taken = await sync_to_async(_names_in)(user, job)
    made = stages_for(found, uri, chosen.choices(found, uri, with_load=False, taken=taken))
    if request.POST.get("part") == "read":
        made = [read_alone(found, made[0])]
    else:
        require_answers(found)
    return JsonResponse({"stages": made, "url": reverse("jobs:edit", args=[place.project.slug, job.name])})


@require_POST
async def preview(request: HttpRequest, project: str, environment: str) -> HttpResponseBase:
    """The same form as JSON → events as of a preview: the first rows as they would be typed; `only` "misfits": those that do not fit."""
    user = cast(User, await request.auser())
    await sync_to_async(_environment)(user, project, environment)
    content = json_body.read_object(request)
    place, uri = await _place(user, project, environment, str(content.get("uri", "")))
    chosen = choosing.read(content)
    found = await asking.look(user, place, uri, chosen.settings)
    only_misfits = content.get("only") == "misfits"
    stages = actions.stages_to_preview(found, uri, chosen.choices(found, uri), only_misfits=only_misfits)
    is_whole = actions.is_previewed_whole(found)
    message = await sync_to_async(table_rows.message_for)(user, place, uri, stages, is_whole=is_whole)
    return streamed(message)


@require_POST
async def unpack(request: HttpRequest, project: str, environment: str) -> StreamingHttpResponse:
    """JSON {"uri"} of a zip or workbook, and {"job"} they are for → {"done", "of"} now and then, and at the end {"files": [{"uri",
    "notes", "url" of its page}], "folder": the same of the one that holds several of them alone, and how many, "gone": files whose
    parts are no longer inside}, or {"problem"}. It goes on when nobody waits any more."""
    user = cast(User, await request.auser())

    def require() -> None:
        require_change(user, _environment(user, project, environment))

    await sync_to_async(require)()  # before a word of theirs is read
    content = json_body.read_object(request)
    place, uri = await _place(user, project, environment, str(content.get("uri", "")))
    job = str(content.get("job", ""))

    async def lines() -> AsyncIterator[str]:
        try:
            async for told in unpack_and_tell(actor=user, environment=place, uri=uri):
                said = _unpacked(place, uri, told, job) if isinstance(told, Unpacked) else {"done": told[0], "of": told[1]}
                yield json.dumps(said) + "\n"
        except PortalError as error:
            yield json.dumps({"problem": " ".join(filter(None, [error.message, error.fix]))}) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=LIVE_HEADERS)


def _unpacked(place: Environment, uri: str, made: Unpacked, job: str) -> dict[str, Any]:
    address = reverse("looks:look", args=[place.project.slug, place.name])

    def page(of: str) -> str:
        return f"{address}?{urlencode({'uri': of} | ({'job': job} if job else {}))}"

    files = [{"uri": file.uri, "notes": file.notes, "url": page(file.uri)} for file in made.files]
    folder = own_folder(uri, [file.uri for file in made.files])
    return {
        "files": files,
        "gone": made.gone,
        "folder": {"uri": folder.uri, "files": folder.files, "url": page(folder.uri)} if folder else None,
    }


@require_POST
async def input_columns(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """JSON {document, to, parameters} → {"schema", "words"} for the typing stage at `to`."""
    user = cast(User, await request.auser())
    found = await sync_to_async(find_job)(request, project, job, "edit_job")
    content = json_body.read_object(request)
    return JsonResponse(await columns_of_input(user=user, job=found, content=content))


def _job(user: User, project: Project, name: str) -> Job:
    return policy.find(user, "edit_job", Job.objects.select_related("latest_version").filter(project=project, archived_at=None), name=name)


def _names_in(user: User, job: Job) -> frozenset[str]:
    """Names of stages and views that the job has already."""
    draft = Draft.objects.filter(job=job, user=user).first()
    text = draft.document if draft else job.latest_version.document if job.latest_version else "{}"
    try:
        document = json_text.loads(text)
        rows = [stage for stage in document.get("stages", []) if isinstance(stage, dict)]
    except (ValueError, AttributeError, TypeError):
        return frozenset()
    return frozenset(str(stage[key]) for stage in rows for key in ("name", "outputView") if stage.get(key))


@sync_to_async
def _place(user: User, project: str, environment: str, uri: str) -> tuple[Environment, str]:
    place = _environment(user, project, environment)
    return place, actions.look_at_file(actor=user, environment=place, uri=uri)


def _environment(user: User, project: str, name: str) -> Environment:
    environments = Environment.objects.select_related("project", "compute").filter(project__slug=project)
    return policy.find(user, "view_data", environments, name=name)


def _addresses(place: Environment) -> dict[str, Any]:
    names = [place.project.slug, place.name]
    return {
        "proposal_url": reverse("looks:proposal", args=names),
        "create_url": reverse("looks:create", args=names),
        "stages_url": reverse("looks:stages", args=names),
        "unpack_url": reverse("looks:unpack", args=names),
        "preview_url": reverse("looks:preview", args=names),
    }


def _open_jobs(user: User, project: Project) -> list[str]:
    """Jobs that the person may add stages to, their own drafts first."""
    if not policy.can(user, "edit_job", project):
        return []
    mine = (
        Draft.objects.filter(user=user, job__project=project, job__archived_at=None)
        .order_by("-updated_at")
        .values_list("job__name", flat=True)
    )
    others = Job.objects.filter(project=project, archived_at=None).order_by("name").values_list("name", flat=True)
    return list(dict.fromkeys([*mine[:20], *others[:200]]))
