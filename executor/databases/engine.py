"""What every database is made of, for reading: its driver, its names, and how each of its types gets to Spark without losing anything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from executor.problems import Problem, ProblemError

_PART = re.compile(r'"((?:[^"\x00-\x1f]|"")+)"|`((?:[^`\x00-\x1f]|``)+)`|([^\s".`;()\[\]\x00-\x1f\'\\]+)')
_PLAIN = re.compile(r"\w+")
MOST_TABLES = 1_000
"""How many a database is asked to name."""
OWN_TABLES = ("sluice_staging_", "sluice_kept_")
"""Begin the names of tables in which rows wait, or rows of before lie: no stage reads or writes them."""
MOST_DIGITS = 38
"""Of a number in Spark."""
NO_DAY = "sluice: no day|"
"""Stands in the error of a server, see `Engine.readable_days`."""


@dataclass(frozen=True)
class Column:
    """A column of a query as the driver tells it. `type`: the database's word; `digits`, `scale`: of numbers, else lengths."""

    name: str
    type: str
    digits: int = 0
    scale: int = 0


@dataclass(frozen=True)
class Read:
    """How a column is asked for. `sql`: an expression of the database, None: as it is; `as_type`: what Spark makes of that, None: as it
    comes. A value that does not fit then stops the run: Spark's casts are strict."""

    sql: str | None = None
    as_type: str | None = None
    comes_as: str | None = None
    """The type that Spark is told, where the driver does not know that of an expression."""


AS_IT_IS = Read()


class Unreadable(Exception):
    """A column that Spark cannot hold: `why` and `fix` are sentences for people, in which its name may stand as “{name}”."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why, self.fix = why, fix


class Engine:
    """Base of every database."""

    kind: ClassVar[str]
    """That of its connections."""
    driver: ClassVar[str]
    """Java's name of the driver."""
    dialect: ClassVar[str]
    """The language of its queries, in words."""
    quote: ClassVar[str] = '"'
    trusted_option: ClassVar[str]
    """The driver's word for the file of those who may have signed the server's certificate."""
    read_options: ClassVar[Mapping[str, str]] = {}
    """Of the driver, for connections that read."""
    reads_queries: ClassVar[bool] = True
    """Whether nothing that stands in the text of a query can do more than read."""
    prepares: ClassVar[bool] = False
    """Whether statements are prepared: what the driver does with the others is more than the database's SQL."""
    names_in_transactions: ClassVar[bool] = True
    """Whether a table can be made, renamed and dropped in a transaction, seen by nobody before its end."""
    write_options: ClassVar[Mapping[str, str]] = {}
    """Of the driver, for connections that write."""
    behind_new_table: ClassVar[str] = ""
    """What stands behind CREATE TABLE (…)."""
    sent_as_text: ClassVar[frozenset[str]] = frozenset()
    """Spark's types (of exact numbers: decimal) whose values the driver would change on the way."""
    writes_at_once: ClassVar[int | None] = None
    """How many connections may write at once; None: as many as there are."""
    compared_otherwise: ClassVar[frozenset[str]] = frozenset()
    """Types of which the highest value, as it is told, is not what a condition finds: rounded, or compared otherwise than sorted."""
    types: ClassVar[Mapping[str, str]] = {}
    """Spark's type → the type of a column in a new table. `decimal` and `array` have none here."""
    readable_tables: ClassVar[str]
    """A query for (schema, or NULL where it is the usual one; name) of the tables and views that one may read, in order."""
    snapshot_query: ClassVar[str | None] = None
    """Gives a word under which other connections see the very same state; None where the database has none."""

    def properties(self, connection: Any) -> dict[str, str]:
        """What the driver is given beside the address: who signs in, and how values are told. Nothing of it may be shown."""
        secret, trusted = getattr(connection, "password", None), connection.trusted_file()
        signs_in = {"user": connection.user, "password": secret.get_secret_value() if secret else ""}
        return signs_in | ({self.trusted_option: trusted} if trusted else {})

    def url(self, connection: Any, path: str | None) -> str:
        """The driver's address, without user and password. `path`: of the file that it is."""
        return str(connection.url())

    def file(self, connection: Any) -> str | None:
        """The file of the lake that the database is; None where it is a server."""
        return None

    def begin_reading(self, snapshot: str | None = None) -> list[str]:
        """What each connection that reads says first, in a transaction that may only read."""
        return []

    def begin_writing(self) -> list[str]:
        """What each connection that writes says first."""
        return []

    def quoted(self, name: str) -> str:
        """A name as it stands, whatever signs are in it."""
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"

    def table(self, text: str, field: str = "tableName") -> str:
        """`schema.table` with each name quoted. Raises ProblemError where it is no such name."""
        return ".".join(map(self.quoted, name_parts(text, field)))

    def written(self, *names: str) -> str:
        """As `table` takes it."""
        return ".".join(name if _PLAIN.fullmatch(name) else self.quoted(name) for name in names)

    def compares_otherwise(self, column: Column) -> bool:
        """See `compared_otherwise`."""
        return column.type in self.compared_otherwise

    def is_text(self, column: Column) -> bool:
        """Whether its values are put in the order of their letters."""
        return False

    def read(self, column: Column) -> Read:
        """Raises Unreadable."""
        raise NotImplementedError

    def selected(self, source: str, reads: Sequence[tuple[Column, Read]]) -> str:
        """A query for these columns of `source` (a table, or a query in parentheses with a name)."""
        listed = ", ".join(
            self.quoted(column.name) if read.sql is None else f"{read.sql} AS {self.quoted(column.name)}" for column, read in reads
        )
        return f"SELECT {listed} FROM {source}"

    def readable_days(self, columns: Sequence[Column]) -> str | None:
        """A condition that is true of every row, and an error of the server (with `NO_DAY`, then “column|value”) where the driver would
        tell a day or moment as another one; None where it never does."""
        return None

    def limited(self, query: str, rows: int) -> str:
        """At most that many rows of it."""
        return f"{query} LIMIT {rows}"

    def statements_in(self, session: Any, sql: str) -> int:
        """How many statements the driver or the server would take `sql` for."""
        return 1

    def type_of(self, kind: str) -> str | None:
        """The type of a column of a new table for Spark's `kind`, such as decimal(10,2) or array<int>; None where there is none."""
        return kind if kind.startswith("decimal(") else self.types.get(kind)

    def loses(self, kind: str, column: Column) -> str | None:
        """What would be lost, in a sentence, if values of Spark's `kind` were written into the column; None where nothing is, or the
        database refuses what does not fit."""
        raise NotImplementedError

    def misread(self, columns: Sequence[Column], described: Sequence[Sequence[str | None]]) -> dict[str, tuple[str, str]]:
        """Column of a table → (a condition of Spark's SQL on “{column}” for values that the database would take for others without a word,
        what it would do). `described`: the answer to `description`."""
        return {}

    def description(self, schema: str | None, table: str) -> str | None:
        """A query for what `misread` must know of a table's columns; None: nothing."""
        return None

    def locked(self, table: str) -> list[str]:
        """Statements after which nobody else changes the table until the transaction ends; others may read it."""
        return []

    def staging(self, name: str, target: str, columns: Sequence[str]) -> str:
        """Makes an empty table with these columns (quoted) of `target`."""
        return f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM {target} WHERE 1 = 0"

    def updated(self, target: str, staged: str, keys: Sequence[str], others: Sequence[str]) -> str:
        """Gives the rows of `target` with the same keys the other values of `staged`. Names are quoted."""
        values = ", ".join(f"{name} = s.{name}" for name in others)
        return f"UPDATE {target} AS t SET {values} FROM {staged} AS s WHERE {same(keys)}"

    def renamed(self, staged: str, target: str, name: str) -> str:
        """`staged` becomes `target`, whose last part is `name`; an error where there is one."""
        return f"ALTER TABLE {staged} RENAME TO {name}"

    def hold(self, word: str) -> str | None:
        """A query that takes the lock `word` for as long as the connection lives, and gives a value where nobody else has it; None: there
        are no such locks."""
        return None

    def tables_like(self, schema: str | None, beginning: str) -> str | None:
        """A query for the names of the tables in a schema (None: the usual one) that begin so. None: nobody asks."""
        return None

    def needed(self, schema: str | None, table: str) -> str:
        """A query for the columns of a table that need a value and fill in none themselves."""
        schema_is = self._schema_is(schema)
        filled = "column_default IS NULL AND is_nullable = 'NO'"
        return f"SELECT column_name FROM information_schema.columns WHERE {schema_is} AND table_name = {text(table)} AND {filled}"

    def called_alike(self, schema: str | None, table: str) -> str:
        """A query for the tables whose names differ from this one in capitals alone."""
        return (
            f"SELECT table_name FROM information_schema.tables WHERE {self._schema_is(schema)} AND lower(table_name) = lower({text(table)})"
        )

    def _schema_is(self, schema: str | None) -> str:
        return f"table_schema = {text(schema) if schema else self.usual_schema}"

    def following(self, schema: str | None, table: str) -> str | None:
        """A query for the names of the other tables whose rows change when rows of this one are deleted (ON DELETE CASCADE and the like);
        None: there are none."""
        return None

    usual_schema: ClassVar[str] = "current_schema()"
    """The schema in which a name without one is looked for."""

    # --- what a table was before (`executor.databases.kept`)

    who: ClassVar[str] = "SELECT current_user"
    keeps: ClassVar[bool] = False
    """Whether rows of before can be kept beside a table."""
    gives_rows_on: ClassVar[bool] = False
    """Whether the rows that an INSERT has made can be written into another table by the same statement."""
    behind_kept_table: ClassVar[str] = ""
    """What stands behind CREATE TABLE (…) of a table for rows of before."""
    told_alike: ClassVar[tuple[Sequence[str], Sequence[str]]] = ((), ())
    """(statements after which rows are copied as they are, and the same row is always the same text; statements that take that back)"""
    into_kept_columns: ClassVar[str] = ""
    """What stands behind the columns of an INSERT so that no value is made by the database."""

    def not_kept(self, schema: str | None, table: str) -> str:
        """A query for why rows of this table cannot be kept, as half a sentence; NULL where they can."""
        raise NotImplementedError

    def columns_kept(self, schema: str | None, table: str) -> str:
        """A query for the columns that are not made of others: name, type, and a 1 where an UPDATE may not touch it."""
        raise NotImplementedError

    def primary_key(self, schema: str | None, table: str) -> str:
        """A query for the columns of the primary key, in order."""
        same_one = "USING (constraint_schema, constraint_name, table_schema, table_name)"
        both = f"information_schema.table_constraints JOIN information_schema.key_column_usage {same_one}"
        where = f"constraint_type = 'PRIMARY KEY' AND {self._schema_is(schema)} AND table_name = {text(table)}"
        return f"SELECT column_name FROM {both} WHERE {where} ORDER BY ordinal_position"

    def private(self, table: str) -> list[str]:
        """Statements after which nobody but its owner may read a new table, as far as the database lets a table say that."""
        return []

    impatient: ClassVar[Sequence[str]] = ()
    """Statements after which this connection waits for others a moment only."""
    mark: ClassVar[str | None] = None
    """An expression for what each row bears that this transaction has written, and no other one bears; None: there is no such thing."""
    mark_of_row: ClassVar[str] = ""
    """What a row (alias t) bears."""
    for_itself: ClassVar[str] = " FOR UPDATE"
    """What stands behind a SELECT of a row that nobody else changes until the transaction ends."""
    held: ClassVar[str] = ""
    """What stands behind a SELECT so that nobody changes its rows until the transaction ends, where `locked` does not see to it."""

    def index(self, columns: Sequence[tuple[str, str]]) -> str:
        """What stands behind the name of a new table so that its rows are found by these columns (name, type)."""
        return ""

    def taken_out(self, target: str, came: str, stays: str, keys: Sequence[str]) -> str:
        """Deletes the rows of `target` that are in `came` and not in `stays`, by their keys. Names are quoted."""
        return f"DELETE FROM {target} AS t USING {came} AS s WHERE {same(keys)} AND {not_in(stays, keys)}"

    def row_text(self, columns: Sequence[tuple[str, str]], of: str) -> str:
        """An expression for all of a row (alias `of`): two rows have the same only if every value is the same. `columns`: name, type."""
        raise NotImplementedError

    def digest(self, columns: Sequence[tuple[str, str]], table: str) -> str:
        """A query for (how many rows, a number that is another one where a row is another)."""
        raise NotImplementedError

    def decimal(self, digits: int, scale: int) -> Read:
        """Raises Unreadable for a number that Spark would round."""
        if not 0 <= scale <= digits <= MOST_DIGITS:
            raise Unreadable(
                f"It has {digits} digits, {scale} of them behind the point; Spark has {MOST_DIGITS} at most, and would round in silence.",
                f"Read it with as many digits as it needs: CAST({{column}} AS DECIMAL(38, {min(max(scale, 0), 18)})).",
            )
        return AS_IT_IS


def text(value: str) -> str:
    """As an SQL string of names, which hold no control characters and no backslash."""
    return "'" + value.replace("'", "''") + "'"


def blanks_beyond(length: int) -> tuple[str, str]:
    """Of `Engine.misread`, for a text of at most that many signs: only where blanks alone are too many no database says so."""
    return f"length({{column}}) > {length} AND length(rtrim({{column}})) <= {length}", "takes blanks off its end"


def same(keys: Sequence[str]) -> str:
    return " AND ".join(f"t.{key} = s.{key}" for key in keys)


def not_in(other: str, keys: Sequence[str]) -> str:
    """A condition on rows of the alias s."""
    return f"NOT EXISTS (SELECT 1 FROM {other} AS o WHERE {' AND '.join(f'o.{key} = s.{key}' for key in keys)})"


WHOLE = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
"""Spark's whole numbers → digits that always suffice."""


def digits_of(kind: str) -> tuple[int, int] | None:
    """Digits and scale of Spark's exact numbers."""
    if kind in WHOLE:
        return WHOLE[kind], 0
    found = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
    return (int(found[1]), int(found[2])) if found else None


def name_parts(text: str, field: str, *, own: bool = False) -> list[str]:
    """The names in `schema.table`; each may stand in "…" or `…`. `own`: it may be a table of Sluice's. Raises ProblemError."""
    parts, position = [], 0
    while found := _PART.match(text, position):
        quoted, ticked, plain = found.groups()
        parts.append(quoted.replace('""', '"') if quoted else ticked.replace("``", "`") if ticked else plain)
        position = found.end()
        if position == len(text) or text[position] != ".":
            break
        position += 1
    if position != len(text) or not 1 <= len(parts) <= 3 or text.endswith("."):
        raise ProblemError(no_table_name(text, field))
    if not own and parts[-1].casefold().startswith(OWN_TABLES):
        raise ProblemError(_own_table(field))
    return parts


def plain_name(text: str) -> str:
    """The one way in which the name is written: in quotes only where it must be. Raises ProblemError."""
    parts = name_parts(text, "tableName")
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def table_problems(given: Any, field: str = "tableName") -> list[Problem]:
    """What is wrong with a table's name in a document, as far as it is a text."""
    if isinstance(given, str) and "${" not in given:
        try:
            name_parts(given, field)
        except ProblemError as error:
            return error.problems
    return []


def _own_table(field: str) -> Problem:
    words = "In tables of this name Sluice keeps rows that wait, or that were there before."
    return Problem(code="table-name", field=field, message=words, fix="Read or write the table itself.")


def no_table_name(text: str, field: str) -> Problem:
    is_query = text.lstrip().startswith("(") or text.lstrip()[:6].casefold() == "select"
    return Problem(
        code="table-name",
        field=field,
        message="This is no name of a table." if not is_query else "A query has a field of its own.",
        found=text[:200],
        expected='a name such as orders, shop.orders or "Odd Name"',
        fix="Write the query into “sql”, without the parentheses around it."
        if is_query
        else "Write the table's name, and its schema before it.",
    )
