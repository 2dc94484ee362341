"""Whom this machine trusts: the authorities whose certificates a server may show. One answer for every library that asks."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep them. The wall shows the first two to what is inside, too (`portal.runs.sandbox`)."""


def trusted_file() -> str:
    """The file of their certificates: what SSL_CERT_FILE names, the system's own, or the list that comes with Python's libraries."""
    named = os.environ.get("SSL_CERT_FILE", "")
    for path in (named, *BUNDLES):
        if path and Path(path).is_file():
            return path
    import certifi

    return certifi.where()


def context(*, checks_name: bool = True, checks_certificate: bool = True) -> ssl.SSLContext:
    """For a connection to a server."""
    made = ssl.create_default_context(cafile=trusted_file())
    made.check_hostname = checks_name and checks_certificate
    made.verify_mode = ssl.CERT_REQUIRED if checks_certificate else ssl.CERT_NONE
    return made
