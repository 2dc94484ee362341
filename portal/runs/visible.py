"""What is visible of a run whose program ended in the middle of publishing. Files are taken back; rows that a database has taken are not,
and nobody was left to say whether it has.

Rows that may be there would be there twice if they were added again: until somebody has looked, only that very run is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from executor.databases.engine import name_parts
from executor.language import json_text
from executor.problems import Problem, ProblemError
from executor.stages.base import WRITES
from portal.errors import PortalError
from portal.jobs.connections_used import Used, connections_used
from portal.runs.models import GOOD_STATES, Run

NOTHING = "Nothing was published."
TAKEN_BACK = "What it had made visible already is taken back within a minute; the outputs are as before then."
NOT_KNOWN = ("lost-while-publishing", "published-in-part")
"""Codes of problems of runs whose rows may be in a database, or are, though they failed."""
MOST_NAMED = 5
MOST_RERUNS = 100


def told(run: Run, why: Problem) -> Problem:
    """`why` the program or machine of a run ended, which has not said that it is done; with what is visible of it now."""
    if not run.publishing_since:
        return _with(why, NOTHING)
    tables = list(_written(run))
    if not tables:
        return _with(why, TAKEN_BACK)
    words = (
        f"It was just making its rows visible in {_named(tables)}: they may be there, as a database takes nothing back. "
        "What it had made visible in files is taken back within a minute."
    )
    added_to = [one for one in tables if one.adds]
    fix = f"Look into {_named(added_to)}: where its rows are there, take them out. Then run it again, or they will be there twice."
    return _with(why, words, code=NOT_KNOWN[0], fix=fix if added_to else why.fix)


def _with(why: Problem, words: str, **others: Any) -> Problem:
    return replace(why, message=f"{why.message} {words}", **others)


def require_known(run: Run) -> None:
    """Raises PortalError where the run would add rows to a table in which those of a run before may be already; unless it is that run, run
    again: whoever does so was told to look."""
    adds = [one for one in _written(run) if one.adds]
    for before in _not_known(run) if adds else ():
        added = [one for one in _written(before) if one.adds]
        twice = [one for one in adds if any(_is_same(one, other) for other in added) and not _is_seen_to(before, one)]
        if twice:
            raise _may_be_there(before, twice)


def again(run: Run) -> Run | None:
    """The good run that was this one, run again by somebody who had looked; None where there is none."""
    good = Run.objects.filter(job_id=run.job_id, environment_id=run.environment_id, state__in=GOOD_STATES, rerun_of__isnull=False)
    later = good.filter(created_at__gte=run.created_at).order_by("-created_at").iterator()
    return next((one for one in later if _is_rerun_of(one, run)), None)


def require_seen_to(run: Run) -> None:
    """Raises PortalError where the run may have left rows that it would add once more: it is run again on its own page alone, which says to
    look first."""
    added = [one for one in _written(run) if one.adds] if (run.problem or {}).get("code") in NOT_KNOWN else []
    if added:
        raise _may_be_there(run, added)


def _may_be_there(before: Run, tables: list[Used]) -> PortalError:
    return PortalError(
        f"The run {before.short_id} failed while it published. Its rows may be in {_named(tables)} already, and would be there twice.",
        code="rows-may-be-there",
        status=409,
        fix="Look into the table: where its rows are there, take them out. Then press “Rerun” on the page of that run.",
    )


def _not_known(run: Run) -> Iterator[Run]:
    """Those before of which nobody knows what they have left in databases, but for the one that is run again."""
    published = Run.objects.filter(job_id=run.job_id, environment_id=run.environment_id, publishing_since__isnull=False)
    found = published.filter(problem__code__in=NOT_KNOWN).exclude(pk=run.pk).order_by("-publishing_since")
    return (before for before in found if not _is_rerun_of(run, before))


def _is_seen_to(before: Run, table: Used) -> bool:
    """Whether somebody has looked into the table since: that run was run again there, or its rows were replaced or merged. A run that has
    published elsewhere says nothing of this table, nor does one that worked beside it."""
    later = Run.objects.filter(job_id=before.job_id, environment_id=before.environment_id, publishing_since__isnull=False)
    for one in later.filter(started_at__gte=before.finished_at or before.publishing_since).order_by("started_at").iterator():
        is_there = any(_is_same(table, other) for other in _written(one))
        if is_there and (one.state in GOOD_STATES or _is_rerun_of(one, before)):
            return True
    return False


def _is_same(one: Used, other: Used) -> bool:
    """Whether two names may mean one table: “shop.orders” may be “orders”, and most databases take ORDERS for it."""
    names = zip(reversed(_parts(one.what)), reversed(_parts(other.what)), strict=False)
    return one.name == other.name and all(left == right for left, right in names)


def _parts(table: str) -> list[str]:
    try:
        return name_parts(table.casefold(), "tableName")
    except ProblemError:
        return [table.casefold()]


def _is_rerun_of(run: Run, before: Run) -> bool:
    now: Run | None = run
    for _ in range(MOST_RERUNS):
        if now is None or now.pk == before.pk:
            return now is not None
        now = now.rerun_of
    return False


def _written(run: Run) -> Iterator[Used]:
    used = connections_used(json_text.loads(run.document), run.environment, run.parameters)
    return (one for one in used if one.does == WRITES)


def _named(tables: list[Used]) -> str:
    named = list(dict.fromkeys(f"“{one.what}” of “{one.name}”" for one in tables))
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return ", ".join(named[:MOST_NAMED]) + more
