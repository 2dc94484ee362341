"""Runs, attempts, stage runs, log segments and the outbox."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.accounts.models import Project
from portal.audit import actions as audit
from portal.environments.models import Environment
from portal.errors import Conflict
from portal.jobs.models import Job, JobVersion
from portal.runs import doorbell
from portal.runs.states import ACTIVE_STATES, FINAL_STATES, FOLLOWS, GOOD_STATES, HELD_STATES, WAITING_STATES, RunState

__all__ = [
    "ACTIVE_STATES",
    "FINAL_STATES",
    "GOOD_STATES",
    "HELD_STATES",
    "WAITING_STATES",
    "Attempt",
    "LogSegment",
    "OutboxMessage",
    "Run",
    "RunState",
    "StageRun",
    "Trigger",
]

TOLD_WHEN_A_RUN_ENDS = ("portal.pipelines.tasks.run_ended", "portal.alerts.tasks.run_ended")
"""Tasks that get the run's id when it has reached a final state. Text, because runs import neither app."""


def database_now() -> datetime:
    """The database's clock: the only one that leases are measured with, whatever a worker's own clock says."""
    if connection.vendor == "sqlite":
        return timezone.now()  # the database is a library of this process: one clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchall()[0][0]


class Trigger(models.TextChoices):
    PERSON = "person", "a person"
    API = "api", "the API"
    SCHEDULE = "schedule", "a schedule"
    PIPELINE = "pipeline", "a pipeline"
    RERUN = "rerun", "a rerun"


class StateChanged(Conflict):
    """Somebody else changed the run's state first."""

    code = "run-state-changed"


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs."""

    def active(self) -> RunQuerySet:
        """Not over. The states are named, so that the database finds them by its index however many runs are over."""
        return self.filter(state__in=ACTIVE_STATES)

    def waiting(self) -> RunQuerySet:
        """Accepted, but no worker has them; the oldest first."""
        return self.filter(state=RunState.QUEUED).order_by("queued_at", "pk")

    def startable(self) -> RunQuerySet:
        """Waiting, and fewer runs of its job work in its environment than may at a time."""
        beside = Run.objects.filter(job=models.OuterRef("job"), environment=models.OuterRef("environment"), state__in=HELD_STATES)
        count = beside.order_by().values("job").annotate(count=models.Count("pk")).values("count")
        waiting: Any = self.waiting().annotate(beside=Coalesce(models.Subquery(count), 0))
        return waiting.filter(beside__lt=models.F("job__runs_at_once"))

    def beside(self, run: Run) -> RunQuerySet:
        """The runs of its job that work in its environment now."""
        return self.filter(job=run.job_id, environment=run.environment_id, state__in=HELD_STATES)

    def lost(self, before: datetime) -> RunQuerySet:
        """A worker has them, but its lease ended before this moment."""
        return self.filter(state__in=HELD_STATES, lease_until__lt=before)

    def held_beyond(self, moment: datetime) -> RunQuerySet:
        """A worker has them for longer than any lease lasts: the clock was set back since it last said so."""
        return self.filter(state__in=HELD_STATES, lease_until__gt=moment)

    def last_of(self, job: Job, environment: Environment) -> RunQuerySet:
        return self.filter(job=job, environment=environment).order_by("-created_at")


class Run(models.Model):
    """One execution of one document in one environment. Final states never change (a trigger in the database holds it too)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="runs")
    """Null for a run of a draft (only where the environment allows drafts; a trigger in the database holds it too)."""
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
    publishing_since = models.DateTimeField(null=True)
    """When this run was told to make its outputs visible. From then on it can neither be cancelled nor tried again."""
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    problem = models.JSONField(null=True)
    """Why it failed: a problem (executor.problems) as a dict."""
    outputs = models.JSONField(default=list)
    watermarks = models.JSONField(default=dict)
    """How far its stages have read what grows (stage → `executor.events.ReadUntil`), for the next run; empty unless it has published."""
    watermarks_hold = models.BooleanField(default=True)
    """Whether what it has read is still there; not once an output of before it was put back."""
    secret_versions = models.JSONField(default=dict)
    """What its first attempt signed in with, for the next ones: name of the connection → number of the version."""
    log_lines = models.PositiveIntegerField(default=0)
    log_bytes = models.PositiveBigIntegerField(default=0)
    log_sha256 = models.CharField(max_length=64, blank=True)
    """Of the whole log as it is downloaded; filled in when somebody first reads a finished log to its end."""
    failure_line = models.PositiveIntegerField(null=True)
    """The line that tells of the failure, once the log has moved (portal.runs.log_archive)."""
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    access_project = "project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "-created_at"]),
            models.Index(fields=["job", "environment", "-created_at"]),
            models.Index(fields=["job", "-created_at"]),
            models.Index(fields=["state", "created_at"]),
            models.Index(fields=["state", "finished_at"]),
            models.Index(fields=["started_at"]),
        ]

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def short_id(self) -> str:
        return str(self.id)[:8]

    @property
    def duration_seconds(self) -> float | None:
        """From the first attempt's start to the end; None while it has not ended or never began."""
        return (self.finished_at - self.started_at).total_seconds() if self.started_at and self.finished_at else None

    @property
    def last_stages(self) -> list[StageRun]:
        """The stages of the last attempt, in order."""
        return [stage for stage in self.stage_runs.all() if stage.attempt_number == self.fence]

    def move_to(self, state: str, *, reason: str = "", **changes: Any) -> None:
        """The only way a run's state changes: one compare-and-set, with its history, its audit event and its messages in one transaction.

        `changes` are further fields of the row. Raises StateChanged when the run is no longer as this object saw it (the object is
        then as the database has it), ValueError for a change that no rule allows.
        """
        if state not in FOLLOWS[self.state]:
            raise ValueError(f"A run that is {self.state} never becomes {state}.")
        before, changes = self.state, changes | _moments(state, self.started_at)
        with transaction.atomic():
            seen = Run.objects.filter(pk=self.pk, state=before, state_version=self.state_version, fence=self.fence)
            if not seen.update(state=state, state_version=self.state_version + 1, **changes):
                self.refresh_from_db()
                raise StateChanged(f"The run is {self.get_state_display()} by now.", fix="Look at it again, then decide.")
            RunChange.objects.create(
                run=self, before=before, after=state, attempt_number=changes.get("fence", self.fence), reason=reason[:300]
            )
            for name, value in (changes | {"state": str(state), "state_version": self.state_version + 1}).items():
                setattr(self, name, value)
            if self.is_final:
                self._tell_of_end()

    def _tell_of_end(self) -> None:
        code = (self.problem or {}).get("code", "")
        audit.record(action="end_run", actor=None, subject=self, environment=self.environment.name, state=self.state, code=code)
        for task in TOLD_WHEN_A_RUN_ENDS:
            OutboxMessage.add(task, str(self.pk))

    def __str__(self) -> str:
        return f"{self.job.name} {self.short_id}"


def _moments(state: str, started_at: datetime | None) -> dict[str, Any]:
    """What the clock adds to a row that reaches `state`."""
    now = database_now()
    if state == RunState.QUEUED:
        return {"queued_at": now, "lease_owner": "", "lease_until": None}
    if state == RunState.STARTING:
        return {"started_at": started_at or now}
    if state in FINAL_STATES:
        return {"finished_at": now, "lease_owner": "", "lease_until": None}
    return {}


class RunChange(models.Model):
    """One change of a run's state; the list of them is the run's history. Never changed."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="state_changes")
    before = models.CharField(max_length=24)
    after = models.CharField(max_length=24)
    attempt_number = models.PositiveIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]


class Attempt(models.Model):
    """One try of a run by one worker; its number is the fence."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    process_id = models.PositiveIntegerField(null=True)
    sandbox = models.CharField(max_length=10, blank=True)
    """full or degraded (only ever in the lowest environment)."""
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)
    """The state the run went to from here; lost when the worker stopped answering."""
    exit_code = models.SmallIntegerField(null=True)
    reached = models.JSONField(null=True)
    """Which other machines it could and did reach, see `portal.runs.reached`. Null: it is not known."""
    may_have_left = models.BooleanField(default=False)
    """Whether something that it wrote may still lie half published in a root on another machine: its program did not come to its end."""

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_attempt_per_number")]
        indexes = [models.Index(fields=["finished_at"], condition=models.Q(may_have_left=True), name="attempts_that_may_have_left")]


class StageRun(models.Model):
    """What one stage did in one attempt."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stage_runs")
    attempt_number = models.PositiveIntegerField()
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=60)
    state = models.CharField(max_length=12, default="waiting")
    """waiting, running, done, warning, skipped, failed, stopped (a stage before it is at fault), cancelled or not_reached."""
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
    """A batch of a run's events: lines `first_seq`…`last_seq`, one JSON object a line, never changed. `portal.runs.log_text` reads
    them: they lie here, or in the object store."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_segments")
    attempt_number = models.PositiveIntegerField()
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField()
    lines = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    """The object that has the lines, where they do not lie here."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["first_seq"]
        constraints = [models.UniqueConstraint(fields=["run", "first_seq"], name="one_segment_per_seq")]
        indexes = [models.Index(fields=["run"], condition=models.Q(sha256=""), name="segments_in_the_database")]


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

    @classmethod
    def add(cls, task: str, argument: str) -> OutboxMessage:
        """Writes the row in the caller's transaction and sends it once that has committed."""
        message = cls.objects.create(task=task, argument=argument)
        transaction.on_commit(message.send)
        return message

    def send(self) -> bool:
        """Hands the message to the broker; False when that is not to be reached (the relay tries again)."""
        if not doorbell.ring(self.task, self.argument):
            return False
        OutboxMessage.objects.filter(pk=self.pk).update(sent_at=database_now())
        return True


class DatabaseTable(models.Model):
    """A table of a database in which runs of an environment publish: what lies there, as far as Sluice knows, and what is kept of
    before."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="database_tables")
    connection = models.CharField(max_length=60)
    """Its name: a connection that is made anew under it leads to the same table, if it `lies_at` the same place."""
    name = models.CharField(max_length=400)
    """With its schema, where documents say that; each quoted where that is needed."""
    lies_at = models.CharField(max_length=1000)
    """Where the connection led when a run last published."""
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    """Whose run last published there."""
    last_run_id = models.UUIDField(null=True)
    """The run as whose end left it the table is now; null where what lay there before the first one was put back."""
    published_at = models.DateTimeField()
    kept = models.JSONField(default=list)
    """The earlier state that can be put back: nothing, or one of id, run_id, published_at and rows, as of a place."""

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["environment", "connection", "name"]
        constraints = [models.UniqueConstraint(fields=["environment", "connection", "name"], name="one_table_per_name")]

    def __str__(self) -> str:
        return self.uri

    @property
    def uri(self) -> str:
        """As runs say where they have written."""
        return f"{self.connection}:{self.name}"
