"""Removing the files of a Delta table that nobody needs any more: which they are, and which versions can then be read no longer.

First a commit says which versions these are, then the files go. So nobody who puts such a version back, or begins to read it, can do so
once its files are about to go: they would have to come behind that commit, and it tells them. Killed at any moment, versions are lost that
were to be lost, and files are left that the next cleaning takes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from executor.files import exchange, readings, tree
from executor.files.delta_commit import Taken, changed_meanwhile, files_of, info_of, put_commit, text_of
from executor.files.delta_history import CLEANED, cleaned_up
from executor.files.delta_log import LOG, Log, require_writable
from executor.files.delta_versions import ranges_of, steps
from executor.problems import Problem, ProblemError

LEAST_HOURS = 168
"""Files that went less long ago stay: a run that began then may still read them, and they can be put back."""
ALWAYS_KEPT = 2
"""Earlier versions that stay readable, however old they are: what can be put back."""
_MADE_BY_WRITERS = re.compile(r"(part-|deletion_vector_|cdc-).+")
"""Files that no commit names any more, or never did: what writers leave that die. Anything else in the folder is somebody's."""


@dataclass(frozen=True)
class DataFile:
    """`size`: bytes; `changed`: seconds since 1970."""

    size: int
    changed: float


@dataclass(frozen=True)
class Wish:
    """What is to be kept: all that was there at `until` or came since, and versions from `keep_from` on, where that is said. `by`: who
    asks."""

    until: datetime
    keep_from: int | None = None
    by: str = ""


@dataclass(frozen=True)
class Plan:
    """`keep_from`: the oldest version that stays for sure; `files`: what goes; `gone`: the versions that can be read no longer then."""

    keep_from: int
    files: tuple[str, ...]
    bytes: int
    gone: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"keep_from": self.keep_from, "files": len(self.files), "bytes": self.bytes, "gone": ranges_of(self.gone)}


def plan(log: Log, there: Mapping[str, DataFile], wish: Wish, in_use: Iterable[int] = (), files_in_use: Collection[str] = ()) -> Plan:
    """`there`: the data files in the table's folder; `in_use`: versions that are being read; `files_in_use`: what staged tables refer to.
    Raises ProblemError."""
    keep_from = _oldest_kept(log, wish)
    needed = {*files_in_use, *_files_since(log, keep_from)}
    for version in in_use:
        if log.earliest <= version < keep_from:
            needed |= _files_at(log, version)
    known = _every_file(log)
    limit = wish.until.timestamp()
    going = sorted(
        file
        for file, about in there.items()
        if file not in needed and about.changed < limit and (file in known or _MADE_BY_WRITERS.fullmatch(file.rpartition("/")[2]))
    )
    return Plan(keep_from, tuple(going), sum(there[file].size for file in going), _gone(log, keep_from, there, set(going)))


def _oldest_kept(log: Log, wish: Wish) -> int:
    times = log.times()
    oldest = log.latest
    while oldest - 1 in times and times[oldest] > wish.until:  # the one before was the present one until then
        oldest -= 1
    oldest = min(oldest, _last_other(log))
    if wish.keep_from is not None:
        oldest = min(oldest, wish.keep_from)
    return max(oldest, log.earliest)


def _last_other(log: Log) -> int:
    """The last but ALWAYS_KEPT of the versions that are other than the ones before: cleaning up makes one that is not."""
    version, other = log.latest, 0
    while version - 1 in log.commits and other < ALWAYS_KEPT:
        other += log.info(version).get("operation") != CLEANED
        version -= 1
    return version


def _files_since(log: Log, version: int) -> set[str]:
    """Of all versions from this one on."""
    return {file for step in steps(log, version) for file in files_of(step.came.values())}


def _files_at(log: Log, version: int) -> set[str]:
    return set(files_of(log.state(version).files.values()))


def _every_file(log: Log) -> set[str]:
    """What any commit names that is still there."""
    found = _files_since(log, log.earliest)
    for version in log.commits:
        for action in log.actions(version):
            if named := action.get("add") or action.get("remove"):
                found |= set(files_of([named])) if named.get("path") else set()
    return found


def _gone(log: Log, keep_from: int, there: Mapping[str, DataFile], going: Collection[str]) -> tuple[int, ...]:
    """The versions that can be read now, and not without these files."""
    before = cleaned_up(log)
    lost = missing = 0
    found: list[int] = []
    for step in steps(log, log.earliest):
        if step.version >= keep_from:
            break
        for files, sign in ((files_of(step.came.values()), 1), (files_of(step.went.values()), -1)):
            lost += sign * sum(file in going for file in files)
            missing += sign * sum(file not in there for file in files)
        if lost and not missing and step.version not in before:
            found.append(step.version)
    return tuple(found)


def commit_of(log: Log, found: Plan, wish: Wish) -> bytes:
    """The version that says which ones can be read no longer."""
    said = {"by": wish.by, **found.as_dict()}
    parameters = {"keptFrom": wish.until.isoformat(timespec="seconds")}
    info = info_of(CLEANED, parameters, readVersion=log.latest, isBlindAppend=False, userMetadata=json.dumps(said, ensure_ascii=False))
    return text_of([{"commitInfo": info}])


def would_go(lake: Path, log: Log, wish: Wish, there: Mapping[str, DataFile]) -> Plan:
    """Of a table in a folder of this machine. Raises ProblemError."""
    require_writable(log.state(), log.uri)
    return plan(log, there, wish, readings.versions_read(lake, log.table), _staged(log.table))


def clean_up(lake: Path, table: Path, uri: str, wish: Wish, there: Callable[[], Mapping[str, DataFile]]) -> Plan:
    """Of a table in a folder of this machine. Raises ProblemError, OSError."""
    with exchange.locked(lake):
        log = Log.of(table, uri)
        found = would_go(lake, log, wish, there())
        if not found.files:
            return found
        if readings.is_read_without_note(table):
            raise ProblemError(_being_read(uri))
        try:
            put_commit(table, log.latest + 1, commit_of(log, found, wish))
        except FileExistsError:
            raise Taken(changed_meanwhile(uri)) from None
        if readings.is_read_without_note(table):  # who began before the commit was there
            return replace(found, files=(), bytes=0)
        in_use = readings.versions_read(lake, table)
        kept = {*_staged(table), *(file for version in in_use if log.earliest <= version <= log.latest for file in _files_at(log, version))}
        for file in found.files:
            if file not in kept:
                _remove(table, file)
        return found


def _being_read(uri: str) -> Problem:
    return Problem(
        code="table-being-read",
        message=f"An earlier version of “{uri}” is being read just now, from where it cannot be said which, so nothing is removed.",
        fix="Try again when the runs that read it have ended.",
    )


def _remove(table: Path, file: str) -> None:
    above, _, name = file.rpartition("/")
    folder = tree.open_below(table, above, os.O_RDONLY | os.O_DIRECTORY) if above else os.open(table, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def _staged(table: Path) -> set[str]:
    """The files of a table that runs refer to which have not published yet, by their paths in it."""
    from executor.files.publish import STAGING

    here, found = f"file://{table}/", set()
    for log in (table.parent / STAGING).glob(f"*/{table.name}/{LOG}/*.json"):
        with suppress(OSError, ValueError, RecursionError), log.open("rb") as file:
            for line in file:
                action = json.loads(line)
                path = unquote(str((action.get("add") or {}).get("path", "")))
                vector = (action.get("add") or {}).get("deletionVector") or {}
                named = (path, unquote(str(vector.get("pathOrInlineDv", ""))) if vector.get("storageType") == "p" else "")
                found |= {one.removeprefix(here) for one in named if one.startswith(here)}
    return found
