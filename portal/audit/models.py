"""One row per action or refusal, chained by hash."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

SUBJECTS = {
    "user": "person",
    "membership": "role",
    "apitoken": "API token",
    "computeprofile": "compute profile",
    "jobversion": "version",
    "liveversion": "live version",
    "pipelinerun": "pipeline run",
}
"""Model names that are not the words people use."""


class Refused(TypeError):
    """Somebody's code tried to change the audit."""


def _refuse() -> NoReturn:
    raise Refused("An audit event is never changed and never deleted.")


def kind_of(subject: models.Model) -> str:
    """What the subject of an event is called in the record: job, run …"""
    return type(subject).__name__.lower()


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Questions about the audit; the ways to change rows in bulk are closed."""

    def about(self, subject: models.Model) -> AuditQuerySet:
        return self.filter(subject_type=kind_of(subject), subject_id=str(subject.pk))

    def update(self, **changes: Any) -> int:
        _refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        _refuse()

    def bulk_create(self, *args: Any, **options: Any) -> list[AuditEvent]:  # type: ignore[override]
        _refuse()

    def bulk_update(self, *args: Any, **options: Any) -> int:
        _refuse()


class AuditEvent(models.Model):
    """One thing somebody did, or was refused. Never changed, never deleted; triggers in the database hold it too."""

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=150)
    """Kept as text too, so that the record reads the same when an account is renamed. `system` for the scheduler and workers."""
    token_prefix = models.CharField(max_length=16, blank=True)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=36, blank=True)
    action = models.CharField(max_length=60)
    result = models.CharField(max_length=10, choices=[("done", "done"), ("refused", "refused"), ("failed", "failed")])
    project = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=30, blank=True)
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    subject_label = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64, unique=True)
    """Unique, so that the chain cannot fork."""
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["project", "-seq"]),
            models.Index(fields=["subject_type", "subject_id"]),
        ]

    @property
    def subject_words(self) -> str:
        """What kind of thing it was, as people call it."""
        return SUBJECTS.get(self.subject_type, self.subject_type)

    @property
    def action_words(self) -> str:
        return self.action.replace("_", " ")

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            _refuse()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        _refuse()

    def __str__(self) -> str:
        return f"{self.seq} {self.actor_name} {self.action} {self.subject_label} {self.result}"
