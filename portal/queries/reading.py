"""How a query reads a table: what a job published as it was written, what people brought as a look at it proposes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from asgiref.sync import sync_to_async

from executor.look.proposal import Proposal, ProposedColumn, Question
from executor.look.stages import Choices
from portal.accounts.models import User
from portal.data import kinds
from portal.data.listing import Table
from portal.data.reading import as_published, stage_for
from portal.environments.models import Environment
from portal.looks import asking
from portal.looks.fitting import judged_words
from portal.looks.new_job import read_alone, stages_for


@dataclass(frozen=True)
class Reading:
    """`stages` of a job document, of which the last makes the view `name`. `columns`: [{"name", "type"}], None where only Spark will tell.
    `words`: how it is read. `questions`: what the file leaves open, so that the columns in question stay text. `is_plain`: the view is what
    the files hold, and nothing that a reader adds."""

    name: str
    uri: str
    stages: list[dict[str, Any]]
    columns: list[dict[str, str]] | None
    words: str
    questions: list[str] = field(default_factory=list)
    is_plain: bool = False


async def reading_of(user: User, environment: Environment, table: Table, name: str, taken: Collection[str] = ()) -> Reading:
    """How `table` becomes the view `name`; `taken`: names that its own steps may not have. Whoever calls has asked whether the person may
    see data here. A text file is looked at, which may take seconds. Raises PortalError."""
    if stage := await sync_to_async(_as_it_lies)(environment, table):
        return Reading(
            name, table.uri, [stage | {"name": f"read_{name}", "outputView": name}], table.columns, _as_written(table), is_plain=True
        )
    return _as_proposed(await asking.look(user, environment, table.uri, {}), table, name, frozenset(taken))


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
    return stage_for(environment, table) if table.ending == "parquet" else as_published(environment, table)


def _as_written(table: Table) -> str:
    if table.ending == "parquet":
        return f"{table.kind}, with the types it was written with"
    return f"{table.kind}, as the job wrote it" + ("" if table.ending in kinds.JSON else "; its columns are text")


def _as_proposed(proposal: Proposal, table: Table, name: str, taken: frozenset[str]) -> Reading:
    """The first value that does not fit its type stops a query: left out or made empty, it would change a sum without a word."""
    open_questions = [question for question in proposal.questions if question.must_be_answered]
    columns = [_certain(column) for column in proposal.columns]
    settled = proposal.model_copy(update={"columns": columns})
    made = stages_for(settled, table.uri, Choices(name=name, misfits="stop", taken=taken))
    rows = next(str(stage["inputView"]) for stage in made if "outputURI" in stage)
    last = next(place for place, stage in enumerate(made) if stage.get("outputView") == rows)
    stages = [read_alone(proposal, made[0]), *made[1:last], made[last] | {"outputView": name}]
    kept = [{"name": column.name, "type": str(column.type.get("type", ""))} for column in columns if not column.dropped]
    return Reading(name, table.uri, stages, kept, _words(proposal, table), [_asked(question) for question in open_questions])


def _certain(column: ProposedColumn) -> ProposedColumn:
    """What only a person can say stays text."""
    as_text = {"name": column.name, "type": "string", "nullable": True, "nullableValues": [""]}
    return column if column.sure else column.model_copy(update={"type": as_text})


def _words(proposal: Proposal, table: Table) -> str:
    types = f"its types are those that {judged_words(proposal)} have"
    return f"{table.kind}, {types}; a value that does not fit stops the query"


def _asked(question: Question) -> str:
    return f"{question.title} {question.words}"
