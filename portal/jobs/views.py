"""Pages around jobs: the list, a new one, one job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project
from portal.errors import PortalError
from portal.jobs import actions, job_list, plain_words
from portal.jobs.documents import problems_of, stages_of
from portal.jobs.doors import find_job, find_project, person
from portal.jobs.forms import LARGEST_IMPORT, EditJobForm, ImportForm, NewJobForm
from portal.jobs.models import Draft, Job
from portal.jobs.starts import START_BY_KEY, STARTS

PAGE = 50
VERSIONS = 8


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
    if request.method == "POST" and form.is_valid():
        document = _document_of(request, cloned) if cloned else START_BY_KEY[form.cleaned_data["start"] or "empty"].document
        job = _try_create(request, place, form, document)
        if job:
            return redirect("jobs:edit", project, job.name)
    context = {"project": place, "form": form, "starts": STARTS, "cloned": cloned, "import_form": ImportForm()}
    return render(request, "jobs/create.html", context, status=422 if form.errors else 200)


def _initial(cloned: Job | None) -> dict[str, Any]:
    return {"name": f"{cloned.name}_copy"[:80], "description": cloned.description, "tags": cloned.tags} if cloned else {}


def _document_of(request: HttpRequest, job: Job) -> str | dict[str, Any]:
    """What a clone begins with: the newest version, or the person's own draft when nothing was saved yet."""
    if job.latest_version:
        return job.latest_version.document
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
        )
    except PortalError as error:
        if error.status not in (409, 413, 422):
            raise
        field = error.extra.get("field") or ("name" if error.status == 409 else None)
        form.add_error(field if field in form.fields else None, f"{error.message} {error.fix or ''}".strip())
        return None


def import_job(request: HttpRequest, project: str) -> HttpResponse:
    """A job from a file; a document with problems becomes a draft with problems, which the editor shows."""
    place = find_project(request, project)
    policy.require(person(request), "create_job", place)
    if request.method != "POST":
        return redirect(reverse("jobs:create", args=[project]) + "#import")
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        document = _read_upload(form)
        form.cleaned_data["name"] = form.cleaned_data["name"] or _name_from(form.cleaned_data["file"].name)
        job = _try_create(request, place, form, document) if document is not None else None
        if job and document is not None:
            _tell_imported(request, place, document)
            return redirect("jobs:edit", project, job.name)
    context = {"project": place, "form": NewJobForm(), "starts": STARTS, "import_form": form}
    return render(request, "jobs/create.html", context, status=422)


def _read_upload(form: ImportForm) -> str | None:
    """The file's text, or None with the reason on the form."""
    upload = form.cleaned_data["file"]
    if upload.size > LARGEST_IMPORT:
        form.add_error("file", f"The file is too large: {upload.size / 1_000_000:,.1f} MB. A document has at most 1 MB.")
        return None
    try:
        return str(upload.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        form.add_error("file", "The file is not UTF-8 text. Save it as UTF-8 and try again.")
        return None


def _name_from(file: str) -> str:
    words = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in Path(file).stem.lower()).strip("_")
    return (words if words[:1].isalpha() else f"job_{words}").rstrip("_")[:80]


def _tell_imported(request: HttpRequest, project: Project, document: str) -> None:
    count = len(problems_of(document, project))
    if count:
        messages.warning(request, f"Imported as a draft with {count} problem{'s' if count > 1 else ''}; they are marked below.")
    else:
        messages.success(request, "Imported as a draft. Look at it, then save a version.")


@require_GET
def job(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """What it does in plain words, its versions and where each is live, its runs."""
    found = find_job(request, project, job)
    user = person(request)
    versions = found.versions.select_related("author", "restored_from").defer("document", "restored_from__document")
    live = list(
        found.live_versions.select_related("environment", "version", "set_by").defer("version__document").order_by("environment__rank")
    )
    latest = found.latest_version
    context = {
        "project": found.project,
        "job": found,
        "page": Paginator(versions, VERSIONS).get_page(request.GET.get("page")),
        "live": live,
        "live_by_version": _by_version(live),
        "stages": list(plain_words.plain_stages(stages_of(latest.document))) if latest else [],
        "draft": found.drafts.filter(user=user).first(),
        "others": found.drafts.exclude(user=user).select_related("user").order_by("-updated_at"),
        "may_edit": policy.can(user, "edit_job", found),
        "may_run": policy.can(user, "start_run", found),
        "may_request": policy.can(user, "request_promotion", found),
        "edit_form": EditJobForm(
            project=found.project, initial={"description": found.description, "tags": found.tags, "owner": found.owner_id}
        ),
        "restored": request.GET.get("restored"),
    }
    return render(request, "jobs/job.html", context)


def _by_version(live: list[Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for pointer in live:
        found.setdefault(pointer.version_id, []).append(pointer.environment.name)
    return found


@require_POST
def edit_details(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    form = EditJobForm(request.POST, project=found.project)
    if form.is_valid():
        actions.edit_job(actor=person(request), job=found, **form.cleaned_data)
        messages.success(request, "Saved.")
    else:
        messages.error(request, " ".join(str(problem) for problems in form.errors.values() for problem in problems))
    return redirect("jobs:job", project, job)


@require_POST
def archive(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.archive_job(actor=person(request), job=found)
    messages.success(request, f"{found.name} is archived. Its versions and runs are kept; bring it back with the button below.")
    return redirect("jobs:job", project, job)


@require_POST
def bring_back(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.bring_back_job(actor=person(request), job=found)
    messages.success(request, f"{found.name} is back.")
    return redirect("jobs:job", project, job)
