"""Runs, attempts, stage runs, log segments and the outbox."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.jobs.models import Job, JobVersion


class RunState(models.TextChoices):
    CREATED = "created", "created"
    QUEUED = "queued", "queued"
    STARTING = "starting", "starting"
    RUNNING = "running", "running"
    CANCELLING = "cancelling", "cancelling"
    SUCCEEDED = "succeeded", "succeeded"
    SUCCEEDED_WITH_WARNINGS = "succeeded_with_warnings", "succeeded with warnings"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    TIMED_OUT = "timed_out", "timed out"
    SKIPPED = "skipped", "skipped"


FINAL_STATES = frozenset({"succeeded", "succeeded_with_warnings", "failed", "cancelled", "timed_out", "skipped"})
GOOD_STATES = frozenset({"succeeded", "succeeded_with_warnings"})


class Trigger(models.TextChoices):
    PERSON = "person", "a person"
    API = "api", "the API"
    SCHEDULE = "schedule", "a schedule"
    PIPELINE = "pipeline", "a pipeline"
    RERUN = "rerun", "a rerun"


class Run(models.Model):
    """One execution of one document in one environment. Final states never change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="runs")
    """Null for a run of a draft (only where the environment allows drafts)."""
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="runs")
    document = models.TextField()
    document_sha256 = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.PERSON)
    trigger_label = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    rerun_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=24, choices=RunState.choices, default=RunState.CREATED)
    state_version = models.PositiveIntegerField(default=0)
    """Compare-and-set counter: every change of state names the value it saw."""
    max_attempts = models.PositiveSmallIntegerField(default=2)
    fence = models.PositiveIntegerField(default=0)
    """Number of the attempt that may write; lower ones are refused."""
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    problem = models.JSONField(null=True)
    """Why it failed: a problem (executor.problems) as a dict."""
    outputs = models.JSONField(default=list)
    log_lines = models.PositiveIntegerField(default=0)
    log_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    access_project = "project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "-created_at"]),
            models.Index(fields=["job", "environment", "-created_at"]),
            models.Index(fields=["state", "created_at"]),
        ]

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    def __str__(self) -> str:
        return f"{self.job.name} {str(self.id)[:8]} {self.state}"


class Attempt(models.Model):
    """One try of a run by one worker; its number is the fence."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    process_id = models.PositiveIntegerField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)
    exit_code = models.SmallIntegerField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_attempt_per_number")]


class StageRun(models.Model):
    """What one stage did in one attempt."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stage_runs")
    attempt_number = models.PositiveIntegerField()
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=60)
    state = models.CharField(max_length=12, default="waiting")
    """waiting, running, done, warning, skipped, failed or not_reached."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    rows_in = models.BigIntegerField(null=True)
    rows_out = models.BigIntegerField(null=True)
    rows_rejected = models.BigIntegerField(null=True)
    metrics = models.JSONField(default=dict)
    details = models.JSONField(default=dict)
    problem = models.JSONField(null=True)

    class Meta:
        ordering = ["attempt_number", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "attempt_number", "index"], name="one_stage_run_each")]


class LogSegment(models.Model):
    """A batch of a run's events: lines `first_seq`…`last_seq`, one JSON object a line, never changed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_segments")
    attempt_number = models.PositiveIntegerField()
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField()
    lines = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["first_seq"]
        constraints = [models.UniqueConstraint(fields=["run", "first_seq"], name="one_segment_per_seq")]


class OutboxMessage(models.Model):
    """A message that must be sent because something was committed. The scheduler sends what the request could not."""

    task = models.CharField(max_length=100)
    """Name of the Celery task."""
    argument = models.CharField(max_length=64)
    """An id. Never anything else."""
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["sent_at", "created_at"])]
