"""Promotions and approvals."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.environments.models import Environment
from portal.jobs.models import Job, JobVersion


class Promotion(models.Model):
    """The wish to make a version live in the next environment."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="promotions")
    version = models.ForeignKey(JobVersion, on_delete=models.PROTECT, related_name="promotions")
    sha256 = models.CharField(max_length=64)
    from_environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    to_environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, default="waiting")
    """waiting, live, declined, withdrawn or expired."""
    is_roll_back = models.BooleanField(default=False)
    previous_version = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="+")
    """What was live before this one."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    access_project = "job__project"
    access_environment = "to_environment__name"

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["version", "to_environment"], condition=models.Q(state="waiting"), name="one_waiting_promotion"),
        ]


class Approval(models.Model):
    """One approver's decision on one promotion, bound to the version's sha256."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=8, choices=[("approve", "approve"), ("decline", "decline")])
    note = models.CharField(max_length=1000, blank=True)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["promotion", "approver"], name="one_decision_per_approver")]
