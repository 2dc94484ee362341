"""The page of one pipeline run, and the buttons of schedules."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.errors import NotAllowed, PortalError
from portal.jobs.doors import find_project, person
from portal.locking import edition_in
from portal.page_actions import attempt, sentence
from portal.pipelines import actions, pictures, readiness, times
from portal.pipelines.models import PipelineRun, Schedule
from portal.pipelines.views import MOST_WARNINGS, find_pipeline


@require_GET
def run(request: HttpRequest, project: str, pipeline: str, run: uuid.UUID) -> HttpResponse:
    return render(request, "pipelines/run.html", _run_context(request, find_run(request, project, pipeline, run)))


@require_GET
def live_run(request: HttpRequest, project: str, pipeline: str, run: uuid.UUID) -> HttpResponse:
    return render(request, "pipelines/_live_run.html", _run_context(request, find_run(request, project, pipeline, run)))


@require_POST
def cancel(request: HttpRequest, project: str, pipeline: str, run: uuid.UUID) -> HttpResponse:
    found = find_run(request, project, pipeline, run)

    def stop() -> None:
        actions.cancel_pipeline_run(actor=person(request), pipeline_run=found)

    return attempt(request, stop, "Cancelling: nothing more is started.", "pipelines:run", project, pipeline, run)


@require_POST
def rerun_failed(request: HttpRequest, project: str, pipeline: str, run: uuid.UUID) -> HttpResponse:
    found = find_run(request, project, pipeline, run)

    def again() -> None:
        actions.rerun_failed(actor=person(request), pipeline_run=found)

    return attempt(request, again, "What failed runs again; what was held goes on after it.", "pipelines:run", project, pipeline, run)


@require_POST
def schedule(request: HttpRequest, project: str, pipeline: str) -> HttpResponse:
    """`step` is save, pause, resume or remove."""
    found = find_pipeline(request, project, pipeline)
    environment = found.project.environments.filter(name=request.POST.get("environment", "")).first()
    if environment is None:
        raise NotAllowed("edit_schedule", found)
    user, step = person(request), request.POST.get("step", "save")
    back = f"{request.path.removesuffix('schedule')}?environment={environment.name}#schedule"
    if step == "save":
        cron, zone = request.POST.get("cron", ""), request.POST.get("timezone", "UTC")

        def save() -> None:
            saved = actions.save_schedule(
                actor=user, pipeline=found, environment=environment, cron=cron, timezone_name=zone, edition=edition_in(request.POST)
            )
            if saved.paused_at:
                messages.warning(request, "It is still paused. Resume it, and it starts at these times.")
            for one in readiness.obstacles_in(found, environment)[:MOST_WARNINGS]:
                messages.warning(request, f"{one.job} cannot run in {environment.name} as it is: {one.says}")

        return attempt(request, save, "The schedule is set.", back)
    existing = found.schedules.filter(environment=environment).first()
    if existing is None:
        raise NotAllowed("edit_schedule", found)
    return _change_schedule(request, existing, step, back)


@require_GET
def explain(request: HttpRequest, project: str) -> HttpResponse:
    """What a cron line means, and its next five times, while it is being typed."""
    find_project(request, project)
    cron, zone = request.GET.get("cron", "")[:100], request.GET.get("timezone", "UTC")[:60]
    context: dict[str, Any] = {"zone": zone}
    try:
        times.check(cron, zone)
        context |= {"explained": times.explain(cron), "next_times": times.next_times(cron, zone, timezone.now())}
    except PortalError as refusal:
        context["wrong"] = sentence(refusal)
    return render(request, "pipelines/_times.html", context)


def find_run(request: HttpRequest, project: str, pipeline: str, run: uuid.UUID) -> PipelineRun:
    found = find_pipeline(request, project, pipeline)
    runs = found.pipeline_runs.select_related("pipeline__project", "environment", "requested_by", "schedule", "cancel_requested_by")
    return policy.find(person(request), "view", runs, pk=run)


def _run_context(request: HttpRequest, found: PipelineRun) -> dict[str, Any]:
    user, places = person(request), pictures.places_of(found)
    failed = [place for place in places.values() if place.state in {"failed", "cancelled"}]
    return {
        "project": found.pipeline.project,
        "pipeline": found.pipeline,
        "run": found,
        "environment": found.environment,
        "jobs": list(places.values()),
        "graph": pictures.graph_of(found.pipeline.project, pictures.after_of(places), places),
        "progress": pictures.progress_of(places),
        "failed": [place for place in failed if not place.did_not_start],
        "not_started": readiness.did_not_start(found),
        "may_mend": policy.can(user, "edit_job", found.pipeline.project),
        "may_set_values": policy.can(user, "manage_environment", found.environment),
        "held": [place for place in places.values() if place.state == "held"],
        "may_cancel": found.is_active and not found.cancel_requested_at and policy.can(user, "cancel_run", found),
        "may_rerun": bool(failed) and not found.is_active and policy.can(user, "run_pipeline", found),
    }


def _change_schedule(request: HttpRequest, schedule: Schedule, step: str, back: str) -> HttpResponse:
    change, done = {
        "pause": (actions.pause_schedule, "Paused."),
        "resume": (actions.resume_schedule, "It goes on with the next time."),
        "remove": (actions.remove_schedule, "The schedule is gone."),
    }.get(step, (None, ""))
    if change is None:
        raise PortalError(f"“{step[:20]}” is nothing a schedule can do.", code="step-unknown")
    user = person(request)
    return attempt(request, lambda: change(actor=user, schedule=schedule), done, back)
