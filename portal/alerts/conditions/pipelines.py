"""What people are told about runs of pipelines: jobs that could not start, times that were skipped or missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.accounts.models import Role, User
from portal.alerts.conditions.base import Condition, Told, names
from portal.alerts.models import FAILED
from portal.pipelines.models import PipelineRun
from portal.pipelines.readiness import did_not_start


class OfPipelineRun(Condition):
    subject_type = "pipeline_run"

    def __init__(self, pipeline_run: PipelineRun) -> None:
        self.subject = self.pipeline_run = pipeline_run
        self.pipeline = self.its_pipeline = pipeline_run.pipeline
        self.project, self.environment = pipeline_run.pipeline.project, pipeline_run.environment

    @property
    def page(self) -> str:
        return reverse("pipelines:run", args=[self.project.slug, self.its_pipeline.name, self.pipeline_run.pk])

    @property
    def jobs(self) -> set[int]:
        return set(self.its_pipeline.members.values_list("job_id", flat=True))

    @property
    def facts(self) -> dict[str, Any]:
        run = self.pipeline_run
        return {"pipeline_run_id": str(run.pk), "state": run.state, "due_at": run.due_at.isoformat() if run.due_at else None}

    def people(self) -> Iterator[Told]:
        yield from self.owners()
        yield from self.holders(Role.OPERATOR)

    def owners(self) -> Iterator[Told]:
        yield Told(self.its_pipeline.owner, f"you own the pipeline {self.its_pipeline.name}")
        setter: User | None = self.pipeline_run.schedule.set_by if self.pipeline_run.schedule else None
        if setter:
            yield Told(setter, f"the schedule of {self.its_pipeline.name} runs in your name")

    def when(self) -> str:
        run = self.pipeline_run
        if run.due_at:
            return f"It was due at {run.due_at:%Y-%m-%d %H:%M} UTC by its schedule."
        who = run.requested_by.shown_name if run.requested_by else "the system"
        return f"{who} started it at {run.created_at:%Y-%m-%d %H:%M} UTC."


class NotStarted(OfPipelineRun):
    event, word, rule_event = "not_started", "could not start", FAILED

    def __init__(self, pipeline_run: PipelineRun) -> None:
        super().__init__(pipeline_run)
        self.obstacles = did_not_start(pipeline_run)

    @property
    def title(self) -> str:
        jobs = names(one.job for one in self.obstacles[:3]) if len(self.obstacles) < 4 else f"{len(self.obstacles)} jobs"
        return f"{jobs} could not start in {self.environment.name} (pipeline {self.its_pipeline.name})"

    def lines(self) -> list[str]:
        held = self.pipeline_run.job_runs.filter(state="held").count()
        waits = [f"{held} {'job waits' if held == 1 else 'jobs wait'} for it."] if held else []
        return [*self.causes(), *waits, self.when()]

    def causes(self) -> list[str]:
        """Each job that could not start, why, and what to do."""
        said = []
        for one in self.obstacles[:10]:
            said += [f"{one.job}: {one.message}", *([f"What to do: {one.fix}"] if one.fix else [])]
        return said

    @property
    def jobs(self) -> set[int]:
        return set(self._places().values_list("job_id", flat=True))

    def people(self) -> Iterator[Told]:
        yield from self.owners()
        for place in self._places().select_related("job__owner"):
            yield Told(place.job.owner, f"you own {place.job.name}")
        yield from self.holders(Role.OPERATOR)

    def _places(self) -> Any:
        return self.pipeline_run.job_runs.filter(state="failed", run=None)


class Skipped(OfPipelineRun):
    """A time of the schedule came, and nothing was started."""

    event, word, rule_event = "skipped", "time skipped", FAILED

    @property
    def title(self) -> str:
        return f"{self.its_pipeline.name} was not started on time in {self.environment.name}"

    def lines(self) -> list[str]:
        note = self.pipeline_run.note
        return [f"{note[:1].upper()}{note[1:].rstrip('.')}.", self.when(), "The next time of its schedule is tried as usual."]


class Missed(OfPipelineRun):
    """Times passed while no scheduler was running; the latest was made up for."""

    event, word, is_note = "missed", "times missed", True

    @property
    def title(self) -> str:
        return f"{self.its_pipeline.name} missed times of its schedule in {self.environment.name}"

    def lines(self) -> list[str]:
        return [self.pipeline_run.note, self.when()]


class PipelineCancelled(OfPipelineRun):
    """Somebody stopped another's pipeline run."""

    event, word, is_note = "stopped", "pipeline cancelled by somebody", True

    @property
    def title(self) -> str:
        by = self.pipeline_run.cancel_requested_by
        return f"{by.shown_name if by else 'Somebody'} cancelled {self.its_pipeline.name} in {self.environment.name}"

    def lines(self) -> list[str]:
        return [f"{self.when()} What was done stays; nothing more is started."]

    def people(self) -> Iterator[Told]:
        yield from (one for one in self._owners() if one.user != self.pipeline_run.cancel_requested_by)

    def _owners(self) -> Iterator[Told]:
        yield from self.owners()
        if self.pipeline_run.requested_by:
            yield Told(self.pipeline_run.requested_by, "you started it")


class PipelineWellAgain(OfPipelineRun):
    event, word, is_note = "went_well", "pipeline well again", True

    @property
    def title(self) -> str:
        return f"{self.its_pipeline.name} runs well again in {self.environment.name}"

    def lines(self) -> list[str]:
        return [f"Resolved by pipeline run {str(self.pipeline_run.pk)[:8]}.", self.when()]

    def people(self) -> Iterator[Told]:
        yield from ()  # resolving tells exactly those who were told of the trouble
