"""Whom a server's certificate must be signed by: the authorities that this machine trusts, or those that a connection names. One answer for
every library that asks, those in Spark's JVM included."""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep them. The wall shows the first two to what is inside, too (`portal.runs.sandbox`)."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def trusted_file(authority: str = "") -> str:
    """A file of certificates: those of `authority` (PEM) alone; without it what SSL_CERT_FILE names, the system's own, or the list that
    comes with Python's libraries."""
    if authority:
        return _written(authority)
    named = os.environ.get("SSL_CERT_FILE", "")
    for path in (named, *BUNDLES):
        if path and Path(path).is_file():
            return path
    import certifi

    return certifi.where()


def context(*, authority: str = "", checks_name: bool = True, checks_certificate: bool = True) -> ssl.SSLContext:
    """For a connection to a server."""
    made = ssl.create_default_context(cafile=None if authority else trusted_file(), cadata=authority or None)
    made.check_hostname = checks_name and checks_certificate
    made.verify_mode = ssl.CERT_REQUIRED if checks_certificate else ssl.CERT_NONE
    return made


def authority_fault(text: str) -> str:
    """What is wrong with a text that should hold certificates of authorities, in a sentence; empty where nothing is."""
    if "PRIVATE KEY" in text:
        return "It holds a private key, which nobody but the authority may have. Give its certificate alone."
    if not text.startswith(_BEGIN) or not text.rstrip().endswith(_END):
        return f"It begins with {_BEGIN} and ends with {_END}."
    try:
        found = ssl.create_default_context(cadata=text).get_ca_certs()
    except (ssl.SSLError, TypeError, ValueError):  # what is not ASCII is a type error to it
        return "A certificate in it cannot be read; copy the whole file."
    given = {"".join(part.split()) for part in text.split(_BEGIN)[1:]}
    return "" if len(found) == len(given) else "A certificate in it is no authority's: give that of who signed the server's."


@lru_cache(maxsize=32)
def _written(authority: str) -> str:
    """Libraries want a file; it lasts as long as the process."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="authority-", suffix=".pem", delete=False) as file:
        file.write(authority)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name
