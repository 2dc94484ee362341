"""Rules, channels, alerts and deliveries."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import allowed
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.runs.models import Run

FAILED, LATE = "failed", "late"
EVENTS = [(FAILED, "failed"), (LATE, "late")]
KINDS = [("email", "e-mail"), ("webhook", "webhook")]


class Channel(models.Model):
    """Where alerts of a project go besides the owner's mail: an address or a webhook."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=KINDS)
    target = models.CharField(max_length=500)
    encrypted_secret = models.TextField(blank=True)
    """Signing key of a webhook, sealed by environments.vault. Never shown again."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "project"
    access_environment: str | None = None

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_channel_per_name")]

    def pause(self, paused: bool) -> None:
        self.paused_at = timezone.now() if paused else None
        self.save(update_fields=["paused_at"])

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """When to tell: a run failed, or is late (takes or waits longer than its SLA)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="alert_rules")
    """Null: every job of the project."""
    environment = models.ForeignKey(Environment, null=True, on_delete=models.CASCADE, related_name="+")
    """Null: every environment."""
    event = models.CharField(max_length=8, choices=EVENTS)
    minutes = models.PositiveIntegerField(null=True)
    """For late: finished this long after it was asked for, at most."""
    channels = models.ManyToManyField(Channel, blank=True, related_name="rules")
    tell_owner = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    """The rule every project has: a failed run tells the job's owner. It can be paused, not deleted."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "project"
    access_environment = None

    class Meta:
        ordering = ["-is_default", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=models.Q(is_default=True), name="one_default_rule"),
            models.CheckConstraint(condition=models.Q(event=FAILED) | models.Q(minutes__gt=0), name="late_has_minutes"),
        ]

    def matches(self, run: Run) -> bool:
        return self.paused_at is None and self.job_id in {None, run.job_id} and self.environment_id in {None, run.environment_id}

    def pause(self, paused: bool) -> None:
        self.paused_at = timezone.now() if paused else None
        self.save(update_fields=["paused_at"])

    def __str__(self) -> str:
        job = self.job.name if self.job else "any job"
        where = f" in {self.environment.name}" if self.environment else ""
        return f"{job} {self.event}{where}" if self.event == FAILED else f"{job} later than {self.minutes} min{where}"


class AlertState(models.TextChoices):
    OPEN = "open", "open"
    ACKNOWLEDGED = "acknowledged", "acknowledged"
    RESOLVED = "resolved", "resolved"


class AlertQuerySet(models.QuerySet["Alert"]):
    """Questions about alerts."""

    def open_for(self, user: User) -> AlertQuerySet:
        """Open ones this person may see (the number on the bell)."""
        return allowed(user, "view", self.filter(state=AlertState.OPEN))  # type: ignore[return-value]


class Alert(models.Model):
    """Something people were told about. At most one per run and event."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="alerts")
    event = models.CharField(max_length=8, choices=EVENTS)
    title = models.CharField(max_length=300)
    body = models.TextField()
    """What happened, in plain words, without any value of the data."""
    state = models.CharField(max_length=12, choices=AlertState.choices, default=AlertState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = AlertQuerySet.as_manager()

    access_project = "project"
    access_environment = "run__environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["project", "state", "-created_at"])]
        constraints = [models.UniqueConstraint(fields=["run", "event"], name="one_alert_per_run_and_event")]

    def acknowledge(self, by: User) -> None:
        self.state, self.acknowledged_at, self.acknowledged_by = AlertState.ACKNOWLEDGED, timezone.now(), by
        self.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])

    def resolve(self, by: User) -> None:
        self.state, self.resolved_at, self.resolved_by = AlertState.RESOLVED, timezone.now(), by
        self.save(update_fields=["state", "resolved_at", "resolved_by"])

    def __str__(self) -> str:
        return self.title


RETRY_AFTER = [timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 3 * 3600)]
"""Wait after the first, second, … failed try; the last one is repeated."""
GIVE_UP_AFTER = timedelta(hours=24)


class Delivery(models.Model):
    """One alert on its way to one address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Also the webhook's message id, the same at every try, so that a receiver can tell repetitions."""
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    """The owner, when it goes to a person; then the text depends on what this person may see."""
    kind = models.CharField(max_length=8, choices=KINDS)
    target = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default="waiting")
    """waiting, delivered or given_up."""
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    next_try_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["state", "next_try_at"])]
        constraints = [models.UniqueConstraint(fields=["alert", "kind", "target"], name="one_delivery_per_target")]

    def claim(self, now: datetime) -> bool:
        """Takes this try; False when another process was quicker. Also sets when to try again should this process die."""
        wait = RETRY_AFTER[min(self.attempts, len(RETRY_AFTER) - 1)]
        mine = Delivery.objects.filter(pk=self.pk, state="waiting", attempts=self.attempts, next_try_at__lte=now)
        if not mine.update(attempts=self.attempts + 1, next_try_at=now + wait):
            return False
        self.attempts, self.next_try_at = self.attempts + 1, now + wait
        return True

    def delivered(self) -> None:
        self.state, self.delivered_at, self.last_error = "delivered", timezone.now(), ""
        self.save(update_fields=["state", "delivered_at", "last_error"])

    def failed(self, why: str, *, for_good: bool = False) -> None:
        """Tried in vain. Given up after 24 hours, or at once when trying again cannot help."""
        if for_good or timezone.now() >= self.created_at + GIVE_UP_AFTER:
            self.state = "given_up"
        self.last_error = why[:300]
        self.save(update_fields=["state", "last_error"])
