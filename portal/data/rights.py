"""Who may bring and change data by hand: a role is needed, and the environment says which roles may."""

from __future__ import annotations

from portal.accounts import policy
from portal.accounts.models import Membership, Project, Role, User
from portal.environments.models import Environment
from portal.environments.reach import read_only_problem
from portal.errors import NotAllowed


def may_change(user: User, environment: Environment, action: str = "upload_data") -> bool:
    """`action`: upload_data or change_data."""
    if not policy.can(user, action, environment):
        return False
    here = {role for role, name in policy.roles_of(user, environment.project) if name in ("", environment.name)}
    return bool(here & set(environment.uploaders))


def may_change_at(user: User, environment: Environment, uri: str, action: str = "change_data") -> bool:
    """The same of one place: nobody changes anything in a root that is only read."""
    return may_change(user, environment, action) and read_only_problem(environment, uri) is None


def require_change(user: User, environment: Environment, action: str = "upload_data") -> None:
    """Raises NotAllowed unless `may_change`."""
    if not may_change(user, environment, action):
        raise NotAllowed(action, environment)


def environments_for(user: User, project: Project) -> list[Environment]:
    """Where this person may bring data, the lowest first."""
    return [found for found in project.environments.select_related("project").order_by("rank") if may_change(user, found)]


def who_may(environment: Environment) -> str:
    """In words, for people who may not."""
    if environment.uploaders:
        return f"In {environment.name}, {' and '.join(f'{role}s' for role in environment.uploaders)} may bring data."
    here = Membership.objects.filter(project=environment.project_id, role=Role.ENVIRONMENT_ADMIN, environment__in=("", environment.name))
    admins = sorted({membership.user.shown_name for membership in here.filter(user__is_active=True).select_related("user")})
    if admins:
        named = ", ".join(admins[:3])
        return f"Nobody brings data to {environment.name} by hand; an environment admin ({named}) can say who may, in Settings."
    nobody = (
        "Nobody brings data to {} by hand. An environment admin could say who may: there is none yet, and a platform admin gives that role."
    )
    return nobody.format(environment.name)
