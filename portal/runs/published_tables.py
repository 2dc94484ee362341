"""Tables of databases in which runs have published: what lies there, what is kept of before, and putting that back.

A database has one truth of its own, which several environments and others may change: what is noted here is what Sluice has last heard, and
whether something can be put back, the database itself is asked (`executor.databases.undo`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from executor.connections.sqlite import SQLite
from executor.databases.engine import plain_name
from executor.document.job import parse
from executor.files.facts import facts_in
from executor.problems import ProblemError
from executor.stages.load.jdbc_load import JDBCLoad
from portal.accounts.models import User
from portal.environments.models import Connection, Environment
from portal.environments.reach import judged_by, storage_of
from portal.errors import PortalError
from portal.locking import locked
from portal.runs import preview_client, published
from portal.runs.models import GOOD_STATES, HELD_STATES, DatabaseTable, Run

PROGRAM = "put-back-rows"


class Written(NamedTuple):
    """A table as a document names it."""

    connection: str
    name: str

    @property
    def uri(self) -> str:
        return f"{self.connection}:{self.name}"


def written_by(run: Run) -> list[Written]:
    """The tables that the run loads, or would have; nothing where its document cannot be read any more."""
    asked = {"environment": run.environment.name, "parameters": run.parameters, "run_id": str(run.pk)}
    try:
        stages = parse(run.document, roots=judged_by(run.environment), **asked).stages
        loads = [one for one in stages if isinstance(one, JDBCLoad) and one.takes_part_in(run.environment.name)]
        return [Written(one.connection, plain_name(one.table_name)) for one in loads]
    except ProblemError:
        return []


def lies_at(environment: Environment, connection: str) -> str:
    """Where the connection leads now; empty where there is none of that name."""
    found = Connection.objects.filter(environment=environment, name=connection).first()
    if found is None:
        return ""
    return f"{environment.pk} {storage_of(found)}" if found.kind == SQLite.kind else storage_of(found)  # each has files of its own


def under_way_through(connection: Connection) -> str:
    """See `portal.environments.connections.busy_ways`: runs at work that load tables there; as what a run has left is noted at its end."""
    here = Run.objects.filter(environment=connection.environment_id, state__in=HELD_STATES).select_related("environment", "job")
    run = next((run for run in here if any(one.connection == connection.name for one in written_by(run))), None)
    return f"The run {run.short_id} of {run.job.name} is at work and loads tables there" if run else ""


def note(run: Run) -> None:
    """A run that published has ended: what lies in its tables now, and what is kept. In the caller's transaction."""
    outputs = _outputs_in_tables(run)
    if run.state not in GOOD_STATES or not outputs:
        return
    written = {one.uri: one for one in written_by(run)}
    for output in outputs:
        if table := written.get(_plain_uri(output.get("uri"))):
            _note(run, table, output.get("kept"))


def _outputs_in_tables(run: Run) -> list[dict[str, Any]]:
    return [one for one in run.outputs if isinstance(one, dict) and one.get("format") == JDBCLoad.format]


def _note(run: Run, table: Written, kept: Any) -> None:
    where: dict[str, Any] = {"environment": run.environment, "connection": table.connection, "name": table.name}
    place, before = lies_at(run.environment, table.connection), DatabaseTable.objects.filter(**where).first()
    rows = [facts_in(row, texts=("id",)) for row in kept[:1] if isinstance(row, dict)] if isinstance(kept, list) else []
    if before and before.lies_at == place and rows:
        rows[0] |= _who_left(before)
    said: dict[str, Any] = {"lies_at": place, "job": run.job, "last_run_id": run.pk, "published_at": timezone.now(), "kept": rows}
    DatabaseTable.objects.update_or_create(said, **where)


def _who_left(table: DatabaseTable) -> dict[str, Any]:
    """Of what is kept, who had published it."""
    run = {"run_id": str(table.last_run_id)} if table.last_run_id else {}
    return run | {"published_at": table.published_at.isoformat()}


def _plain_uri(uri: Any) -> str:
    connection, _, name = str(uri).partition(":")
    try:
        return Written(connection, plain_name(name)).uri
    except ProblemError:
        return ""


# --- looking back ------------------------------------------------------------------------------------------------------


def tables_of(run: Run) -> list[DatabaseTable]:
    """The tables that this run has published into."""
    uris = {_plain_uri(one.get("uri")) for one in _outputs_in_tables(run)}
    return [table for table in DatabaseTable.objects.filter(environment=run.environment) if table.uri in uris] if uris else []


def to_write(run: Run) -> list[DatabaseTable | None]:
    """What is known of each table that the run loads, or would have; None where nothing is."""
    known = {table.uri: table for table in DatabaseTable.objects.filter(environment=run.environment)}
    return [known.get(one.uri) for one in written_by(run)]


def is_known(table: DatabaseTable) -> bool:
    """Whether what was noted last is what Sluice knows: the connection leads where it led, and no other environment has published in the
    same table since."""
    if table.lies_at != lies_at(table.environment, table.connection):
        return False
    others = DatabaseTable.objects.filter(lies_at=table.lies_at, name=table.name).exclude(pk=table.pk)
    return not others.filter(published_at__gt=table.published_at).exists()


def history(table: DatabaseTable) -> list[published.Publish]:
    """What lies in the table, and what can be put back."""
    return _publishes(table, table.kept if is_known(table) else [])


def _publishes(table: DatabaseTable, kept: list[dict[str, Any]]) -> list[published.Publish]:
    present, earlier = published.runs_and_kept(table.last_run_id, kept)
    return [published.Publish(None, present, table.published_at, _rows_of(present, table), None), *earlier]


def _rows_of(run: Run | None, table: DatabaseTable) -> int | None:
    """Where a run has replaced all rows, there are as many as it wrote."""
    outputs: Iterable[Any] = run.outputs if run else ()
    said: dict[str, Any] = next((one for one in outputs if isinstance(one, dict) and _plain_uri(one.get("uri")) == table.uri), {})
    return said.get("rows") if said.get("save_mode") == "Overwrite" else None


def left_by(table: DatabaseTable) -> tuple[Run, bool] | None:
    """See `portal.runs.published.left_by`."""
    return published.left_by(_publishes(table, table.kept)) if is_known(table) else None


# --- putting back ------------------------------------------------------------------------------------------------------


def writers_at_work(table: DatabaseTable) -> list[Run]:
    """Runs under way in its environment that load it."""
    working = Run.objects.filter(environment=table.environment, state__in=HELD_STATES).select_related("environment", "job")
    return [run for run in working if table.uri in {one.uri for one in written_by(run)}]


def put_back(user: User, table: DatabaseTable, kept_id: str) -> dict[str, Any]:
    """Has a program behind the wall put the rows back and notes what lies there then; gives how it answered. Raises PortalError."""
    row = next((row for row in table.kept if row.get("id") == kept_id), None)
    if row is None or not is_known(table):
        words = f"What was in “{table.uri}” is no longer kept, or lies elsewhere by now."
        raise PortalError(words, code="output-not-kept", status=409, fix="Look at what lies there now.")
    values = {"connection": table.connection, "table": table.name, "kept": kept_id}
    ask = async_to_sync(preview_client.answer_over_files)
    answer = ask(PROGRAM, user=user.pk, environment=table.environment_id, values=values)
    if answer.get("event") != preview_client.ANSWERS[PROGRAM]:
        raise published.refusal_of(answer)
    with transaction.atomic():
        there = locked(table)
        if not any(one.get("id") == kept_id for one in there.kept):
            return answer  # a run has published since, and was noted
        now = facts_in({"id": answer.get("kept"), "rows": answer.get("rows")}, texts=("id",))
        there.kept, there.last_run_id = [now | _who_left(there)], published.run_id_in(row.get("run_id"))
        there.published_at = timezone.now()
        there.save(update_fields=["kept", "last_run_id", "published_at"])
        published.read_no_further(there.job, there.environment, there.last_run_id)
    return answer
