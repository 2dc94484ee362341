"""What keeps a job from starting, found before its time comes: said when a pipeline or schedule is saved, and on its pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job, LiveVersion
from portal.pipelines.models import Pipeline, PipelineRun
from portal.runs import checks
from portal.runs.problems import hidden
from portal.ui import words

MENDED_ON_ITS_PAGE = {"nothing-live", "version-not-live", "job-archived", "not-found"}
"""Refusals that are mended on the job's page; all others in the editor."""


@dataclass(frozen=True)
class Obstacle:
    """A job that cannot start in an environment, why, and what to do about it where. `environment` is None when it is so everywhere."""

    job: str
    environment: str | None
    code: str
    message: str
    fix: str
    page: str
    """Address of the job."""
    editor: str = ""
    """Address of its editor, where it is mended there; for those who may edit."""

    @property
    def says(self) -> str:
        return f"{self.message} {self.fix}".strip()


@dataclass(frozen=True)
class Reason:
    """A refusal in words that everybody may read, with a code that tells one kind from another."""

    code: str
    message: str
    fix: str


def reason_of(refusal: PortalError, job: Job | None, environment: Environment) -> Reason:
    """Where the refusal quotes problems of a document, the first of them, without what may be data."""
    if not refusal.problems:
        return Reason(refusal.code, refusal.message, refusal.fix or "")
    problem, more = hidden(refusal.problems[0], _document(job, environment)), len(refusal.problems) - 1
    fix = problem.fix or refusal.fix or ""
    if problem.code == "parameter-missing":  # nobody is there to give it for this run
        fix = f"Give it a default in the job, or a value in the environment {environment.name}."
    place = f"{words.place(vars(problem))}: " if problem.stage_index is not None else ""
    return Reason(problem.code, f"{place}{problem.message}" + (f" (and {more} more)" if more else ""), fix)


def _document(job: Job | None, environment: Environment) -> str:
    """What would run there: the names in it may be said."""
    live = LiveVersion.objects.filter(job=job, environment=environment).select_related("version").first()
    return live.version.document if live else ""


def obstacles_in(pipeline: Pipeline, environment: Environment) -> list[Obstacle]:
    """Of every job of the pipeline, as if it started there now."""
    jobs = Job.objects.filter(pipeline_places__pipeline=pipeline).select_related("project").order_by("name")
    return [found for job in jobs if (found := obstacle_of(job, environment))]


def obstacles_of(pipeline: Pipeline) -> list[Obstacle]:
    """What is wrong wherever it runs, and what is wrong where it has a schedule."""
    found = dict.fromkeys(never_saved(Job.objects.filter(pipeline_places__pipeline=pipeline).order_by("name")))
    for schedule in pipeline.schedules.select_related("environment__project").order_by("environment__rank"):
        found |= dict.fromkeys(obstacles_in(pipeline, schedule.environment))
    return list(found)


def never_saved(jobs: Iterable[Job]) -> Iterator[Obstacle]:
    """Jobs that can run nowhere: archived, or without a version."""
    for job in jobs:
        if job.archived_at is not None:
            yield _obstacle(job, None, "job-archived", f"{job.name} is archived.", "Take it out, or bring the job back.")
        elif job.latest_version_id is None:
            yield _obstacle(job, None, "never-saved", f"{job.name} has never been saved.", "Open it and save a version.")


def obstacle_of(job: Job, environment: Environment) -> Obstacle | None:
    """Why a start of the job's live version would be refused there now; None when it would start."""
    for everywhere in never_saved([job]):
        return everywhere
    try:
        version = checks.require_live(job, environment, None)
        checks.values_for(version.document, environment, None)
    except PortalError as refusal:
        reason = reason_of(refusal, job, environment)
        return _obstacle(job, environment, reason.code, reason.message, reason.fix)
    return None


def reason_not_started(refusal: PortalError, job: Job, environment: Environment) -> Reason:
    """Why the start of a job was refused; that it has no version at all comes before anything about environments."""
    for one in never_saved([job]):
        return Reason(one.code, one.message, one.fix)
    return reason_of(refusal, job, environment)


def _places_to_mend(project: str, job: str, code: str) -> tuple[str, str]:
    """Addresses of the job's page and, where it is mended there, of its editor."""
    editor = "" if code in MENDED_ON_ITS_PAGE else reverse("jobs:edit", args=[project, job])
    return reverse("jobs:job", args=[project, job]), editor


def did_not_start(pipeline_run: PipelineRun) -> list[Obstacle]:
    """The jobs of a pipeline run that could not start, with the words of that moment."""
    project = pipeline_run.pipeline.project.slug
    places = pipeline_run.job_runs.filter(state="failed", run=None).select_related("job")
    return [
        Obstacle(
            place.job.name,
            pipeline_run.environment.name,
            place.code,
            place.note.removeprefix("could not start: "),
            place.fix,
            *_places_to_mend(project, place.job.name, place.code),
        )
        for place in places
    ]


def _obstacle(job: Job, environment: Environment | None, code: str, message: str, fix: str) -> Obstacle:
    where = environment.name if environment else None
    return Obstacle(job.name, where, code, message, fix, *_places_to_mend(job.project.slug, job.name, code))
