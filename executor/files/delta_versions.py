"""The versions of a Delta table, one after the other: what each has and whether its files are still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from executor.files.delta_commit import IsThere, files_of
from executor.files.delta_history import cleaned_up, history
from executor.files.delta_log import Action, FileKey, Log, file_key, rows_of
from executor.problems import Problem, ProblemError

MOST_LISTED = 100


@dataclass(frozen=True)
class Extent:
    """What a version has. `rows`: None where a file does not tell; `is_readable`: none of its files is gone."""

    rows: int | None
    files: int
    bytes: int
    is_readable: bool


@dataclass(frozen=True)
class Step:
    """From the version before to this one: files that came and went."""

    version: int
    came: Mapping[FileKey, Action]
    went: Mapping[FileKey, Action]


def steps(log: Log, first: int) -> Iterator[Step]:
    """From version `first`, as if all it has had come then, to the latest. Raises ProblemError."""
    files = dict(log.state(first).files)
    yield Step(first, dict(files), {})
    for version in range(first + 1, log.latest + 1):
        came: dict[FileKey, Action] = {}
        went: dict[FileKey, Action] = {}
        for action in log.actions(version):
            if add := action.get("add"):
                key = file_key(add)
                if before := files.pop(key, None):
                    went[key] = before
                came[key] = files[key] = add
            elif remove := action.get("remove"):
                key = file_key(remove)
                came.pop(key, None)
                if before := files.pop(key, None):
                    went[key] = before
        yield Step(version, came, went)


def extents(log: Log, first: int, is_there: IsThere) -> dict[int, Extent]:
    """Of each version from `first` to the latest. Raises ProblemError."""
    found: dict[int, Extent] = {}
    counts = _Counts(is_there)
    cleaned = cleaned_up(log)
    for step in steps(log, first):
        counts.take(step.came.values(), 1)
        counts.take(step.went.values(), -1)
        found[step.version] = Extent(
            counts.rows if not counts.uncounted else None,
            counts.files,
            counts.bytes,
            not counts.gone and step.version not in cleaned,
        )
    return found


class _Counts:
    """Sums over files that come (`sign` 1) and go (-1)."""

    def __init__(self, is_there: IsThere) -> None:
        self._is_there = cache(is_there)
        self.rows = self.files = self.bytes = self.uncounted = self.gone = 0

    def take(self, adds: Iterable[Action], sign: int) -> None:
        for add in adds:
            rows = rows_of(add)
            self.rows += sign * (rows or 0)
            self.uncounted += sign * (rows is None)
            self.files += sign
            self.bytes += sign * int(add.get("size") or 0)
            self.gone += sign * (not all(map(self._is_there, files_of([add]))))


def require_whole(log: Log, version: int, is_there: IsThere) -> None:
    """Raises ProblemError where files of an earlier version were cleaned up, or are about to be."""
    files = log.state(version).files.values()
    if version in cleaned_up(log) or not all(map(is_there, files_of(files))):
        raise ProblemError(_cleaned(log, version))


def ranges_of(versions: Iterable[int]) -> list[list[int]]:
    """[[first, last], …] of whole numbers, in order."""
    found: list[list[int]] = []
    for version in sorted(versions):
        if found and found[-1][1] == version - 1:
            found[-1][1] = version
        else:
            found.append([version, version])
    return found


def listed(log: Log, is_there: IsThere, only: range | None = None) -> list[dict[str, Any]]:
    """The newest versions (of `only` these), the newest first: as `executor.files.delta_history.history` tells them, with what each has.
    Raises ProblemError."""
    entries = history(log, MOST_LISTED, only)
    if not entries:
        return []
    found = extents(log, min(entry["version"] for entry in entries), is_there)
    return [
        entry | {"rows_after": one.rows, "files_after": one.files, "bytes_after": one.bytes, "is_readable": one.is_readable}
        for entry in entries
        if (one := found.get(entry["version"]))
    ]


def _cleaned(log: Log, version: int) -> Problem:
    return Problem(
        code="table-version-gone",
        field="inputURI",
        message=f"Version {version} of “{log.uri}” can be read no longer: files of it have been cleaned up.",
        found=str(version),
        fix="Name a later version; the table's page says which can be read.",
    )
