"""Pipelines, their runs and schedules."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.jobs.models import Job, name_validator
from portal.runs.models import Run


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
    next_due_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    access_project = "pipeline__project"
    access_environment = "environment__name"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pipeline", "environment"], name="one_schedule_per_environment")]


class PipelineRun(models.Model):
    """One execution of a whole pipeline."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="pipeline_runs")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, default="running")
    """running, succeeded, failed or cancelled."""
    schedule = models.ForeignKey(Schedule, null=True, on_delete=models.SET_NULL, related_name="pipeline_runs")
    due_at = models.DateTimeField(null=True)
    """The tick of the schedule this run belongs to; unique per schedule, so that two schedulers start it once."""
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    access_project = "pipeline__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="one_pipeline_run_per_tick")]


class PipelineRunJob(models.Model):
    """One job within a pipeline run."""

    pipeline_run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="job_runs")
    member = models.ForeignKey(PipelineJob, on_delete=models.CASCADE, related_name="+")
    run = models.OneToOneField(Run, null=True, on_delete=models.PROTECT, related_name="pipeline_place")
    state = models.CharField(max_length=12, default="waiting")
    """waiting, running, succeeded, failed, held (something it depends on failed) or cancelled."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pipeline_run", "member"], name="a_job_once_per_pipeline_run")]
