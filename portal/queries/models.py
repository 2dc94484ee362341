"""Queries that people keep, each version of them, and the queries that a person has run."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.environments.models import Environment


class SavedQueryQuerySet(models.QuerySet["SavedQuery"]):
    """Questions about saved queries."""

    def shown_to(self, user: User) -> models.QuerySet[SavedQuery]:
        """One's own and those that are shared, of projects where the person may see data somewhere: texts of queries hold values of it."""
        return policy.allowed(user, "view_data", self.filter(models.Q(owner=user) | models.Q(is_shared=True)))


class SavedQuery(models.Model):
    """A query under a name. It holds no rows. Only its owner sees it until it is shared, and only the owner changes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_queries")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    is_shared = models.BooleanField(default=False)
    number = models.PositiveIntegerField(default=1)
    """Of its latest version."""
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedQueryQuerySet.as_manager()

    access_project = "project"
    access_environment: str | None = None

    class Meta:
        ordering = ["name", "created_at"]
        constraints = [models.UniqueConstraint(fields=["project", "owner", "name"], name="one_saved_query_per_name")]

    def __str__(self) -> str:
        return self.name


class QueryVersion(models.Model):
    """What a saved query said at one time, and who saved it when."""

    query = models.ForeignKey(SavedQuery, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sql = models.TextField()
    parameters = models.JSONField(default=dict)
    """name → {"type", "value"}; the value is what stands in the form at first."""
    chart = models.JSONField(default=dict)
    """{"kind", "x", "y": [columns], "by"}; empty: rows are shown."""
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    access_project = "query__project"
    access_environment: str | None = None

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["query", "number"], name="one_query_version_per_number")]

    def __str__(self) -> str:
        return f"{self.query} v{self.number}"


class Outcome(models.TextChoices):
    WORKING = "working", "at work"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    STOPPED = "stopped", "stopped"


class PastQuery(models.Model):
    """A query that somebody has run, for that person alone. It holds no rows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sql = models.TextField()
    parameters = models.JSONField(default=dict)
    tables = models.JSONField(default=list)
    """Places that it read."""
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WORKING)
    problem = models.CharField(max_length=80, blank=True)
    """Code of what was wrong; its words may quote values."""
    rows = models.PositiveBigIntegerField(null=True)
    """Rows shown; `is_complete` says whether these were all."""
    is_complete = models.BooleanField(default=False)
    duration_ms = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["person", "environment", "-created_at"], name="past_queries_of_a_person")]

    def __str__(self) -> str:
        return f"{self.person} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def shown(self) -> dict[str, Any]:
        """For the page's list."""
        return {
            "id": str(self.pk),
            "sql": self.sql,
            "parameters": self.parameters,
            "outcome": self.outcome,
            "rows": self.rows,
            "complete": self.is_complete,
            "duration_ms": self.duration_ms,
            "at": self.created_at.isoformat(),
        }
