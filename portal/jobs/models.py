"""Jobs, drafts, versions, live versions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Cast
from django.utils import timezone

from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.environments.mounts import OF_FOLDERS
from portal.locking import edition_of

name_validator = RegexValidator(r"^[a-z][a-z0-9_]{0,79}$", "Use small letters, digits and _; begin with a letter.")
tag_validator = RegexValidator(r"^[a-z0-9][a-z0-9_-]{0,39}$", "A tag is of small letters, digits, - and _.")


class JobQuerySet(models.QuerySet["Job"]):
    """Questions about jobs."""

    def open(self) -> JobQuerySet:
        """Not archived."""
        return self.filter(archived_at=None)

    def mentioning(self, words: str) -> JobQuerySet:
        """Every word is in the name, the description, a tag, or the latest document (SQL, columns, views, files)."""
        found = self.annotate(tag_text=Cast("tags", models.TextField()))
        for word in words.split():
            found = found.filter(
                models.Q(name__icontains=word)
                | models.Q(description__icontains=word)
                | models.Q(tag_text__icontains=word)
                | models.Q(latest_version__document__icontains=word)
            )
        return found

    def tagged(self, tag: str) -> JobQuerySet:
        return self.annotate(tag_text=Cast("tags", models.TextField())).filter(tag_text__contains=f'"{tag}"')

    def last_run_in(self, states: Iterable[str]) -> JobQuerySet:
        """Jobs whose newest run, in any environment, is in one of these states."""
        newest = Job.objects.filter(pk=models.OuterRef("pk")).order_by("-runs__created_at").values("runs__state")[:1]
        found: Any = self.annotate(last_run_state=models.Subquery(newest))
        return found.filter(last_run_state__in=list(states))


class Job(models.Model):
    """A named list of stages that people edit, version, promote and run."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    name = models.CharField(max_length=80, validators=[name_validator])
    description = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    tags = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)
    runs_at_once = models.PositiveSmallIntegerField(default=1)
    """How many runs of this job may work at a time in one environment; the others wait, so that two never write one place together."""
    latest_version = models.ForeignKey("JobVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    """The version with the highest number; kept by `JobVersion.save`, so that a list of jobs needs no look at all versions."""

    objects = JobQuerySet.as_manager()

    access_project = "project"
    access_environment: str | None = None

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_job_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def edition(self) -> str:
        """Another one as soon as somebody changes what is said about the job."""
        return edition_of(self.description, self.tags, self.owner_id, self.runs_at_once)


class JobVersion(models.Model):
    """An immutable document of a job. What runs outside drafts is always one of these."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.TextField()
    """The exact text (canonical JSON) whose sha256 is below; also in the object store under that sha."""
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=300, blank=True)
    restored_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "job__project"
    access_environment: str | None = None

    class Meta:
        ordering = ["job", "-number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_version_per_number")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("A version never changes; save a new one.")
        super().save(*args, **kwargs)
        Job.objects.filter(pk=self.job_id).update(latest_version=self)
        self.job.latest_version = self

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("A version is never deleted.")

    def __str__(self) -> str:
        return f"{self.job.name} v{self.number}"


class DraftQuerySet(models.QuerySet["Draft"]):
    """Questions about drafts."""

    def touched_within(self, seconds: int) -> DraftQuerySet:
        """Drafts that somebody wrote in a moment ago: these people are there."""
        return self.filter(updated_at__gte=timezone.now() - timedelta(seconds=seconds))


class Draft(models.Model):
    """One person's unsaved work on a job. Never overwritten by anybody else's."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    document = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    """Counts saves; an autosave that names an older revision is a conflict (two windows of one person)."""
    base_version = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="+")
    """The version this draft started from; when a newer one exists at save, the person merges."""
    updated_at = models.DateTimeField(auto_now=True)

    objects = DraftQuerySet.as_manager()

    access_project = "job__project"
    access_environment: str | None = None

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "user"], name="one_draft_per_person")]


class EndedDrafts(models.Model):
    """How many drafts one person has ended on a job, by saving a version or throwing the draft away. A window names the number it knew, so
    that what it sends late, from before the end, does not bring the draft back."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "user"], name="one_count_of_drafts_per_person")]


class LiveVersion(models.Model):
    """Which version of a job is live in an environment: a pointer that promotion moves."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="live_versions")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="live_versions")
    version = models.ForeignKey(JobVersion, on_delete=models.PROTECT, related_name="+")
    previous = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="+")
    """What going back makes live again."""
    since = models.DateTimeField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    access_project = "job__project"
    access_environment = "environment__name"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "environment"], name="one_live_version_per_environment")]


class PlaceQuerySet(models.QuerySet["Place"]):
    """Questions about places."""

    def meeting(self, key: str) -> PlaceQuerySet:
        """Places on, above or below the place with this key (`Place.key`)."""
        above = [key[:end] for end, sign in enumerate(key) if sign == "/"]
        return self.filter(models.Q(key__in=[key, *above]) | models.Q(key__startswith=f"{key}/"))


class Place(models.Model):
    """A file or folder in a root of an environment that belongs to somebody: to the job that publishes it, or, uploaded, to the project."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="places")
    uri = models.CharField(max_length=600)
    """In the one way that places are written (`executor.language.roots.Located`): `curated/daily`, `archive:2013/daily`."""
    lies_at = models.CharField(max_length=1000, blank=True)
    """Where its root lay when it was published or taken over; empty for the environment's own folder. A root that leads elsewhere by now
    leads to data that its owner has not published."""
    key = models.CharField(max_length=600)
    """The uri as places are compared: capital and small letters are one, so that two places never differ in them alone."""
    owner = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="places")
    """The one job that publishes here. Null: uploaded, or its job was deleted."""
    since = models.DateTimeField(default=timezone.now)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    """Who uploaded it, or gave it to its present owner; null where a first publish did."""
    may_replace = models.BooleanField(default=False)
    """Somebody has said that its owner may replace what lies there, whatever it is. Until the next publish."""
    last_run_id = models.UUIDField(null=True)
    """The run that published what lies there now; null for uploads."""
    published_at = models.DateTimeField(null=True)
    kept = models.JSONField(default=list)
    """Earlier outputs that are kept beside it, the newest first; see `portal.runs.published`."""
    file_list = models.CharField(max_length=10, blank=True)
    """Whether the list of its files for other programs is as the output is (`current`), or is not (`behind`); empty where there is none."""

    objects = PlaceQuerySet.as_manager()

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["environment", "uri"]
        constraints = [models.UniqueConstraint(fields=["environment", "key"], name="one_place_per_key")]

    def move_to(self, lies_at: str) -> None:
        """Its root leads elsewhere by now: nothing that runs have published lies there. To be saved."""
        self.lies_at, self.kept, self.last_run_id, self.published_at, self.file_list = lies_at, [], None, None, ""

    @property
    def is_in_a_folder(self) -> bool:
        """Whether it was published in a folder of this machine, of which no catalog can tell the address."""
        return not self.lies_at or self.lies_at.startswith(OF_FOLDERS)

    def __str__(self) -> str:
        return self.uri
