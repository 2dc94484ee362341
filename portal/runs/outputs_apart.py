"""A job that reads only what is new reads again what was read for an output that was put back. Whatever else it adds rows to would have
these rows twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from executor.databases.engine import plain_name
from executor.document.places import addresses_as_written
from executor.language import json_text
from executor.language.places import key_of
from executor.problems import ProblemError
from executor.stages.base import WRITES
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.connections_used import connections_used, save_mode
from portal.jobs.models import Place
from portal.runs.models import GOOD_STATES, DatabaseTable, Run


def require_together(run: Run) -> None:
    """Raises PortalError where the run would add rows to a place or table that has them already."""
    content = json_text.loads(run.document)
    twice = next(_that_have_them(run, content), None)
    if twice:
        raise PortalError(
            f"“{twice}” holds rows that this run would read again, as another output of the job was put back: it would have them twice.",
            code="outputs-apart",
            status=409,
            fix="Put it back to the same run, too, or the other one forward again. Where that cannot be, let the stage merge by a key.",
        )


def _that_have_them(run: Run, content: Mapping[str, Any]) -> Iterator[str]:
    added_to = _added_to(run, content)
    owned = list(Place.objects.filter(environment=run.environment, owner=run.job, key__in=added_to)) if added_to else []
    undone = _undone(run)
    yield from (place.uri for place in owned if place.last_run_id in undone)
    if undone:
        tables = (one for one in connections_used(content, run.environment, run.parameters) if one.adds)
        has_them = (one for one in tables if _has_rows_of(run.environment, one.name, one.what, undone))
        yield from (f"{one.what} in {one.name}" for one in has_them)


def _undone(run: Run) -> set[UUID]:
    """The job's runs whose reading is to be done again: those since the last one whose reading counts."""
    good = Run.objects.filter(job=run.job, environment=run.environment, state__in=GOOD_STATES).exclude(watermarks={})
    last = good.filter(watermarks_hold=True).order_by("-finished_at").first()
    since = good.filter(finished_at__gt=last.finished_at) if last else good
    return set(since.filter(watermarks_hold=False).values_list("pk", flat=True))


def _added_to(run: Run, content: Mapping[str, Any]) -> list[str]:
    """Keys of the places to which its stages add rows."""
    spelling = places.Spelling(run.environment)
    given = content.get("stages")
    modes = {str(one.get("name")): save_mode(one) for one in (given if isinstance(given, list) else []) if isinstance(one, dict)}
    values = {**run.environment.parameters, **run.parameters}
    written = [one for one in addresses_as_written(content, run.environment.name, values) if one.does == WRITES]
    return [key_of(spelling.of(one.uri)) for one in written if modes.get(one.stage) == "Append"]


def _has_rows_of(environment: Environment, connection: str, name: str, runs: set[UUID]) -> bool:
    """Whether rows of one of these runs lie in the table, as far as is known; where nothing is, they may."""
    try:
        table = DatabaseTable.objects.filter(environment=environment, connection=connection, name=plain_name(name)).first()
    except ProblemError:
        table = None
    return table is None or table.last_run_id in runs
