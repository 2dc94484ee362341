"""The rows of a table: read by a warm executor like a preview, under the right to see data, and noted in the audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone

from executor.look.proposal import Proposal
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.audit.models import AuditEvent
from portal.data import kinds
from portal.data.listing import Table, find_table
from portal.data.models import TableFacts
from portal.data.reading import ROWS, preview_of, stage_for
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import preview_client
from portal.runs.preview_views import addressed
from portal.wire import LIVE_HEADERS


@dataclass(frozen=True)
class Reader:
    """The stage that reads a table. `names`: what a look at the file calls its columns, in their order, as the jobs do that are made of the
    look; none: as the stage calls them. `is_looked_at`: a look has told, and its columns are remembered."""

    stage: dict[str, Any]
    names: list[str] = field(default_factory=list)
    is_looked_at: bool = False


Proposer = Callable[[User, Environment, str], Awaitable[Reader]]
proposers: list[Proposer] = []
"""Who knows a better reader of a file than its name tells: an app above puts its function here (portal.looks)."""
NO_JOB = 0
"""Sessions that look at data belong to a person and an environment, and to no job."""


async def reader_of(user: User, environment: Environment, table: Table) -> Reader:
    """What reads the table: as the job that wrote it says, or as a look at the file proposes. Raises PortalError."""
    if table.run or table.ending in (kinds.DELTA, "parquet") or (table.is_folder and not table.is_elsewhere):
        return Reader(await sync_to_async(stage_for)(environment, table))
    await sync_to_async(policy.require)(user, "view_data", environment)
    for propose in proposers:
        with suppress(PortalError):  # what cannot be looked at is read by its name alone, and says what is wrong by itself
            found = await propose(user, environment, table.uri)
            return replace(found, stage=found.stage | {"contiguousIndex": False})
    return Reader(await sync_to_async(stage_for)(environment, table))


async def look_at(user: User, environment: Environment, table: Table) -> None:
    """Has a table looked at, so that its columns are known; whoever looks is in the audit. Raises PortalError."""
    await sync_to_async(policy.require)(user, "view_data", environment)
    await sync_to_async(record_look)(user, "view_data", environment, table.uri)
    for propose in proposers:
        await propose(user, environment, table.uri)


def message_for(
    user: User,
    environment: Environment,
    uri: str,
    stages: list[dict[str, Any]],
    rows: int = ROWS,
    *,
    is_whole: bool = False,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """The message to the preview service: the first rows of what `stages` make of `uri`, under these `names`. Raises NotAllowed."""
    policy.require(user, "view_data", environment)
    record_look(user, "view_data", environment, uri)
    return {
        **addressed(user, "look", NO_JOB, environment.pk),
        "message": preview_of(environment, stages, rows, is_whole=is_whole, names=names),
    }


def record_look(user: User, action: str, environment: Environment, uri: str, **details: Any) -> None:
    """Who looks is in the audit: once an hour for each person and table, and each time when something is taken home."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    seen = AuditEvent.objects.about(environment).filter(actor=user, action=action, result="done", at__gt=an_hour_ago, details__uri=uri)
    if action != "view_data" or not seen.exists():
        audit.record(action=action, actor=user, subject=environment, uri=uri, **details)


def rememberer(environment: Environment, table: Table, *, is_looked_at: bool = False) -> Callable[[dict[str, Any]], None]:
    """Keeps the columns, and the rows where all were seen, of what a reader has shown. Where a look at the file has told its columns and
    their types, those stay: the reader sees nothing but texts."""

    def remember(event: dict[str, Any]) -> None:
        if isinstance(event.get("columns"), list) and len(table.uri) <= 1000:
            rows = event.get("total_rows") if event.get("complete") else None
            rows, columns = rows if isinstance(rows, int) else None, event["columns"]
            known = TableFacts.objects.filter(environment=environment, uri=table.uri, stamp=table.stamp).first()
            if is_looked_at and known:
                rows, columns = rows if rows is not None else known.rows, known.columns
            TableFacts.remember(environment, table.uri, table.stamp, columns, rows)

    return remember


def remember_look(environment: Environment, uri: str, proposal: Proposal) -> None:
    """The same of a look at a file. Of a folder it counts one file alone, which is not how many rows lie there."""
    table = find_table(environment, uri) if proposal.columns and len(uri) <= 1000 else None
    if table is not None:
        rows = None if any(said.code == "look-first-file" for said in proposal.problems) else proposal.rows
        is_typed = proposal.format == "parquet"  # read as it is by whoever has no job for it
        columns = [
            {"name": column.raw_name if is_typed else column.name, "type": str(column.type.get("type", ""))}
            for column in proposal.columns
            if not column.dropped
        ]
        TableFacts.remember(environment, uri, table.stamp, columns, rows)


def streamed(message: dict[str, Any], remember: Callable[[dict[str, Any]], None]) -> StreamingHttpResponse:
    """The events of the service's answer, one a line."""

    async def lines() -> AsyncIterator[str]:
        async for event in preview_client.request(message):
            if event.get("event") == "rows":
                await sync_to_async(remember)(event)
            yield json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"

    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=LIVE_HEADERS)
