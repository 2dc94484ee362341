"""How a pipeline run goes on: a job starts when all it runs after have succeeded, and is held when one of them has failed.

`advance` may be called at any time, by anybody, as often as one likes: it does what there is to do and nothing twice.
"""

from __future__ import annotations

import logging
import uuid

from django.db import DatabaseError, transaction

from portal.errors import PortalError
from portal.pipelines import readiness
from portal.pipelines.models import PipelineRun, PipelineRunJob, PipelineRunState
from portal.runs.actions import start_run
from portal.runs.models import FINAL_STATES, Trigger

log = logging.getLogger("sluice.pipelines")

FAULT_FIX = "Rerun what failed. If it happens again, ask whoever runs Sluice to look into the scheduler's and the worker's log."
ENDED_BADLY = frozenset({"failed", "cancelled", "held"})


def run_ended(run_id: uuid.UUID | str) -> None:
    """A run has ended; the pipeline run it belongs to, if any, goes on."""
    place = PipelineRunJob.objects.filter(run_id=run_id).values_list("pipeline_run_id", flat=True).first()
    if place is not None:
        advance(place)


def advance_all() -> int:
    """Advances every pipeline run in which a run has ended unnoticed or a job could start. Returns how many were looked at."""
    active = PipelineRun.objects.filter(state=PipelineRunState.RUNNING)
    missed = active.filter(job_runs__state="running", job_runs__run__state__in=FINAL_STATES)
    stuck = active.exclude(job_runs__state="running")
    found = {*missed.values_list("pk", flat=True), *stuck.values_list("pk", flat=True)}
    for pipeline_run_id in found:
        try:
            advance(pipeline_run_id)
        except Exception:  # one pipeline run that cannot go on must not hold up all the others
            log.exception("The pipeline run %s cannot be advanced.", pipeline_run_id)
    return len(found)


def advance(pipeline_run_id: uuid.UUID) -> None:
    with transaction.atomic():
        pipeline_run = PipelineRun.objects.select_for_update(no_key=True).get(pk=pipeline_run_id)
        places = list(pipeline_run.job_runs.select_related("run", "job"))
        for place in places:
            place.take_from_run()
        # In the order of layers, so that what is held or cancelled is seen by everything behind it in the same pass.
        known = {place.job.name: place for place in places}
        tried = [place for place in places if place.state in {"waiting", "held"}]
        for place in tried:
            _decide(pipeline_run, place, [known[name] for name in place.after])
        pipeline_run.settle({place.state for place in places})
        if pipeline_run.is_active and any(place.did_not_start for place in tried):
            pipeline_run.tell()  # the others may take hours; settling tells of the end itself


def _decide(pipeline_run: PipelineRun, place: PipelineRunJob, before: list[PipelineRunJob]) -> None:
    bad = next((other for other in before if other.state in ENDED_BADLY), None)
    unfinished = [other.job.name for other in before if other.state != "succeeded"]
    if pipeline_run.cancel_requested_at:
        place.become("cancelled")
    elif bad is not None:
        place.become("held", f"waits for {bad.job.name}, which {_ending(bad)}")
    elif unfinished:
        place.become("waiting", "waits for " + ", ".join(unfinished))
    else:
        _start(pipeline_run, place)


def _ending(place: PipelineRunJob) -> str:
    return {"held": "is held itself", "cancelled": "was cancelled"}.get(place.state, "failed")


def _start(pipeline_run: PipelineRun, place: PipelineRunJob) -> None:
    name, is_scheduled = pipeline_run.pipeline.name, pipeline_run.due_at is not None
    try:
        with transaction.atomic():
            run = start_run(
                actor=None,
                requested_by=pipeline_run.requested_by,
                job=place.job,
                environment=pipeline_run.environment,
                trigger=Trigger.SCHEDULE if is_scheduled else Trigger.PIPELINE,  # what a schedule starts is nobody's share
                trigger_label=f"of {name}" if is_scheduled else name,
            )
    except PortalError as error:
        reason = readiness.reason_not_started(error, place.job, pipeline_run.environment)
        place.become("failed", f"could not start: {reason.message}", code=reason.code, fix=reason.fix)
    except (DatabaseError, TimeoutError):
        raise  # it is tried again
    except Exception:  # a fault of ours: said and told, else the pipeline would be running for ever
        log.exception("%s of the pipeline run %s could not be started.", place.job.name, pipeline_run.pk)
        place.become("failed", "could not start: a fault in Sluice itself", code="fault", fix=FAULT_FIX)
    else:
        place.become("running", run=run)
