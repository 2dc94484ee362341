"""First steps: what this person's roles let them do, ticked off by what is in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.audit.models import AuditEvent
from portal.data.models import FileVersion
from portal.data.rights import environments_for
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.promotions.models import Approval, Promotion
from portal.runs.models import GOOD_STATES, Run


@dataclass(frozen=True)
class Step:
    """One thing to try; `url` is where it is done."""

    title: str
    url: str
    is_done: bool


@dataclass(frozen=True)
class _Kind:
    action: str
    """Who may do this is shown the step."""
    title: str
    place: str
    is_done: Callable[[User, Project], bool]


MOST = 7
KINDS = [
    _Kind(
        "upload_data",
        "Bring a file",
        "data:home",
        lambda user, project: FileVersion.objects.filter(environment__project=project, brought_by=user).exists(),
    ),
    _Kind("create_job", "Make a job", "jobs:list", lambda user, project: Job.objects.filter(project=project, owner=user).exists()),
    _Kind("preview", "Preview a stage", "jobs:list", lambda user, project: _did(user, project, "preview")),
    _Kind(
        "save_version",
        "Save a version",
        "jobs:list",
        lambda user, project: JobVersion.objects.filter(job__project=project, author=user).exists(),
    ),
    _Kind(
        "start_run",
        "Run it to green",
        "jobs:list",
        lambda user, project: Run.objects.filter(project=project, requested_by=user, state__in=GOOD_STATES).exists(),
    ),
    _Kind(
        "request_promotion",
        "Ask for promotion",
        "jobs:list",
        lambda user, project: Promotion.objects.filter(job__project=project, requested_by=user).exists(),
    ),
    _Kind(
        "request_promotion",
        "See your version live in the next environment",
        "promotions:list",
        lambda user, project: _is_live(user, project),
    ),
    _Kind(
        "approve_promotion",
        "Decide on a promotion",
        "promotions:list",
        lambda user, project: Approval.objects.filter(promotion__job__project=project, approver=user).exists(),
    ),
    _Kind("acknowledge_alert", "Acknowledge an alert", "alerts:list", lambda user, project: _did(user, project, "acknowledge_alert")),
    _Kind("manage_members", "Give somebody a role", "accounts:people", lambda user, project: _did(user, project, "add_member")),
    _Kind(
        "manage_environment",
        "Set up an environment",
        "environments:list",
        lambda user, project: _did(user, project, "edit_environment"),
    ),
]


def steps_of(user: User, project: Project) -> list[Step]:
    """The first few; empty for people who may only look."""
    allowed = [kind for kind in KINDS if policy.can(user, kind.action, project)]
    return [Step(kind.title, reverse(kind.place, kwargs={"project": project.slug}), kind.is_done(user, project)) for kind in allowed[:MOST]]


def where_to_begin(user: User, project: Project) -> str:
    """The page where this person brings the first file of a project in which nobody has made a job yet; empty where that is not so."""
    if Job.objects.filter(project=project).exists() or not policy.can(user, "create_job", project):
        return ""
    places = environments_for(user, project)
    return reverse("data:list", args=[project.slug, places[0].name]) if places else ""


def _did(user: User, project: Project, action: str) -> bool:
    return AuditEvent.objects.filter(actor=user, project=project.slug, action=action, result="done").exists()


def _is_live(user: User, project: Project) -> bool:
    return LiveVersion.objects.filter(job__project=project, version__author=user, environment__rank__gt=0).exists()
