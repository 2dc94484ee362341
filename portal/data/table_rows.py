"""The rows of a table: read by a warm executor like a preview, under the right to see data, and noted in the audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone

from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.audit.models import AuditEvent
from portal.data.listing import Table
from portal.data.models import TableFacts
from portal.data.reading import ROWS, preview_of
from portal.environments.models import Environment
from portal.runs import preview_client
from portal.runs.preview_views import HEADERS, addressed

NO_JOB = 0
"""Sessions that look at data belong to a person and an environment, and to no job."""


def most_rows() -> int:
    """The most rows of one download."""
    return int(settings.DOWNLOAD_ROWS)


def message_for(user: User, environment: Environment, table: Table, rows: int = ROWS) -> dict[str, Any]:
    """The message to the preview service. Raises NotAllowed without the right to see data there, PortalError when nothing reads it."""
    policy.require(user, "view_data", environment)
    asked = preview_of(environment, table, rows)
    record_look(user, "view_data", environment, table.uri)
    return {**addressed(user, "look", NO_JOB, environment.pk), "message": asked}


def record_look(user: User, action: str, environment: Environment, uri: str, **details: Any) -> None:
    """Who looks is in the audit: once an hour for each person and table, and each time when something is taken home."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    seen = AuditEvent.objects.about(environment).filter(actor=user, action=action, result="done", at__gt=an_hour_ago, details__uri=uri)
    if action != "view_data" or not seen.exists():
        audit.record(action=action, actor=user, subject=environment, uri=uri, **details)


def rememberer(environment: Environment, table: Table) -> Callable[[dict[str, Any]], None]:
    """Keeps the columns, and the rows where all were seen, of what a look has shown."""

    def remember(event: dict[str, Any]) -> None:
        if isinstance(event.get("columns"), list) and len(table.uri) <= 1000:
            rows = event.get("total_rows") if event.get("complete") else None
            TableFacts.remember(environment, table.uri, table.stamp, event["columns"], rows if isinstance(rows, int) else None)

    return remember


def streamed(message: dict[str, Any], remember: Callable[[dict[str, Any]], None]) -> StreamingHttpResponse:
    """The events of the service's answer, one a line."""

    async def lines() -> AsyncIterator[str]:
        async for event in preview_client.request(message):
            if event.get("event") == "rows":
                await sync_to_async(remember)(event)
            yield json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=HEADERS)
