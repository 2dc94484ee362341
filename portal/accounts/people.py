"""Who is in a project, for the people page, the API and the demo's sign-in buttons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from portal.accounts import policy
from portal.accounts.models import Membership, Project, Role, User

ORDER = {role: place for place, role in enumerate(Role.values)}


@dataclass
class Member:
    """A person and their roles in one project."""

    user: User
    roles: list[Membership] = field(default_factory=list)


def projects_of(user: User) -> QuerySet[Project]:
    """What the project menu holds: projects with a role in them, and all that the person manages."""
    seen = policy.allowed(user, "view", Project.objects.all())
    managed = policy.allowed(user, "manage_members", Project.objects.all())
    return Project.objects.filter(Q(pk__in=seen) | Q(pk__in=managed)).order_by("name")


def project_for_people(user: User, slug: str) -> Project:
    """Members see who else is there; those who manage members need no other role. Raises Http404 or NotAllowed."""
    found = Project.objects.filter(slug=slug).first()
    if found is not None and policy.can(user, "manage_members", found):
        return found
    return policy.find(user, "view", Project.objects.all(), slug=slug)


def members_of(project: Project) -> list[Member]:
    """Everybody with a role, by name; the roles in the order of the role table."""
    found: dict[int, Member] = {}
    rows = Membership.objects.filter(project=project).select_related("user", "project")
    for row in sorted(rows, key=lambda row: (row.user.shown_name.lower(), ORDER[row.role], row.environment)):
        found.setdefault(row.user_id, Member(row.user)).roles.append(row)
    return list(found.values())


def holders_of(role: Role, project: Project, environment: str) -> list[User]:
    """Active people with the role in this environment of the project (or in all of its environments), by name."""
    here = Membership.objects.filter(project=project, role=role, environment__in=["", environment])
    return list(User.objects.filter(pk__in=here.values("user"), is_active=True).order_by("first_name", "username"))


def environments_with(user: User, role: Role, project: Project) -> set[str] | None:
    """Names of the environments in which this person has the role; None means every one."""
    names = set(Membership.objects.filter(user=user, project=project, role=role).values_list("environment", flat=True))
    return None if "" in names else names


def strongest_role(memberships: Iterable[Membership]) -> str:
    """The label of the role that says most about a person; "" without any."""
    strongest = max((row.role for row in memberships), key=lambda role: ORDER[role], default="")
    return Role(strongest).label if strongest else ""


def demo_people() -> list[dict[str, str]]:
    """For the one-click buttons: username, name, role and one line about each."""
    people = User.objects.filter(is_demo=True, is_active=True).prefetch_related("memberships").order_by("pk")
    return [
        {"username": user.username, "name": user.shown_name, "role": strongest_role(user.memberships.all()), "description": user.about}
        for user in people
    ]
