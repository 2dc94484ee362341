"""MariaDB, and MySQL, which speaks the same."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from executor.connections.databases import COUNT, MILLISECONDS, SWITCH, Database, Options, options_field, port_field, tls_field

OPTIONS: Options = {
    "connectTimeout": MILLISECONDS,
    "defaultFetchSize": COUNT,
    "socketTimeout": MILLISECONDS,
    "tcpKeepAlive": SWITCH,
    "useCompression": SWITCH,
}
"""The driver has others that load classes (`socketFactory`, `tlsSocketType`, `credentialType`), read files (`serverSslCert`,
`keyStore`, `serverRsaPublicKeyFile`, `allowLocalInfile`), send SQL (`initSql`, `sessionVariables`, `allowMultiQueries`), open other ways
(`localSocket`, `pipe`, `permitRedirect`) or print statements (`dumpQueriesOnException`)."""
_NEVER = "&allowLocalInfile=false&permitRedirect=false"
"""On by default in the driver: a server could ask for a file of ours, and send us to another server."""


class MariaDB(Database):
    """A database of a MariaDB or MySQL server."""

    kind: ClassVar[str] = "mariadb"
    title: ClassVar[str] = "MariaDB or MySQL"
    example: ClassVar[dict[str, Any]] = {
        "host": "db.example.org",
        "database": "shop",
        "user": "sluice",
        "options": {"connectTimeout": "10000"},
    }
    allowed_options: ClassVar[Options] = OPTIONS
    database_names: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_$-]{1,64}")

    port: int = port_field(3306)
    tls: Literal["verify-full", "verify-ca", "trust", "disable"] = tls_field(
        {
            "verify-full": "certificate and name checked",
            "verify-ca": "certificate checked, not its name",
            "trust": "encrypted, nothing checked",
            "disable": "none",
        }
    )
    options: dict[str, str] = options_field(OPTIONS)

    def url(self) -> str:
        """The driver decodes nothing in its address, so names and values are such as need no encoding."""
        options = "".join(f"&{name}={value}" for name, value in sorted(self.options.items()))
        return f"jdbc:mariadb://{self.host}:{self.port}/{self.database}?sslMode={self.tls}{_NEVER}{options}"
