"""How a query reads a table: what a job published as it was written, what people brought as a look at it proposes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from asgiref.sync import sync_to_async

from executor.look.proposal import Found, Proposal, ProposedColumn
from executor.look.stages import Choices
from portal.accounts.models import User
from portal.data import kinds
from portal.data.listing import Table
from portal.data.reading import as_published, stage_for
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.looks import asking
from portal.looks.fitting import judged_words
from portal.looks.new_job import read_alone, stages_for
from portal.looks.shown import TITLES

_OF_ROWS = ("otherHeaders", "otherWidths")
"""Keys of questions about which rows there are, whatever their values mean: what nobody has answered stops the query where it is met."""


TYPED = ("parquet", kinds.DELTA)
"""Endings of what has types of its own, and is not looked at."""
AS_TEXT = "_as_text"
"""Behind the name of a table that was looked at: the same with every column as text."""


@dataclass(frozen=True)
class Reading:
    """`stages` of a job document, of which the last makes the view `name`. `columns`: [{"name", "type"}], None where only Spark will tell.
    `words`: how it is read. `questions`: what the file leaves open, so that the columns in question stay text. `remarks`: what a look takes
    for granted, and nobody has said. `is_plain`: the view is what the files hold, and nothing that a reader adds."""

    name: str
    uri: str
    stages: list[dict[str, Any]]
    columns: list[dict[str, str]] | None
    words: str
    questions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    is_plain: bool = False


async def reading_of(
    user: User, environment: Environment, table: Table, name: str, taken: Collection[str] = (), *, is_text: bool = False
) -> Reading:
    """How `table` becomes the view `name`; `taken`: names that its own steps may not have; `is_text`: with all columns as text. Whoever
    calls has asked whether the person may see data here. A text file is looked at, which may take seconds. Raises PortalError."""
    if stage := await sync_to_async(_as_it_lies)(environment, table):
        if is_text:
            fix = f"Read it by its name without {AS_TEXT}."
            raise PortalError(f"“{table.uri}” is read as it was written.", code="table-has-types", status=422, fix=fix)
        stages = [stage | {"name": f"read_{name}", "outputView": name}]
        return Reading(name, table.uri, stages, table.columns, _as_written(table), is_plain=True)
    proposal = await asking.look(user, environment, table.uri, {})
    return _as_proposed(_as_text(proposal) if is_text else proposal, table, name, frozenset(taken))


async def columns_of(user: User, environment: Environment, table: Table, name: str) -> Reading:
    """As `reading_of`, with the columns also where a query finds them by itself: then the files are looked at. Raises PortalError."""
    reading = await reading_of(user, environment, table, name)
    if reading.columns is not None:
        return reading
    proposal = await asking.look(user, environment, table.uri, {})
    found = [{"name": column.raw_name, "type": str(column.type.get("type", ""))} for column in proposal.columns]
    return replace(reading, columns=found)


def _as_it_lies(environment: Environment, table: Table) -> dict[str, Any] | None:
    """The stage that reads it as the load did that wrote it, or as its own types say; None where only a look can tell."""
    return stage_for(environment, table) if table.ending in TYPED else as_published(environment, table)


def _as_written(table: Table) -> str:
    if table.ending in TYPED:
        return f"{table.kind}, with the types it was written with"
    return f"{table.kind}, as the job wrote it" + ("" if table.ending in kinds.JSON else "; its columns are text")


def _as_proposed(proposal: Proposal, table: Table, name: str, taken: frozenset[str]) -> Reading:
    """The first row that does not fit stops a query, and the first such value of a column that it asks for: left out or made empty, it
    would change a sum without a word."""
    open_questions = [one for one in proposal.questions if one.must_be_answered and one.key not in _OF_ROWS]
    columns = [column if column.sure else _text(column) for column in proposal.columns]
    strict = (
        proposal.settings if proposal.settings.other_widths != "reject" else proposal.settings.model_copy(update={"other_widths": "stop"})
    )
    settled = proposal.model_copy(update={"columns": columns, "settings": strict})
    made = stages_for(settled, table.uri, Choices(name=name, misfits="stop", taken=taken, by_column=True))
    rows = next(str(stage["inputView"]) for stage in made if "outputURI" in stage)
    last = next(place for place, stage in enumerate(made) if stage.get("outputView") == rows)
    stages = [read_alone(proposal, made[0]), *made[1:last], made[last] | {"outputView": name}]
    kept = [{"name": column.name, "type": str(column.type.get("type", ""))} for column in columns if not column.dropped]
    asked = [f"{question.title} {question.words}" for question in open_questions]
    is_text = all(column.type.get("type") == "string" for column in columns)
    return Reading(name, table.uri, stages, kept, _words(proposal, table, is_text=is_text), asked, _remarks(proposal))


def _text(column: ProposedColumn) -> ProposedColumn:
    """What only a person can say stays text."""
    kind = {"name": column.name, "type": "string", "nullable": True, "nullableValues": [""]}
    return column.model_copy(update={"type": kind, "sure": True})


def _as_text(proposal: Proposal) -> Proposal:
    """The same with all columns as text: no question of what values mean is open then."""
    of_rows = [question for question in proposal.questions if question.key in _OF_ROWS or not question.must_be_answered]
    return proposal.model_copy(update={"columns": [_text(column) for column in proposal.columns], "questions": of_rows})


def _words(proposal: Proposal, table: Table, *, is_text: bool) -> str:
    if is_text:
        return f"{table.kind}, every column as text"
    return f"{table.kind}, with the types that {judged_words(proposal)} have; a value that does not fit stops a query of its column"


def _remarks(proposal: Proposal) -> list[str]:
    open_keys = {question.key for question in proposal.questions if question.must_be_answered}
    unsure = [_granted(found) for found in proposal.found if not found.sure and found.setting not in open_keys]
    asked = [question for question in proposal.questions if not question.must_be_answered or question.key in _OF_ROWS]
    return unsure + [f"{question.title}. {question.words}" for question in asked]


def _granted(found: Found) -> str:
    """One thing that was found and may be otherwise."""
    return f"{TITLES.get(found.setting, found.setting)}: {found.shown}{', since ' if found.words else ''}{found.words}"
