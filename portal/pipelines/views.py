"""Pages of pipelines: the list, one pipeline with its graph and runs, making and editing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.doors import find_project, person
from portal.locking import ChangedMeanwhile
from portal.page_actions import attempt
from portal.pipelines import actions, pictures, readiness, times
from portal.pipelines.forms import PipelineForm
from portal.pipelines.models import Pipeline, PipelineRun, Schedule

MOST_WARNINGS = 3
"""The pipeline's page has all of them."""


@require_GET
def list_pipelines(request: HttpRequest, project: str) -> HttpResponse:
    place = find_project(request, project)
    pipelines = Pipeline.objects.filter(project=place).select_related("owner").prefetch_related("members", "schedules__environment")
    rows = [
        {"pipeline": pipeline, "last": (last := _last_runs(pipeline)), "schedules": _told(pipeline), "not_started": _not_started(last)}
        for pipeline in pipelines
    ]
    may_create = policy.can(person(request), "edit_pipeline", place)
    return render(
        request,
        "pipelines/list.html",
        {"project": place, "rows": rows, "may_create": may_create, "may_mend": policy.can(person(request), "edit_job", place)},
    )


@require_GET
def pipeline(request: HttpRequest, project: str, pipeline: str) -> HttpResponse:
    """?environment= chooses whose runs and schedule are shown."""
    found = find_pipeline(request, project, pipeline)
    environment = _environment(request, found)
    user = person(request)
    schedule = found.schedules.select_related("environment", "set_by").filter(environment=environment).first()
    context = {
        **live_context(found, environment),
        "environments": found.project.environments.order_by("rank"),
        "schedule": schedule,
        "schedule_says": _says(schedule),
        "next_times": _next_times(schedule),
        "time_zones": times.time_zones(),
        "obstacles": readiness.obstacles_in(found, environment),
        "may_mend": policy.can(user, "edit_job", found.project),
        "may_set_values": policy.can(user, "manage_environment", environment),
        "skipped": found.pipeline_runs.filter(environment=environment, state="skipped").first(),
        "ready_times": [(cron, times.explain(cron)) for cron in times.READY],
        "may_edit": policy.can(user, "edit_pipeline", found),
        "may_run": policy.can(user, "run_pipeline", found, environment=environment.name),
        "may_schedule": policy.can(user, "edit_schedule", found, environment=environment.name)
        and policy.can(user, "run_pipeline", found, environment=environment.name),
    }
    return render(request, "pipelines/pipeline.html", context)


@require_GET
def live(request: HttpRequest, project: str, pipeline: str) -> HttpResponse:
    """The graph and the grid as they are now, for the page to put in place."""
    found = find_pipeline(request, project, pipeline)
    return render(request, "pipelines/_live.html", live_context(found, _environment(request, found)))


def live_context(found: Pipeline, environment: Environment) -> dict[str, Any]:
    after = found.dependencies()
    current = found.pipeline_runs.filter(environment=environment).exclude(state="skipped").first()
    places = pictures.places_of(current)
    drawn = pictures.graph_of(found.project, after, places)
    names = [box.node.name for box in sorted(drawn.boxes, key=lambda box: (box.node.x, box.node.y))]
    return {
        "project": found.project,
        "pipeline": found,
        "environment": environment,
        "graph": drawn,
        "grid": pictures.grid_of(found, environment.pk, names),
        "current": current,
        "progress": pictures.progress_of(places),
    }


@require_POST
def run_pipeline(request: HttpRequest, project: str, pipeline: str) -> HttpResponse:
    found = find_pipeline(request, project, pipeline)
    environment = _environment(request, found)
    back = f"{request.path.removesuffix('run')}?environment={environment.name}"

    def start() -> None:
        actions.run_pipeline(actor=person(request), pipeline=found, environment=environment)

    return attempt(request, start, f"Started in {environment.name}.", back)


def create(request: HttpRequest, project: str) -> HttpResponse:
    place = find_project(request, project)
    policy.require(person(request), "edit_pipeline", place)
    if request.method != "POST":
        return render(request, "pipelines/edit.html", {"project": place, "form": PipelineForm(place)})
    form = PipelineForm.sent(place, request.POST)
    if request.POST.get("step") != "save":
        return _form_again(request, form)
    try:
        made = actions.create_pipeline(actor=person(request), project=place, name=form.name, description=form.description, after=form.after)
    except NotAllowed:
        raise
    except PortalError as refusal:
        form.problem = refusal
        return render(request, "pipelines/edit.html", {"project": place, "form": form}, status=422)
    _warn(request, made)
    return redirect("pipelines:pipeline", project, made.name)


def _warn(request: HttpRequest, saved: Pipeline) -> None:
    """Says at once which of its jobs cannot run, and why."""
    for one in readiness.obstacles_of(saved)[:MOST_WARNINGS]:
        where = f" in {one.environment}" if one.environment else ""
        messages.warning(request, f"{one.job} cannot run{where}: {one.says}")


def edit(request: HttpRequest, project: str, pipeline: str) -> HttpResponse:
    found = find_pipeline(request, project, pipeline)
    policy.require(person(request), "edit_pipeline", found)
    if request.method != "POST":
        return _form_again(request, PipelineForm.of(found), found)
    form = PipelineForm.sent(found.project, request.POST)
    form.name = found.name
    if request.POST.get("step") != "save":
        return _form_again(request, form, found)
    try:
        actions.edit_pipeline(actor=person(request), pipeline=found, description=form.description, after=form.after, edition=form.edition)
    except NotAllowed:
        raise
    except ChangedMeanwhile as refusal:
        form.problem = refusal
        form.compare(find_pipeline(request, project, pipeline))
        return render(request, "pipelines/edit.html", {"project": found.project, "form": form, "pipeline": found}, status=409)
    except PortalError as refusal:
        form.problem = refusal
        return render(request, "pipelines/edit.html", {"project": found.project, "form": form, "pipeline": found}, status=422)
    _warn(request, found)
    return redirect("pipelines:pipeline", project, found.name)


def _form_again(request: HttpRequest, form: PipelineForm, pipeline: Pipeline | None = None) -> HttpResponse:
    """The form after a job was added or removed; for htmx the part that changes."""
    drawn = None if form.problem or not form.after else pictures.graph_to_be(form.project, form.after)
    context = {"project": form.project, "form": form, "pipeline": pipeline, "graph": drawn}
    return render(request, "pipelines/_jobs.html" if request.headers.get("HX-Request") else "pipelines/edit.html", context)


def find_pipeline(request: HttpRequest, project: str, name: str) -> Pipeline:
    place = find_project(request, project)
    return policy.find(person(request), "view", Pipeline.objects.select_related("project", "owner").filter(project=place), name=name)


def _environment(request: HttpRequest, pipeline: Pipeline) -> Environment:
    """The one named; else where it ran last; else the lowest."""
    environments = pipeline.project.environments.order_by("rank")
    name = request.POST.get("environment") or request.GET.get("environment")
    if name:
        found = environments.filter(name=name).first()
        if found is None:
            raise NotAllowed("view", pipeline)
        return found
    last = pipeline.pipeline_runs.select_related("environment").first()
    chosen = last.environment if last else environments.first()
    if chosen is None:
        fix = "An environment admin adds them in the settings."
        raise PortalError("This project has no environments yet.", code="no-environments", fix=fix)
    return chosen


def _last_runs(pipeline: Pipeline) -> list[PipelineRun]:
    """The last run in each environment, lowest first."""
    runs: dict[int, PipelineRun] = {}
    for run in pipeline.pipeline_runs.exclude(state="skipped").select_related("environment")[:60]:
        runs.setdefault(run.environment_id, run)
    return sorted(runs.values(), key=lambda run: run.environment.rank)


def _not_started(runs: list[PipelineRun]) -> list[readiness.Obstacle]:
    """Of the last runs, the jobs that could not start."""
    return [one for run in runs if run.state in {"failed", "running"} for one in readiness.did_not_start(run)]


def _told(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [{"schedule": schedule, "says": _says(schedule)} for schedule in pipeline.schedules.all()]


def _says(schedule: Schedule | None) -> str:
    """The times in words: at 06:30 every day, Europe/Berlin."""
    if schedule is None:
        return ""
    words = times.explain(schedule.cron)
    return f"{words[0].lower()}{words[1:]}, {schedule.timezone}"


def _next_times(schedule: Schedule | None) -> list[Any]:
    if schedule is None or schedule.paused_at is not None:
        return []
    return times.next_times(schedule.cron, schedule.timezone, timezone.now())
