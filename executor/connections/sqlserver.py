"""Microsoft SQL Server."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from executor.connections.databases import (
    COUNT,
    MILLISECONDS,
    SECONDS,
    SWITCH,
    WORDS,
    Database,
    Options,
    options_field,
    port_field,
    tls_field,
)

OPTIONS: Options = {
    "applicationIntent": re.compile(r"ReadOnly|ReadWrite"),
    "applicationName": WORDS,
    "lockTimeout": MILLISECONDS,
    "loginTimeout": SECONDS,
    "packetSize": COUNT,
    "queryTimeout": SECONDS,
    "sendStringParametersAsUnicode": SWITCH,
    "socketTimeout": MILLISECONDS,
}
"""The driver has others that load classes (`socketFactoryClass`, `trustManagerClass`, `accessTokenCallbackClass`), read files
(`trustStore`, `serverCertificate`, `clientKey`, `keyStoreLocation`, `jaasConfigurationName`), go to other servers (`failoverPartner`,
`instanceName`, `authentication`, `enclaveAttestationUrl`) or check another name (`hostNameInCertificate`)."""
_ENCRYPTION = {
    "verify-full": "encrypt=true;trustServerCertificate=false",
    "strict": "encrypt=strict;trustServerCertificate=false",
    "require": "encrypt=true;trustServerCertificate=true",
    "disable": "encrypt=false;trustServerCertificate=false",
}


class SQLServer(Database):
    """A database of a Microsoft SQL Server."""

    kind: ClassVar[str] = "sqlserver"
    title: ClassVar[str] = "SQL Server"
    not_yet: ClassVar[str] = "A test tries the server and its TLS. Whether user, password and database are right, the first run tells."
    example: ClassVar[dict[str, Any]] = {
        "host": "db.example.org",
        "database": "shop",
        "user": "sluice",
        "options": {"loginTimeout": "10"},
    }
    allowed_options: ClassVar[Options] = OPTIONS
    database_names: ClassVar[re.Pattern[str]] = re.compile(r"[\w$@#. -]{1,128}")
    """The driver takes a value in braces, which must hold none itself."""

    port: int = port_field(1433)
    tls: Literal["verify-full", "strict", "require", "disable"] = tls_field(
        {
            "verify-full": "certificate and name checked",
            "strict": "checked, and TLS before everything (TDS 8)",
            "require": "encrypted, nothing checked",
            "disable": "none",
        }
    )
    options: dict[str, str] = options_field(OPTIONS)

    def url(self) -> str:
        options = "".join(f";{name}={{{value}}}" for name, value in sorted(self.options.items()))
        return f"jdbc:sqlserver://{self.host}:{self.port};databaseName={{{self.database}}};{_ENCRYPTION[self.tls]}{options}"
