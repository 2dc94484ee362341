"""What all pages of jobs need at the door: the project and the job of the address, and the body of a request."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.errors import PortalError
from portal.jobs.models import Job, JobVersion


def person(request: HttpRequest) -> User:
    """The signed-in person; the middleware lets nobody else in."""
    return cast(User, request.user)


def find_project(request: HttpRequest, slug: str) -> Project:
    """The project; unknown and forbidden look alike."""
    return policy.find(person(request), "view", Project.objects.all(), slug=slug)


def find_job(request: HttpRequest, project: str, job: str, action: str = "view") -> Job:
    """The job, for `action`; unknown and forbidden look alike."""
    query = Job.objects.select_related("project", "owner", "latest_version__author").filter(project=find_project(request, project))
    return policy.find(person(request), action, query, name=job)


def find_version(job: Job, number: int) -> JobVersion:
    found = get_object_or_404(job.versions.select_related("author", "restored_from"), number=number)
    found.job = job
    return found


def body(request: HttpRequest, **fields: type | tuple[type, ...]) -> dict[str, Any]:
    """The JSON object of the request with exactly these fields and types. Raises PortalError naming the first that is not right."""
    content = json_body.read_object(request)
    for name, kind in fields.items():
        if not isinstance(content.get(name), kind) or isinstance(content.get(name), bool):
            raise PortalError(f"“{name}” is missing or of the wrong type.", code="field-wrong", field=name)
    return content
