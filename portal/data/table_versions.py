"""The versions of a Delta table as people read them: what was done, by whom, and how many rows that brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.language.places import holds_a_value
from portal.accounts import policy
from portal.accounts.models import User
from portal.data import folders, table_rows
from portal.data.listing import Table
from portal.data.models import TableFacts
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import table_actions
from portal.runs.models import Run
from portal.runs.published import run_id_in
from portal.ui import words


class _Said(BaseModel):
    """One version as the program tells it: whoever can write in the lake has a say in it, so it is taken as far as it has this form."""

    model_config = ConfigDict(extra="ignore")

    version: int
    time: datetime
    operation: str = ""
    mode: str = ""
    metrics: dict[str, str] = Field(default_factory=dict)
    by: str = ""
    run_id: str = ""
    label: str = ""
    restores: int | None = None
    takes_back: int | None = None
    rows_after: int | None = None
    files_after: int = 0
    bytes_after: int = 0
    is_readable: bool = True


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    version: int
    earliest: int
    rows: int | None
    files: int
    bytes: int
    columns: list[list[str]]
    folders: list[str]
    rules: dict[str, str] = Field(default_factory=dict)
    history: list[_Said]


@dataclass(frozen=True)
class Version:
    """`added`, `changed`, `removed`: rows, None where nobody counted; `run`: which one made it; `by`: who did, where it was no run."""

    number: int
    at: datetime
    done: str
    added: int | None
    changed: int | None
    removed: int | None
    rows: int | None
    bytes: int
    files: int
    label: str
    run: Run | None
    by: str
    is_now: bool
    is_readable: bool


@dataclass(frozen=True)
class Versions:
    """A table's newest versions, the newest first, and what it has now. `table`: its id, another one where another table has come to lie
    there; `columns`, `folders` and `rules`: for who may see its data."""

    table: str
    rows: int | None
    files: int
    bytes: int
    versions: list[Version]
    has_more: bool
    columns: list[list[str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)


def remember_columns(user: User, environment: Environment, table: Table) -> None:
    """What the table's log says of its columns. Raises PortalError."""
    policy.require(user, "view_data", environment)
    table_rows.record_look(user, "view_data", environment, table.uri)
    found = versions_of(user, environment, table.uri)
    TableFacts.remember(environment, table.uri, table.stamp, [{"name": name, "type": kind} for name, kind in found.columns], found.rows)


def number(text: str) -> int:
    """Of a version, as a form says it. Raises PortalError."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise PortalError("This is no number of a version.", code="version-form", status=422, fix="Choose one of the list.")
    return int(text)


def require_shown(user: User, environment: Environment, uri: str) -> str:
    """The table's address in the one way it is written. Raises PortalError for what is no place here, or one that tells values of the data
    to somebody who may not see them."""
    at = folders.place(environment, uri)
    if holds_a_value(at.place) and not policy.can(user, "view_data", environment):
        raise PortalError("There is no such table.", code="nothing-there", status=404, fix="Look at the list of data.")
    return str(at)


def versions_of(user: User, environment: Environment, uri: str) -> Versions:
    """Raises PortalError where there is no Delta table, or its log cannot be believed."""
    event = table_actions.ask(user, environment, uri, "history")
    try:
        answer = _Answer.model_validate(event)
    except ValidationError:
        raise no_answer() from None
    listed = _versions(environment, answer.history, answer.version)
    told = Versions(answer.id, answer.rows, answer.files, answer.bytes, listed, bool(listed) and listed[-1].number > answer.earliest)
    if not policy.can(user, "view_data", environment):
        return told
    return Versions(**{**vars(told), "columns": answer.columns, "folders": answer.folders, "rules": answer.rules})


def versions_from(environment: Environment, told: list[dict[str, Any]]) -> list[Version]:
    """Of what a program says of some versions, one after the other, the newest first; the oldest is only what they begin with. Raises
    PortalError."""
    try:
        return _versions(environment, [_Said.model_validate(one) for one in told], None)[:-1]
    except ValidationError:
        raise no_answer() from None


def no_answer() -> PortalError:
    return PortalError("The program that reads tables gave no answer.", code="no-answer", status=503, fix="Try again.")


class CleanUp(BaseModel):
    """What would go: `gone`, versions as [first, last] pairs; `labels`, those that people have given these. What it keeps is said by
    `until` and `keep_from`."""

    model_config = ConfigDict(extra="ignore")

    until: datetime
    keep_from: int
    files: int
    bytes: int
    gone: list[tuple[int, int]]
    labels: list[str] = Field(default_factory=list)
    table: str = ""

    @property
    def gone_in_words(self) -> str:
        return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in self.gone)


def would_go(user: User, environment: Environment, uri: str, days: int, table: str = "") -> CleanUp:
    """What cleaning up would remove, of all that no version of the last `days` has. `table`: the id of the one that was shown. Raises
    PortalError."""
    told = versions_of(user, environment, uri)
    event = table_actions.ask(user, environment, uri, "vacuum", hours=days * 24, only_look=True, table=table or told.table)
    try:
        found = CleanUp.model_validate(event)
    except ValidationError:
        raise no_answer() from None
    labels = [one.label for one in told.versions if one.label and any(first <= one.number <= last for first, last in found.gone)]
    return found.model_copy(update={"labels": labels, "table": told.table})


def optimized(event: dict[str, Any]) -> str:
    """What has come of it, as a sentence."""
    before, after = (event.get(name, {}).get("files") for name in ("before", "after"))
    if event.get("version") is None or not isinstance(before, int) or not isinstance(after, int):
        return "There was nothing to put together: the table is as it was."
    return f"{words.plural(before, 'file is', 'files are')} {words.plural(after, 'file', 'files')} now, as version {event['version']}."


def _versions(environment: Environment, told: list[_Said], now: int | None) -> list[Version]:
    runs = _runs(environment, (one.run_id for one in told))
    before: dict[int, int | None] = {one.version + 1: one.rows_after for one in told} | {0: 0}
    return [_version(one, before.get(one.version), runs, is_now=one.version == now) for one in told]


def _runs(environment: Environment, ids: Iterable[str]) -> dict[UUID, Run]:
    found = {run_id for one in ids if (run_id := run_id_in(one))}
    return Run.objects.filter(environment=environment).select_related("job", "requested_by").defer("document").in_bulk(found)


def _version(said: _Said, before: int | None, runs: dict[UUID, Run], *, is_now: bool) -> Version:
    added, changed, removed = _rows(said, before)
    is_by_hand = said.restores is not None or said.operation in BY_HAND
    run_id = None if is_by_hand else run_id_in(said.run_id)
    return Version(
        number=said.version,
        at=said.time,
        done=_done(said),
        added=added,
        changed=changed,
        removed=removed,
        rows=said.rows_after,
        bytes=said.bytes_after,
        files=said.files_after,
        label="" if is_by_hand else said.label,
        run=runs.get(run_id) if run_id else None,
        by=said.by,
        is_now=is_now,
        is_readable=said.is_readable,
    )


BY_HAND = ("OPTIMIZE", "VACUUM")
_DONE = {
    "MERGE": "Rows brought in by their keys",
    "DELETE": "Rows removed",
    "UPDATE": "Rows changed",
    "TRUNCATE": "All rows removed",
    "OPTIMIZE": "Small files put together",
    "VACUUM": "Old files cleaned up",
    "RESTORE": "An earlier version put back",
    "ADD CONSTRAINT": "A rule added",
    "DROP CONSTRAINT": "A rule removed",
    "SET TBLPROPERTIES": "Properties set",
    "UNSET TBLPROPERTIES": "Properties removed",
    "ADD COLUMNS": "Columns added",
    "CHANGE COLUMN": "A column changed",
    "DROP COLUMNS": "Columns removed",
    "RENAME COLUMN": "A column renamed",
    "CONVERT": "Made of Parquet files",
    "CLONE": "Copied from another table",
}


def _done(said: _Said) -> str:
    if said.restores is not None:
        return f"Version {said.restores} put back"
    if said.takes_back is not None:
        return f"Version {said.takes_back} taken back: its run failed"
    if said.operation == "WRITE" or said.operation.startswith(("CREATE", "REPLACE")):
        if said.version == 0:
            return "Table made"
        return {"Append": "Rows appended", "Overwrite": "Rows replaced"}.get(said.mode, "Rows written")
    return _DONE.get(said.operation, said.operation.capitalize() or "Changed by another program")


_COUNTED = {
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
    "DELETE": (None, None, "numDeletedRows"),
    "UPDATE": (None, "numUpdatedRows", None),
}


def _rows(said: _Said, before: int | None) -> tuple[int | None, int | None, int | None]:
    """Rows that were added, changed and removed. What an operation says of itself counts only where it agrees with how many rows there were
    before and after: a run may have done several things to the table, and only the last one is told."""
    after = said.rows_after
    if before is None or after is None:
        return None, None, None
    if said.operation in _COUNTED and said.restores is None and said.takes_back is None:
        added, changed, removed = (_number(said.metrics.get(name or "")) for name in _COUNTED[said.operation])
        if after - before == added - removed:
            return added, changed, removed
        return None, None, None
    if said.operation == "WRITE" and said.mode == "Overwrite" and said.version:
        written = _number(said.metrics.get("numOutputRows"))
        return (after, 0, before) if written == after else (None, None, None)
    is_only_more = said.version == 0 or (said.operation == "WRITE" and said.mode == "Append")
    return (after - before, 0, 0) if is_only_more and after >= before else (None, None, None)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
