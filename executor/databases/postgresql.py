from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from executor.databases.engine import AS_IT_IS, MOST_TABLES, NO_DAY, Column, Engine, Read, Unreadable, blanks_beyond, digits_of, text

_AS_IT_IS = {"int2", "int4", "int8", "float8", "bool", "text", "varchar", "name", "bytea", "date", "timestamp", "timestamptz"}
_ELEMENTS = {"int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar"}
_ELEMENTS_BY_TEXT = {"date": "DATE", "timestamp": "TIMESTAMP_NTZ", "timestamptz": "TIMESTAMP"}
_SERIALS = {"serial": "int4", "bigserial": "int8", "smallserial": "int2"}


_NO_TEXTS = {
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "bool",
    "date",
    "timestamp",
    "timestamptz",
    "bytea",
    "money",
    "oid",
    "bit",
}
_LEFT_OUT = {"date": "", "timestamp": "", "timestamptz": " 00:00:00+00"}
"""Types with days that Java's old dates do not have → the time zone of such a day in SQL."""
_TIMES = {"time", "timetz", "interval"}
_HOLD = {"float": ("float4", "float8"), "double": ("float8",), "boolean": ("bool",), "binary": ("bytea",), "date": ("date",)}
_ONE_SPELLING = {
    "TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "extra_float_digits": "3", "bytea_output": "hex",
    "lc_monetary": "C",
}  # fmt: skip
"""Settings by which the server writes a value as text."""


class PostgreSQL(Engine):
    kind: ClassVar[str] = "postgresql"
    driver: ClassVar[str] = "org.postgresql.Driver"
    dialect: ClassVar[str] = "PostgreSQL"
    trusted_option: ClassVar[str] = "sslrootcert"
    write_options: ClassVar[Mapping[str, str]] = {"reWriteBatchedInserts": "true", "stringtype": "unspecified"}
    types: ClassVar[Mapping[str, str]] = {
        "tinyint": "int2", "smallint": "int2", "int": "int4", "bigint": "int8", "float": "float4", "double": "float8", "string": "text",
        "boolean": "bool", "binary": "bytea", "date": "date", "timestamp": "timestamptz", "timestamp_ntz": "timestamp",
    }  # fmt: skip
    compared_otherwise: ClassVar[frozenset[str]] = frozenset({"float4"})
    readable_tables: ClassVar[str] = f"""
        SELECT NULLIF(s.nspname, current_schema()), t.relname
        FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS s ON s.oid = t.relnamespace
        WHERE t.relkind IN ('r', 'v', 'm', 'p', 'f') AND s.nspname NOT IN ('pg_catalog', 'information_schema')
        AND s.nspname NOT LIKE 'pg\\_toast%' AND has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')
        ORDER BY s.nspname = current_schema() DESC, 1, 2 LIMIT {MOST_TABLES}"""
    snapshot_query: ClassVar[str | None] = "SELECT pg_export_snapshot()"
    keeps: ClassVar[bool] = True
    gives_rows_on: ClassVar[bool] = True
    impatient: ClassVar[Sequence[str]] = ("SET lock_timeout = '2s'",)
    told_alike: ClassVar[tuple[Sequence[str], Sequence[str]]] = (
        [f"SET LOCAL {name} = '{value}'" for name, value in _ONE_SPELLING.items()],
        [f"SET LOCAL {name} = DEFAULT" for name in _ONE_SPELLING],
    )
    mark: ClassVar[str | None] = "CAST(txid_current() % 4294967296 AS text)"
    mark_of_row: ClassVar[str] = "CAST(t.xmin AS text)"
    into_kept_columns: ClassVar[str] = " OVERRIDING SYSTEM VALUE"

    def begin_reading(self, snapshot: str | None = None) -> list[str]:
        first = ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"]
        return [*first, f"SET TRANSACTION SNAPSHOT '{snapshot}'"] if snapshot else first

    def is_text(self, column: Column) -> bool:
        return column.type in ("text", "varchar", "bpchar", "name", "citext")

    def read(self, column: Column) -> Read:
        kind = _SERIALS.get(column.type, column.type)
        if kind == "numeric":
            return self._number(column)
        if kind == "money":
            raise Unreadable("Money is written as the server likes.", "Read it as a number: CAST({column} AS numeric(19, 2)).")
        if kind == "float4":  # so that conditions are Spark's: to the server, no float4 is equal to a 0.1 in its SQL
            return Read(f"CAST({self.quoted(column.name)} AS float8)", "FLOAT")
        if kind == "bit" and column.digits == 1:
            return Read(f"CAST(CAST({self.quoted(column.name)} AS int4) AS bool)")
        if kind in _AS_IT_IS:
            return AS_IT_IS
        if kind == "oid":
            return Read(f"CAST({self.quoted(column.name)} AS int8)")
        if kind.startswith("_"):
            return self._array(column, kind[1:])
        return Read(f"CAST({self.quoted(column.name)} AS text)")  # each type has a text that holds all of it

    def type_of(self, kind: str) -> str | None:
        if kind.startswith("array<"):
            inner = kind[6:-1]
            element = super().type_of(inner)
            return f"{element}[]" if element and inner != "binary" else None
        return super().type_of(kind)

    def loses(self, kind: str, column: Column) -> str | None:
        if kind.startswith("array<"):
            element = Column(column.name, column.type.removeprefix("_"), column.digits, column.scale)
            return self.loses(kind[6:-1], element) if column.type.startswith("_") else "The column holds no lists."
        into = _SERIALS.get(column.type, column.type)
        number = digits_of(kind)
        if number is not None:
            if into == "numeric" and (column.digits == 0 or column.scale >= number[1]):
                return None
            is_whole = number[1] == 0 and into in ("int2", "int4", "int8")
            return None if is_whole or (kind in ("tinyint", "smallint", "int") and into == "float8") else "Digits would be lost."
        if kind == "string":
            return "A text is no number, day or moment, nor a list of such." if into.removeprefix("_") in _NO_TEXTS else None
        if kind in ("timestamp", "timestamp_ntz"):
            wanted = "timestamptz" if kind == "timestamp" else "timestamp"
            if into != wanted:
                return "A moment with a time zone is none without one." if into in ("timestamp", "timestamptz") else "It holds no moments."
            return None if column.scale >= 6 else "Fractions of a second would be lost."
        return None if into in _HOLD.get(kind, ()) else "The column is of another type."

    def misread(self, columns: Sequence[Column], described: Sequence[Sequence[str | None]]) -> dict[str, tuple[str, str]]:
        found = {one.name: blanks_beyond(one.digits) for one in columns if one.type == "varchar"}
        rounds = "rounds fractions of a second"
        return found | {one.name: (f"{{column}} RLIKE '[.][0-9]{{{one.scale + 1}}}'", rounds) for one in columns if one.type in _TIMES}

    def locked(self, table: str) -> list[str]:
        return [f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"]

    def staging(self, name: str, target: str, columns: Sequence[str]) -> str:
        return super().staging(name, target, columns).replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1)

    def hold(self, word: str) -> str | None:
        return f"SELECT CASE WHEN pg_try_advisory_lock(hashtext({text(word)})) THEN 1 END"

    def tables_like(self, schema: str | None, beginning: str) -> str | None:
        where = text(schema) if schema else "current_schema()"
        return f"SELECT tablename FROM pg_tables WHERE schemaname = {where} AND starts_with(tablename, {text(beginning)})"

    def needed(self, schema: str | None, table: str) -> str:
        return super().needed(schema, table) + " AND is_identity = 'NO' AND is_generated = 'NEVER'"

    def following(self, schema: str | None, table: str) -> str | None:
        this = f"to_regclass({text(self._name(schema, table))})"
        referred = f"confrelid = {this} AND conrelid <> confrelid"
        keys = f"SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd') AND {referred}"
        # Those that inherit lose their rows with it; partitions, also TimescaleDB's, are the table itself.
        inherits = f"inhparent = {this} AND p.relkind = 'r' AND c.relnamespace::regnamespace::text <> '_timescaledb_internal'"
        joined = "pg_inherits JOIN pg_class p ON p.oid = inhparent JOIN pg_class c ON c.oid = inhrelid"
        return f"{keys} UNION ALL SELECT inhrelid::regclass::text FROM {joined} WHERE {inherits}"

    def not_kept(self, schema: str | None, table: str) -> str:
        cases = "WHEN relkind NOT IN ('r', 'p') THEN 'it is no table of its own'"
        cases += " WHEN relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = pg_class.oid)"
        cases += " THEN 'rows of other tables belong to it'"
        return f"SELECT CASE {cases} END FROM pg_class WHERE oid = to_regclass({text(self._name(schema, table))})"

    def columns_kept(self, schema: str | None, table: str) -> str:
        kind = "concat_ws(' ', udt_schema, udt_name, character_maximum_length, numeric_precision, numeric_scale, datetime_precision)"
        asked = f"column_name, {kind}, CASE identity_generation WHEN 'ALWAYS' THEN '1' END"
        where = f"{self._schema_is(schema)} AND table_name = {text(table)} AND is_generated = 'NEVER'"
        return f"SELECT {asked} FROM information_schema.columns WHERE {where} ORDER BY ordinal_position"

    def private(self, table: str) -> list[str]:
        """A schema may say who else gets rights on each new table in it."""
        whom = "CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END"
        given = f"SELECT DISTINCT grantee FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = {text(table)}::regclass"
        loop = f"FOR one IN {given} AND grantee <> relowner LOOP EXECUTE 'REVOKE ALL ON TABLE ' || {text(table)} || ' FROM ' || {whom};"
        return [f"DO $sluice$ DECLARE one record; BEGIN {loop} END LOOP; END $sluice$"]

    def row_text(self, columns: Sequence[tuple[str, str]], of: str) -> str:
        return f"CAST(ROW({', '.join(f'{of}.{self.quoted(name)}' for name, _ in columns)}) AS text)"

    def digest(self, columns: Sequence[tuple[str, str]], table: str) -> str:
        row = f'{self.row_text(columns, "t")} COLLATE "C"'
        return f"SELECT count(*), coalesce(sum(hashtextextended({row}, 0)), 0) FROM {table} AS t"

    def _name(self, schema: str | None, table: str) -> str:
        return self.quoted(table) if schema is None else f"{self.quoted(schema)}.{self.quoted(table)}"

    def _number(self, column: Column) -> Read:
        if column.digits == 0:
            raise Unreadable(
                "It is numeric without a number of digits, which Spark does not have: it would be rounded to 18 digits behind the point.",
                "Say how many digits it has: CAST({column} AS numeric(38, 10)), or CAST({column} AS double precision).",
            )
        return self.decimal(column.digits, column.scale if column.scale < 1024 else column.scale - 2048)

    def _array(self, column: Column, element: str) -> Read:
        name = self.quoted(column.name)
        if element == "numeric":
            self._number(column)
            return AS_IT_IS
        if element in _ELEMENTS:
            return AS_IT_IS
        if element in _ELEMENTS_BY_TEXT:
            return Read(f"CAST({name} AS text[])", f"ARRAY<{_ELEMENTS_BY_TEXT[element]}>")
        if element in ("bytea", "money"):
            raise Unreadable(f"Spark cannot read arrays of {element}.", "Read it as text: CAST({column} AS text).")
        return Read(f"CAST({name} AS text[])")

    def readable_days(self, columns: Sequence[Column]) -> str | None:
        """Java's old dates, which the driver gives, have no 5th to 14th of October 1582: calendars left them out, the server did not. As a
        condition it costs no second look, and an index on the column is still used."""
        days = [one for one in columns if one.type in _LEFT_OUT]
        return " AND ".join(map(self._readable_day, days)) or None

    def _readable_day(self, column: Column) -> str:
        name, zone = self.quoted(column.name), _LEFT_OUT[column.type]
        told = f"{text(f'{NO_DAY}{column.name}|')} || CAST({name} AS text)"  # of the row, else the server would work it out beforehand
        return f"CASE WHEN {name} >= '1582-10-05{zone}' AND {name} < '1582-10-15{zone}' THEN CAST({told} AS bool) ELSE true END"

    def statements_in(self, session: Any, sql: str) -> int:
        """The driver splits a text at its semicolons, and sends each piece: its own parser tells where."""
        return len(session.jvm.org.postgresql.core.Parser.parseJdbcSql(sql, True, False, True, False, True, session.texts([])))
