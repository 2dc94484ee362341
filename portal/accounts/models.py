"""People, projects, memberships and API tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

slug_validator = RegexValidator(r"^[a-z][a-z0-9_-]{0,59}$", "Use small letters, digits, - and _; begin with a letter.")


class User(AbstractUser):
    """A person who can sign in. Rights come from memberships only; is_staff and is_superuser give none."""

    about = models.CharField(max_length=200, blank=True)
    """One line shown beside the name (for instance on the demo's sign-in page)."""
    is_demo = models.BooleanField(default=False)
    has_first_password = models.BooleanField(default=False)
    """Somebody else knows the password: nothing is shown before a password of one's own is chosen."""

    @property
    def shown_name(self) -> str:
        return self.first_name or self.username


class Project(models.Model):
    """A space of jobs, runs and data that a group of people shares."""

    slug = models.CharField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = ""
    """Path from this model to its project, for the policy ("" = itself)."""
    access_environment: str | None = None

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    DATA_VIEWER = "data_viewer", "Data viewer"
    AUTHOR = "author", "Author"
    OPERATOR = "operator", "Operator"
    APPROVER = "approver", "Approver"
    ENVIRONMENT_ADMIN = "environment_admin", "Environment admin"
    AUDITOR = "auditor", "Auditor"
    PLATFORM_ADMIN = "platform_admin", "Platform admin"


class Membership(models.Model):
    """A role of a person in a project, in one environment or in all of them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="memberships")
    """Null only for platform admins, whose role stands outside projects."""
    environment = models.CharField(max_length=30, blank=True)
    """An environment's name; empty means every environment of the project."""
    role = models.CharField(max_length=20, choices=Role.choices)

    access_project = "project"
    access_environment = "environment"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project", "environment", "role"], name="one_membership_each"),
            models.CheckConstraint(
                condition=models.Q(project__isnull=False) | models.Q(role="platform_admin"), name="only_platform_admins_without_project"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} in {self.environment or 'every environment'}"


class ApiToken(models.Model):
    """A key for programs. Only its hash is kept; it expires; it can do at most what its owner can, limited to its scopes."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    """Any of read, write, run. Approving is never possible with a token."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        return "revoked" if self.revoked_at else "expired" if self.expires_at <= timezone.now() else "active"

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SignInFailure(models.Model):
    """A sign-in that failed a moment ago, kept so that guessing passwords is slow."""

    who = models.CharField(max_length=64)
    """A hash of the name that was typed and the address it came from; people type passwords into the wrong field."""
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["who", "at"])]


class IdempotentAnswer(models.Model):
    """The answer already given to a request with the same Idempotency-Key."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    key = models.CharField(max_length=100)
    endpoint = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "endpoint", "key"], name="one_answer_per_key")]
