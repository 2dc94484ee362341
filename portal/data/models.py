"""Uploads under way, the versions of files that people brought, and what is known of the tables in a lake."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.environments.models import Environment


class IfThere(models.TextChoices):
    """What happens when the place is taken."""

    ASK = "ask", "ask"
    REPLACE = "replace", "replace it"
    KEEP_BOTH = "keep_both", "keep both"
    NEW_VERSION = "new_version", "a new version of it"


class UploadState(models.TextChoices):
    OPEN = "open", "arriving"
    SENDING = "sending", "being sent to its root"
    FINISHED = "finished", "arrived"
    CANCELLED = "cancelled", "cancelled"


class UploadQuerySet(models.QuerySet["Upload"]):
    """Questions about uploads."""

    def open(self) -> UploadQuerySet:
        return self.filter(state=UploadState.OPEN)

    def sending(self) -> UploadQuerySet:
        return self.filter(state=UploadState.SENDING)

    def under_way(self) -> UploadQuerySet:
        return self.filter(state__in=(UploadState.OPEN, UploadState.SENDING))

    def given_up(self) -> UploadQuerySet:
        """Open, and nobody has sent anything for long."""
        return self.open().filter(touched_at__lt=timezone.now() - timedelta(hours=settings.UPLOAD_KEEP_HOURS))


class Upload(models.Model):
    """One file on its way in. Nobody sees it in the lake before it is finished."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="uploads")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    """What the person calls the file."""
    uri = models.CharField(max_length=1000)
    """Where it will lie; another one when both are kept."""
    lies_at = models.CharField(max_length=1000, blank=True)
    """Where the root led when the upload began (as of a `Place`): who brought the file has seen that place and no other."""
    size = models.PositiveBigIntegerField(null=True)
    """Bytes there will be; null while that is not known (a form sent in one go)."""
    received = models.PositiveBigIntegerField(default=0)
    """Bytes that are safe on disk; sending goes on here."""
    sent = models.PositiveBigIntegerField(default=0)
    """Bytes of it that have gone on to a root on another machine."""
    over = models.UUIDField(null=True)
    """While it is sent there: under which id what lies at its place is kept; null: nothing does."""
    if_there = models.CharField(max_length=12, choices=IfThere.choices, default=IfThere.ASK)
    fingerprint = models.CharField(max_length=200, blank=True)
    """What tells the sender that a file is the same one: an open upload of the same is gone on with."""
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.OPEN)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(default=timezone.now)

    objects = UploadQuerySet.as_manager()

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "touched_at"]), models.Index(fields=["environment", "person", "state"])]

    def __str__(self) -> str:
        return self.uri


class VersionState(models.TextChoices):
    SHOWN = "shown", "shown now"
    KEPT = "kept", "kept"
    BINNED = "binned", "in the bin"
    GONE = "gone", "gone"


UNKNOWN = "?"
"""Where a version is kept that was put away before that was written down."""


class FileVersionQuerySet(models.QuerySet["FileVersion"]):
    """Questions about what was brought, replaced and thrown away."""

    def at(self, environment: Environment, uri: str) -> FileVersionQuerySet:
        return self.filter(environment=environment, uri=uri)

    def shown(self) -> FileVersionQuerySet:
        return self.filter(state=VersionState.SHOWN)

    def can_come_back(self) -> FileVersionQuerySet:
        return self.filter(state__in=(VersionState.KEPT, VersionState.BINNED))

    def outlived(self) -> FileVersionQuerySet:
        """In the bin for longer than is promised."""
        return self.filter(state=VersionState.BINNED, expires_at__lt=timezone.now())


class FileVersion(models.Model):
    """One state of a place in the lake: a file that was uploaded, or whatever was replaced or thrown away there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="file_versions")
    uri = models.CharField(max_length=1000)
    number = models.PositiveIntegerField()
    original_name = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    is_folder = models.BooleanField(default=False)
    brought_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    """Null: it was there before, or a job wrote it."""
    brought_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=VersionState.choices, default=VersionState.SHOWN)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)
    notes = models.JSONField(default=list)
    """Sentences on what became of it when it was unpacked."""
    expires_at = models.DateTimeField(null=True)
    """When what is in the bin is removed for good."""
    kept_at = models.CharField(max_length=700, blank=True, default=UNKNOWN)
    """Where its root led when it was put away, as `places.Storages` says it."""

    objects = FileVersionQuerySet.as_manager()

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["environment", "uri", "-number"]
        indexes = [models.Index(fields=["environment", "uri"]), models.Index(fields=["state", "expires_at"])]

    def __str__(self) -> str:
        return f"{self.uri} v{self.number}"


class TableFacts(models.Model):
    """Columns and rows of a table in the lake as they were last seen; worth something while `stamp` is still that of the files."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    uri = models.CharField(max_length=1000)
    stamp = models.CharField(max_length=60)
    columns = models.JSONField(default=list)
    """[{"name", "type"}] in order."""
    column_words = models.TextField(blank=True)
    """Their names in small letters, one a line, to search in."""
    rows = models.PositiveBigIntegerField(null=True)
    seen_at = models.DateTimeField(auto_now=True)

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "uri"], name="one_set_of_facts_per_table")]

    @classmethod
    def remember(cls, environment: Environment, uri: str, stamp: str, columns: list[dict[str, Any]], rows: int | None) -> None:
        """What a look at the table has shown."""
        kept = [{"name": str(column["name"])[:300], "type": str(column["type"])[:300]} for column in columns if not column.get("internal")]
        words = "\n".join(column["name"].lower() for column in kept)
        found = {"stamp": stamp, "columns": kept, "column_words": words, "rows": rows}
        cls.objects.update_or_create(environment=environment, uri=uri, defaults=found)
