"""Pipelines, their runs and schedules."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.jobs.models import Job, name_validator
from portal.locking import edition_of
from portal.runs.models import GOOD_STATES, OutboxMessage, Run

NO_SCHEDULE = "none"
"""The edition of a schedule that is not there."""
TOLD_OF_PIPELINE_RUNS = "portal.alerts.tasks.pipeline_run_changed"
TOLD_OF_SCHEDULES = "portal.alerts.tasks.schedule_changed"
"""Tasks that get the id of what has changed. Text, because pipelines do not import alerts."""


class Pipeline(models.Model):
    """Jobs of one project that depend on each other."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pipelines")
    name = models.CharField(max_length=80, validators=[name_validator])
    description = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "project"
    access_environment: str | None = None

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_pipeline_per_name")]

    @property
    def edition(self) -> str:
        """Another one after each edit."""
        return edition_of(self.description, self.dependencies())

    def dependencies(self) -> dict[str, list[str]]:
        """Each job's name → the names of the jobs it runs after; both sorted."""
        members = self.members.select_related("job").prefetch_related("after__job").order_by("job__name")
        return {member.job.name: sorted(before.job.name for before in member.after.all()) for member in members}

    def __str__(self) -> str:
        return self.name


class PipelineJob(models.Model):
    """A job's place in a pipeline: it starts when all of `after` have succeeded."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="members")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="pipeline_places")
    after = models.ManyToManyField("self", symmetrical=False, related_name="before")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pipeline", "job"], name="a_job_once_per_pipeline")]


class Schedule(models.Model):
    """Starts a pipeline in an environment at the times of a cron line, in a time zone."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="schedules")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    cron = models.CharField(max_length=100)
    timezone = models.CharField(max_length=60, default="UTC")
    paused_at = models.DateTimeField(null=True)
    paused_because = models.CharField(max_length=200, blank=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    """Null when it paused itself, which people must be told."""
    next_due_at = models.DateTimeField(null=True, db_index=True)
    """Null while paused."""
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    """Who set the times last. Its runs are started in this person's name, and only while they may start them."""

    access_project = "pipeline__project"
    access_environment = "environment__name"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pipeline", "environment"], name="one_schedule_per_environment")]

    @property
    def paused_itself(self) -> bool:
        return self.paused_at is not None and self.paused_by_id is None

    @property
    def edition(self) -> str:
        """Another one after each change of the times."""
        return edition_of(self.cron, self.timezone, self.set_by_id)

    def pause(self, because: str, by: User | None = None) -> None:
        """`by` None: it pauses itself."""
        self._set(paused_at=timezone.now(), paused_because=because[:200], paused_by=by, next_due_at=None)

    def resume(self, next_due_at: datetime, in_the_name_of: User | None = None) -> None:
        name = {"set_by": in_the_name_of} if in_the_name_of else {}
        self._set(paused_at=None, paused_because="", paused_by=None, next_due_at=next_due_at, **name)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))
        OutboxMessage.add(TOLD_OF_SCHEDULES, str(self.pk))

    def wait_for(self, next_due_at: datetime | None) -> None:
        """The tick before is taken. Whoever calls holds the row."""
        self.next_due_at = next_due_at
        self.save(update_fields=["next_due_at"])

    def __str__(self) -> str:
        return f"{self.pipeline.name} {self.environment.name} {self.cron} {self.timezone}"


class PipelineRunState(models.TextChoices):
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    SKIPPED = "skipped", "skipped"


class PipelineRun(models.Model):
    """One execution of a whole pipeline. `failed` may become `running` again: a rerun of what failed continues it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="pipeline_runs")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=PipelineRunState.choices, default=PipelineRunState.RUNNING)
    note = models.CharField(max_length=300, blank=True)
    """What people should know, for instance which ticks were missed."""
    schedule = models.ForeignKey(Schedule, null=True, on_delete=models.SET_NULL, related_name="pipeline_runs")
    due_at = models.DateTimeField(null=True)
    """The tick of the schedule this run belongs to; unique per schedule, so that two schedulers start it once."""
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    access_project = "pipeline__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["pipeline", "environment", "-created_at"]),
            models.Index(fields=["state", "finished_at"]),
        ]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="one_pipeline_run_per_tick")]

    @property
    def shown_state(self) -> str:
        return "cancelling" if self.state == PipelineRunState.RUNNING and self.cancel_requested_at else self.state

    @property
    def is_active(self) -> bool:
        return self.state == PipelineRunState.RUNNING

    def settle(self, states: set[str]) -> None:
        """Sets the state that follows from its jobs' states. The only place that changes it."""
        if states & {"waiting", "running"}:
            state = PipelineRunState.RUNNING
        elif self.cancel_requested_at and states != {"succeeded"}:
            state = PipelineRunState.CANCELLED
        elif states <= {"succeeded"}:
            state = PipelineRunState.SUCCEEDED
        else:
            state = PipelineRunState.FAILED
        if state != self.state:
            self.state = state
            self.finished_at = None if state == PipelineRunState.RUNNING else timezone.now()
            self.save(update_fields=["state", "finished_at"])
            if state != PipelineRunState.RUNNING:
                self.tell()

    def tell(self) -> None:
        """It has ended, was skipped, or has a note: whoever must know is told once this is committed."""
        OutboxMessage.add(TOLD_OF_PIPELINE_RUNS, str(self.pk))

    def __str__(self) -> str:
        return f"{self.pipeline.name} {str(self.id)[:8]} {self.state}"


class PipelineRunJob(models.Model):
    """One job within a pipeline run. Job and dependencies are kept as they were at its start, whatever the pipeline becomes."""

    pipeline_run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="job_runs")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+")
    after = models.JSONField(default=list)
    """Names of the jobs it waits for."""
    run = models.OneToOneField(Run, null=True, on_delete=models.PROTECT, related_name="pipeline_place")
    """Its latest run; the ones before are reached by `Run.rerun_of`."""
    state = models.CharField(max_length=12, default="waiting")
    """waiting, running, succeeded, failed, held (something it depends on failed) or cancelled."""
    note = models.CharField(max_length=300, blank=True)
    """Why it waits, is held or could not start."""
    code = models.CharField(max_length=60, blank=True)
    fix = models.CharField(max_length=300, blank=True)
    """When it could not start: the refusal's code, and what to do about it."""

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["pipeline_run", "job"], name="a_job_once_per_pipeline_run")]

    @property
    def did_not_start(self) -> bool:
        return self.state == "failed" and self.run_id is None

    def become(self, state: str, note: str = "", *, code: str = "", fix: str = "", **changes: Any) -> None:
        """The only place that changes its state."""
        wanted = {"state": state, "note": note[:300], "code": code[:60], "fix": fix[:300], **changes}
        if any(getattr(self, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(self, name, value)
            self.save(update_fields=list(wanted))

    def take_from_run(self) -> None:
        """Takes over the state of its run when that has ended."""
        if self.state == "running" and self.run is not None and self.run.is_final:
            self.become("succeeded" if self.run.state in GOOD_STATES else _BAD_ENDS.get(self.run.state, "failed"))


_BAD_ENDS = {"cancelled": "cancelled", "skipped": "cancelled"}
"""Run states that are neither good nor a failure."""
