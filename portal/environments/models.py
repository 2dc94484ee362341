"""Environments and the compute they run on."""

from __future__ import annotations

from django.db import models

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
    """By `environments.vault`, for this environment and name."""
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    access_project = "environment__project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_secret_per_name")]

    def __str__(self) -> str:
        return self.name
