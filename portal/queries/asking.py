"""From a query to what the preview service is asked: a job document of ours that reads the tables it names, and writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from asgiref.sync import sync_to_async

from executor.language import sql_text
from executor.language.credentials import credential_problems
from executor.language.filling import PLACEHOLDER
from executor.language.lineage import views_defined, views_read
from executor.language.parameters import NAME, SECRET, ParameterType
from executor.plain import did_you_mean
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.data.listing import Table
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.queries.names import Names
from portal.queries.reading import AS_TEXT, Reading, reading_of
from portal.queries.shaping import Shape, require_right
from portal.queries.tables import tables_of
from portal.runs.preview_views import MOST_ROWS, addressed

NO_JOB = 0
"""Queries have the session of a person's looks at data in an environment, which belongs to no job."""
MOST_TABLES = 30
"""Tables that one query may name."""
STAGE, RESULT = "query", "query_result"
TYPES = [kind for kind in get_args(ParameterType) if kind not in (SECRET, "identifier")]
"""Types of parameters: a secret has no place in a query, and the name of a table is looked for before the query is filled in."""


Meant = tuple[Table, bool]
"""A table, and whether all its columns are to be text."""


class NotRight(PortalError):
    """The query cannot be asked as it is."""

    code = "query-not-right"
    status = 422


@dataclass(frozen=True)
class Query:
    """What a person asks. `parameters`: name → {"type", "value"}. Making one raises PortalError for what could never be asked."""

    sql: str
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shape: Shape = field(default_factory=Shape)
    rows: int = MOST_ROWS

    def __post_init__(self) -> None:
        require_right(self.shape)
        for name, parameter in self.parameters.items():
            if not NAME.match(name) or parameter.get("type") not in TYPES:
                raise NotRight(f"The parameter “{name[:60]}” has no type that a query takes.", fix=f"One of: {', '.join(TYPES)}.")
        found = credential_problems({"stages": [self.stage]})
        if found:
            raise NotRight(found[0].message, fix="Take it out; a query reads tables and needs no password.", code=found[0].code)

    @property
    def stage(self) -> dict[str, Any]:
        return {"type": "SQLTransform", "name": STAGE, "sql": self.sql, "outputView": RESULT}

    @property
    def sha256(self) -> str:
        """Of its text."""
        return hashlib.sha256(self.sql.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Asked:
    """`message` to the preview service, and how each table is read for it."""

    message: dict[str, Any]
    readings: list[Reading]

    @property
    def stage(self) -> int:
        """The place of the query's own stage in the document."""
        return sum(len(reading.stages) for reading in self.readings)


async def asked(user: User, environment: Environment, query: Query) -> AsyncIterator[str | Asked]:
    """Sentences while files are looked at, and at last the message. Who asks what is in the audit before a file is opened.
    Raises NotAllowed, NotRight, PortalError."""
    named = await sync_to_async(_named)(user, environment, query)
    await sync_to_async(_note)(user, environment, query, [table.uri for table, _ in named.values()])
    readings: list[Reading] = []
    for name, (table, is_text) in named.items():
        yield f"Looking at {table.uri} …"
        others = {*named} - {name}
        taken = others.union(*(_names_in(reading) for reading in readings), {STAGE, RESULT})
        readings.append(await reading_of(user, environment, table, name, taken, is_text=is_text))
    await sync_to_async(policy.require)(user, "view_data", environment)  # it may have been taken away while files were looked at
    yield Asked(_message(user, environment, query, readings), readings)


def _named(user: User, environment: Environment, query: Query) -> dict[str, Meant]:
    """The tables that the query names, by their names in small letters."""
    policy.require(user, "view_data", environment)
    problems = sql_text.sql_problems(query.sql) if not query.parameters and "${" not in query.sql else []
    if problems:
        raise NotRight(problems[0].message, fix=problems[0].fix, code=problems[0].code, problems=[one.as_dict() for one in problems])
    names = Names(tables_of(environment, [*views_read(query.sql), *views_defined(query.sql)]))
    found = {name.casefold(): _table(names, name, query.sql) for name in views_read(query.sql)}
    for name in views_defined(query.sql):  # WITH raw_flights AS (SELECT * FROM raw_flights WHERE …) reads the table, too
        if len(meant := names.meaning(name)) == 1:
            found[name.casefold()] = (meant[0], False)
    if len(found) > MOST_TABLES:
        raise NotRight(f"The query names {len(found)} tables; at most {MOST_TABLES} can be read.", fix="Have a job join some of them.")
    return found


def _table(names: Names, name: str, sql: str) -> Meant:
    meant = names.meaning(name)
    is_text = not meant and name.casefold().endswith(AS_TEXT)
    meant = names.meaning(name[: -len(AS_TEXT)]) if is_text else meant
    if len(meant) == 1:
        return meant[0], is_text
    if meant:
        longer = [named.name or named.table.uri for named in names.all if named.table in meant]
        raise _at(sql, name, "table-ambiguous", f"“{name}” could mean {len(meant)} tables.", f"Write one of: {', '.join(longer)}.")
    fix = did_you_mean(name, names.known()) or "Choose one from the list of tables."
    raise _at(sql, name, "table-unknown", f"There is no table “{name}” here.", fix)


def _at(sql: str, name: str, code: str, message: str, fix: str) -> NotRight:
    """The refusal, with the place in the text where the name stands first."""
    line, column = sql_text.place(sql, max(0, sql.casefold().find(name.casefold())))
    problem = {"code": code, "field": "sql", "line": line, "column": column, "message": message, "found": name, "fix": fix}
    return NotRight(message, fix=fix, code=code, problems=[problem])


def _names_in(reading: Reading) -> set[str]:
    return {str(stage[key]) for stage in reading.stages for key in ("name", "outputView") if key in stage}


def _note(user: User, environment: Environment, query: Query, places: list[str]) -> None:
    audit.record(action="query_data", actor=user, subject=environment, sql_sha256=query.sha256, uris=places)


def _message(user: User, environment: Environment, query: Query, readings: list[Reading]) -> dict[str, Any]:
    stages = [stage for reading in readings for stage in reading.stages] + [query.stage]
    named = {name.strip() for name in PLACEHOLDER.findall(query.sql)}
    used = {name: parameter for name, parameter in query.parameters.items() if name in named}
    document: dict[str, Any] = {"stages": stages}
    if used:
        document["parameters"] = {name: {"type": parameter["type"]} for name, parameter in used.items()}
    return {
        **addressed(user, "query", NO_JOB, environment.pk),
        "message": {
            "request": "preview",
            "document": document,
            "to": len(stages) - 1,
            "rows": query.rows,
            "input": "full",
            "environment": environment.name,
            "values": {"parameters": {name: parameter["value"] for name, parameter in used.items() if parameter.get("value") is not None}},
            "stops": "by column",
            "plain": [reading.name for reading in readings if reading.is_plain],
        }
        | ({"shape": query.shape.as_dict()} if query.shape else {}),
    }
