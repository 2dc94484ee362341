"""Stages that work on a database, and the fields they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from executor.language.filling import PLACEHOLDER, inject_sql_params
from executor.language.sql_text import MAX_LENGTH
from executor.problems import Problem
from executor.stages.base import DATABASE_SQL, DECIDES, Query, Stage
from executor.stages.kinds import FlatMap, sql_params_field, stage_field

_ADDRESS = re.compile(
    r"jdbc:(?P<kind>[a-z0-9]+):(?:[a-z0-9]+:)?(?://)?(?:[^/@;?]*@)?(?P<host>[\w.\[\]-]*)(?::(?P<port>\d+))?(?:/(?P<name>[^?;:/@=]*))?", re.I
)
_NAME = re.compile(r";\s*database(?:Name)?=\{?([^;{}=]*)", re.IGNORECASE)
KINDS = {
    "postgresql": "PostgreSQL",
    "mysql": "MariaDB or MySQL",
    "mariadb": "MariaDB or MySQL",
    "sqlserver": "SQL Server",
    "sqlite": "SQLite",
}
WITH_ADDRESS = ("jdbcURL", "url", "user", "password", "driver")


class OfDatabase(Stage):
    """A stage that names a connection in place of Arc's address, user and password."""

    connectors: ClassVar[tuple[str, ...]] = ("postgresql", "mariadb", "sqlserver", "sqlite")
    icon: ClassVar[str] = "database"

    @classmethod
    def foreign_problems(cls, words: Mapping[str, Any]) -> list[Problem]:
        found = [name for name in WITH_ADDRESS if name in words]
        return [_address_problem(found[0], words.get("jdbcURL"))] if found else []


class WithDatabaseSQL(Stage):
    """A text in the SQL of the database, which neither Spark nor the gate reads."""

    sql: str | None = stage_field(
        "sql",
        "SQL",
        "In the database's own SQL, which the database reads with the rights of the connection's user.",
        "sql",
        default=None,
        marks={"dialect": DATABASE_SQL},
        max_length=MAX_LENGTH,
    )
    input_uri: str | None = stage_field(
        "inputURI",
        "SQL file",
        "A file in the lake that holds the SQL, instead of SQL written here.",
        "uri",
        default=None,
        advanced=True,
        marks={"does": DECIDES},
    )
    sql_params: FlatMap = sql_params_field()

    def queries(self) -> list[Query]:
        if self.sql is None and self.input_uri is None:
            return []
        text = inject_sql_params(self.sql, self.sql_params)[0] if self.sql is not None else None
        return [Query(self.sql_field, text, DATABASE_SQL)]

    def problems(self) -> list[Problem]:
        return [*super().problems(), *(self.sql_problems(self.sql) if self.sql is not None else [])]

    @property
    def sql_field(self) -> str:
        return "inputURI" if self.input_uri else "sql"

    def sql_problems(self, text: str) -> list[Problem]:
        """What is wrong with the text, before the database sees it."""
        text, found = inject_sql_params(text, self.sql_params)
        if left := PLACEHOLDER.search(text):
            words = "A parameter has no value."
            found.append(Problem(code="sql-left-over", field=self.sql_field, message=words, found=left.group()))
        if not text.strip():
            found.append(Problem(code="sql-empty", field=self.sql_field, message="There is no SQL here.", expected="a query"))
        if "\x00" in text:
            found.append(Problem(code="sql-control-character", field=self.sql_field, message="The SQL holds a sign that is no text."))
        return found


def _address_problem(field: str, address: Any) -> Problem:
    """Never with the address itself: it may hold a password."""
    found = _ADDRESS.match(address) if isinstance(address, str) else None
    kind = KINDS.get(found["kind"].lower()) if found else None
    name = (found["name"] or "") if found else ""
    if found and not name and isinstance(address, str) and (inside := _NAME.search(address)):
        name = inside[1].strip()
    parts = [("host", found["host"]), ("port", found["port"]), ("database", name)] if found and kind else []
    where = ", ".join(f"{word} {text}" for word, text in parts if text and "${" not in text and "$" not in text)
    to, at = f" to {kind}" if kind else "", f" with {where}" if kind and where else ""
    return Problem(
        code="jdbc-url",
        field=field,
        message="A job holds no address, user or password of a database: it names a connection.",
        found=f"{kind}: {where}" if kind and where else kind,
        expected="“connection”",
        fix=f"Make a connection{to}{at} under Connections in each environment, and write its name into “connection”, in place of "
        f"{', '.join(name for name in WITH_ADDRESS if name != 'url')}.",
    )
