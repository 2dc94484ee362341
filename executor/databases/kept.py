"""What a table was before rows were published into it. It is kept beside the table, so that it can be put back.

Only rows are kept and put back, never the table: its rights, keys, indexes and triggers stay. What is kept of a table says one note, in a
table of notes in the same schema, which is written in the transaction that publishes: so it is there exactly when the rows are. Tables
without a note are left over. Each user of the database has notes and tables of its own, for others may not write them; what another one has
published is a change like any other, and found.

A note says one of two things. `whole`: the table “before” holds every row there was, and `seen` is what lay there afterwards. `rows`:
“before” holds the rows that went or were changed, and “after” those that came in their place, told apart by `keys`; where a publish was put
back, the two have changed places (`is_turned`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from executor.databases.engine import OWN_TABLES, same
from executor.databases.session import Session
from executor.problems import ProblemError

BEGINNING = OWN_TABLES[1]
WHOLE, ROWS = "whole", "rows"
_MARK = "marked "
"""Begins the word for rows that all bear the mark of one transaction; else it is their digest."""


@dataclass(frozen=True)
class Note:
    """See above. `id`: of what can be put back, another one after each change; `tables`: in the names of the tables; `columns`: name and
    type; `seen`: how many rows, and a word that stands for them; `sizes`: rows that were, and rows that came in their place."""

    id: str
    tables: str
    way: str
    columns: list[tuple[str, str]]
    keys: list[str]
    seen: tuple[str, str]
    sizes: tuple[int, int]
    is_turned: bool = False


class Table:
    """A table of the database, for one user of it. `parts`: its name, after its schema where that is said."""

    def __init__(self, session: Session, parts: Sequence[str]) -> None:
        self.session, self.engine = session, session.way.engine
        self.schema, self.name = list(parts[:-1]), parts[-1]
        self.target = self.quoted(self.name)
        who = session.value(self.engine.who) or ""
        self.family = f"{BEGINNING}{hashlib.sha256(who.encode()).hexdigest()[:8]}"
        self._key = hashlib.sha256(self.name.encode()).hexdigest()[:40]
        of_schema = (self.schema[-1] if self.schema else None, self.name)
        described = session.rows(self.engine.columns_kept(*of_schema))
        self.columns = [(str(name), str(kind)) for name, kind, _ in described]
        self.fixed = {str(name) for name, _, is_fixed in described if is_fixed}
        self._of_schema = of_schema

    def over(self, session: Session) -> Table:
        """The same over another connection."""
        return Table(session, [*self.schema, self.name])

    def quoted(self, name: str) -> str:
        return ".".join(map(self.engine.quoted, [*self.schema, name]))

    def listed(self, of: str = "") -> str:
        """All its columns, for SQL."""
        return ", ".join(f"{of}{self.engine.quoted(name)}" for name, _ in self.columns)

    def not_kept(self) -> str | None:
        """Why nothing of it can be kept, as half a sentence."""
        if not self.columns:  # found by the server's search path, in another schema than the one in which tables are made
            return "its schema is not said in its name"
        found = self.session.rows(self.engine.not_kept(*self._of_schema))
        return found[0][0] if found else "it is no table of its own"

    def primary_key(self) -> list[str]:
        return [str(name) for (name,) in self.session.rows(self.engine.primary_key(*self._of_schema))]

    # --- notes

    @property
    def notes(self) -> str:
        return self.quoted(self.family)

    def make_notes(self) -> None:
        """The table of notes, and an empty note of this table in it, which two runs that publish at once wait for. Two may want it made at
        the same time. Raises ProblemError, also where the user may not change notes."""
        if not self.has_notes():
            row = f"of_table varchar(40) PRIMARY KEY, note {self.engine.type_of('string')} NOT NULL"
            with _made_by_another():
                self.session.execute(f"CREATE TABLE IF NOT EXISTS {self.notes} ({row}){self.engine.behind_kept_table}")
                self.make_private(self.notes)
        if not self.session.rows(f"SELECT 1 FROM {self.notes} WHERE of_table = '{self._key}'"):
            with _made_by_another():
                self.session.execute(f"INSERT INTO {self.notes} (of_table, note) VALUES ('{self._key}', '')")
        self.session.execute(f"DELETE FROM {self.notes} WHERE of_table = ''")

    def has_notes(self) -> bool:
        return self.family in self._tables_like(self.family)

    def make_private(self, table: str) -> None:
        for statement in self.engine.private(table):
            self.session.execute(statement)

    def note(self, *, holds: bool = False) -> Note | None:
        """`holds`: nobody else of this user publishes into the table, or puts back, until the transaction ends."""
        locks = self.engine.for_itself if holds else ""
        found = self.session.rows(f"SELECT note FROM {self.notes} WHERE of_table = '{self._key}'{locks}") if self.has_notes() else []
        return _read(str(found[0][0])) if found and found[0][0] else None

    def write(self, note: Note | None) -> None:
        """None: nothing is kept of the table."""
        text = base64.b64encode(json.dumps(asdict(note)).encode()).decode() if note else ""
        self.session.execute(f"DELETE FROM {self.notes} WHERE of_table = '{self._key}'")
        self.session.execute(f"INSERT INTO {self.notes} (of_table, note) VALUES ('{self._key}', '{text}')")

    def tables(self) -> list[str]:
        """Those with rows of before in its schema."""
        return self._tables_like(f"{self.family}_")

    def _tables_like(self, beginning: str) -> list[str]:
        query = self.engine.tables_like(self._of_schema[0], beginning)
        return [str(name) for (name,) in self.session.rows(query)] if query else []

    # --- rows of before

    def before(self, id: str, *, is_turned: bool = False) -> str:
        return self.quoted(f"{self.family}_{id}_{'after' if is_turned else 'before'}")

    def after(self, id: str, *, is_turned: bool = False) -> str:
        return self.before(id, is_turned=not is_turned)

    def hold(self, id: str) -> None:
        """Nobody takes its tables for left over as long as this connection lives."""
        if lock := self.engine.hold(f"{self.family}_{id}"):
            self.session.value(lock)

    def make_empty(self, way: str, keys: Sequence[str] = ()) -> str:
        """Tables for rows of before; gives their id."""
        id = uuid4().hex[:16]
        self.hold(id)
        kinds = dict(self.columns)
        with told_alike(self.session):
            for name in (self.before(id), *([self.after(id)] if way == ROWS else [])):
                index = self.engine.index([(key, kinds[key]) for key in keys]) if keys else ""
                columns = f"SELECT {self.listed()} FROM {self.target} WHERE 1 = 0"
                self.session.execute(f"CREATE TABLE {name}{index}{self.engine.behind_kept_table} AS {columns}")
                self.make_private(name)
        return id

    def copy(self, into: str, joined: str = "") -> int:
        """Rows of the table (alias t) as they are; how many. `joined`: where not all are meant."""
        source = f"SELECT {self.listed('t.')} FROM {self.target} AS t{joined}"
        with told_alike(self.session):
            return self.session.execute(f"INSERT INTO {into} ({self.listed()}) {source}")

    def digest(self, table: str) -> tuple[str, str]:
        """How many rows are in it, and a number that stands for them."""
        with told_alike(self.session):
            ((rows, number),) = self.session.rows(self.engine.digest(self.columns, table))
        return str(rows), str(number)

    def seen(self) -> tuple[str, str]:
        """What lies in the table at the end of a transaction that has written all of it: how many rows, and a word that stands for them."""
        if mark := self.engine.mark:
            own = f"count(CASE WHEN {self.engine.mark_of_row} = {mark} THEN 1 END)"
            ((rows, of_own, word),) = self.session.rows(f"SELECT count(*), {own}, {mark} FROM {self.target} AS t")
            if rows == of_own:
                return str(rows), f"{_MARK}{word}"
        return self.digest(self.target)

    def is_as(self, seen: tuple[str, str], copy: str) -> bool:
        """Whether the table still holds what was `seen`. `copy`: a table with the rows that it holds now."""
        if not seen[1].startswith(_MARK):
            return self.digest(copy) == seen
        own = f"count(CASE WHEN {self.engine.mark_of_row} = '{int(seen[1].removeprefix(_MARK))}' THEN 1 END)"
        return self.session.rows(f"SELECT count(*), {own} FROM {self.target} AS t") == [[seen[0], seen[0]]]

    def remove_leftovers(self) -> None:
        """Drops tables that no note names and nobody holds: of runs that are gone, and of before the last publish. One that somebody reads
        just now, such as a backup, is left to the next time."""
        for statement in self.engine.impatient:
            self.session.execute(statement)
        for name in self.tables() if self.has_notes() else ():
            id = name.removeprefix(f"{self.family}_").partition("_")[0]
            lock = self.engine.hold(f"{self.family}_{id}")
            is_held = lock and not self.session.value(lock)  # without locks, the database is a copy that is ours alone
            if not is_held and id not in self.ids_noted():
                with suppress(ProblemError):
                    self.session.execute(f"DROP TABLE IF EXISTS {self.quoted(name)}")

    def ids_noted(self) -> set[str]:
        """What the names of tables hold that notes speak of."""
        return {_read(str(note)).tables for (note,) in self.session.rows(f"SELECT note FROM {self.notes}") if note}


@contextmanager
def _made_by_another() -> Iterator[None]:
    """Somebody else was first: it is there, which is all that was wanted."""
    try:
        yield
    except ProblemError as error:
        if error.problems[0].code != "database-unique":
            raise


@contextmanager
def told_alike(session: Session) -> Iterator[None]:
    """See `Engine.told_alike`."""
    first, last = session.way.engine.told_alike
    for statement in first:
        session.execute(statement)
    yield
    for statement in last:
        session.execute(statement)


def _read(text: str) -> Note:
    said = json.loads(base64.b64decode(text))
    said |= {"columns": [(one[0], one[1]) for one in said["columns"]], "seen": tuple(said["seen"]), "sizes": tuple(said["sizes"])}
    return Note(**said)


class Keeping:
    """What one load keeps of its table. It is made when rows are staged; its methods are for the transaction that publishes."""

    def __init__(self, table: Table, way: str, keys: Sequence[str] = ()) -> None:
        self.table, self.way, self.keys = table, way, list(keys)
        self.id = table.make_empty(way, keys)
        self.rows, self._came = 0, 0

    def keep_all(self) -> int:
        """Before all rows go; how many there are."""
        self.rows = self.table.copy(self.table.before(self.id))
        return self.rows

    def keep_matched(self, staged: str) -> None:
        """Before rows get the values of those in `staged` that have the same key."""
        self.rows = self.table.copy(self.table.before(self.id), self._of(staged))

    def inserted(self, columns: str, staged: str) -> int:
        """Inserts the rows of `staged` and keeps what the table has made of them; how many. See `Engine.gives_rows_on`."""
        added = f"INSERT INTO {self.table.target} ({columns}) SELECT {columns} FROM {staged} AS s RETURNING {self.table.listed()}"
        into = f"INSERT INTO {self.table.after(self.id)} ({self.table.listed()}) SELECT {self.table.listed()} FROM added"
        self._came = self.table.session.execute(f"WITH added AS ({added}) {into}")
        return self._came

    def keep_come(self, staged: str) -> int:
        """After the rows of `staged` have come, whatever the table has made of them; how many have."""
        self._came = self.table.copy(self.table.after(self.id), self._of(staged))
        return self._came

    def write_note(self) -> dict[str, Any]:
        """The last thing in the transaction; gives the facts of what can be put back."""
        seen = self.table.seen() if self.way == WHOLE else ("", "")
        self.table.write(Note(self.id, self.id, self.way, self.table.columns, self.keys, seen, (self.rows, self._came)))
        return {"id": self.id} | ({"rows": self.rows} if self.way == WHOLE else {})

    def _of(self, staged: str) -> str:
        return f" JOIN {staged} AS s ON {same([self.table.engine.quoted(key) for key in self.keys])}"
