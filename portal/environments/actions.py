"""What people do with projects, environments and compute profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.accounts.models import Membership, Project, Role, User, slug_validator
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments import parameters as values
from portal.environments import secrets
from portal.environments.models import UPLOAD_ROLES, ComputeProfile, Environment
from portal.errors import Conflict, PortalError
from portal.locking import require_seen

ENVIRONMENTS = ("dev", "test", "prod")
"""What a new project has. Drafts run in the first only."""
MOST_APPROVALS = 3
INSTEAD = "Set it as a secret of this environment instead: that is never shown."
LIMITS = {"cores": (1, 64), "memory_mb": (512, 262_144), "shuffle_partitions": (1, 10_000), "time_limit_minutes": (1, 7 * 24 * 60)}
"""Least and most of each figure of a compute profile."""


def create_project(*, actor: User, slug: str, name: str, description: str = "", as_author: bool = False) -> Project:
    """A project with dev, test and prod, and in it whoever makes it: as environment admin, which gives no right to data, and
    `as_author`, where they say so. Later nobody changes their own roles; now there is nothing yet that they could be about."""
    require(actor, "manage_platform")
    _check_slug(slug)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, name=name[:100], description=description[:300])
            for rank, environment in enumerate(ENVIRONMENTS):
                Environment.objects.create(project=project, name=environment, rank=rank, allows_drafts=rank == 0, compute=_first_profile())
            roles = [Role.ENVIRONMENT_ADMIN, *([Role.AUTHOR] if as_author else [])]
            Membership.objects.bulk_create(Membership(project=project, user=actor, role=role, environment="") for role in roles)
            record(action="create_project", actor=actor, subject=project, environments=ENVIRONMENTS, roles_of_maker=roles)
    except IntegrityError:
        raise Conflict(f"There is a project “{slug}” already.", code="name-taken", fix="Choose another name.") from None
    return project


def edit_environment(
    *,
    actor: User,
    environment: Environment,
    parameters: Mapping[str, Any],
    compute: ComputeProfile,
    approvals_needed: int,
    upload_roles: Sequence[str] | None = None,
    edition: str = "",
) -> Environment:
    """Runs that begin from now on see it; runs under way keep what they began with. `edition` is the one the actor saw, empty where they do
    not say; raises Conflict when somebody has changed it since."""
    require(actor, "manage_environment", environment)
    if not 1 <= approvals_needed <= MOST_APPROVALS:
        raise PortalError(f"Approvals are from 1 to {MOST_APPROVALS}.", code="bad-approvals")
    if upload_roles is not None and set(upload_roles) - set(UPLOAD_ROLES):
        raise PortalError(f"Who may bring data can be: {', '.join(UPLOAD_ROLES)}.", code="bad-upload-roles")
    checked = values.check(parameters)
    secrets.require_no_credentials({name: value for name, value in checked.items() if environment.parameters.get(name) != value}, INSTEAD)
    with transaction.atomic():
        locked = Environment.objects.select_for_update().select_related("compute").get(pk=environment.pk)
        require_seen(edition, locked.edition, locked.name)
        _require_free_names(locked, checked)
        before = _summary(locked)
        if approvals_needed != locked.approvals_needed or (upload_roles is not None and set(upload_roles) != set(locked.uploaders)):
            require(actor, "change_rules", environment)
        locked.parameters, locked.compute, locked.approvals_needed = checked, compute, approvals_needed
        if upload_roles is not None:
            locked.upload_roles = sorted(set(upload_roles))
        locked.save(update_fields=["parameters", "compute", "approvals_needed", "upload_roles"])
        record(action="edit_environment", actor=actor, subject=locked, before=before, after=_summary(locked))
    return locked


def save_compute_profile(*, actor: User, name: str, **figures: int) -> ComputeProfile:
    """Makes the profile of this name, or changes it for every environment that uses it."""
    require(actor, "manage_platform")
    _check_slug(name)
    for figure, value in figures.items():
        least, most = LIMITS[figure]
        if not least <= value <= most:
            raise PortalError(
                f"{figure.replace('_', ' ').capitalize()} must be from {least:,} to {most:,}; it is {value:,}.", code="bad-compute"
            )
    with transaction.atomic():
        before = ComputeProfile.objects.filter(name=name).values(*LIMITS).first()
        profile, _ = ComputeProfile.objects.update_or_create(name=name, defaults=figures)
        record(action="save_compute_profile", actor=actor, subject=profile, before=before, after=figures)
    return profile


def _require_free_names(environment: Environment, parameters: Mapping[str, Any]) -> None:
    taken = sorted(parameters.keys() & set(secrets.names_in(environment)))
    if taken:
        message = f"“{taken[0]}” is a secret of {environment.name} already."
        problem = {"code": "environment-parameter", "field": taken[0], "message": message}
        raise PortalError(message, code="bad-parameters", status=422, fix="Choose another name, or remove the secret.", problems=[problem])


def _summary(environment: Environment) -> dict[str, Any]:
    return {
        "parameters": environment.parameters,
        "compute": environment.compute.name,
        "approvals_needed": environment.approvals_needed,
        "upload_roles": environment.uploaders,
    }


def _first_profile() -> ComputeProfile:
    return ComputeProfile.objects.order_by("pk").first() or ComputeProfile.objects.create(name="small")


def _check_slug(slug: str) -> None:
    try:
        slug_validator(slug)
    except ValidationError as wrong:
        raise PortalError(" ".join(wrong.messages), code="bad-name") from None
