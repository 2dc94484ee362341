"""Lets runs end as a worker would let them."""

from __future__ import annotations

from django.utils import timezone

from portal.pipelines import tasks
from portal.pipelines.models import PipelineRun
from portal.runs.models import Run


def end(pipeline_run: PipelineRun, job: str, state: str = "succeeded", *, told: bool = True) -> Run:
    """The job's run ends in `state`; `told` False loses the message about it."""
    run = pipeline_run.job_runs.get(job__name=job).run
    assert run is not None, f"{job} has no run yet"
    Run.objects.filter(pk=run.pk).update(state=state, started_at=run.created_at, finished_at=timezone.now())
    if told:
        tasks.run_ended(str(run.pk))
    return run


def states(pipeline_run: PipelineRun) -> dict[str, str]:
    return {place.job.name: place.state for place in pipeline_run.job_runs.select_related("job")}
