from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from executor.databases.engine import AS_IT_IS, MOST_TABLES, Column, Engine, Read, Unreadable, digits_of, same, text

_AS_IT_IS = {"bit", "tinyint", "smallint", "int", "bigint", "real", "float", "varchar", "nvarchar", "text", "ntext", "binary"}
_AS_IT_IS |= {"varbinary", "image", "int identity", "bigint identity", "smallint identity"}
_MONEY = {"money": 19, "smallmoney": 10}
_AS_TEXT = {"uniqueidentifier": 36, "time": 16, "char": 8000, "nchar": 4000, "xml": 0, "sql_variant": 8000}


_HOLD = {"float": ("real", "float"), "double": ("float",), "boolean": ("bit",), "binary": ("varbinary",), "date": ("date",)}


class SQLServer(Engine):
    """Moments of datetime2(7) have a digit more than Spark's: they are asked for with six."""

    kind: ClassVar[str] = "sqlserver"
    driver: ClassVar[str] = "com.microsoft.sqlserver.jdbc.SQLServerDriver"
    dialect: ClassVar[str] = "Transact-SQL"
    trusted_option: ClassVar[str] = "sluice.trusted"
    """It reads Java's own stores only: `sluice.Databases` makes one of the file."""
    reads_queries: ClassVar[bool] = False
    """It has no transaction that may only read, and a text can end the query it stands in and begin another statement."""

    compared_otherwise: ClassVar[frozenset[str]] = frozenset(
        {"real", "varchar", "nvarchar", "char", "nchar", "text", "ntext", "sql_variant"}
    )
    usual_schema: ClassVar[str] = "SCHEMA_NAME()"
    readable_tables: ClassVar[str] = f"""
        SELECT TOP {MOST_TABLES} NULLIF(table_schema, SCHEMA_NAME()), table_name FROM information_schema.tables
        ORDER BY CASE WHEN table_schema = SCHEMA_NAME() THEN 0 ELSE 1 END, 1, 2"""
    types: ClassVar[Mapping[str, str]] = {
        "tinyint": "smallint", "smallint": "smallint", "int": "int", "bigint": "bigint", "float": "real", "double": "float",
        "string": "nvarchar(max)", "boolean": "bit", "binary": "varbinary(max)", "date": "date", "timestamp": "datetimeoffset(6)",
        "timestamp_ntz": "datetime2(6)",
    }  # fmt: skip

    def loses(self, kind: str, column: Column) -> str | None:
        into = column.type.removesuffix(" identity")
        number = digits_of(kind)
        if number is not None:
            if into in ("decimal", "numeric") and column.scale >= number[1]:
                return None
            return None if number[1] == 0 and into in ("tinyint", "smallint", "int", "bigint") else "Digits would be lost."
        if kind == "string":
            return None if into in ("nvarchar", "nchar", "ntext", "xml", "uniqueidentifier") else "Not every text fits there."
        if kind in ("timestamp", "timestamp_ntz"):
            wanted = "datetimeoffset" if kind == "timestamp" else "datetime2"
            return None if into == wanted and column.scale >= 6 else "Time zone or fractions of a second would be lost."
        return None if into in _HOLD.get(kind, ()) else "The column is of another type."

    def locked(self, table: str) -> list[str]:
        return [f"SELECT TOP (0) 1 FROM {table} WITH (UPDLOCK, HOLDLOCK, TABLOCK)"]

    def staging(self, name: str, target: str, columns: Sequence[str]) -> str:
        return f"SELECT {', '.join(columns)} INTO {name} FROM {target} WHERE 1 = 0"

    def updated(self, target: str, staged: str, keys: Sequence[str], others: Sequence[str]) -> str:
        values = ", ".join(f"t.{name} = s.{name}" for name in others)
        return f"UPDATE t SET {values} FROM {target} AS t JOIN {staged} AS s ON {same(keys)}"

    def following(self, schema: str | None, table: str) -> str | None:
        target = self.quoted(table) if schema is None else f"{self.quoted(schema)}.{self.quoted(table)}"
        referred = f"referenced_object_id = OBJECT_ID({text(target)}) AND parent_object_id <> referenced_object_id"
        return f"SELECT OBJECT_NAME(parent_object_id) FROM sys.foreign_keys WHERE delete_referential_action > 0 AND {referred}"

    def renamed(self, staged: str, target: str, name: str) -> str:
        plain = name[1:-1].replace('""', '"')
        return f"EXEC sp_rename {text(staged)}, {text(plain)}"

    def read(self, column: Column) -> Read:
        name, kind = self.quoted(column.name), column.type
        if kind in ("decimal", "numeric", "decimal identity", "numeric identity"):
            return self.decimal(column.digits, column.scale)
        if kind in _MONEY:
            return Read(f"CAST({name} AS decimal({_MONEY[kind]}, 4))")
        if kind == "date":  # Java's old dates have not all of them
            return Read(f"CONVERT(nvarchar(10), {name}, 23)", "DATE")
        if kind in ("datetime", "smalldatetime") or (kind == "datetime2" and column.scale <= 6):
            return Read(f"CONVERT(nvarchar(33), {name}, 126)", "TIMESTAMP_NTZ")
        if kind == "datetimeoffset" and column.scale <= 6:
            return Read(f"CONVERT(nvarchar(40), {name}, 127)", "TIMESTAMP")
        if kind in ("datetime2", "datetimeoffset"):
            raise Unreadable("It has seven digits behind the second; Spark has six.", f"Read it with six: CAST({{column}} AS {kind}(6)).")
        if kind in _AS_TEXT:
            return Read(f"CAST({name} AS nvarchar({_AS_TEXT[kind] or 'max'}))")
        if kind in _AS_IT_IS:
            return AS_IT_IS
        raise Unreadable(f"Spark has nothing like {kind}.", "Read it as text: CAST({column} AS nvarchar(max)).")

    def limited(self, query: str, rows: int) -> str:
        return f"SELECT TOP ({rows}) * FROM ({query}) AS q"
