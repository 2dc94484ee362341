"""Rules, channels, alerts and deliveries."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.runs.models import Run


class Channel(models.Model):
    """Where alerts of a project go besides the owner's mail: an address or a webhook."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=[("email", "e-mail"), ("webhook", "webhook")])
    target = models.CharField(max_length=500)
    encrypted_secret = models.TextField(blank=True)
    """Signing key of a webhook, sealed by environments.vault. Never shown again."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "project"
    access_environment: str | None = None

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_channel_per_name")]


class Rule(models.Model):
    """When to tell: a run failed, or is late (takes or waits longer than its SLA)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="alert_rules")
    """Null: every job of the project."""
    environment = models.ForeignKey(Environment, null=True, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=8, choices=[("failed", "failed"), ("late", "late")])
    minutes = models.PositiveIntegerField(null=True)
    """For late: finished this long after it was asked for, at most."""
    channels = models.ManyToManyField(Channel, blank=True)
    tell_owner = models.BooleanField(default=True)

    access_project = "project"
    access_environment: str | None = None


class Alert(models.Model):
    """Something people were told about. At most one per run and event."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="alerts")
    event = models.CharField(max_length=8)
    title = models.CharField(max_length=300)
    body = models.TextField()
    state = models.CharField(max_length=12, default="open")
    """open, acknowledged or resolved."""
    created_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    access_project = "project"
    access_environment = "run__environment__name"

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["run", "event"], name="one_alert_per_run_and_event")]


class Delivery(models.Model):
    """One alert on its way to one address."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=8)
    target = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default="waiting")
    """waiting, delivered or given_up."""
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "kind", "target"], name="one_delivery_per_target")]
