from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from executor.databases.engine import AS_IT_IS, MOST_TABLES, Column, Engine, Read, Unreadable, blanks_beyond, digits_of, not_in, same, text
from executor.language.quoting import text_in_sql

_AS_IT_IS = {"smallint", "mediumint", "int", "integer", "bigint", "double", "bool", "boolean", "year", "varchar", "json"}
_AS_IT_IS |= {f"{size}{kind}" for size in ("tiny", "", "medium", "long") for kind in ("text", "blob")} | {"binary", "varbinary", "tinyint"}
_MOMENTS = {"date": "DATE", "datetime": "TIMESTAMP_NTZ", "timestamp": "TIMESTAMP"}
_SHAPES = {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}


_MEMBER = re.compile(r"'((?:[^']|'')*)'")
_WHOLE = {"tinyint", "smallint", "mediumint", "int", "integer", "bigint"}
_TEXTS = {"char", "varchar", "json", "enum", "set", "uuid", "inet4", "inet6", "tinytext", "text", "mediumtext", "longtext"}
_HOLD = {
    "float": ("double",), "double": ("double",), "boolean": ("tinyint", "boolean"), "date": ("date",),
    "binary": ("tinyblob", "blob", "mediumblob", "longblob", "varbinary"),
}  # fmt: skip


class MariaDB(Engine):
    """The driver reads a day 0000-00-00 as no day, 2020-00-15 as 2019-12-15, shifts moments before 1582, rounds `float` to six digits, and
    takes every number in a tinyint(1) but 0 for true. So these are asked for as text or number, and Spark makes of them what they are."""

    kind: ClassVar[str] = "mariadb"
    driver: ClassVar[str] = "org.mariadb.jdbc.Driver"
    dialect: ClassVar[str] = "MariaDB or MySQL"
    trusted_option: ClassVar[str] = "serverSslCert"
    quote: ClassVar[str] = "`"
    names_in_transactions: ClassVar[bool] = False
    types: ClassVar[Mapping[str, str]] = {
        "tinyint": "tinyint", "smallint": "smallint", "int": "int", "bigint": "bigint", "float": "double", "double": "double",
        "string": "longtext", "boolean": "boolean", "binary": "longblob", "date": "date", "timestamp": "timestamp(6) NULL",
        "timestamp_ntz": "datetime(6)",
    }  # fmt: skip
    behind_new_table: ClassVar[str] = " CHARACTER SET utf8mb4"
    sent_as_text: ClassVar[frozenset[str]] = frozenset({"date", "timestamp", "timestamp_ntz", "float", "double"})
    compared_otherwise: ClassVar[frozenset[str]] = frozenset({"float", *_TEXTS})
    """A text that is compared with a number becomes one: '10' is sorted before '9' and is greater than 9."""
    usual_schema: ClassVar[str] = "DATABASE()"
    readable_tables: ClassVar[str] = f"""
        SELECT NULLIF(table_schema, DATABASE()), table_name FROM information_schema.tables
        WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
        ORDER BY table_schema = DATABASE() DESC, 1, 2 LIMIT {MOST_TABLES}"""
    keeps: ClassVar[bool] = True
    impatient: ClassVar[Sequence[str]] = ("SET SESSION lock_wait_timeout = 2",)
    behind_kept_table: ClassVar[str] = " ENGINE=InnoDB"
    held: ClassVar[str] = " FOR UPDATE"
    told_alike: ClassVar[tuple[Sequence[str], Sequence[str]]] = (
        ["SET @sluice_mode = @@sql_mode", "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"],
        ["SET SESSION sql_mode = @sluice_mode"],
    )

    def properties(self, connection: Any) -> dict[str, str]:
        return {**super().properties(connection), "tinyInt1isBit": "false", "yearIsDateType": "false", "useBulkStmts": "true"}

    def begin_reading(self, snapshot: str | None = None) -> list[str]:
        return ["SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"]

    def begin_writing(self) -> list[str]:
        strict = "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO')"
        return ["SET time_zone = '+00:00'", f"SET SESSION sql_mode = {strict}"]

    def loses(self, kind: str, column: Column) -> str | None:
        into = column.type.removesuffix(" unsigned")
        number = digits_of(kind)
        if number is not None:
            if into == "decimal" and column.scale >= number[1]:
                return None
            is_whole = number[1] == 0 and into in _WHOLE
            return None if is_whole or (kind in ("tinyint", "smallint", "int") and into == "double") else "Digits would be lost."
        if kind == "string":
            return None if into in _TEXTS else "A text is no number, day, moment or bytes."
        if kind in ("timestamp", "timestamp_ntz"):
            wanted = "timestamp" if kind == "timestamp" else "datetime"
            if into != wanted:
                return "A moment with a time zone is none without one." if into in ("timestamp", "datetime") else "It holds no moments."
            return None if column.scale >= 6 else "Fractions of a second would be lost."
        return None if into in _HOLD.get(kind, ()) else "The column is of another type."

    def description(self, schema: str | None, table: str) -> str | None:
        where = self._schema_is(schema)
        asked = "column_name, data_type, column_type, is_nullable, character_maximum_length"
        return f"SELECT {asked} FROM information_schema.columns WHERE {where} AND table_name = {text(table)}"

    def misread(self, columns: Sequence[Column], described: Sequence[Sequence[str | None]]) -> dict[str, tuple[str, str]]:
        found = {}
        for name, kind, whole, nullable, length in described:
            words = str(whole).partition("(")[2].rpartition(")")[0]
            members = ", ".join(text_in_sql(one.replace("''", "'")) for one in _MEMBER.findall(words))
            if kind == "enum":
                found[str(name)] = (f"{{column}} NOT IN ({members})", "takes a number for a place in its list")
            elif kind == "set":
                condition = f"{{column}} <> '' AND exists(split({{column}}, ','), one -> one NOT IN ({members}))"
                found[str(name)] = (condition, "takes a number for places in its list")
            elif kind == "timestamp" and nullable == "NO":
                found[str(name)] = ("{column} IS NULL", "fills in the present moment")
            elif kind == "varchar" and length is not None:
                found[str(name)] = blanks_beyond(int(length))
        return found

    def updated(self, target: str, staged: str, keys: Sequence[str], others: Sequence[str]) -> str:
        values = ", ".join(f"t.{name} = s.{name}" for name in others)
        return f"UPDATE {target} AS t JOIN {staged} AS s ON {same(keys)} SET {values}"

    def renamed(self, staged: str, target: str, name: str) -> str:
        return f"RENAME TABLE {staged} TO {target}"

    def hold(self, word: str) -> str | None:
        return f"SELECT CASE WHEN GET_LOCK({text(word)}, 0) = 1 THEN 1 END"

    def tables_like(self, schema: str | None, beginning: str) -> str | None:
        where = text(schema) if schema else "DATABASE()"
        found = f"table_schema = {where} AND LEFT(table_name, {len(beginning)}) = {text(beginning)}"
        return f"SELECT table_name FROM information_schema.tables WHERE {found}"

    def following(self, schema: str | None, table: str) -> str | None:
        referred = f"unique_constraint_schema = {text(schema) if schema else 'DATABASE()'} AND referenced_table_name = {text(table)}"
        acts = "delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') AND table_name <> referenced_table_name"
        return f"SELECT table_name FROM information_schema.referential_constraints WHERE {referred} AND {acts}"

    def needed(self, schema: str | None, table: str) -> str:
        return super().needed(schema, table) + " AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%'"

    def not_kept(self, schema: str | None, table: str) -> str:
        transactional = "SELECT engine FROM information_schema.engines WHERE transactions = 'YES'"
        cases = "WHEN table_type <> 'BASE TABLE' THEN 'it is no table of its own'"
        cases += f" WHEN engine NOT IN ({transactional}) THEN 'its engine has no transactions'"
        where = f"{self._schema_is(schema)} AND table_name = {text(table)}"
        return f"SELECT CASE {cases} END FROM information_schema.tables WHERE {where}"

    def columns_kept(self, schema: str | None, table: str) -> str:
        where = f"{self._schema_is(schema)} AND table_name = {text(table)} AND COALESCE(generation_expression, '') = ''"
        return f"SELECT column_name, column_type, NULL FROM information_schema.columns WHERE {where} ORDER BY ordinal_position"

    def index(self, columns: Sequence[tuple[str, str]]) -> str:
        """Without one, the server would go through all rows for each of them; to add it later is a right of its own."""
        parts = [f"{self.quoted(name)}{'(60)' if _is_long(kind) else ''}" for name, kind in columns[:_MOST_INDEXED]]
        return f" (INDEX ({', '.join(parts)}))"

    def taken_out(self, target: str, came: str, stays: str, keys: Sequence[str]) -> str:
        return f"DELETE t FROM {target} AS t JOIN {came} AS s ON {same(keys)} WHERE {not_in(stays, keys)}"

    def row_text(self, columns: Sequence[tuple[str, str]], of: str) -> str:
        return f"CONCAT_WS(',', {', '.join(_told_exactly(f'{of}.{self.quoted(name)}', kind) for name, kind in columns)})"

    def digest(self, columns: Sequence[tuple[str, str]], table: str) -> str:
        number = f"CAST(CONV(LEFT(MD5({self.row_text(columns, 't')}), 15), 16, 10) AS UNSIGNED)"
        return f"SELECT COUNT(*), COALESCE(SUM({number}), 0) FROM {table} AS t"

    def read(self, column: Column) -> Read:
        name, kind = self.quoted(column.name), column.type.removesuffix(" unsigned")
        if kind == "decimal":
            return self.decimal(column.digits, column.scale)
        if kind in _MOMENTS:
            return Read(f"CAST({name} AS CHAR)", _MOMENTS[kind])
        if kind == "float":
            return Read(f"({name} + 0e0)", "FLOAT")
        if kind == "bit":
            return AS_IT_IS if column.digits == 1 else Read(f"CAST({name} AS UNSIGNED)")
        if kind in _SHAPES:
            raise Unreadable("Spark has no shapes.", "Read it as text: ST_AsText({column}).")
        if kind in _AS_IT_IS:
            return AS_IT_IS
        return Read(f"CAST({name} AS CHAR)")  # char, time, enum, set, uuid, inet …


_MOST_INDEXED = 5
"""Columns of an index: it has only so many bytes."""


def _is_long(kind: str) -> bool:
    """Whether an index takes only the beginning of it."""
    found = re.match(r"(?:var)?(?:char|binary)\((\d+)\)", kind.lower())
    return int(found[1]) > 60 if found else bool(re.search(r"text|blob|json", kind.lower()))


def _told_exactly(column: str, kind: str) -> str:
    """A text of signs 0-9, A-F for the value: its bytes, as no comparison of texts tells 'a' from 'A'. Of what may be longer than a
    statement's text may be, a checksum."""
    kind = kind.lower()
    if re.match(r"(tiny|medium|long)?(text|blob)|json|geometry|(multi)?(point|linestring|polygon)", kind):
        return f"COALESCE(MD5({column}), 'N')"
    if re.match(r"(var)?binary", kind):
        return f"COALESCE(HEX({column}), 'N')"
    number = {"float": f"({column} + 0e0)", "bit": f"CAST({column} AS UNSIGNED)"}.get(re.split(r"\W", kind)[0], column)
    return f"COALESCE(HEX(CAST({number} AS CHAR CHARACTER SET utf8mb4)), 'N')"
