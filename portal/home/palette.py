"""The command palette: jobs, runs, pipelines, pages and actions by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.urls import reverse

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.jobs.models import Job
from portal.pipelines.models import Pipeline
from portal.runs.models import Run
from portal.ui.words import short_id

MOST = 8

PAGES = [
    ("create_job", "New job", "plus", "jobs:create"),
    ("create_job", "Import a job", "file-import", "jobs:import"),
    ("view", "Data", "table", "data:home"),
    ("view_data", "Query the data", "code", "queries:home"),
    ("upload_data", "Upload a file", "upload", "data:home"),
    ("edit_pipeline", "New pipeline", "sitemap", "pipelines:create"),
    ("manage_channels", "Alert channels", "send", "alerts:channels"),
    ("view", "People and roles", "users", "accounts:people"),
    ("view", "Environments", "server", "environments:list"),
]
"""Action it needs, title, icon, page; pages of the project."""


def items(user: User, project: Project | None, text: str) -> list[dict[str, str]]:
    """{title, detail, url, icon, group} of whatever has `text` in its name; everything recent when it is empty."""
    found: list[dict[str, str]] = []
    if project is not None:
        found += [*_jobs(user, project, text), *_pipelines(user, project, text), *_runs(user, project, text), *_pages(user, project, text)]
    if text in "new project" and policy.can(user, "manage_platform"):
        found.append(_item("New project", "", reverse("environments:create_project"), "building", "Actions"))
    if text in "api tokens account password":
        found.append(_item("Your account and tokens", "", reverse("accounts:tokens"), "key", "Actions"))
    return found


def _item(title: str, detail: str, url: str, icon: str, group: str) -> dict[str, str]:
    return {"title": title, "detail": detail, "url": url, "icon": icon, "group": group}


def _jobs(user: User, project: Project, text: str) -> Iterator[dict[str, str]]:
    rows = Job.objects.filter(project=project, archived_at=None)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(description__icontains=text))
    may_edit = policy.can(user, "edit_job", project)
    for job in policy.allowed(user, "view", rows)[:MOST]:
        yield _item(job.name, job.description, reverse("jobs:job", args=[project.slug, job.name]), "stack-2", "Jobs")
        if text and may_edit:
            yield _item(f"Edit {job.name}", "", reverse("jobs:edit", args=[project.slug, job.name]), "pencil", "Actions")


def _pipelines(user: User, project: Project, text: str) -> Iterator[dict[str, str]]:
    rows = policy.allowed(user, "view", Pipeline.objects.filter(project=project, name__icontains=text))
    for pipeline in rows[:MOST]:
        yield _item(
            pipeline.name, pipeline.description, reverse("pipelines:pipeline", args=[project.slug, pipeline.name]), "sitemap", "Pipelines"
        )


def _runs(user: User, project: Project, text: str) -> Iterator[dict[str, str]]:
    """By the job's name or the begin of the run's id."""
    named: Any = Q(job__name__icontains=text) | Q(pk__in=_ids_that_begin(project, text)) if text else Q()
    rows = (
        policy.allowed(user, "view", Run.objects.filter(named, project=project))
        .select_related("job", "environment")
        .order_by("-created_at")
    )
    for run in rows[: MOST // 2]:
        detail = f"{run.get_state_display()} in {run.environment.name}"
        yield _item(f"{run.job.name} {short_id(run.pk)}", detail, reverse("runs:run", args=[project.slug, run.pk]), "player-play", "Runs")


def _ids_that_begin(project: Project, text: str) -> list[Any]:
    """Runs whose id begins with `text`: a range of UUIDs, which every database can look up in the index."""
    digits = text.replace("-", "").lower()
    if not digits or len(digits) > 32 or set(digits) - set("0123456789abcdef"):
        return []
    low, high = digits.ljust(32, "0"), digits.ljust(32, "f")
    return list(Run.objects.filter(project=project, pk__gte=low, pk__lte=high).values_list("pk", flat=True)[:MOST])


def _pages(user: User, project: Project, text: str) -> Iterator[dict[str, str]]:
    for action, title, icon, name in PAGES:
        if text in title.lower() and policy.can(user, action, project):
            yield _item(title, "", reverse(name, args=[project.slug]), icon, "Actions")
