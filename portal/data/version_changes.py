"""How two versions of a Delta table differ: columns and sizes from its log, rows by a document of ours that reads both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.language import json_text
from executor.language.quoting import name_in_sql, text_in_sql
from portal.accounts import policy
from portal.accounts.models import User
from portal.data import table_rows
from portal.data.table_versions import Version, no_answer, versions_from
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import LiveVersion
from portal.jobs.places import Spelling
from portal.runs import table_actions

BEFORE, NOW = "before", "now"
NEW, REMOVED, WAS, IS = "new", "removed", "changed: was", "changed: is"
"""What became of a row: the words in the first column of `rows`."""


class _Size(BaseModel):
    version: int
    rows: int | None
    files: int
    bytes: int


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    came: list[list[str]]
    went: list[list[str]]
    retyped: list[list[str]]
    same: list[list[str]]
    same_files: int
    versions: list[dict[str, Any]]


class Difference(BaseModel):
    """From a version to another one. `came`, `went`, `same`: [name, type] of columns; `retyped`: [name, type before, type now]; `keys`: by
    which a job of here knows the rows. The columns are for who may see the data."""

    before: _Size
    now: _Size
    came: list[list[str]]
    went: list[list[str]]
    retyped: list[list[str]]
    same: list[list[str]]
    keys: list[str]
    same_files: int


def difference(user: User, environment: Environment, uri: str, before: int, now: int, table: str = "") -> tuple[Difference, list[Version]]:
    """The difference, and the versions after `before` up to `now`, the newest first. `table`: the id of the one that was shown. Raises
    NotAllowed without the right to see the data, PortalError."""
    policy.require(user, "view_data", environment)
    event = table_actions.ask(user, environment, uri, "diff", table=table, **{"from": before, "to": now})
    try:
        answer = _Answer.model_validate(event)
        sizes = {"before": _Size.model_validate(event["from"]), "now": _Size.model_validate(event["to"])}
    except (ValidationError, KeyError):
        raise no_answer() from None
    names = {name for name, *_ in answer.same}
    keys = [key for key in _keys_of(environment, uri) if key in names]
    table_rows.record_look(user, "view_data", environment, uri)
    told = {name: getattr(answer, name) for name in ("came", "went", "retyped", "same", "same_files")}
    return Difference(**sizes, **told, keys=keys), versions_from(environment, answer.versions)


def _keys_of(environment: Environment, uri: str) -> list[str]:
    """By which a job that is live here brings rows into the table; none where none says so."""
    spelling = Spelling(environment)
    for pointer in LiveVersion.objects.filter(environment=environment, job__archived_at=None).select_related("version"):
        try:
            stages = json_text.loads(pointer.version.document)["stages"]
            for stage in stages:
                if isinstance(stage.get("keys"), list) and spelling.of(str(stage.get("outputURI"))) == uri:
                    return [str(key) for key in stage["keys"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return []


# --- rows -------------------------------------------------------------------------------------------------------------------


def reader(uri: str, version: int, view: str = "table") -> dict[str, Any]:
    """The stage that reads a version."""
    return {"type": "DeltaLakeExtract", "name": f"read_{view}", "inputURI": uri, "outputView": view, "versionAsOf": version}


def stages_for(uri: str, found: Difference, keys: Sequence[str], *, counts: bool) -> list[dict[str, Any]]:
    """The document whose last view is how rows differ: what became of each, and its columns, or `counts`: how many of each kind. Compared
    are the columns that both versions have. Without keys a row that was changed is one that was removed and one that is new. Raises
    PortalError."""
    columns = [(name, kind) for name, kind in found.same]
    unknown = next((key for key in keys if key not in dict(columns)), None)
    if unknown is not None or not columns:
        raise PortalError(
            f"“{unknown}” is no column of both versions." if unknown is not None else "The two versions have no column in common.",
            code="keys-unknown",
            status=422,
            fix="Choose among the columns that both have.",
        )
    listed = ", ".join(_comparable(name, kind) for name, kind in columns)
    gone = f"SELECT {listed} FROM {BEFORE} EXCEPT ALL SELECT {listed} FROM {NOW}"  # noqa: S608 - names are quoted
    come = f"SELECT {listed} FROM {NOW} EXCEPT ALL SELECT {listed} FROM {BEFORE}"  # noqa: S608
    named = _free("change", dict(columns))
    last = _counted(named) if counts else f"SELECT * FROM changes ORDER BY {', '.join([*map(name_in_sql, keys), f'{named} DESC'])}"  # noqa: S608
    return [
        reader(uri, found.before.version, BEFORE),
        reader(uri, found.now.version, NOW),
        _query("gone", gone),
        _query("come", come),
        _query("changes", _kinds(named, [name for name, _ in columns], keys)),
        _query("answer", last),
    ]


def _query(name: str, sql: str) -> dict[str, Any]:
    return {"type": "SQLTransform", "name": f"make_{name}", "sql": sql, "outputView": name}


def _counted(named: str) -> str:
    return f"SELECT {named}, count(*) AS `rows` FROM changes GROUP BY {named}"  # noqa: S608


def _comparable(name: str, kind: str) -> str:
    """Maps cannot be compared, but the texts of them."""
    quoted = name_in_sql(name)
    return f"to_json({quoted}) AS {quoted}" if "map<" in kind else quoted


def _free(name: str, known: Any) -> str:
    lower = {one.casefold() for one in known}
    while name.casefold() in lower:
        name += "_"
    return name_in_sql(name)


def _kinds(named: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    parts = [("gone", "come", REMOVED, WAS), ("come", "gone", NEW, IS)]
    return " UNION ALL ".join(_kind(named, columns, keys, *part) for part in parts)


def _kind(named: str, columns: Sequence[str], keys: Sequence[str], mine: str, other: str, alone: str, paired: str) -> str:
    listed = ", ".join(f"{mine}.{name_in_sql(name)}" for name in columns)
    if not keys:
        return f"SELECT {text_in_sql(alone)} AS {named}, {listed} FROM {mine}"  # noqa: S608
    names = ", ".join(map(name_in_sql, keys))
    same = " AND ".join(f"{mine}.{name_in_sql(key)} <=> known.{name_in_sql(key)}" for key in keys)
    kind = f"IF(known.there, {text_in_sql(paired)}, {text_in_sql(alone)}) AS {named}"
    known = f"(SELECT DISTINCT {names}, true AS there FROM {other}) known"  # noqa: S608
    return f"SELECT {kind}, {listed} FROM {mine} LEFT JOIN {known} ON {same}"  # noqa: S608
