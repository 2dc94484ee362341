"""Starting runs: the form with environment and parameters, and the editor's "run this draft"."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import Job, JobVersion
from portal.runs import actions, checks
from portal.runs.forms import StartForm
from portal.runs.models import Run


def find_job(request: HttpRequest, project: str, job: str) -> Job:
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    return policy.find(request.user, "view", Job.objects.select_related("project").filter(project__slug=project), name=job)


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """?environment=, ?version= (lowest environment only) and ?from=<run> fill the form in. From a run of a draft, the same draft runs."""
    found = find_job(request, project, job)
    person = request.user
    assert isinstance(person, User)  # noqa: S101
    source = _source(found, request)
    if source and source.version_id is None:
        return _start_draft(request, person, source)
    places = [
        e
        for e in found.project.environments.select_related("compute", "project")
        if policy.can(person, "start_run", found, environment=e.name)
    ]
    if not places:
        policy.require(person, "start_run", found)
    asked = request.POST.get("environment") or request.GET.get("environment")
    environment = next((e for e in places if e.name == asked), None if asked else places[0])
    if environment is None:  # never another one than was asked for
        raise NotAllowed("start_run", found)
    context: dict[str, Any] = {"project": found.project, "job": found, "environment": environment, "environments": places}
    try:
        version = checks.require_live(found, environment, _version(found, request))
        form = StartForm(version.document, environment, request.POST or None, given=source.parameters if source else None)
    except PortalError as error:
        return render(request, "runs/start.html", {**context, "refusal": error}, status=200 if request.method == "GET" else error.status)
    if request.method == "POST" and form.is_valid():
        run = _try_start(person, found, environment, version, form)
        if run:
            messages.success(request, f"Run {run.short_id} is queued.")
            return redirect("runs:run", project, run.pk)
    return render(request, "runs/start.html", {**context, "version": version, "form": form}, status=422 if form.errors else 200)


def _start_draft(request: HttpRequest, person: User, source: Run) -> HttpResponse:
    """The form for another run of exactly the document that `source` ran."""
    job, environment = source.job, source.environment
    policy.require(person, "run_draft", job, environment=environment.name)
    context: dict[str, Any] = {
        "project": job.project,
        "job": job,
        "environment": environment,
        "environments": [environment],
        "source": source,
    }
    try:
        form = StartForm(source.document, environment, request.POST or None, given=source.parameters)
    except PortalError as error:
        return render(request, "runs/start.html", {**context, "refusal": error}, status=200 if request.method == "GET" else error.status)
    if request.method == "POST" and form.is_valid():
        try:
            run = actions.run_draft(actor=person, job=job, document=source.document, parameters=form.values())
        except PortalError as error:
            if error.status not in (409, 422):
                raise
            form.take(error)
        else:
            messages.success(request, f"Run {run.short_id} is queued.")
            return redirect("runs:run", job.project.slug, run.pk)
    return render(request, "runs/start.html", {**context, "form": form}, status=422 if form.errors else 200)


def _source(job: Job, request: HttpRequest) -> Run | None:
    """The run named by ?from=, to start another one like it."""
    named = request.POST.get("from") or request.GET.get("from")
    try:
        runs = Run.objects.select_related("job__project", "environment__compute", "environment__project")
        return runs.filter(job=job, pk=named).first() if named else None
    except (ValueError, ValidationError):
        return None


def _try_start(person: User, job: Job, environment: Environment, version: JobVersion, form: StartForm) -> Run | None:
    try:
        return actions.start_run(actor=person, job=job, environment=environment, version=version, parameters=form.values())
    except PortalError as error:
        if error.status not in (409, 422):
            raise
        form.take(error)
        return None


def _version(job: Job, request: HttpRequest) -> JobVersion | None:
    number = request.POST.get("version") or request.GET.get("version") or ""
    return job.versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None


@require_POST
def run_draft(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """JSON {document, parameters} → 201 {id, url}. The document is text or an object."""
    found = find_job(request, project, job)
    assert isinstance(request.user, User)  # noqa: S101
    lowest = found.project.environments.order_by("rank").first()
    policy.require(request.user, "run_draft", found, environment=lowest.name if lowest else None)
    content = json_body.read_object(request)
    parameters = content.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise PortalError("“parameters” must be an object of names and values.", code="field-wrong")
    run = actions.run_draft(actor=request.user, job=found, document=content.get("document"), parameters=parameters)
    return JsonResponse({"id": str(run.pk), "url": reverse("runs:run", args=[project, run.pk])}, status=201)
