"""Puts back what was kept of a table of a database (`executor.databases.kept`): in one transaction, and only where the table is as the
publish left it. What is there now is kept in turn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from executor.databases.engine import not_in, same
from executor.databases.kept import WHOLE, Note, Table, told_alike
from executor.plain import counted
from executor.problems import Problem, ProblemError


@dataclass(frozen=True)
class Undone:
    """`id`: of what was there a moment ago, which can be put back now; `rows`: how many rows that was; `changed`: how many rows of the
    table were changed."""

    id: str
    rows: int | None
    changed: int


def put_back(table: Table, id: str) -> Undone:
    """`id`: of what is wanted. Where that was put back already (whoever asked may not have heard), nothing more is done. Raises
    ProblemError: then nothing was changed."""
    session, noted = table.session, table.note()
    if noted is not None and noted.id == id_after(id):
        return _told(noted, 0)
    if noted is None or noted.id != id:
        raise ProblemError(_no_longer_kept(table))
    fresh = table.make_empty(WHOLE) if noted.way == WHOLE else ""
    table.hold(noted.tables)
    session.begin()
    note = table.note(holds=True)  # before the table is locked, as loads do
    if note != noted:
        raise ProblemError(_no_longer_kept(table))
    for statement in table.engine.locked(table.target):
        session.execute(statement)
    _require_same_columns(table, noted)
    undone = _all_rows(table, noted, fresh) if noted.way == WHOLE else _ChangedRows(table, noted).put_back()
    session.commit()
    return undone


def id_after(id: str) -> str:
    """The id of what is kept once that of `id` was put back."""
    return hashlib.sha256(id.encode()).hexdigest()[:16]


def _told(note: Note, changed: int) -> Undone:
    return Undone(note.id, note.sizes[0] if note.way == WHOLE else None, changed)


def _all_rows(table: Table, note: Note, fresh: str) -> Undone:
    session, before, now = table.session, table.before(note.tables), table.before(fresh)
    there = table.copy(now)
    if not table.is_as(note.seen, now):
        numbers = f"It has {there:,} rows now, and had {int(note.seen[0]):,} after the publish."
        raise ProblemError(_changed_since(table, "Some rows have other values." if there == int(note.seen[0]) else numbers))
    wanted = table.digest(before)
    _require_whole(table, int(wanted[0]), note.sizes[0])
    gone, come = session.execute(f"DELETE FROM {table.target}"), _inserted(table, before)
    if gone != there or come != note.sizes[0] or table.digest(table.target) != wanted:
        raise ProblemError(_not_as_it_was(table))
    table.write(turned := replace(note, id=id_after(note.id), tables=fresh, seen=table.seen(), sizes=(there, 0)))
    return _told(turned, there + come)


class _ChangedRows:
    """The two tables of what is kept change places: what was is there again, and what came can come again."""

    def __init__(self, table: Table, note: Note) -> None:
        self.table, self.note = table, note
        self.before, self.after = table.before(note.tables, is_turned=note.is_turned), table.after(note.tables, is_turned=note.is_turned)
        self.keys = [table.engine.quoted(key) for key in note.keys]
        self.went, self.came = note.sizes

    def put_back(self) -> Undone:
        self._require_unchanged()
        gone = self.table.session.execute(self.table.engine.taken_out(self.table.target, self.after, self.before, self.keys))
        self._give_back_values()
        come = _inserted(self.table, self.before, f" WHERE {not_in(self.after, self.keys)}")
        if come != self.went - (self.came - gone) or self._alike(self.before) != self.went:
            raise ProblemError(_not_as_it_was(self.table))
        turned = replace(self.note, id=id_after(self.note.id), sizes=(self.came, self.went), is_turned=not self.note.is_turned)
        self.table.write(turned)
        return _told(turned, gone + self.went)

    def _require_unchanged(self) -> None:
        """Raises ProblemError where somebody has changed what came, or has put something where what was is to be again."""
        for name, size in ((self.before, self.went), (self.after, self.came)):
            _require_whole(self.table, int(self.table.session.value(f"SELECT count(*) FROM {name}") or 0), size)
        if changed := self.came - self._alike(self.after):
            words = f"{counted(changed, 'row that it wrote is', 'rows that it wrote are')} no longer as it wrote them."
            raise ProblemError(_changed_since(self.table, words))
        if taken := self._matched(self.before, not_in(self.after, self.keys)):
            words = f"{counted(taken, 'row has', 'rows have')} the key of one that was there."
            raise ProblemError(_changed_since(self.table, words))

    def _give_back_values(self) -> None:
        table = self.table
        others = [table.engine.quoted(name) for name, _ in table.columns if name not in self.note.keys and name not in table.fixed]
        if others and self.went:
            with told_alike(table.session):
                table.session.execute(table.engine.updated(table.target, self.before, self.keys, others))

    def _alike(self, rows: str) -> int:
        """How many of these rows are in the table as they are."""
        one, other = (self.table.engine.row_text(self.table.columns, of) for of in ("t", "s"))
        with told_alike(self.table.session):
            return self._matched(rows, f"{one} = {other}")

    def _matched(self, rows: str, condition: str) -> int:
        found = f"SELECT count(*) FROM {rows} AS s JOIN {self.table.target} AS t ON {same(self.keys)} WHERE {condition}"
        return int(self.table.session.value(found + self.table.engine.held) or 0)


def _inserted(table: Table, rows: str, where: str = "") -> int:
    into = f"INSERT INTO {table.target} ({table.listed()}){table.engine.into_kept_columns}"
    with told_alike(table.session):
        return table.session.execute(f"{into} SELECT {table.listed('s.')} FROM {rows} AS s{where}")


def _require_same_columns(table: Table, note: Note) -> None:
    if table.columns != note.columns:
        raise ProblemError(_changed_since(table, "Its columns are no longer the same."))


def _require_whole(table: Table, there: int, kept: int) -> None:
    """A server that crashed, or somebody, may have emptied what was kept."""
    if there != kept:
        raise ProblemError(_no_longer_kept(table))


def _no_longer_kept(table: Table) -> Problem:
    return Problem(
        code="output-not-kept",
        message=f"What is to be put back into “{table.name}” is no longer kept. Nothing was changed.",
        fix="Somebody has published into the table since, or has put something back. Look at what lies there now.",
    )


def _changed_since(table: Table, why: str) -> Problem:
    return Problem(
        code="table-changed",
        message=f"“{table.name}” was changed since: putting back would lose that. {why} Nothing was changed.",
        fix="Take the later changes out, or mend the rows with a run. What was there stays kept until the next publish.",
    )


def _not_as_it_was(table: Table) -> Problem:
    return Problem(
        code="rows-lost",
        message=f"“{table.name}” would not become what it was: something in the database changes rows on their way. Nothing was changed.",
        fix="Look for triggers and rules of the table.",
    )
