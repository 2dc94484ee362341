"""From a stage that says itself where a database or bucket is and how one signs in there to the connection that it should name.

Nothing here holds a secret: of each, only where it stands in the document, so that whoever has the document can move it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from pydantic import ValidationError

from executor.connections import CONNECTION_KINDS
from executor.connections.databases import Database
from executor.language.credentials import MASK
from executor.language.filling import PLACEHOLDER

KINDS = {"postgresql": "postgresql", "mysql": "mariadb", "mariadb": "mariadb", "sqlserver": "sqlserver"}
"""The driver's word in an address → our kind."""
_ADDRESS = re.compile(
    r"jdbc:(?P<driver>[a-z]+)://(?:(?P<user>[^:@/?;]*)(?::(?P<password>[^@/?;]*))?@)?(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:/(?P<database>[^?;/]*))?(?P<rest>[?;].*)?",
    re.DOTALL,
)
_PAIR = re.compile(r"(?P<name>[A-Za-z]+)=(?P<value>\{[^}]*\}|[^&;]*)")
_TLS = {
    "postgresql": ("sslmode", {"verify-full": "verify-full", "verify-ca": "verify-ca", "require": "require", "disable": "disable"}),
    "mariadb": ("sslmode", {"verify-full": "verify-full", "verify-ca": "verify-ca", "trust": "trust", "disable": "disable"}),
    "sqlserver": ("encrypt", {"strict": "strict", "false": "disable"}),
}
_BUCKET = re.compile(r"s3[an]?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<path>[^?#]*))?")
_AMAZON = re.compile(r"s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com")
FIX = "Make a connection from it, or ask whoever looks after the environment for one. Change the password or key: it was written down here."
TAKE_OUT = (
    "Take it out of there. What one signs in with belongs into a connection: make one in the environment, or ask whoever looks after "
    "it for one. Change the password or key: it was written down here."
)
_TAKES_SECRETS = ("authentication.", "parameters.")
"""Only there a secret of the environment can stand instead; in an address or SQL it would become data, or a line of a log."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where a secret stands: the keys that lead to a text of the document, and its characters there."""

    path: Path
    start: int
    end: int
    decodes: bool = False
    """Whether it is written as in a web address."""


@dataclass(frozen=True)
class Suggested:
    """A connection that a stage could name. `root`: the address of a root on it; empty: the stage names the connection itself.
    `takes_out`: fields of the stage that it stands in for, and inside of maps such as `params.user`."""

    stage_index: int
    name: str
    kind: str
    settings: dict[str, Any]
    secrets: dict[str, Place] = field(default_factory=dict)
    root: str = ""
    may_write: bool = False
    takes_out: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def suggested_connections(content: Any) -> list[Suggested]:
    """One for each stage that says itself how one signs in somewhere we know; of any JSON."""
    stages = content.get("stages") if isinstance(content, dict) else None
    return [
        found
        for index, stage in enumerate(stages if isinstance(stages, list) else [])
        if isinstance(stage, dict) and (found := _of_database(index, stage) or _of_bucket(index, stage))
    ]


def _of_database(index: int, stage: Mapping[str, Any]) -> Suggested | None:
    address = stage.get("jdbcURL")
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    kind = KINDS.get(found["driver"]) if found else None
    if found is None or kind is None or not isinstance(address, str):
        return None
    at: Path = ("stages", index, "jdbcURL")
    pairs = {pair["name"].lower(): pair for pair in _PAIR.finditer(address, found.start("rest"))} if found["rest"] else {}
    said = {name: _plain(kind, pair["value"]) for name, pair in pairs.items()}
    settings: dict[str, Any] = {
        "host": found["host"],
        "database": _plain(kind, found["database"] or "") or said.get("databasename") or said.get("database") or "",
        "user": _plain(kind, found["user"] or "") or said.get("user") or "",
    }
    if found["port"]:
        settings["port"] = int(found["port"])
    name, words = _TLS[kind]
    if said.get(name) in words:
        settings["tls"] = words[said[name]]
    place = _group(at, address, found, "password", kind)
    if place is None and "password" in pairs:
        place = _group(at, address, pairs["password"], "value", kind)
    out = [one for one in ("jdbcURL", "driver") if one in stage]
    holders: list[tuple[tuple[str, ...], Any]] = [((), stage), (("params",), stage.get("params"))]
    for inside, holder in holders:
        for word in ("user", "password"):
            if not isinstance(holder, dict) or word not in holder:
                continue
            out.append(".".join((*inside, word)))
            if word == "user" and isinstance(holder[word], str):
                settings["user"] = settings["user"] or holder[word]
            elif word == "password":
                place = place or _whole(("stages", index, *inside, word), holder[word])
    return Suggested(
        index,
        _name(settings["database"] or settings["host"]),
        kind,
        _right(kind, settings),
        {"password": place} if place else {},
        takes_out=out,
    )


def _of_bucket(index: int, stage: Mapping[str, Any]) -> Suggested | None:
    signs = stage.get("authentication")
    if not isinstance(signs, dict) or signs.get("method") != "AmazonAccessKey":
        return None
    word = next((one for one in ("inputURI", "outputURI") if isinstance(stage.get(one), str)), "")
    found = _BUCKET.fullmatch(stage[word]) if word else None
    if found is None:
        return None
    settings: dict[str, Any] = {"sign_in": "keys", **_service(signs)}
    at: Path = ("stages", index, "authentication")
    keys = {"access_key": _whole((*at, "accessKeyID"), signs.get("accessKeyID"))}
    keys["secret_key"] = _whole((*at, "secretAccessKey"), signs.get("secretAccessKey"))
    folders = (found["path"] or "").split("/")[:-1]
    fixed = folders[: next((place for place, part in enumerate(folders) if not part or set(part) & set("*?[]{}$")), len(folders))]
    root = f"s3a://{'/'.join([found['bucket'], *fixed])}/"
    given = {name: place for name, place in keys.items() if place}
    return Suggested(index, _name(found["bucket"]), "s3", settings, given, root, word == "outputURI", ["authentication"])


def _service(signs: Mapping[str, Any]) -> dict[str, Any]:
    """Amazon, unless another address is said."""
    said = str(signs.get("endpoint") or "")
    bare = said.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not bare:
        return {}
    if amazon := _AMAZON.fullmatch(bare):
        return {"region": amazon["region"]}
    has_tls = str(signs.get("sslEnabled", "true")).lower() != "false" and not said.startswith("http://")
    return {
        "service": "other",
        "endpoint": f"{'https' if has_tls else 'http'}://{bare}",
        "tls": "verified" if has_tls else "off",
        "bucket_style": "path",
    }


def _plain(kind: str, text: str) -> str:
    """PostgreSQL's driver decodes what stands in its address, SQL Server's takes braces off, MariaDB's does neither."""
    if kind == "sqlserver":
        return text.removeprefix("{").removesuffix("}")
    return unquote_plus(text) if kind == "postgresql" else text


def _group(at: Path, text: str, found: re.Match[str], group: str, kind: str) -> Place | None:
    value = found[group] or ""
    if not value or value == MASK or PLACEHOLDER.search(value):
        return None
    start, end = found.span(group)
    if kind == "sqlserver" and value.startswith("{"):
        start, end = start + 1, end - 1
    return Place(at, start, end, decodes=kind == "postgresql")


def _whole(path: Path, value: Any) -> Place | None:
    if not isinstance(value, str) or not value or value == MASK or PLACEHOLDER.search(value):
        return None
    return Place(path, 0, len(value))


def _right(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Without what the kind does not take: it is asked for in the form."""
    cls = CONNECTION_KINDS[kind]
    assert issubclass(cls, Database)  # noqa: S101 - KINDS names databases
    usual = {"host": "db.example.org", "database": "x", "user": "x"}
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        try:
            made = cls.model_validate({**usual, name: value})
        except ValidationError:
            continue
        if value != "" and not made.problems() and not PLACEHOLDER.search(str(value)):
            kept[name] = getattr(made, name)
    return kept


def _name(text: str) -> str:
    """A name such as connections have."""
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50]
    return word if word[:1].isalpha() else f"c_{word}".rstrip("_")


def problems_with_connections(problems: list[dict[str, Any]], content: Any) -> Iterator[dict[str, Any]]:
    """The problems; those that a connection mends say which one, and no other place is told to hold a secret where none may stand."""
    by_stage = {found.stage_index: found.as_dict() for found in suggested_connections(content)}
    for problem in problems:
        is_credential = problem.get("code") == "literal-credential"
        if (is_credential or problem.get("code") == "jdbc-url") and problem.get("stage_index") in by_stage:
            yield {**problem, "fix": FIX, "connection": by_stage[problem["stage_index"]]}
        elif is_credential and not str(problem.get("field")).startswith(_TAKES_SECRETS):
            yield {**problem, "fix": TAKE_OUT}
        else:
            yield problem
