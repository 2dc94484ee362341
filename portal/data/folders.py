"""One folder of a root, for whoever browses: the environment's own folder is looked at here, others by a program behind the wall."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from asgiref.sync import async_to_sync
from django.utils.dateparse import parse_datetime
from pydantic import BaseModel, ValidationError

from executor.language.places import OF_A_VALUE, is_pattern
from executor.language.roots import DEFAULT, Located, located
from executor.problems import Problem, ProblemError
from executor.stores.folder import FolderStore
from portal.accounts.models import User
from portal.data.listing import icon_of, published_at
from portal.data.uses import READS, WRITES, Uses
from portal.environments.models import Environment
from portal.environments.reach import is_here, judged_by
from portal.errors import PortalError
from portal.jobs.sources import reader_of
from portal.runs import launcher, preview_client
from portal.runs.problems import problem_of


class _Entry(BaseModel):
    name: str
    is_folder: bool
    size: int | None = None
    changed: float | None = None


class _Level(BaseModel):
    entries: list[_Entry]
    more: bool
    is_delta: bool = False


def folder(user: User, environment: Environment, uri: str) -> dict[str, Any]:
    """`uri`: "" and `archive:` are roots, `raw` and `archive:2013` folders in them. Gives `entries` (each with the uri that documents say),
    `more`, `is_table`: whether it holds parts of one table, whose names tell values and are left out, and `is_delta`: whether that has
    versions. Raises PortalError."""
    at = place(environment, uri)
    level = _here(environment, at.place) if is_here(environment, at.root) else _there(user, environment, at)
    listed = [one for one in level.entries if OF_A_VALUE not in one.name]
    return {
        "entries": [_as_dict(at, one) for one in sorted(listed, key=lambda one: (not one.is_folder, one.name))],
        "more": level.more,
        "is_table": level.is_delta or any(_is_part(one) for one in level.entries),
        "is_delta": level.is_delta,
    }


def with_uses(environment: Environment, level: dict[str, Any]) -> dict[str, Any]:
    """The same, with the names of the jobs that read and write each entry. What a job has published has the size and age that its run said:
    of a folder the place itself tells neither."""
    uses, published = Uses(environment), published_at(environment, [one["uri"] for one in level["entries"] if one["is_folder"]])
    entries = []
    for one in level["entries"]:
        known: dict[str, Any] = {
            "readers": uses.jobs(one["uri"], READS),
            "writers": uses.jobs(one["uri"], WRITES),
            "rows": None,
            "is_table": False,
            "icon": "folder" if one["is_folder"] else icon_of(one["name"]),
        }
        known["changed"] = parse_datetime(one["changed_at"] or "")
        if one["uri"] in published:
            whole, at = published[one["uri"]]
            known |= {"bytes": whole.bytes, "rows": whole.rows, "changed": at, "is_table": True}
        entries.append(one | known)
    return level | {"entries": entries}


def shown(at: Located) -> str:
    """As `folder` takes it: a root has its colon."""
    return f"{at.root}:{at.place}" if at.root != DEFAULT or not at.place else at.place


def above(at: Located) -> list[str]:
    """The root and the folders above, the uppermost first."""
    parts = at.place.split("/") if at.place else []
    return [shown(Located(at.root, "/".join(parts[:count]))) for count in range(len(parts))]


def place(environment: Environment, uri: str) -> Located:
    """Which folder of which root it is. Raises PortalError."""
    roots = judged_by(environment)
    name, separator, rest = uri.partition(":")
    if not uri or (separator and not rest and any(root.name == name for root in roots)):
        return Located(name or DEFAULT, "")
    found = located(uri.removesuffix("/"), roots, "uri", environment=environment.name)
    if isinstance(found, Problem):
        raise PortalError(found.message, code=found.code, status=422, fix=found.fix)
    if is_pattern(found.place):
        raise PortalError("A pattern is no folder.", code="not-a-folder", status=422)
    return found


def _here(environment: Environment, path: str) -> _Level:
    try:
        found = FolderStore(launcher.lake_folder(environment)).entries(path)
    except (ProblemError, OSError, ValueError):
        return _Level(entries=[], more=False)
    return _Level(entries=[_Entry(**vars(one)) for one in found.entries], more=found.more, is_delta=found.is_delta)


def _there(user: User, environment: Environment, at: Located) -> _Level:
    values = {"uri": str(at), "root": at.root, "folder": at.place}
    event = async_to_sync(preview_client.answer_over_files)("list", user=user.pk, environment=environment.pk, values=values)
    if isinstance(event.get("problem"), dict):
        problem = problem_of(event["problem"])
        raise PortalError(problem.message, code=problem.code, status=503, fix=problem.fix)
    try:
        return _Level.model_validate(event)
    except ValidationError:
        raise PortalError("The program that lists files gave no answer.", code="no-answer", status=503, fix="Try again.") from None


def _is_part(one: _Entry) -> bool:
    return OF_A_VALUE in one.name if one.is_folder else one.name.startswith("part-")


def _as_dict(at: Located, one: _Entry) -> dict[str, Any]:
    uri = str(Located(at.root, f"{at.place}/{one.name}".lstrip("/")))
    changed = None if one.changed is None else datetime.fromtimestamp(one.changed, UTC).isoformat()
    reader = None if one.is_folder else reader_of(one.name)
    return {"name": one.name, "uri": uri, "is_folder": one.is_folder, "stage_type": reader, "bytes": one.size, "changed_at": changed}
