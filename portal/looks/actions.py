"""What people do with files they look at. Each function: may they, the change, the audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from executor.look.proposal import Proposal
from executor.look.stages import Choices
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import actions as jobs
from portal.jobs.models import Job
from portal.looks.new_job import made_for, require_answers, stages_for

WHOLE_BYTES = 64 * 1000**2


def look_at_file(*, actor: User, environment: Environment, uri: str) -> str:
    """The actor looks at this file, which is noted once an hour; gives the place as documents write it. Raises NotAllowed, PortalError."""
    policy.require(actor, "view_data", environment)
    place = uri.strip().strip("/")
    if not place or any(part.startswith(".") for part in place.split("/")):
        raise PortalError(
            f"“{place[:80]}” is no file to look at.", code="bad-place", status=422, fix="Name one, for instance raw/flights.csv."
        )
    an_hour_ago = timezone.now() - timedelta(hours=1)
    known = AuditEvent.objects.about(environment).filter(actor=actor, action="view_data", result="done", at__gt=an_hour_ago)
    if not known.filter(details__uri=place).exists():
        audit.record(action="view_data", actor=actor, subject=environment, environment=environment.name, uri=place)
    return place


def stages_to_preview(proposal: Proposal, uri: str, choices: Choices, *, only_misfits: bool) -> list[dict[str, Any]]:
    """The stages whose last view has the file's rows as they would be typed; with `only_misfits` those rows of them that do not fit."""
    made = stages_for(proposal, uri, replace(choices, misfits="null", with_load=False))
    if not only_misfits:
        return made
    view = str(made[-1]["outputView"])
    sql = f"SELECT * FROM {view} WHERE size(_errors) > 0"  # noqa: S608 - a name of ours, for Spark
    return [*made, {"type": "SQLTransform", "name": "misfits", "sql": sql, "outputView": f"{view}_misfits"}]


def is_previewed_whole(proposal: Proposal) -> bool:
    """Larger files are previewed from their beginning, as in the editor."""
    return (proposal.unpacked_bytes or proposal.bytes) <= WHOLE_BYTES


@dataclass(frozen=True)
class NewJob:
    """What the job is called, and the guided start it comes from ("": none)."""

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    start: str = ""


def create_job_from_file(*, actor: User, environment: Environment, new: NewJob, proposal: Proposal, uri: str, choices: Choices) -> Job:
    """A new job whose draft reads the file, types it, checks it and keeps it as Parquet, where nobody else keeps anything."""
    require_answers(proposal)
    made = made_for(environment, proposal, uri, choices, new.start)
    document = {"description": f"Reads {uri}, gives its columns types and keeps it as Parquet.", "stages": made.stages}
    return jobs.create_job(
        actor=actor, project=environment.project, name=new.name, description=new.description, tags=new.tags, document=document
    )
