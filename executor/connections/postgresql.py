"""PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from executor.connections.base import DATABASE, ConnectionKind, Endpoint, Host, SecretText, as_secret, has_control_characters
from executor.problems import Problem

_SECONDS = re.compile(r"\d{1,4}")
_ROWS = re.compile(r"\d{1,6}")
_SCHEMAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(,[A-Za-z_][A-Za-z0-9_]*){0,9}")
_WORDS = re.compile(r"[A-Za-z0-9 ._-]{1,60}")
OPTIONS: dict[str, re.Pattern[str]] = {
    "ApplicationName": _WORDS,
    "connectTimeout": _SECONDS,
    "currentSchema": _SCHEMAS,
    "defaultRowFetchSize": _ROWS,
    "loginTimeout": _SECONDS,
    "prepareThreshold": _ROWS,
    "socketTimeout": _SECONDS,
    "tcpKeepAlive": re.compile(r"true|false"),
}
"""The driver's options that a connection may set, and what may stand there. The driver has others that load classes (`socketFactory`), read
and write files (`sslkey`, `loggerFile`) or send SQL (`options`): what is not listed is refused."""


class PostgreSQL(ConnectionKind):
    """A database of a PostgreSQL server."""

    kind: ClassVar[str] = "postgresql"
    title: ClassVar[str] = "PostgreSQL"
    icon: ClassVar[str] = "database"
    offers: ClassVar[str] = DATABASE
    example: ClassVar[dict[str, Any]] = {
        "host": "db.example.org",
        "database": "shop",
        "user": "sluice",
        "options": {"connectTimeout": "10"},
    }
    example_secrets: ClassVar[dict[str, str]] = {"password": "a-long-password"}

    host: Host = Field(
        title="Host",
        max_length=300,
        description="The server's name, such as db.example.org.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    port: int = Field(
        default=5432,
        ge=1,
        le=65535,
        title="Port",
        description="5432 unless your administrator says otherwise.",
        json_schema_extra={"widget": "number", "card": "where"},
    )
    database: str = Field(
        min_length=1,
        max_length=63,
        title="Database",
        description="The name of the database on the server.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    tls: Literal["verify-full", "verify-ca", "require", "disable"] = Field(
        default="verify-full",
        title="TLS",
        description="Only the first makes sure that it is your server who answers.",
        json_schema_extra={
            "widget": "choice",
            "card": "where",
            "words": {
                "verify-full": "certificate and name checked",
                "verify-ca": "certificate checked, not its name",
                "require": "encrypted, nothing checked",
                "disable": "none",
            },
        },
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        max_length=len(OPTIONS),
        title="Options",
        description=f"One name = value a line. There are: {', '.join(OPTIONS)}.",
        json_schema_extra={"widget": "map", "card": "where", "advanced": True},
    )
    user: str = Field(
        min_length=1,
        max_length=63,
        title="User",
        description="Give it no more rights than the jobs need.",
        json_schema_extra={"widget": "text", "card": "sign-in"},
    )
    password: SecretText | None = Field(
        default=None,
        title="Password",
        description="It can be replaced, never read.",
        json_schema_extra=as_secret(),
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        for field in ("database", "user"):
            if has_control_characters(getattr(self, field)) or getattr(self, field) != getattr(self, field).strip():
                found.append(self.wrong(field, "It has no line breaks, and no spaces at its ends."))
        for name, value in self.options.items():
            if name not in OPTIONS:
                known = ", ".join(OPTIONS)
                found.append(self.wrong("options", "One of the options is not among those that may be set.", fix=f"There are: {known}."))
            elif not OPTIONS[name].fullmatch(value):
                found.append(self.wrong("options", f"The option “{name}” cannot have this value."))
        return found

    def where(self) -> str:
        return f"{self._host_in_url()}:{self.port}/{self.database}"

    def url(self) -> str:
        """The driver's address: fields only, each encoded, no user and no password."""
        options = "".join(f"&{name}={quote(value, safe='')}" for name, value in sorted(self.options.items()))
        return f"jdbc:postgresql://{self._host_in_url()}:{self.port}/{quote(self.database, safe='')}?sslmode={self.tls}{options}"

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        return self._at((self.host, self.port))

    def storage(self) -> str:
        return f"postgresql://{self.host}:{self.port}/{self.database}"

    def signs_in_at(self) -> str:
        return f"{self.host}:{self.port} {self.tls}"

    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host
