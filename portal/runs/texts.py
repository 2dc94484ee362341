"""SQL and schema files in roots on other machines, for the version that keeps their texts."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from pydantic import BaseModel, ValidationError

from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import preview_client
from portal.runs.file_programs import NOBODY
from portal.runs.problems import problem_of


class _Read(BaseModel):
    texts: dict[str, str | None]


def texts_elsewhere(environment: Environment, uris: list[str]) -> dict[str, str | None]:
    """Address → text; None where there is no small text file. Raises PortalError where a root cannot be asked."""
    values = {"uri": uris[0], "uris": uris}
    event = async_to_sync(preview_client.answer_over_files)("texts", user=NOBODY, environment=environment.pk, values=values)
    if isinstance(event.get("problem"), dict):
        problem = problem_of(event["problem"])
        raise PortalError(problem.message, code=problem.code, status=503, fix=problem.fix)
    try:
        return _Read.model_validate(event).texts
    except ValidationError:
        raise PortalError("The program that reads files gave no answer.", code="no-answer", status=503, fix="Try again.") from None
