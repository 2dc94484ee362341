"""Who may bring and change data by hand: a role is needed, and the environment says which roles may."""

from __future__ import annotations

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.errors import NotAllowed


def may_change(user: User, environment: Environment, action: str = "upload_data") -> bool:
    """`action`: upload_data or change_data."""
    if not policy.can(user, action, environment):
        return False
    here = {role for role, name in policy.roles_of(user, environment.project) if name in ("", environment.name)}
    return bool(here & set(environment.uploaders))


def require_change(user: User, environment: Environment, action: str = "upload_data") -> None:
    """Raises NotAllowed unless `may_change`."""
    if not may_change(user, environment, action):
        raise NotAllowed(action, environment)


def environments_for(user: User, project: Project) -> list[Environment]:
    """Where this person may bring data, the lowest first."""
    return [found for found in project.environments.select_related("project").order_by("rank") if may_change(user, found)]


def who_may(environment: Environment) -> str:
    """In words, for people who may not."""
    if not environment.uploaders:
        return f"Nobody brings data to {environment.name} by hand; an environment admin can say who may."
    return f"In {environment.name}, {' and '.join(f'{role}s' for role in environment.uploaders)} may bring data."
