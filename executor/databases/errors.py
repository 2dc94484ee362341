"""What databases and their drivers say, in the words of an analyst. Their own words may hold values of the data, and stand in `detail`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from executor.databases.engine import NO_DAY
from executor.problems import Foreign, Problem

LONGEST_DETAIL = 1_500
MARK = "sluice: value|"
"""Begins what Spark raises for a value that is none of its column's type: type, column and value follow."""
MISREAD = "sluice: misread|"
"""The same for a value that the database would take for another: column, what it would do, and value follow."""
DEEPEST = 30


@dataclass(frozen=True)
class Saying:
    """What a problem says; “{name}” is the connection, or “the connection” where it is not known."""

    code: str
    message: str
    fix: str
    field: str = "connection"


LOOK_AFTER = "Whoever looks after the environment can correct the connection {name}."
TLS = Saying(
    "database-tls", "The database's certificate was not accepted, or it speaks no TLS.", f"{LOOK_AFTER} Look at TLS and at the host's name."
)
HOST = Saying("database-host", "The database's host was not found.", LOOK_AFTER)
NOT_REACHED = Saying("database-not-reached", "The database could not be reached.", f"Try again in a moment; if it lasts: {LOOK_AFTER}")
GONE = Saying("database-gone", "The connection to the database broke off in the middle of the work.", "Run it again.")
SIGN_IN = Saying("database-sign-in", "The database refused the user or the password.", LOOK_AFTER)
NO_DATABASE = Saying("database-missing", "The server has no such database.", LOOK_AFTER)
NO_TABLE = Saying(
    "table-missing", "The database has no such table.", "Check the name, its schema, and small and capital letters.", "tableName"
)
NO_COLUMN = Saying("column-unknown", "The database knows no such column.", "Check the name against the table.", "sql")
NOT_ALLOWED = Saying(
    "database-right", "The user of the connection has no right to do this.", "Ask whoever looks after the database for the right."
)
READ_ONLY = Saying(
    "database-read-only", "An extract only reads, and this would change something.", "Use a JDBCExecute or a JDBCLoad.", "sql"
)
SYNTAX = Saying(
    "database-syntax", "The database does not understand this query.", "It is written in the database's own SQL: see the detail.", "sql"
)
NOT_UNIQUE = Saying(
    "database-unique",
    "Two rows have the same value where the table allows it only once.",
    "Take the doubles out, or merge by that key.",
    "inputView",
)
NO_VALUE = Saying("database-null", "A row has no value where the table needs one.", "Fill it in, or leave such rows out.", "inputView")
RULE = Saying("database-rule", "A row breaks a rule of the table (a foreign key or a check).", "The detail names the rule.", "inputView")
TOO_LONG = Saying(
    "database-value", "A value does not fit its column in the table.", "Shorten or convert it, or make the column wider.", "inputView"
)
BUSY = Saying("database-busy", "Others were working on the same rows, so the database gave up.", "Run it again.")
TOO_MANY = Saying(
    "database-full", "The database takes no more connections, or has no room left.", "Try again later, or tell whoever looks after it."
)
SLOW = Saying("database-stopped", "The database stopped this query, for instance as it took too long.", "Ask for less, or for more time.")
NO_FUNCTION = Saying("database-function", "The database has no such function or procedure.", "Check the name and its arguments.", "sql")
OTHER = Saying("database-error", "The database could not do this.", "The detail has its own words.")

BY_CODE = {
    1044: NOT_ALLOWED, 1045: SIGN_IN, 1049: NO_DATABASE, 1062: NOT_UNIQUE, 1142: NOT_ALLOWED, 1143: NOT_ALLOWED, 1146: NO_TABLE,
    1227: NOT_ALLOWED, 1305: NO_FUNCTION, 1370: NOT_ALLOWED, 1048: NO_VALUE, 1364: NO_VALUE, 1451: RULE, 1452: RULE, 4025: RULE,
    1040: TOO_MANY, 1114: TOO_MANY, 1205: BUSY, 1213: BUSY, 1317: SLOW, 1969: SLOW, 3024: SLOW, 1792: READ_ONLY, 1698: SIGN_IN,
    18456: SIGN_IN, 208: NO_TABLE, 4060: NO_DATABASE, 229: NOT_ALLOWED,
}  # fmt: skip
"""Numbers of MariaDB, MySQL and SQL Server, which have few states of their own."""
BY_STATE = {
    "28": SIGN_IN, "3D": NO_DATABASE, "42P01": NO_TABLE, "42S02": NO_TABLE, "3F": NO_TABLE, "42703": NO_COLUMN, "42S22": NO_COLUMN,
    "42501": NOT_ALLOWED, "25006": READ_ONLY, "42883": NO_FUNCTION, "23505": NOT_UNIQUE, "23502": NO_VALUE, "23": RULE, "22": TOO_LONG,
    "40": BUSY, "55P03": BUSY, "53": TOO_MANY, "57014": SLOW, "57P0": GONE, "08001": NOT_REACHED, "08004": NOT_REACHED, "08": GONE,
    "42": SYNTAX,
}  # fmt: skip
"""Beginnings of the SQL standard's states; the longest that fits counts."""
BY_WORDS = [
    (r"(?i)Bad value for type BigDecimal : (NaN|-?Infinity)", Saying(
        "value-not-typed", "A number in the database is NaN or infinity, which decimals of Spark do not have.",
        "Read the column as CAST(… AS double precision), or leave such rows out.", "sql")),
    (r"SQLITE_CANTOPEN", Saying("database-missing", "There is no such database file, or it is none.", LOOK_AFTER)),
    (r"no such table", NO_TABLE),
    (r"no such column", NO_COLUMN),
    (r"SQLITE_READONLY", READ_ONLY),
    (r"SQLITE_NOTADB", Saying("database-missing", "The file is no SQLite database.", LOOK_AFTER)),
]  # fmt: skip
INFINITE = Saying(
    "value-not-typed",
    "A date or time in the database is “infinity”, or lies before the year 1, which Spark does not have.",
    "Leave such rows out, or give them another value in a query: CASE WHEN isfinite(…) THEN … END.",
    "sql",
)
NESTED = Saying(
    "value-not-typed",
    "A list in the database holds lists, or is of another shape than its column says.",
    "Read it as text: CAST(… AS text).",
    "sql",
)


def problem_in(error: BaseException, name: str = "") -> Problem | None:
    """The problem that a database is the cause of; None where it is not. `name`: of the connection."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is None:
        return None
    chain = list(_chain(java))
    if any("sluice: infinity" in str(one.getMessage()) for one in chain):
        return problem_of_saying(INFINITE, name, "")
    if any("COLUMN_ARRAY_ELEMENT_TYPE_MISMATCH" in str(one.getMessage()) for one in chain):
        return problem_of_saying(NESTED, name, "")
    if marked := next((found for one in chain if (found := _MARKED.search(str(one.getMessage())))), None):
        return _not_of_its_type(*marked.groups())
    if marked := next((found for one in chain if (found := _MARKED_MISREAD.search(str(one.getMessage())))), None):
        return _misread(*marked.groups())
    if marked := next((found for one in chain if (found := _MARKED_DAY.search(str(one.getMessage())))), None):
        return _no_day(*marked.groups())
    told = [one for one in chain if _is_of_a_database(one)]
    if not told:
        return None
    deepest = told[-1]
    words = "\n".join(dict.fromkeys(str(one.getMessage()) for one in told))
    causes = " ".join(f"{one.getClass().getName()} {one.getMessage()}" for one in chain)
    return problem_of_saying(_saying(str(deepest.getSQLState() or ""), int(deepest.getErrorCode()), causes), name, words)


_MARKED = re.compile(r"\[USER_RAISED_EXCEPTION\]\s+" + re.escape(MARK) + r"([^|]*)\|(.*?)\|(.*)")


_MARKED_MISREAD = re.compile(r"\[USER_RAISED_EXCEPTION\]\s+" + re.escape(MISREAD) + r"(.*?)\|([^|]*)\|(.*)", re.DOTALL)


_MARKED_DAY = re.compile(re.escape(NO_DAY) + r"(.*?)\|([^|\"]*)", re.DOTALL)


def _no_day(column: str, value: str) -> Problem:
    return Problem(
        code="value-not-typed",
        field="sql",
        message=f"A value of “{column}” lies on a day from the 5th to the 14th of October 1582, which calendars left out: it would be read "
        "as another one.",
        data_column=column,
        value=Foreign(value),
        fix="Read the column as text in a query: CAST(… AS text); or leave such rows out.",
    )


def _misread(column: str, does: str, value: str) -> Problem:
    return Problem(
        code="database-value",
        field="inputView",
        message=f"A value does not fit the column “{column}”: the database {does}, and says nothing.",
        data_column=column,
        value=Foreign(value.split(" SQLSTATE")[0][:200]),
        fix="Give such rows a value that the column holds as it is, or leave them out.",
    )


def _not_of_its_type(kind: str, column: str, value: str) -> Problem:
    return Problem(
        code="value-not-typed",
        field="sql",
        message=f"A value of the column “{column}” is no {kind.lower().replace('_', ' ')} that Spark has (a day 0000-00-00), or would "
        "lose digits or its time.",
        data_column=column,
        value=Foreign(value.split(" SQLSTATE")[0][:200]),
        fix="Leave such rows out in a query, give them another value, or read the column as text: CAST(… AS CHAR).",
    )


_TLS = re.compile(
    r"SSLHandshake|SSLException|SSLPeerUnverified|CertificateException|PKIX|does not support SSL|pg_hba.conf entry.*no encryption"
    r"|ssl not enabled|verified by hostnameverifier|host \"[^\"]*\" doesn.t correspond to|serverSslCert",
    re.IGNORECASE,
)


def _saying(state: str, number: int, words: str) -> Saying:
    if re.search(r"UnknownHostException|unknown host", words):
        return HOST
    if _TLS.search(words):
        return TLS
    if re.search(r"ConnectException|Socket fail to connect|Connection refused", words):
        return NOT_REACHED
    if number in BY_CODE:
        return BY_CODE[number]
    for pattern, saying in BY_WORDS:
        if re.search(pattern, words):
            return saying
    for length in range(len(state), 1, -1):
        if state[:length] in BY_STATE:
            return BY_STATE[state[:length]]
    return OTHER


def problem_of_saying(saying: Saying, name: str, words: str) -> Problem:
    """`name`: of the connection; `words`: those of the driver."""
    shown = f"“{name}”" if name else "it uses"
    return Problem(
        code=saying.code,
        field=saying.field,
        message=saying.message,
        fix=saying.fix.replace("{name}", shown),
        detail=Foreign(words[:LONGEST_DETAIL]) if words else None,
    )


def _chain(java: Any) -> Iterator[Any]:
    """The error and its causes; of a batch, what the driver says of its first wrong row, too."""
    seen = 0
    while java is not None and seen < DEEPEST:
        yield java
        seen += 1
        more = java.getNextException() if java.getCause() is None and _is_of_a_database(java) else None
        java = java.getCause() or more


def _is_of_a_database(java: Any) -> bool:
    return any(one.getName() == "getSQLState" for one in java.getClass().getMethods())
