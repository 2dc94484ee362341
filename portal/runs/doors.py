"""What all pages of runs need at the door: who asks, and for which project and run."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from portal.accounts import policy
from portal.accounts.models import User
from portal.runs.models import Run


@dataclass(frozen=True)
class Reader:
    """A run and how much of it this person may see."""

    run: Run
    with_data: bool


def find_run(user: User, project: str, run_id: UUID) -> Run:
    """Raises NotAllowed for an unknown and for a forbidden run alike."""
    runs = Run.objects.select_related(
        "project", "job", "environment__compute", "version", "requested_by", "cancel_requested_by", "rerun_of"
    )
    return policy.find(user, "view", runs.filter(project__slug=project), pk=run_id)


def reader_of(request: HttpRequest, project: str, run_id: UUID) -> Reader:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the middleware lets nobody else in
    run = find_run(user, project, run_id)
    return Reader(run, policy.can(user, "view_data", run))
