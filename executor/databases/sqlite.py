from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from executor.databases.engine import MOST_TABLES, Column, Engine, Read, digits_of, not_in, same, text

_WHOLE = ("int",)
_TEXTS = ("char", "clob", "text", "json", "uuid")
_MOMENTS = {"date": "DATE", "datetime": "TIMESTAMP_NTZ", "timestamp": "TIMESTAMP_NTZ"}


class SQLite(Engine):
    """A column may hold values of any type, and the driver makes 0 of a text where a number was declared. So each value is asked for as
    text (with all digits), and Spark refuses what is not of the column's type."""

    kind: ClassVar[str] = "sqlite"
    driver: ClassVar[str] = "org.sqlite.JDBC"
    dialect: ClassVar[str] = "SQLite"
    read_options: ClassVar[Mapping[str, str]] = {"open_mode": "1"}
    prepares: ClassVar[bool] = True
    """The driver itself knows `backup to` and `restore from`, which open any file; in prepared statements it does not look for them."""

    types: ClassVar[Mapping[str, str]] = {
        "tinyint": "INTEGER", "smallint": "INTEGER", "int": "INTEGER", "bigint": "INTEGER", "float": "REAL", "double": "REAL",
        "string": "TEXT", "boolean": "BOOLEAN", "binary": "BLOB", "date": "DATE", "timestamp_ntz": "TIMESTAMP",
    }  # fmt: skip
    sent_as_text: ClassVar[frozenset[str]] = frozenset({"date", "timestamp_ntz", "decimal"})
    writes_at_once: ClassVar[int | None] = 1
    usual_schema: ClassVar[str] = "'main'"
    readable_tables: ClassVar[str] = f"""
        SELECT NULL, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY name LIMIT {MOST_TABLES}"""
    keeps: ClassVar[bool] = True
    who: ClassVar[str] = "SELECT 'file'"
    for_itself: ClassVar[str] = ""

    def properties(self, connection: Any) -> dict[str, str]:
        return {}

    def url(self, connection: Any, path: str | None) -> str:
        return str(connection.url(Path(path or "")))

    def file(self, connection: Any) -> str | None:
        return str(connection.file)

    def compares_otherwise(self, column: Column) -> bool:
        """A fraction is told with 15 digits; a column without a type compares texts and numbers apart."""
        kind = column.type.partition("(")[0].strip()
        return not kind or any(word in kind for word in ("real", "floa", "doub"))

    def is_text(self, column: Column) -> bool:
        return _affinity(column.type) == "text"

    def read(self, column: Column) -> Read:
        name, kind = self.quoted(column.name), column.type.partition("(")[0].strip()
        text = f"CASE typeof({name}) WHEN 'real' THEN printf('%!.17g', {name}) ELSE CAST({name} AS TEXT) END"
        if kind in _MOMENTS:
            return Read(text, _MOMENTS[kind], "STRING")
        if any(word in kind for word in _WHOLE):
            return Read(text, "BIGINT", "STRING")
        if kind.startswith("bool"):
            return Read(text, "BOOLEAN", "STRING")
        if any(word in kind for word in _TEXTS):
            return Read(text, None, "STRING")
        if kind in ("numeric", "decimal") and column.digits:
            return Read(text, f"DECIMAL({min(column.digits, 38)}, {column.scale})", "STRING")
        if any(word in kind for word in ("real", "floa", "doub", "numeric", "decimal")):
            return Read(text, "DOUBLE", "STRING")
        if "blob" in kind:
            return Read(f"CAST({name} AS BLOB)", None, "BINARY")
        return Read(text, None, "STRING")

    # --- writing, in a copy of the file (`executor.databases.sqlite_file`)

    def type_of(self, kind: str) -> str | None:
        """Of a number with more digits the database would keep the first ones."""
        number = digits_of(kind)
        if kind.startswith("decimal(") and number and number[0] > _DIGITS:
            return None
        return super().type_of(kind)

    def loses(self, kind: str, column: Column) -> str | None:
        """The declared type decides what becomes of a value; any may stand anywhere."""
        declared, number = column.type.partition("(")[0].strip(), digits_of(kind)
        affinity = _affinity(declared)
        if kind == "timestamp":
            return "It holds no moments with a time zone."
        if kind in ("date", "timestamp_ntz", "boolean") or declared in (*_MOMENTS, "boolean", "bool"):
            holds = {"date": ("date",), "timestamp_ntz": ("datetime", "timestamp"), "boolean": ("boolean", "bool")}
            return None if declared in holds.get(kind, ()) else "The column is of another type."
        if number and kind.startswith("decimal("):
            fits = number[0] <= _DIGITS and affinity == "numeric" and (not column.digits or column.scale >= number[1])
            return None if fits else "Digits would be lost."
        if number:
            fits = affinity in ("integer", "numeric", "blob") or (affinity == "real" and kind != "bigint")
            return None if fits else "Digits would be lost."
        if kind == "string":
            return None if affinity in ("text", "blob") else "A text is no number."
        if kind in ("float", "double"):
            return None if affinity == "real" else "The column is of another type."
        return None if kind == "binary" and affinity == "blob" else "The column is of another type."

    def misread(self, columns: Sequence[Column], described: Sequence[Sequence[str | None]]) -> dict[str, tuple[str, str]]:
        condition = "CAST({column} AS STRING) = 'NaN'"
        return {one.name: (condition, "takes it for no value") for one in columns if _affinity(one.type) == "real"}

    def tables_like(self, schema: str | None, beginning: str) -> str | None:
        return f"SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, {len(beginning)}) = {text(beginning)}"

    def needed(self, schema: str | None, table: str) -> str:
        made = "(pk > 0 AND lower(type) = 'integer')"
        return f"""SELECT name FROM pragma_table_info({text(table)}) WHERE "notnull" = 1 AND dflt_value IS NULL AND NOT {made}"""

    def called_alike(self, schema: str | None, table: str) -> str:
        """Capitals are no difference to it."""
        return "SELECT name FROM sqlite_master WHERE 1 = 0"

    def following(self, schema: str | None, table: str) -> str | None:
        keys = "sqlite_master AS m, pragma_foreign_key_list(m.name) AS f"
        acts = "f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') AND lower(m.name) <> lower(f.\"table\")"
        return f"SELECT m.name FROM {keys} WHERE m.type = 'table' AND lower(f.\"table\") = lower({text(table)}) AND {acts}"

    def not_kept(self, schema: str | None, table: str) -> str:
        cases = "WHEN type <> 'table' OR upper(sql) LIKE 'CREATE VIRTUAL%' THEN 'it is no table of its own'"
        cases += f" WHEN (SELECT count(*) FROM pragma_table_xinfo({text(table)})) > {_MOST_COLUMNS} THEN 'it has too many columns'"
        return f"SELECT CASE {cases} END FROM sqlite_master WHERE lower(name) = lower({text(table)}) AND type IN ('table', 'view')"

    def columns_kept(self, schema: str | None, table: str) -> str:
        return f"SELECT name, type, NULL FROM pragma_table_xinfo({text(table)}) WHERE hidden = 0"

    def primary_key(self, schema: str | None, table: str) -> str:
        return f"SELECT name FROM pragma_table_info({text(table)}) WHERE pk > 0 ORDER BY pk"

    def taken_out(self, target: str, came: str, stays: str, keys: Sequence[str]) -> str:
        return f"DELETE FROM {target} AS t WHERE EXISTS (SELECT 1 FROM {came} AS s WHERE {same(keys)} AND {not_in(stays, keys)})"

    def row_text(self, columns: Sequence[tuple[str, str]], of: str) -> str:
        return " || ',' || ".join(_told_exactly(f"{of}.{self.quoted(name)}") for name, _ in columns)

    def digest(self, columns: Sequence[tuple[str, str]], table: str) -> str:
        return f"SELECT count(*), coalesce(sum({ROW_SUM}({self.row_text(columns, 't')})), 0) FROM {table} AS t"


def column_of(name: str, declared: str) -> Column:
    found = re.search(r"\((\d+)\s*(?:,\s*(\d+))?\)", declared)
    return Column(name, declared.lower(), int(found[1]) if found else 0, int(found[2] or 0) if found else 0)


ROW_SUM = "sluice_row_sum"
"""A function that our connections have (`executor.databases.sqlite_file`)."""
_DIGITS = 15
"""Of a number that it keeps as it is where it is no whole one."""
_MOST_COLUMNS = 250
"""Of which one expression can be made."""


def _affinity(declared: str) -> str:
    """What the database makes of values in a column of this type, by its rules."""
    if "int" in declared:
        return "integer"
    if any(word in declared for word in ("char", "clob", "text")):
        return "text"
    if "blob" in declared or not declared.strip():
        return "blob"
    return "real" if any(word in declared for word in ("real", "floa", "doub")) else "numeric"


def _told_exactly(column: str) -> str:
    return f"(typeof({column}) || CASE typeof({column}) WHEN 'real' THEN printf('%!.17g', {column}) ELSE ifnull(hex({column}), '') END)"
