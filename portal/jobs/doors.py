"""What all pages of jobs need at the door: the project and the job of the address, and the body of a request."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import Job, JobVersion


def person(request: HttpRequest) -> User:
    """The signed-in person; the middleware lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def find_project(request: HttpRequest, slug: str) -> Project:
    """Raises NotAllowed when it is unknown or not the person's to see."""
    found = policy.allowed(person(request), "view", Project.objects.filter(slug=slug)).first()
    if found is None:
        raise NotAllowed("view", Project.objects.filter(slug=slug).first())
    return found


def find_job(request: HttpRequest, project: str, job: str, action: str = "view") -> Job:
    """The job, for `action`. Raises NotAllowed when it is unknown or `action` is not the person's to do."""
    query = Job.objects.select_related("project", "owner", "latest_version__author")
    found = query.filter(project=find_project(request, project), name=job).first()
    if found is None:
        raise NotAllowed(action)
    policy.require(person(request), action, found)
    return found


def find_version(job: Job, number: int) -> JobVersion:
    found = job.versions.select_related("author", "restored_from").filter(number=number).first()
    if found is None:
        raise NotAllowed("view")
    found.job = job
    return found


def body(request: HttpRequest, **fields: type | tuple[type, ...]) -> dict[str, Any]:
    """The JSON object of the request with exactly these fields and types. Raises PortalError naming the first that is not right."""
    try:
        content = json.loads(request.body or b"{}")
    except ValueError:
        raise PortalError("The request is not JSON.", code="not-json") from None
    if not isinstance(content, dict):
        raise PortalError("The request is not a JSON object.", code="not-json")
    for name, kind in fields.items():
        if not isinstance(content.get(name), kind) or isinstance(content.get(name), bool):
            raise PortalError(f"“{name}” is missing or of the wrong type.", code="field-wrong", field=name)
    return content
