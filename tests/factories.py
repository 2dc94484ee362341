"""Rows for tests, made plainly: what a test does not name gets a sensible value."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.environments.models import ComputeProfile, Environment
from portal.jobs import documents
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.runs.models import Run

DOCUMENT: dict[str, Any] = {
    "stages": [
        {
            "type": "DelimitedExtract",
            "name": "flights",
            "environments": ["dev", "test", "prod"],
            "inputURI": "raw/flights.csv",
            "outputView": "flights",
            "header": True,
        },
        {
            "type": "SQLTransform",
            "name": "by_origin",
            "environments": ["dev", "test", "prod"],
            "sql": "SELECT origin, count(*) AS flights FROM flights GROUP BY origin",
            "outputView": "by_origin",
        },
        {
            "type": "ParquetLoad",
            "name": "write",
            "environments": ["dev", "test", "prod"],
            "inputView": "by_origin",
            "outputURI": "curated/by_origin",
        },
    ]
}
"""A small job that is right: read a file, count, write."""


def make_compute(name: str = "small", **fields: Any) -> ComputeProfile:
    return ComputeProfile.objects.get_or_create(name=name, defaults={"cores": 1, "memory_mb": 1024, **fields})[0]


def make_project(slug: str = "flights", name: str = "", *, compute: ComputeProfile | None = None) -> Project:
    """A project with dev (drafts allowed), test and prod."""
    project = Project.objects.create(slug=slug, name=name or slug.title())
    for rank, environment in enumerate(("dev", "test", "prod")):
        make_environment(project, environment, rank, compute=compute)
    return project


def make_environment(project: Project, name: str, rank: int, *, compute: ComputeProfile | None = None, **fields: Any) -> Environment:
    return Environment.objects.create(
        project=project, name=name, rank=rank, compute=compute or make_compute(), **{"allows_drafts": rank == 0, **fields}
    )


def make_person(username: str, project: Project | None = None, *roles: str, platform_admin: bool = False) -> User:
    """A person with roles in a project: "author" means in every environment, "author@dev" in dev. Has no password; use force_login."""
    user = User.objects.create_user(username, email=f"{username}@sluice.test", first_name=username.title())
    for text in roles:
        role, _, environment = text.partition("@")
        Membership.objects.create(user=user, project=project, role=role, environment=environment)
    if platform_admin:
        Membership.objects.create(user=user, role="platform_admin")
    return user


def make_token(user: User, *scopes: str, **fields: Any) -> str:
    """The text of a new API token; every scope when none is named."""
    from portal.accounts import tokens

    return tokens.issue(user=user, name="test", scopes=list(scopes or ("read", "write", "run")), **fields)[1]


def make_job(project: Project, owner: User, name: str = "daily_delays", **fields: Any) -> Job:
    return Job.objects.create(project=project, name=name, owner=owner, **fields)


def as_text(document: dict[str, Any] | str) -> str:
    return document if isinstance(document, str) else documents.canonical(document)


def make_version(
    job: Job, author: User | None = None, document: dict[str, Any] | str | None = None, *, live_in: tuple[str, ...] = (), **fields: Any
) -> JobVersion:
    """The next version of a job; `live_in` names environments where it becomes the live one."""
    text = as_text(document if document is not None else DOCUMENT)
    last = job.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = JobVersion.objects.create(
        job=job,
        number=last + 1,
        document=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        author=author or job.owner,
        **{"message": f"Version {last + 1}", **fields},
    )
    for name in live_in:
        make_live(version, job.project.environments.get(name=name))
    return version


def make_live(version: JobVersion, environment: Environment, by: User | None = None) -> LiveVersion:
    """Makes a version live without asking anybody."""
    before = LiveVersion.objects.filter(job=version.job, environment=environment).first()
    return LiveVersion.objects.update_or_create(
        job=version.job,
        environment=environment,
        defaults={
            "version": version,
            "previous": before.version if before else None,
            "since": timezone.now(),
            "set_by": by or version.author,
        },
    )[0]


def make_run(version: JobVersion, environment: Environment, state: str = "queued", *, minutes_ago: float = 0, **fields: Any) -> Run:
    """A run of a version as it would be in `state`, asked for `minutes_ago`; finished ones took 30 seconds."""
    began = timezone.now() - timedelta(minutes=minutes_ago)
    values: dict[str, Any] = {
        "project": version.job.project,
        "job": version.job,
        "version": version,
        "environment": environment,
        "document": version.document,
        "document_sha256": version.sha256,
        "requested_by": version.author,
        "state": state,
        **_moments(state, began),
        **fields,
    }
    run = Run.objects.create(**values)
    Run.objects.filter(pk=run.pk).update(created_at=began)
    run.created_at = began
    return run


def _moments(state: str, began: Any) -> dict[str, Any]:
    from portal.runs.models import FINAL_STATES

    moments: dict[str, Any] = {"queued_at": began}
    if state not in ("created", "queued"):
        moments["started_at"] = began
    if state in FINAL_STATES:
        moments["finished_at"] = began + timedelta(seconds=30)
    return moments
