"""What every page's frame shows (the keys are described at the top of templates/base.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from portal import health
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.accounts.people import projects_of
from portal.accounts.views import IN_USE
from portal.alerts.models import Alert
from portal.audit.pages import search
from portal.data import uploads
from portal.jobs.models import Job
from portal.pipelines.models import Pipeline
from portal.promotions.models import Promotion
from portal.runs.models import Run

PLACES = {
    "jobs": "jobs:list",
    "data": "data:home",
    "pipelines": "pipelines:list",
    "runs": "runs:list",
    "promotions": "promotions:list",
    "alerts": "alerts:list",
    "settings": "accounts:settings",
}
"""Key of the place in the navigation → name of its page, which takes the project."""


def navigation(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": {}}
    projects = list(projects_of(user))
    project = project_in_use(request, projects)
    return {
        "nav": {
            "project": project,
            "projects": projects,
            "switch_project_url": reverse("accounts:switch_project"),
            "environment": None,
            "urls": _addresses(user, project),
            "counts": Counts(user, project) if project else {},
            "is_piece": "HX-Request" in request.headers,
            "uploads": lambda: uploads.config(user, project) if project else None,  # asked by the pages that take files only
            "palette_url": reverse("home:palette"),
            "account_url": reverse("accounts:tokens"),
            "sign_out_url": reverse("accounts:sign_out"),
            "degraded": health.banner(),
        }
    }


def project_in_use(request: HttpRequest, projects: list[Project]) -> Project | None:
    """The project of the address, else the one used last, else the first; remembered for pages that name none."""
    match = request.resolver_match
    named = match.kwargs.get("project") if match else None
    wanted = named or request.session.get(IN_USE)
    project = next((project for project in projects if project.slug == wanted), projects[0] if projects else None)
    if project and named == project.slug and request.session.get(IN_USE) != project.slug:
        _remember(request, project)
    return project


def _remember(request: HttpRequest, project: Project) -> None:
    """A page is shown all the same where that cannot be kept: the disk is full, or the session has just ended."""
    request.session[IN_USE] = project.slug
    with suppress(UpdateError):
        request.session.save()
    request.session.modified = False


def _addresses(user: User, project: Project | None) -> dict[str, str]:
    found = {"home": reverse("home:home")}
    if project is not None:
        seen = PLACES if policy.can(user, "view", project) else {"settings": PLACES["settings"]}
        found |= {key: reverse(name, kwargs={"project": project.slug}) for key, name in seen.items()}
        if policy.can(user, "manage_environment", project):
            found["connections"] = reverse("environments:connections_home", kwargs={"project": project.slug})
    if policy.can(user, "manage_platform"):
        found["new_project"] = reverse("environments:create_project")
    if search.may_read(user):
        found["audit"] = reverse("audit:list")
    return found


class Counts(Mapping[str, int]):
    """Key of the place in the navigation → number beside it. Each is asked for when it is first read: a piece of a page shows two."""

    def __init__(self, user: User, project: Project) -> None:
        def mine(rows: QuerySet[Any]) -> int:
            return policy.allowed(user, "view", policy.of_project(rows, project)).count()

        self._asked: dict[str, Callable[[], int]] = {
            "jobs": lambda: mine(Job.objects.filter(archived_at=None)),
            "pipelines": lambda: mine(Pipeline.objects.all()),
            "runs": lambda: mine(Run.objects.active()),
            "promotions": lambda: Promotion.objects.waiting_for(user).filter(job__project=project).count(),
            "alerts": lambda: Alert.objects.unread_by(user).filter(project=project).count(),
        }
        self._known: dict[str, int] = {}

    def __getitem__(self, key: str) -> int:
        if key not in self._known:
            self._known[key] = self._asked[key]()
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._asked)

    def __len__(self) -> int:
        return len(self._asked)
