"""Pages around jobs: the list, a new one, one job."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import actions, job_list, places, plain_words
from portal.jobs.documents import credentials_of, holds_credentials, keepable, problems_of, shown, stages_of
from portal.jobs.doors import find_job, find_project, person
from portal.jobs.forms import LARGEST_IMPORT, EditJobForm, ImportForm, NewJobForm
from portal.jobs.importing import NotADocument, document_in, name_from, too_large
from portal.jobs.models import Draft, Job
from portal.jobs.sources import sources_of
from portal.jobs.starts import EMPTY, START_BY_KEY, STARTS, Start
from portal.locking import edition_in
from portal.page_actions import attempt, refused

PAGE = 50
VERSIONS = 8
MOST_NAMED = 8
"""Fields that are named in one sentence."""


@require_GET
def project_start(request: HttpRequest, project: str) -> HttpResponse:
    """The address people shorten to; a project begins with its jobs."""
    return redirect("jobs:list", find_project(request, project).slug)


@require_GET
def list_jobs(request: HttpRequest, project: str) -> HttpResponse:
    """Filters are in the address; with the header HX-Request only the table is sent."""
    place = find_project(request, project)
    filters = job_list.Filters.of(request.GET)
    jobs = filters.apply(Job.objects.filter(project=place))
    page = Paginator(job_list.for_list(jobs), PAGE).get_page(request.GET.get("page"))
    rows = [{"job": job, "live": job_list.live_chips(job)} for job in page.object_list]
    context: dict[str, Any] = {
        "project": place,
        "filters": filters,
        "page": page,
        "rows": rows,
        "total": Job.objects.filter(project=place).open().count(),
        "drafts": set(Draft.objects.filter(user=person(request), job__project=place).values_list("job_id", flat=True)),
        "last_run_choices": job_list.LAST_RUN.items(),
        "may_create": policy.can(person(request), "create_job", place),
    }
    if request.headers.get("HX-Request"):
        return render(request, "jobs/_table.html", context)
    return render(request, "jobs/list.html", {**context, "choices": job_list.choices(place)})


def create(request: HttpRequest, project: str) -> HttpResponse:
    """A form with a name and something to begin with: a start, or (`?clone=name`) another job's document."""
    place = find_project(request, project)
    policy.require(person(request), "create_job", place)
    cloned = find_job(request, project, request.GET["clone"]) if request.GET.get("clone") else None
    form = NewJobForm(request.POST or None, initial=_initial(cloned))
    sources = sources_of(place)
    if request.method == "POST" and form.is_valid():
        start = START_BY_KEY[form.cleaned_data["start"] or EMPTY.key]
        if start.takes_file and not cloned:
            address = _look_at(place, form, start, sources)
            if address:
                return redirect(address)
        else:
            job = _try_create(request, place, form, _document_of(request, cloned) if cloned else {"stages": []})
            if job:
                return redirect("jobs:edit", project, job.name)
    context = {"project": place, "form": form, "starts": STARTS, "cloned": cloned, "import_form": ImportForm(), "files": _files(sources)}
    return render(request, "jobs/create.html", context, status=422 if form.errors else 200)


def _files(sources: dict[str, Any]) -> list[str]:
    """Places that a start can begin with."""
    return [source["uri"] for source in sources["sources"] if source["stage_type"]]


def _look_at(project: Project, form: NewJobForm, start: Start, sources: dict[str, Any]) -> str | None:
    """The address of the page that looks at the chosen file and makes the job; None with the reason on the form."""
    data = form.cleaned_data
    if data["file"] not in _files(sources):
        form.add_error("file", "Choose a file of this project." if _files(sources) else "There is no file yet: upload one first.")
        return None
    if Job.objects.filter(project=project, name=data["name"]).exists():
        form.add_error("name", f"There is a job “{data['name']}” already. Choose another name.")
        return None
    given = {
        "uri": data["file"],
        "start": start.key,
        "name": data["name"],
        "description": data["description"],
        "tags": " ".join(data["tags"]),
    }
    return f"{reverse('looks:look', args=[project.slug, sources['environment']])}?{urlencode(given)}"


def _initial(cloned: Job | None) -> dict[str, Any]:
    return {"name": f"{cloned.name}_copy"[:80], "description": cloned.description, "tags": cloned.tags} if cloned else {}


def _document_of(request: HttpRequest, job: Job) -> str | dict[str, Any]:
    """What a clone begins with: the newest version, or the person's own draft when nothing was saved yet."""
    if job.latest_version:
        return shown(job.latest_version.document)
    draft = job.drafts.filter(user=person(request)).first()
    return draft.document if draft else {"stages": []}


def _try_create(request: HttpRequest, project: Project, form: NewJobForm | ImportForm, document: Any) -> Job | None:
    """The new job, or None with the refusal on its field of the form."""
    data = form.cleaned_data
    try:
        return actions.create_job(
            actor=person(request),
            project=project,
            name=data["name"],
            description=data.get("description", ""),
            tags=data.get("tags", []),
            document=document,
            drops_credentials=isinstance(form, ImportForm),
        )
    except PortalError as error:
        if error.status not in (409, 413, 422):
            raise
        field = error.extra.get("field") or ("name" if error.status == 409 else None)
        form.add_error(field if field in form.fields else None, f"{error.message} {error.fix or ''}".strip())
        return None


def import_job(request: HttpRequest, project: str) -> HttpResponse:
    """A job from a file; a document with problems becomes a draft with problems, which the editor shows. Data is told apart."""
    place = find_project(request, project)
    policy.require(person(request), "create_job", place)
    if request.method != "POST":
        return redirect(reverse("jobs:create", args=[project]) + "#import")
    form = ImportForm(request.POST, request.FILES)
    is_data = False
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            document = _document_in(upload)
        except NotADocument as error:
            form.add_error("file", f"{error.message} {'' if error.is_data else error.fix or ''}".strip())
            is_data = error.is_data
        else:
            form.cleaned_data["name"] = form.cleaned_data["name"] or name_from(upload.name)
            job = _try_create(request, place, form, document)
            if job:
                _tell_imported(request, place, document)
                return redirect("jobs:edit", project, job.name)
    context = {"project": place, "form": NewJobForm(), "starts": STARTS, "import_form": form, "import_is_data": is_data}
    context["files"] = _files(sources_of(place))
    return render(request, "jobs/create.html", context, status=422)


def _document_in(upload: UploadedFile) -> str:
    """Raises NotADocument."""
    size = upload.size or 0
    if size > LARGEST_IMPORT:
        raise too_large(upload.name or "", size)
    return document_in(upload.name or "", upload.read())


def _tell_imported(request: HttpRequest, project: Project, document: str) -> None:
    if keepable(document) != document:
        messages.warning(request, _without_credentials(credentials_of(document)))
        return
    count = len(problems_of(document, project))
    if count:
        messages.warning(request, f"Imported as a draft with {count} problem{'s' if count > 1 else ''}; they are marked below.")
    else:
        messages.success(request, "Imported as a draft. Look at it, then save a version.")


def _without_credentials(found: list[dict[str, Any]]) -> str:
    """Which fields are empty now, by stage, and what to do there. Of a text that is no JSON it is not known where."""
    named = [f"{problem['field']}{_of_stage(problem)}" for problem in found]
    fields = f": {', '.join(named[:MOST_NAMED])}{' and others' if len(named) > MOST_NAMED else ''}" if named else ""
    way = "“Make a connection from it” beside the problem" if any("connection" in problem for problem in found) else "the problems below"
    return (
        f"Imported as a draft, without the passwords and keys that stood in it{fields}. Nothing of them was kept; {way} says how to go on. "
        "Change them where they are valid: they were written down."
    )


def _of_stage(problem: dict[str, Any]) -> str:
    index, name = problem.get("stage_index"), problem.get("stage")
    return f" of “{name}”" if name else f" of stage {index + 1}" if index is not None else ""


@require_GET
def job(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """What it does in plain words, its versions and where each is live, its runs."""
    found = find_job(request, project, job)
    user = person(request)
    versions = found.versions.select_related("author", "restored_from").defer("document", "restored_from__document")
    live = list(
        found.live_versions.select_related("environment", "version", "set_by").defer("version__document").order_by("environment__rank")
    )
    latest, draft = found.latest_version, found.drafts.filter(user=user).first()
    outputs = places.written_by(found, draft.document if draft else None)
    written = {output.place.pk for output in outputs if output.place}
    context = {
        "project": found.project,
        "job": found,
        "page": Paginator(versions, VERSIONS).get_page(request.GET.get("page")),
        "live": live,
        "live_by_version": _by_version(live),
        "stages": list(plain_words.plain_stages(stages_of(shown(latest.document)))) if latest else [],
        "draft": draft,
        "outputs": [(output, _may_about_places(user, output.environment)) for output in outputs],
        "left": [(place, _may_about_places(user, place.environment)) for place in places.owned_by(found) if place.pk not in written],
        "others": found.drafts.exclude(user=user).select_related("user").order_by("-updated_at"),
        "may_edit": policy.can(user, "edit_job", found),
        "may_run": policy.can(user, "start_run", found),
        "may_request": policy.can(user, "request_promotion", found),
        "edit_form": EditJobForm(
            project=found.project,
            initial={"description": found.description, "tags": found.tags, "owner": found.owner_id, "runs_at_once": found.runs_at_once},
        ),
        "restored": request.GET.get("restored"),
        "with_credentials": _with_credentials(found)
        if policy.can(user, "edit_job", found) or policy.can(user, "manage_environment", found.project)
        else [],
    }
    return render(request, "jobs/job.html", context)


def _with_credentials(found: Job) -> list[int]:
    """Numbers of the versions into which somebody wrote a password or key, before that was refused."""
    rows = found.versions.order_by("number").values_list("number", "document")
    return [number for number, document in rows.iterator(50) if holds_credentials(document)]


def _may_about_places(user: User, environment: Environment) -> dict[str, bool]:
    """Which buttons about a place this person has."""
    return {name: actions.may_answer_for(user, f"{name}_place", environment) for name in ("take_over", "give_up")}


def _by_version(live: list[Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for pointer in live:
        found.setdefault(pointer.version_id, []).append(pointer.environment.name)
    return found


@require_POST
def edit_details(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    form = EditJobForm(request.POST, project=found.project)
    if not form.is_valid():
        refused(request, " ".join(str(problem) for problems in form.errors.values() for problem in problems))
        return redirect("jobs:job", project, job)

    def save() -> None:
        actions.edit_job(actor=person(request), job=found, edition=edition_in(request.POST), **form.cleaned_data)

    return attempt(request, save, "Saved.", "jobs:job", project, job)


@require_POST
def take_over(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """POST `environment`, `uri`."""
    found = find_job(request, project, job)
    environment = policy.find(person(request), "view", found.project.environments.all(), name=request.POST.get("environment", ""))
    place = actions.take_over_place(actor=person(request), job=found, environment=environment, uri=request.POST.get("uri", ""))
    messages.success(
        request,
        f"“{place.uri}” in {environment.name} is {found.name}'s now. "
        "Its next run writes there as its stage says; what lies there now is kept.",
    )
    return redirect("jobs:job", project, job)


@require_POST
def archive(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.archive_job(actor=person(request), job=found)
    messages.success(request, f"{found.name} is archived. Its versions and runs are kept; bring it back with the button below.")
    return redirect("jobs:job", project, job)


@require_POST
def delete(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.delete_job(actor=person(request), job=found)
    messages.success(request, f"{job} is deleted; its name is free again.")
    return redirect("jobs:list", project)


@require_POST
def bring_back(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.bring_back_job(actor=person(request), job=found)
    messages.success(request, f"{found.name} is back.")
    return redirect("jobs:job", project, job)
