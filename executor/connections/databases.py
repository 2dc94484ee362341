"""What the databases behind a server have in common. Each kind says what its driver calls things, and which options it may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from executor import trust
from executor.connections.base import (
    DATABASE,
    ConnectionKind,
    Endpoint,
    Host,
    SecretText,
    authority_field,
    has_control_characters,
    secret_field,
    signed_by,
)
from executor.problems import Problem

SECONDS, MILLISECONDS, COUNT, SWITCH = (re.compile(text) for text in ("[0-9]{1,4}", "[0-9]{1,7}", "[0-9]{1,6}", "true|false"))
WORDS = re.compile(r"[A-Za-z0-9 ._-]{1,60}")
CHECKED = ("verify-full", "verify-ca", "strict")
"""Choices of TLS with which the server's certificate is checked."""
Options = Mapping[str, re.Pattern[str]]
"""Option of a driver → what may stand there. Drivers have others that load classes, read files, send SQL or turn TLS off, so what is not
listed is refused."""


def port_field(usual: int) -> Any:
    return Field(
        default=usual,
        ge=1,
        le=65535,
        title="Port",
        description=f"{usual} unless your administrator says otherwise.",
        json_schema_extra={"widget": "number", "card": "where"},
    )


def tls_field(words: Mapping[str, str]) -> Any:
    """`words`: choice → what people read, the safest first."""
    return Field(
        default=next(iter(words)),
        title="TLS",
        description="Only where certificate and name are checked it is sure that it is your server who answers.",
        json_schema_extra={"widget": "choice", "card": "where", "words": dict(words)},
    )


def options_field(options: Options) -> Any:
    return Field(
        default_factory=dict,
        max_length=len(options),
        title="Options",
        description=f"One name = value a line. There are: {', '.join(options)}.",
        json_schema_extra={"widget": "map", "card": "where", "advanced": True},
    )


class Database(ConnectionKind):
    """A database of a server."""

    icon: ClassVar[str] = "database"
    offers: ClassVar[str] = DATABASE
    example_secrets: ClassVar[dict[str, str]] = {"password": "a-long-password"}
    allowed_options: ClassVar[Options]
    database_names: ClassVar[re.Pattern[str]] = re.compile(r"(?s:.*)")
    """Where the driver's address cannot hold every name."""

    host: Host = Field(
        title="Host",
        max_length=300,
        description="The server's name, such as db.example.org.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    port: int = port_field(1)
    database: str = Field(
        min_length=1,
        max_length=128,
        title="Database",
        description="The name of the database on the server.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    tls: str = tls_field({"verify-full": "certificate and name checked"})
    authority: str = authority_field(tls=CHECKED)
    options: dict[str, str] = options_field({})
    user: str = Field(
        min_length=1,
        max_length=128,
        title="User",
        description="Give it no more rights than the jobs need.",
        json_schema_extra={"widget": "text", "card": "sign-in"},
    )
    password: SecretText | None = secret_field("Password")

    def problems(self) -> list[Problem]:
        found = [*super().problems(), *self.unreachable("host", self.host)]
        for field in ("database", "user"):
            if has_control_characters(getattr(self, field)) or getattr(self, field) != getattr(self, field).strip():
                found.append(self.wrong(field, "It has no line breaks, and no spaces at its ends."))
        if not self.database_names.fullmatch(self.database):
            found.append(self.wrong("database", "The name of the database has signs that the driver does not take."))
        for name, value in self.options.items():
            if name not in self.allowed_options:
                known = ", ".join(self.allowed_options)
                found.append(self.wrong("options", "One of the options is not among those that may be set.", fix=f"There are: {known}."))
            elif not self.allowed_options[name].fullmatch(value):
                found.append(self.wrong("options", f"The option “{name}” cannot have this value."))
        return found

    def where(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    def url(self) -> str:
        """The driver's address: fields only, no user and no password."""
        raise NotImplementedError

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        return self._at((self.host, self.port))

    def storage(self) -> str:
        return f"{self.kind}://{self.host}:{self.port}/{self.database}"

    def signs_in_at(self) -> str:
        return f"{self.host}:{self.port} {self.tls}{signed_by(self.authority)}"

    def trusted_file(self) -> str | None:
        """The file of those who may have signed the server's certificate; None where that is not checked."""
        return trust.trusted_file(self.authority) if self.tls in CHECKED else None
