"""Pages of runs: the list, one run, and what its buttons do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.errors import Conflict
from portal.jobs.documents import shown
from portal.jobs.models import Place
from portal.page_actions import refused, sentence
from portal.runs import actions, run_list, run_page
from portal.runs.doors import reader_of
from portal.runs.models import GOOD_STATES, DatabaseTable, Run
from portal.runs.value_rows import values_of

MOST_JOBS = 100


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    return request.user


def _project(request: HttpRequest, slug: str) -> Project:
    return policy.find(_person(request), "view", Project.objects.all(), slug=slug)


def _visible(request: HttpRequest, project: Project) -> Any:
    return policy.allowed(_person(request), "view", policy.of_project(Run.objects.all(), project))


@require_GET
def list_runs(request: HttpRequest, project: str) -> HttpResponse:
    """Filters and cursors are in the address; with the header HX-Request only the table is sent."""
    place = _project(request, project)
    filters = run_list.Filters.of(request.GET)
    with_data = policy.allowed(_person(request), "view_data", Run.objects.all())
    runs = filters.apply(_visible(request, place), with_data).select_related("job", "version", "environment", "requested_by")
    page = run_list.page_of(
        runs.defer("document", "version__document"), after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    reasons = run_list.reasons(page.runs, with_data)
    context: dict[str, Any] = {
        "project": place,
        "filters": filters,
        "page": page,
        "rows": [(run, reasons.get(run.pk, "")) for run in page.runs],
        "live": any(not run.is_final for run in page.runs),
    }
    if request.headers.get("HX-Request"):
        return render(request, "runs/_table.html", context)
    return render(request, "runs/list.html", {**context, "menus": run_list.menus(place, filters)})


@require_GET
def recent(request: HttpRequest, project: str) -> JsonResponse:
    """?jobs=a,b → {"a": [{"id", "state", "duration_s"}, …]}, the newest last."""
    jobs = [name for name in request.GET.get("jobs", "").split(",") if name][:MOST_JOBS]
    return JsonResponse(run_list.recent(_visible(request, _project(request, project)), jobs))


@require_GET
def run(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    return render(request, "runs/run.html", _context(request, project, run))


@require_GET
def run_now(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    """What changes while a run works (all of it, or ?only=stages); the page puts each piece in its place."""
    template = "runs/_stages.html" if request.GET.get("only") == "stages" else "runs/_now.html"
    return render(request, template, _context(request, project, run))


def _context(request: HttpRequest, project: str, run_id: UUID) -> dict[str, Any]:
    reader = reader_of(request, project, run_id)
    found = reader.run
    stages = run_page.stage_lines(found, with_data=reader.with_data)
    attempt = found.attempts.filter(number=found.fence).first()
    return {
        "project": found.project,
        "environment": found.environment,
        "run": found,
        "with_data": reader.with_data,
        "may": run_page.may(_person(request), found),
        "failure": run_page.failure_of(found, with_data=reader.with_data),
        "values": values_of(found, with_data=reader.with_data),
        "waiting": run_page.waiting_sentence(found),
        "stages": stages,
        "shows_rows": any(line.figures for line in stages),
        "shows_usual": any(line.usual for line in stages),
        "went_well": found.state in GOOD_STATES,
        "writes_nothing": run_page.wrote_nothing(found),
        "attempt": attempt,
        "network": run_page.network_of(_person(request), found, attempt),
        "document": shown(found.document),
        "reads": run_page.places_read(found),
        "publishes": run_page.publishes_of(_person(request), found),
        "may_take_over": run_page.may_take_over(_person(request), found),
        "parameters": run_page.parameters_of(found),
        "changes": found.state_changes.all(),
        "reruns": Run.objects.filter(rerun_of=found).order_by("created_at").only("id", "state")[:5],
    }


@require_POST
def cancel(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    found = reader_of(request, project, run).run
    after = actions.cancel_run(actor=_person(request), run=found)
    messages.success(request, "The run is cancelled." if after.is_final else "The run is being stopped.")
    return _back(request, found)


@require_POST
def rerun(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    """POST `which`: same or live. Goes to the new run."""
    found = reader_of(request, project, run).run
    fresh = actions.rerun(actor=_person(request), run=found, which=request.POST.get("which", "same"))
    messages.success(request, f"Run {fresh.short_id} is queued.")
    return redirect("runs:run", project, fresh.pk)


@require_POST
def put_back(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    """POST `place` (its id), `kept`, and `seen` as the page showed it: an earlier output of a place that this run published becomes the
    present one again. Leads back to the page that was asked on."""
    found = reader_of(request, project, run).run
    places = Place.objects.select_related("environment__project", "owner").filter(environment=found.environment_id)
    place = policy.find(_person(request), "view", places, pk=request.POST.get("place", ""))
    kept, seen = request.POST.get("kept", ""), request.POST.get("seen", "")
    try:
        actions.put_back_output(actor=_person(request), place=place, kept_id=kept, seen=seen)
    except Conflict as refusal:
        refused(request, sentence(refusal))
        return _back(request, found)
    messages.success(request, f"“{place.uri}” is put back. What lay there is kept: it can be put back in turn.")
    place.refresh_from_db()
    if place.file_list == "behind":
        messages.warning(request, "The list of its files for other programs could not be made anew: they see it as it was before.")
    return _back(request, found)


@require_POST
def put_back_rows(request: HttpRequest, project: str, run: UUID) -> HttpResponse:
    """POST `table` (its id) and `kept`: the same of a table of a database."""
    found = reader_of(request, project, run).run
    tables = DatabaseTable.objects.select_related("environment__project", "job").filter(environment=found.environment_id)
    table = policy.find(_person(request), "view", tables, pk=request.POST.get("table", ""))
    actions.put_back_rows(actor=_person(request), table=table, kept_id=request.POST.get("kept", ""))
    messages.success(request, f"“{table.uri}” is put back. What was there is kept: it can be put back in turn.")
    return _back(request, found)


@require_POST
def give_up_place(request: HttpRequest, project: str) -> HttpResponse:
    """POST `place` (its id): its job owns it no longer. Leads back to the job's page."""
    place = _project(request, project)
    found = Place.objects.select_related("environment__project", "owner").filter(environment__project=place, owner__isnull=False)
    one = policy.find(_person(request), "view", found, pk=request.POST.get("place", ""))
    job = one.owner.name if one.owner else ""
    try:
        actions.give_up_place(actor=_person(request), place=one)
    except Conflict as refused:
        messages.error(request, f"{refused.message} {refused.fix or ''}".strip())
    else:
        messages.success(request, f"{job} has given up “{one.uri}” in {one.environment.name}. What lies there stays.")
    return redirect("jobs:job", project, job)


@require_POST
def many(request: HttpRequest, project: str) -> HttpResponse:
    """POST `action` (cancel or rerun) and `run` (ids): does it to each and says how many could not."""
    place, action = _project(request, project), "cancel" if request.POST.get("action") == "cancel" else "rerun"
    chosen = _visible(request, place).filter(pk__in=_ids(request)).select_related("project", "job", "environment", "version")
    _tell(request, action, actions.do_to_many(actor=_person(request), runs=chosen, action=action))
    return _back(request, None, place)


def _ids(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.POST.getlist("run")[: actions.MOST_AT_ONCE]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _tell(request: HttpRequest, action: str, did: actions.Many) -> None:
    word, count = ("cancelled" if action == "cancel" else "queued again"), len(did.done)
    if did.done:
        messages.success(request, f"{count} run{'' if count == 1 else 's'} {word}.")
    if did.refused:
        more = f" And {len(did.refused) - 3} more." if len(did.refused) > 3 else ""
        messages.error(request, f"Not {word}: {' '.join(f'{run}: {error.message}' for run, error in did.refused[:3])}{more}")
    if not did.done and not did.refused:
        messages.info(request, "Choose some runs first.")


def _back(request: HttpRequest, run: Run | None, project: Project | None = None) -> HttpResponse:
    """To the page the form was on, if it is one of ours; else to the run or the list."""
    wanted = request.POST.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted)
    return redirect("runs:run", run.project.slug, run.pk) if run else redirect("runs:list", project.slug if project else "")
