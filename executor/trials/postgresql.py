"""PostgreSQL, tried with psycopg."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from executor.connections.postgresql import PostgreSQL
from executor.trials.databases import another_server, no_tls, tables, try_tls
from executor.trials.trial import Placed, Stopped, Trial, broken_off, fact, received, whole_seconds

if TYPE_CHECKING:
    import psycopg

_ASKS_FOR_TLS = struct.pack("!ii", 8, 80877103)
_TABLES = """
SELECT count(*) FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS s ON s.oid = t.relnamespace
WHERE t.relkind IN ('r', 'v', 'm', 'p', 'f') AND s.nspname NOT IN ('pg_catalog', 'information_schema') AND s.nspname NOT LIKE 'pg_toast%'
AND t.relname NOT LIKE 'sluice_kept_%' AND has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')"""
_REFUSALS = [
    ("password authentication failed", "The server does not take this user and password.", "Set both anew; a password may have expired."),
    ("no pg_hba.conf entry", "The server lets this user not in from here, or not with this TLS.", "Ask whoever runs it (pg_hba.conf)."),
    ("is not permitted to log in", "This user may not sign in.", "Ask whoever runs the server."),
    ("role .* does not exist", "The server does not know this user.", "Correct the user."),
    ("database .* does not exist", "There is no such database on the server.", "Correct its name."),
    ("permission denied for database", "This user may not use this database.", "Ask its owner for the right to connect."),
    ("too many connections|remaining connection slots", "The server has too many connections just now.", "Try again in a moment."),
    ("starting up|shutting down|recovery mode", "The server is starting or stopping just now.", "Try again in a moment."),
    ("SSL|certificate", "TLS came to nothing.", "Look at the step before."),
]
"""What it says → words and fix. Before one is signed in it tells no code, and it may speak another language."""
_OTHER = ("The server refuses the sign-in.", "Look at user, password and database; if they are right, ask whoever runs the server.")
_NO_POSTGRESQL = "invalid response|expected authentication request|synchronization|unexpected message"


def test(connection: PostgreSQL, trial: Trial, roots: Sequence[Placed]) -> None:
    """TLS, sign-in, and the tables that one may read. Raises Stopped."""
    try_tls(connection, trial, _start_tls)
    _try_sign_in(connection, trial)


def _start_tls(stream: socket.socket) -> None:
    stream.sendall(_ASKS_FOR_TLS)
    said = received(stream, 1)
    if said == b"N":
        raise no_tls()
    if said != b"S":
        raise another_server(PostgreSQL.title)


def _try_sign_in(connection: PostgreSQL, trial: Trial) -> None:
    with trial.step("Sign-in") as step:
        made = _signed_in(connection)
        step.good(f"The server takes user and password; it is PostgreSQL {fact(made.info.parameter_status('server_version'))}.")
    with trial.step("List") as step, made:
        row = made.execute(_TABLES).fetchone()
        count = row[0] if row else 0
        tables(step, connection.database, count)


def _signed_in(connection: PostgreSQL) -> psycopg.Connection[tuple[Any, ...]]:
    """Raises Stopped."""
    import psycopg

    trusted = connection.trusted_file()
    checks: dict[str, Any] = {"sslrootcert": trusted} if trusted else {}
    password = connection.password.get_secret_value() if connection.password else ""
    try:
        return psycopg.connect(
            host=connection.host,
            port=connection.port,
            dbname=connection.database,
            user=connection.user,
            password=password,
            sslmode=connection.tls,
            gssencmode="disable",
            connect_timeout=whole_seconds(),
            application_name="Sluice: test of the connection",
            options=f"-c statement_timeout={whole_seconds()}s -c default_transaction_read_only=on",
            **checks,
        )
    except psycopg.errors.ConnectionTimeout:
        raise broken_off(TimeoutError()) from None
    except psycopg.Error as error:
        said = str(error)
        if re.search(_NO_POSTGRESQL, said):
            raise another_server(PostgreSQL.title) from None
        if re.search("server closed the connection|reset by peer", said):
            raise broken_off(EOFError()) from None
        words, fix = next(((words, fix) for sign, words, fix in _REFUSALS if re.search(sign, said)), _OTHER)
        raise Stopped(words, fix) from None
