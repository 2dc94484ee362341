from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from executor.databases.engine import Column, Engine, Read

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
