"""PostgreSQL."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from executor.connections.databases import COUNT, SECONDS, SWITCH, WORDS, Database, Options, options_field, port_field, tls_field

OPTIONS: Options = {
    "ApplicationName": WORDS,
    "connectTimeout": SECONDS,
    "currentSchema": re.compile(r"[A-Za-z_][A-Za-z0-9_]*(,[A-Za-z_][A-Za-z0-9_]*){0,9}"),
    "defaultRowFetchSize": COUNT,
    "loginTimeout": SECONDS,
    "prepareThreshold": COUNT,
    "socketTimeout": SECONDS,
    "tcpKeepAlive": SWITCH,
}
"""The driver has others that load classes (`socketFactory`, `sslfactory`, `authenticationPluginClassName`), read and write files (`sslkey`,
`sslrootcert`, which is ours to say, `loggerFile`) or send SQL (`options`)."""


class PostgreSQL(Database):
    """A database of a PostgreSQL server."""

    kind: ClassVar[str] = "postgresql"
    title: ClassVar[str] = "PostgreSQL"
    example: ClassVar[dict[str, Any]] = {
        "host": "db.example.org",
        "database": "shop",
        "user": "sluice",
        "options": {"connectTimeout": "10"},
    }
    allowed_options: ClassVar[Options] = OPTIONS

    port: int = port_field(5432)
    tls: Literal["verify-full", "verify-ca", "require", "disable"] = tls_field(
        {
            "verify-full": "certificate and name checked",
            "verify-ca": "certificate checked, not its name",
            "require": "encrypted, nothing checked",
            "disable": "none",
        }
    )
    options: dict[str, str] = options_field(OPTIONS)

    def url(self) -> str:
        options = "".join(f"&{name}={quote(value, safe='')}" for name, value in sorted(self.options.items()))
        database = quote(self.database, safe="")
        return f"jdbc:postgresql://{self.host}:{self.port}/{database}?sslmode={self.tls}{options}"
