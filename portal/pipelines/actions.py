"""What people do with pipelines, their runs and their schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import can, require
from portal.audit.actions import record
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs.models import Job, name_validator
from portal.locking import locked, require_seen
from portal.pipelines import graph, progress, times
from portal.pipelines.models import NO_SCHEDULE, TOLD_OF_SCHEDULES, Pipeline, PipelineJob, PipelineRun, PipelineRunJob, Schedule
from portal.runs import visible
from portal.runs.actions import cancel_run, rerun
from portal.runs.models import OutboxMessage, Run

MAX_JOBS = 200


def create_pipeline(
    *, actor: User, project: Project, name: str, description: str = "", after: Mapping[str, Sequence[str]] | None = None
) -> Pipeline:
    """`after` names the jobs and, for each, the jobs it runs after."""
    require(actor, "edit_pipeline", project)
    _check_name(name)
    with transaction.atomic():
        pipeline = _make(actor, project, name, description)
        if after:
            _set_jobs(pipeline, after)
        record(action="create_pipeline", actor=actor, subject=pipeline, jobs=pipeline.dependencies())
    return pipeline


def edit_pipeline(*, actor: User, pipeline: Pipeline, description: str, after: Mapping[str, Sequence[str]], edition: str = "") -> Pipeline:
    """Sets which jobs are in it and what each runs after. Runs that are under way keep the jobs they began with.

    `edition` is the one the actor saw, empty where they do not say; raises Conflict when it has been edited since.
    """
    require(actor, "edit_pipeline", pipeline)
    with transaction.atomic():
        pipeline = locked(pipeline, "project")
        require_seen(edition, pipeline.edition, pipeline.name)
        before = pipeline.dependencies()
        pipeline.description = description[:300]
        pipeline.save(update_fields=["description"])
        _set_jobs(pipeline, after)
        record(action="edit_pipeline", actor=actor, subject=pipeline, before=before, jobs=pipeline.dependencies())
    return pipeline


def run_pipeline(*, actor: User, pipeline: Pipeline, environment: Environment) -> PipelineRun:
    """Starts every job of the first layer; the others follow as those before them succeed."""
    require(actor, "run_pipeline", pipeline, environment=environment.name)
    with transaction.atomic():
        pipeline_run = start(pipeline, environment, requested_by=actor)
        record(action="run_pipeline", actor=actor, subject=pipeline_run, environment=environment.name)
    return pipeline_run


def start(pipeline: Pipeline, environment: Environment, *, requested_by: User, **about: object) -> PipelineRun:
    """A new run of the pipeline, already advanced as far as it goes. The caller has checked and records who wanted it."""
    if environment.project_id != pipeline.project_id:
        raise PortalError("The environment belongs to another project.", code="environment-unknown", status=404)
    after = pipeline.dependencies()
    if not after:
        raise PortalError(f"{pipeline.name} has no jobs yet.", code="pipeline-empty", fix="Edit the pipeline and add the jobs it runs.")
    pipeline_run = PipelineRun.objects.create(pipeline=pipeline, environment=environment, requested_by=requested_by, **about)
    jobs = {job.name: job for job in pipeline.project.jobs.filter(name__in=after)}
    order = [name for layer in graph.layers_of(after) for name in layer]
    PipelineRunJob.objects.bulk_create(PipelineRunJob(pipeline_run=pipeline_run, job=jobs[name], after=after[name]) for name in order)
    progress.advance(pipeline_run.pk)
    pipeline_run.refresh_from_db()
    return pipeline_run


def rerun_failed(*, actor: User, pipeline_run: PipelineRun) -> PipelineRun:
    """Runs again what failed, with the version that is live now; what was held for it goes on when it succeeds."""
    require(actor, "run_pipeline", pipeline_run)
    with transaction.atomic():
        pipeline_run = locked(pipeline_run)
        failed = list(pipeline_run.job_runs.filter(state__in=["failed", "cancelled"]).select_related("run", "job"))
        if not failed:
            raise PortalError("Nothing of this pipeline run has failed.", code="nothing-failed", status=409)
        PipelineRun.objects.filter(pk=pipeline_run.pk).update(cancel_requested_at=None, cancel_requested_by=None)
        for place in failed:
            if place.run is None:
                place.become("waiting")
            else:
                place.become("running", run=_again(actor, place.run))
        record(action="rerun_failed", actor=actor, subject=pipeline_run, jobs=[place.job.name for place in failed])
        progress.advance(pipeline_run.pk)
    pipeline_run.refresh_from_db()
    return pipeline_run


def _again(actor: User, run: Run) -> Run:
    """The run, run again. Where somebody has to look first what it has left in a database, that is done on its own page, and what came of
    it there counts. Raises PortalError."""
    try:
        visible.require_seen_to(run)
    except PortalError:
        if done := visible.again(run):
            return done
        raise
    return rerun(actor=actor, run=run, which="live")


def cancel_pipeline_run(*, actor: User, pipeline_run: PipelineRun) -> PipelineRun:
    """Nothing more is started, and what runs is cancelled."""
    require(actor, "cancel_run", pipeline_run)
    with transaction.atomic():
        pipeline_run = locked(pipeline_run)
        if not pipeline_run.is_active:
            raise Conflict(f"This pipeline run has ended already: {pipeline_run.state}.", code="already-ended")
        if pipeline_run.cancel_requested_at is None:
            pipeline_run.cancel_requested_at, pipeline_run.cancel_requested_by = timezone.now(), actor
            pipeline_run.save(update_fields=["cancel_requested_at", "cancel_requested_by"])
            # All runs are held before the first audit event: a worker that ends one of them holds its run and then waits for the audit.
            for run in Run.objects.select_for_update(no_key=True).filter(pipeline_place__pipeline_run=pipeline_run).order_by("pk"):
                if not run.is_final:
                    _cancel(actor, run)
            record(action="cancel_pipeline_run", actor=actor, subject=pipeline_run)
        progress.advance(pipeline_run.pk)
    pipeline_run.refresh_from_db()
    return pipeline_run


def save_schedule(
    *, actor: User, pipeline: Pipeline, environment: Environment, cron: str, timezone_name: str, edition: str = ""
) -> Schedule:
    """Sets the times at which the pipeline runs in the environment, in the name of the actor. A paused schedule stays paused.

    `edition` is that of the schedule the actor saw, NO_SCHEDULE where there was none, empty where they do not say; raises Conflict when it
    has been changed since.
    """
    require(actor, "edit_schedule", pipeline, environment=environment.name)
    require(actor, "run_pipeline", pipeline, environment=environment.name)
    cron = " ".join(cron.split())
    times.check(cron, timezone_name)
    due = times.next_due(cron, timezone_name, timezone.now())
    if due is None:
        raise PortalError(f"“{cron}” never comes.", code="cron-wrong", fix=f"For instance: {times.EXAMPLE}")
    with transaction.atomic():
        there = Schedule.objects.select_for_update(no_key=True).filter(pipeline=pipeline, environment=environment).first()
        require_seen(edition, there.edition if there else NO_SCHEDULE, f"the schedule in {environment.name}")
        schedule, _ = Schedule.objects.update_or_create(
            pipeline=pipeline,
            environment=environment,
            defaults={"cron": cron, "timezone": timezone_name, "set_by": actor},
            create_defaults={"cron": cron, "timezone": timezone_name, "set_by": actor, "next_due_at": due},
        )
        if schedule.paused_at is None and schedule.next_due_at != due:
            schedule.resume(due)
        record(action="save_schedule", actor=actor, subject=schedule, environment=environment.name, cron=cron, timezone=timezone_name)
    return schedule


def pause_schedule(*, actor: User, schedule: Schedule) -> Schedule:
    require(actor, "edit_schedule", schedule)
    with transaction.atomic():
        schedule = locked(schedule)
        if schedule.paused_at is None:
            schedule.pause(f"by {actor.shown_name}", actor)
            record(action="pause_schedule", actor=actor, subject=schedule, environment=schedule.environment.name)
    return schedule


def resume_schedule(*, actor: User, schedule: Schedule) -> Schedule:
    """Goes on with the next time; what was due during the pause is not made up for.

    Where the person in whose name it ran may no longer run it, it goes on in the actor's name, else it would pause again at once.
    """
    require(actor, "edit_schedule", schedule)
    with transaction.atomic():
        schedule = locked(schedule)
        due = times.next_due(schedule.cron, schedule.timezone, timezone.now())
        if due is None:
            raise PortalError(
                f"“{schedule.cron}” never comes again.", code="cron-wrong", fix=f"Set other times, for instance {times.EXAMPLE}"
            )
        if schedule.paused_at is not None:
            schedule.resume(due, _new_name(actor, schedule))
            record(
                action="resume_schedule",
                actor=actor,
                subject=schedule,
                environment=schedule.environment.name,
                in_the_name_of=schedule.set_by.username,
            )
    return schedule


def _new_name(actor: User, schedule: Schedule) -> User | None:
    """The actor, where who set the times may no longer run the pipeline there; None leaves it as it is."""
    pipeline, where = schedule.pipeline, schedule.environment.name
    if can(schedule.set_by, "run_pipeline", pipeline, environment=where):
        return None
    if not can(actor, "run_pipeline", pipeline, environment=where):
        raise PortalError(
            f"{schedule.set_by.shown_name}, in whose name it ran, may no longer run {pipeline.name} in {where}, and neither may you.",
            code="nobody-to-run-it",
            status=409,
            fix=f"Somebody who may run it in {where} resumes it; then it runs in their name.",
        )
    return actor


def remove_schedule(*, actor: User, schedule: Schedule) -> None:
    require(actor, "edit_schedule", schedule)
    with transaction.atomic():
        schedule = locked(schedule)
        OutboxMessage.add(TOLD_OF_SCHEDULES, str(schedule.pk))
        record(action="remove_schedule", actor=actor, subject=schedule, environment=schedule.environment.name, cron=schedule.cron)
        schedule.delete()


def check_jobs(project: Project, after: Mapping[str, Sequence[str]]) -> dict[str, Job]:
    """The jobs that `after` names; raises PortalError for an unknown job, a loop (named) or too many."""
    if len(after) > MAX_JOBS:
        raise PortalError(f"A pipeline has at most {MAX_JOBS} jobs; this one has {len(after)}.", code="pipeline-too-large")
    names = {*after, *(name for names in after.values() for name in names)}
    jobs = {job.name: job for job in Job.objects.filter(project=project, name__in=names, archived_at=None)}
    for name in sorted(names - jobs.keys()):
        raise PortalError(f"There is no job “{name}” in this project.", code="job-unknown")
    for name in sorted(names - after.keys()):
        raise PortalError(
            f"“{name}” is waited for, but it is not in the pipeline.", code="job-not-in-pipeline", fix=f"Add {name} to the pipeline."
        )
    loop = graph.loop_in(after)
    if loop:
        chain = " runs after ".join(loop)
        raise PortalError(
            f"The jobs wait for each other in a circle: {chain}.",
            code="pipeline-loop",
            fix=f"Take one of these away, for instance {loop[0]} after {loop[1]}.",
        )
    return jobs


def _cancel(actor: User, run: Run) -> None:
    try:
        with transaction.atomic():
            cancel_run(actor=actor, run=run)
    except Conflict:
        pass  # it has just ended, or is already making its outputs visible and ends by itself


def _set_jobs(pipeline: Pipeline, after: Mapping[str, Sequence[str]]) -> None:
    jobs = check_jobs(pipeline.project, after)
    pipeline.members.exclude(job__name__in=after).delete()
    members = {name: PipelineJob.objects.get_or_create(pipeline=pipeline, job=jobs[name])[0] for name in after}
    for name, before in after.items():
        members[name].after.set([members[other] for other in before])


def _make(actor: User, project: Project, name: str, description: str) -> Pipeline:
    try:
        with transaction.atomic():
            return Pipeline.objects.create(project=project, name=name, description=description[:300], owner=actor)
    except IntegrityError:
        raise Conflict(f"There is already a pipeline “{name}” in this project.", code="name-taken", fix="Choose another name.") from None


def _check_name(name: str) -> None:
    try:
        name_validator(name)
    except ValidationError as error:
        raise PortalError(f"“{name[:80]}” cannot be a name. {error.messages[0]}", code="name-wrong") from None
