"""MariaDB and MySQL, tried with PyMySQL."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from executor import trust
from executor.connections.mariadb import MariaDB
from executor.trials.databases import another_server, no_tls, tables, try_tls
from executor.trials.trial import Placed, Stopped, Trial, broken_off, fact, received, whole_seconds

if TYPE_CHECKING:
    import pymysql

_PROTOCOL_41, _SECURE, _TLS, _PLUGINS = 0x200, 0x8000, 0x800, 0x80000
_UTF8 = 45
_REFUSALS = {
    1040: ("The server has too many connections just now.", "Try again in a moment."),
    1044: ("This user may not use this database.", "Ask its owner for the right."),
    1045: ("The server does not take this user and password.", "Set both anew."),
    1049: ("There is no such database on the server.", "Correct its name."),
    1129: ("The server has blocked this machine after many errors.", "Ask whoever runs the server (FLUSH HOSTS)."),
    1130: ("The server lets nobody in from this machine.", "Ask whoever runs the server."),
    1698: ("The server does not take this user and password.", "Set both anew."),
    1820: ("The password has expired.", "Have a new one set on the server, and enter it here."),
    1862: ("The password has expired.", "Have a new one set on the server, and enter it here."),
    3118: ("This user is locked.", "Ask whoever runs the server."),
    3159: ("The server lets this user in with TLS only.", "Choose TLS with certificate and name checked."),
    4151: ("This user is locked.", "Ask whoever runs the server."),
}
_OTHER = ("The server refuses the sign-in.", "Look at user, password and database; if they are right, ask whoever runs the server.")
_FROM_THE_SERVER = range(1000, 2000), range(3000, 6000)
"""Numbers of its errors; those between are the driver's."""


def test(connection: MariaDB, trial: Trial, roots: Sequence[Placed]) -> None:
    """TLS, sign-in, and the tables that one sees. Raises Stopped."""
    try_tls(connection, trial, _start_tls)
    _try_sign_in(connection, trial)


def _start_tls(stream: socket.socket) -> None:
    greeting = _greeting(stream)
    if not greeting & _TLS:
        raise no_tls()
    asks = struct.pack("<IIB23x", _TLS | _PROTOCOL_41 | _SECURE | _PLUGINS, 1 << 24, _UTF8)
    stream.sendall(struct.pack("<I", len(asks))[:3] + b"\x01" + asks)


def _try_sign_in(connection: MariaDB, trial: Trial) -> None:
    with trial.step("Sign-in") as step:
        made = _signed_in(connection)
        step.good(f"The server takes user and password; it is {fact(_version(made.server_version))}.")
    with trial.step("List") as step, made:
        tables(step, connection.database, _count_of_tables(made))


def _version(said: str) -> str:
    """MariaDB puts 5.5.5- before its own version for old programs, which take no 10 or 11."""
    return said.removeprefix("5.5.5-")


_TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT LIKE 'sluice_kept_%'"


def _count_of_tables(made: pymysql.Connection[Any]) -> int:
    """Raises Stopped: a server may let somebody in whose password has expired, and then answer nothing."""
    import pymysql

    try:
        with made.cursor() as cursor:
            cursor.execute(_TABLES)
            return int((cursor.fetchone() or (0,))[0])
    except pymysql.MySQLError as error:
        raise _refused(error.args[0] if error.args and isinstance(error.args[0], int) else 0) from None


def _greeting(stream: socket.socket) -> int:
    """What the server can do, in bits. Raises Stopped."""
    head = received(stream, 4)
    size = int.from_bytes(head[:3], "little")
    if head[3] != 0 or not 0 < size < 1_000:
        raise another_server(MariaDB.title)
    said = received(stream, size)
    if said[0] == 255:
        raise _refused(int.from_bytes(said[1:3], "little"))
    version, _, rest = said[1:].partition(b"\0")
    if said[0] != 10 or not version or len(rest) < 15:
        raise another_server(MariaDB.title)
    return int.from_bytes(rest[13:15], "little")


def _signed_in(connection: MariaDB) -> pymysql.Connection[Any]:
    """Raises Stopped."""
    import pymysql

    is_checked = connection.tls.startswith("verify")
    checks = {"checks_name": connection.tls == "verify-full", "checks_certificate": is_checked}
    safe = trust.context(authority=connection.authority, **checks) if connection.tls != "disable" else None
    try:
        return pymysql.connect(
            host=connection.host,
            port=connection.port,
            user=connection.user,
            password=connection.password.get_secret_value() if connection.password else "",
            database=connection.database,
            charset="utf8mb4",
            ssl=safe,
            ssl_disabled=safe is None,
            connect_timeout=whole_seconds(),
            read_timeout=whole_seconds(),
            write_timeout=whole_seconds(),
            local_infile=False,
            auth_plugin_map={} if is_checked else {b"mysql_clear_password": _NeverInTheClear},
        )
    except pymysql.MySQLError as error:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        cause = getattr(error, "original_exception", None) or error.__cause__ or error.__context__
        if any(number in one for one in _FROM_THE_SERVER):
            raise _refused(number) from None
        raise broken_off(cause if isinstance(cause, ssl.SSLError | TimeoutError) else EOFError()) from None
    except (ValueError, LookupError, struct.error, AssertionError):  # what it reads is no answer of such a server
        raise another_server(MariaDB.title) from None


class _NeverInTheClear:
    """A server whom nobody has checked may ask for the password as it is; the driver of runs does not send it either."""

    def __init__(self, connection: object) -> None:
        raise Stopped(
            "The server asks for the password in the clear, and nobody checks whose it is.", "Choose TLS with certificate checked."
        )


def _refused(number: int) -> Stopped:
    return Stopped(*_REFUSALS.get(number, _OTHER))
