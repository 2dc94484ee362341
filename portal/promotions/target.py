"""What lies where a version would read and write in the environment it goes to: told by a program behind that environment's wall.

It is looked at when a promotion is asked for, when its page is opened, and when somebody says yes. Pages take the last look again as long
as no file and no address has changed; a decision is always made on a new one.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from pydantic import BaseModel, ValidationError

from executor.document.job import Job as ReadJob
from executor.document.job import parse
from executor.files.lake import matches, resolve
from executor.files.tree import TOO_LONG as WALK_TOO_LONG
from executor.files.tree import TOO_MANY, Walk
from executor.language.roots import from_values
from executor.problems import ProblemError
from portal.accounts.models import User
from portal.environments import secrets
from portal.environments.models import Environment
from portal.environments.reach import roots_elsewhere, roots_of, told
from portal.errors import PortalError
from portal.jobs.models import JobVersion
from portal.promotions.leads import leads_of
from portal.runs import launcher, preview_client
from portal.runs.checks import declared_parameters

SECONDS = 25.0
"""People do not wait longer than this for a look."""
REMEMBERED = 40
OTHER_ROOTS_SECONDS = 120
"""So long a look into another root is good enough for a page: whether something has changed there only another look would tell."""
MOST_FILES, WALK_SECONDS = 20_000, 2.0
"""Bounds of telling whether the files of one address are the same as before."""
LONGEST_KEPT = 1_000_000
TOO_LONG = "it took too long; try again when less is going on"
NO_ANSWER = "the program that looks gave no answer; try again"
REFUSALS = {
    "previews-down": "the service that looks does not answer; try again, and if it stays so tell whoever runs Sluice",
    "look-too-long": TOO_LONG,
    "look-busy": "you are looking at several places already; wait until one of them is done",
    "look-too-much": "it needs more memory than a look may take",
    "sandbox-missing": "this machine cannot keep a look apart from everything else; tell whoever runs Sluice",
    "root-folder-unusable": "the folder of a root that it needs cannot be used there; ask whoever looks after the environment",
}
"""By the code of a problem; all others are NO_ANSWER."""
NOT_RIGHT = "the document is not right there"

_kept: OrderedDict[str, TargetLook] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class TargetLook:
    """`inputs`, `outputs`: as `executor.running.survey` says. `refusal`: why there was no looking, in our words; "" when there was.
    `leads`: see `leads.leads_of`, when the look began; None where it was not noted."""

    inputs: tuple[dict[str, Any], ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    refusal: str = ""
    leads: dict[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is kept with a promotion."""
        return {"inputs": list(self.inputs), "outputs": list(self.outputs), "refusal": self.refusal, "leads": self.leads}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> TargetLook:
        return cls(tuple(kept.get("inputs", ())), tuple(kept.get("outputs", ())), str(kept.get("refusal", "")), kept.get("leads"))


def look_at(user: User, version: JobVersion, target: Environment, *, anew: bool) -> TargetLook:
    """The look, and where the names of the document lead, before anybody looks there. As `_look_at`."""
    leads = leads_of(version.document, target)
    return replace(_look_at(user, version, target, anew=anew), leads=leads)


def _look_at(user: User, version: JobVersion, target: Environment, *, anew: bool) -> TargetLook:
    """The look, as `user` asks for it. Never raises: what cannot be looked at is a refusal, which no check takes for good.

    `anew`: whatever was seen before. Else a look that was taken while the same files lay there is good enough."""
    try:
        declared = declared_parameters(version.document)
        hidden = secrets.needed_by(declared)
        values = {name: value for name, value in target.parameters.items() if name in declared and name not in hidden}
        roots = roots_of(target)
        key = _key(version, target, parse(version.document, environment=target.name, parameters=values, roots=from_values(roots)))
    except (PortalError, ProblemError):
        return TargetLook(refusal=NOT_RIGHT)
    with _lock:
        if not anew and key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    asked = {"document": version.document, "environment": target.name, "parameters": values, "roots": told(roots)}
    found = async_to_sync(_asked)(user.pk, target, asked)
    if key and not found.refusal:
        with _lock:
            _kept[key] = found
            while len(_kept) > REMEMBERED:
                _kept.popitem(last=False)
    return found


async def _asked(user: int, target: Environment, values: dict[str, Any]) -> TargetLook:
    try:
        async with asyncio.timeout(SECONDS):
            event = await preview_client.answer_over_files("survey", user=user, environment=target.pk, values=values)
    except TimeoutError:
        return TargetLook(refusal=TOO_LONG)
    if event.get("event") == preview_client.ANSWERS["survey"]:
        return _told(event)
    return TargetLook(refusal=_why_not(event) or NO_ANSWER)


def _why_not(event: dict[str, Any]) -> str:
    """Why there was no looking. The program's own words are not shown: it reads bytes that anybody may have brought."""
    problem = event.get("problem")
    code = problem.get("code") if isinstance(problem, dict) else None
    return REFUSALS.get(code, "") if isinstance(code, str) else ""


def _told(event: dict[str, Any]) -> TargetLook:
    """What the program says, as far as it has the form that is expected of it."""
    try:
        told = _Told.model_validate(event)
    except ValidationError:
        return TargetLook(refusal="the program that looks gave no answer that can be read")
    inputs, outputs = ([one.model_dump(exclude_none=True) for one in part] for part in (told.inputs, told.outputs))
    if len(json.dumps([inputs, outputs])) > LONGEST_KEPT:
        return TargetLook(refusal="there is too much to look at: the job reads and writes too many columns")
    return TargetLook(tuple(inputs), tuple(outputs))


class _Columns(BaseModel):
    edition: int
    files: int
    columns: list[tuple[str, str]]
    is_named: bool
    is_whole: bool


class _Place(BaseModel):
    stage: str
    stage_index: int
    uri: str
    columns: _Columns | None = None
    problem: dict[str, Any] | None = None
    save_mode: str | None = None
    holds: bool | None = None
    foreign: str | None = None
    unreadable: dict[str, Any] | None = None


class _Told(BaseModel):
    inputs: list[_Place]
    outputs: list[_Place]


def _key(version: JobVersion, target: Environment, job: ReadJob) -> str:
    """The same key means: the same document and values, and the same files where it reads and writes; in other roots, the same moment.
    Empty where that cannot be told."""
    lake, there = launcher.lake_folder(target), roots_elsewhere(target)
    uris = {(address.at.place, address.writes) for address in job.addresses if address.at.root not in there}
    others = sorted({(str(address.at), address.at.where, address.writes) for address in job.addresses if address.at.root in there})
    since = int(time.monotonic() // OTHER_ROOTS_SECONDS) if others else 0
    try:
        states = [[uri, writes, _state(lake, uri, writes)] for uri, writes in sorted(uris)]
    except _TooMany:
        return ""
    return json.dumps([target.pk, version.sha256, dict(job.values), states, others, since], default=str)


def _state(lake: Path, uri: str, writes: bool) -> Any:
    """The files at an address, and for an output whether the folder above could be written."""
    with suppress(ProblemError, OSError, ValueError):
        path = resolve(lake, uri, "uri")
        above = next((folder for folder in (path, *path.parents) if folder.is_dir()), lake) if writes else None
        return [_files(path), _rights(os.stat(above)) if above else None]
    return None


def _rights(folder: os.stat_result) -> list[int]:
    """Who may write there. The times of a folder tell nothing: every program that is started touches it."""
    return [folder.st_ino, folder.st_mode, folder.st_uid, folder.st_gid]


def _files(path: Path) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    for one in matches(path):
        state = os.stat(one)
        found.append((str(one), state.st_mtime_ns, state.st_size))
        walk = Walk(one, most=MOST_FILES, seconds=WALK_SECONDS)
        found += [(entry.path, entry.modified_ns, entry.size) for entry in walk]
        if {TOO_MANY, WALK_TOO_LONG} & walk.left_out:
            raise _TooMany
    return found


class _TooMany(Exception):
    """Too many files to tell whether one has changed."""
