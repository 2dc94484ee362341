"""Environments and the compute they run on."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils import timezone

from executor.language import roots
from portal.accounts.models import Project, User, slug_validator
from portal.locking import edition_of


class ComputeProfile(models.Model):
    """How much machine a run gets."""

    name = models.CharField(max_length=60, unique=True, validators=[slug_validator])
    cores = models.PositiveSmallIntegerField(default=2)
    memory_mb = models.PositiveIntegerField(default=1024)
    shuffle_partitions = models.PositiveIntegerField(default=4)
    time_limit_minutes = models.PositiveIntegerField(default=60)
    """A run that takes longer ends as timed_out."""

    def __str__(self) -> str:
        return self.name


UPLOAD_ROLES = ("author", "operator")
"""Who may be allowed to change data by hand in an environment."""


class Environment(models.Model):
    """One step on the way from dev to prod, with its own data, parameters and rules."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=30, validators=[slug_validator])
    rank = models.PositiveSmallIntegerField()
    """Promotion goes from rank to rank, none is skipped. The lowest is where authors work."""
    allows_drafts = models.BooleanField(default=False)
    """Drafts may run and be previewed here. Never true above the lowest rank."""
    approvals_needed = models.PositiveSmallIntegerField(default=1)
    parameters = models.JSONField(default=dict)
    """Values of job parameters that are the same for every job here: name → value."""
    upload_roles = models.JSONField(null=True)
    """Roles whose people may bring, replace, rename and delete data here: some of UPLOAD_ROLES. Null: nobody has said; see `uploaders`."""
    compute = models.ForeignKey(ComputeProfile, on_delete=models.PROTECT)

    access_project = "project"
    access_environment = "name"

    class Meta:
        ordering = ["project", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_environment_per_name"),
            models.UniqueConstraint(fields=["project", "rank"], name="one_environment_per_rank"),
            models.CheckConstraint(condition=models.Q(allows_drafts=False) | models.Q(rank=0), name="drafts_only_in_the_lowest"),
        ]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        """A new one has the root that every document may mean: its own folder."""
        is_new = self._state.adding
        super().save(*args, **options)
        if is_new:
            Root.objects.create(environment=self, name=roots.DEFAULT, may_write=True)

    @property
    def edition(self) -> str:
        """Another one after each change of its rules."""
        return edition_of(self.parameters, self.compute_id, self.approvals_needed, self.uploaders)

    @property
    def is_protected(self) -> bool:
        """Whether only approved versions run here, behind the whole wall, with secrets and data of its own. All but the lowest are."""
        return self.rank > 0

    @property
    def uploaders(self) -> list[str]:
        """Roles that bring data here. Where nobody has said: authors where they work, and elsewhere none."""
        if self.upload_roles is not None:
            return list(self.upload_roles)
        return [] if self.is_protected else ["author"]


class Secret(models.Model):
    """A value that jobs sign in with: sealed, never shown, handed to executors of jobs that declare it."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=100)
    sealed = models.TextField()
    """By `environments.vault`, for this environment and name; nothing, where it lies elsewhere."""
    reference = models.JSONField(null=True)
    """Where it lies outside of Sluice, in names: backend, path, fields ("value" → field there). Null: it is in `sealed`."""
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_secret_per_name")]

    def __str__(self) -> str:
        return self.name


class Connection(models.Model):
    """A way to a place outside: what kind it is and where it leads. What it signs in with is in its `versions`."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=30)
    """A key of `executor.connections.CONNECTION_KINDS`."""
    settings = models.JSONField()
    """The fields of its kind that are no secret."""

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_connection_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def edition(self) -> str:
        """Another one after each change of where it leads. A new secret makes none: it is its own version."""
        return edition_of(self.kind, self.settings)

    @property
    def edition_of_test(self) -> str:
        """Another one after each change of what a test of it tries."""
        in_use = [version.number for version in self.versions.all() if version.ends_at is None]
        return edition_of(self.kind, self.settings, in_use, sorted(root.address for root in self.roots.all()))


class ConnectionSecret(models.Model):
    """One version of what a connection signs in with: all of its secret fields, sealed as one. Never shown."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sealed = models.TextField()
    """By `environments.vault`, for this environment, connection and version. Empty once it is forgotten."""
    reference = models.JSONField(null=True)
    """Where it lies outside of Sluice, in names: backend, path, fields (secret field → field there). Null: it is in `sealed`."""
    key_shown = models.CharField(max_length=40)
    """What may be shown so that people know which key it is; empty where nothing may."""
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    """From then on nobody gets it. Null: it is the one in use."""
    used_at = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=200)
    """Who got it last, in words."""

    access_project = "connection__environment__project"
    access_environment = "connection__environment__name"

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "number"], name="one_secret_per_version"),
            models.UniqueConstraint(fields=["connection"], condition=models.Q(ends_at=None), name="one_secret_in_use"),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def has_ended(self) -> bool:
        """Whether nobody gets it any more."""
        return self.ends_at is not None and self.ends_at <= timezone.now()


class LastTest(models.Model):
    """The last test of something as it was saved then."""

    of = models.CharField(max_length=64)
    """What it was a test of: another text after each change of what a test tries."""
    works = models.BooleanField()
    steps = models.JSONField()
    """[{name, state, words, fix, ms}]; state: good, bad or note."""
    ms = models.PositiveIntegerField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return "works" if self.works else "does not work"


class ConnectionTest(LastTest):
    """Of a connection."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="test")

    access_project = "connection__environment__project"
    access_environment = "connection__environment__name"

    @property
    def is_stale(self) -> bool:
        """Whether settings, secret or roots are others by now."""
        return self.of != self.connection.edition_of_test


class Root(models.Model):
    """A name for a place where files lie, so that a document says the name and runs unchanged in every environment."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="roots")
    name = models.CharField(max_length=60)
    connection = models.ForeignKey(Connection, on_delete=models.RESTRICT, null=True, related_name="roots")
    """None: a folder of this machine."""
    address = models.CharField(max_length=600, blank=True)
    """Where on the connection, in the form that its kind stores; the folder of this machine; empty for the environment's own folder."""
    may_write = models.BooleanField(default=False)

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_root_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_default(self) -> bool:
        """Whether documents mean it where they name no root."""
        return self.name == roots.DEFAULT

    @property
    def is_folder(self) -> bool:
        """Whether it lies in a folder of this machine that is not the environment's own."""
        return self.connection_id is None and bool(self.address)

    @property
    def edition(self) -> str:
        """Another one after each change."""
        return edition_of(self.connection_id, self.address, self.may_write)


class RootTest(LastTest):
    """Of a root in a folder of this machine."""

    root = models.OneToOneField(Root, on_delete=models.CASCADE, related_name="test")

    access_project = "root__environment__project"
    access_environment = "root__environment__name"

    @property
    def is_stale(self) -> bool:
        """Whether the root leads elsewhere by now, or jobs may do other things there."""
        return self.of != self.root.edition
