"""The rows of a query taken home: the same readers, caps and rules of cells as every other download."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.queries.asking import Asked, Query, asked
from portal.runs import downloads


async def file_of(user: User, environment: Environment, query: Query, form: Any, name: str) -> StreamingHttpResponse:
    """All rows of the result up to the cap, as a file called after `name`; `form`: as it came. Raises PortalError."""
    form = downloads.form_of(form)
    async for found in asked(user, environment, query):
        if isinstance(found, Asked):
            places = [reading.uri for reading in found.readings]
            note = downloads.noted(user, environment, environment.name, form, sql_sha256=query.sha256, uris=places)
            return await downloads.download(found.message, form, downloads.file_name(name, form), note)
    raise AssertionError("asking ends with a message")
