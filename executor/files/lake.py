"""Where a URI of a job leads: a place in the lake, and never out of it."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError

SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
Snapshot = tuple[tuple[str, int, int], ...]
"""What stands in for the content of files: (path, modification time in ns, size in bytes) of each."""


def resolve(lake: Path, uri: str, field: str) -> Path:
    """The path of `uri` in the lake; it need not exist and may hold `*`. Raises ProblemError when it leads elsewhere."""
    root = Path(os.path.realpath(lake))
    if SCHEME.match(uri):
        raise ProblemError(_elsewhere(uri, field, "an address of another storage", "Only files in the lake can be used here."))
    path = Path(os.path.normpath(root / uri))
    if not path.is_relative_to(root) or not Path(os.path.realpath(path)).is_relative_to(root):
        raise ProblemError(_elsewhere(uri, field, "a path out of the lake", "Give a path inside the lake."))
    if path == root:
        raise ProblemError(_elsewhere(uri, field, "the lake itself", "Give a file or folder inside the lake."))
    return path


def existing(lake: Path, uri: str, field: str = "inputURI") -> str:
    """The path that Spark reads for `uri`. Raises ProblemError, with the nearest name that exists, when nothing is there."""
    path = resolve(lake, uri, field)
    found = glob.glob(str(path)) if glob.has_magic(str(path)) else [str(path)] if path.exists() else []
    root = os.path.realpath(lake)
    inside = [one for one in found if Path(os.path.realpath(one)).is_relative_to(root)]
    if not inside:
        raise ProblemError(_missing(path, uri, field))
    unreadable = next((one for one in inside if not os.access(one, os.R_OK)), None)
    if unreadable:
        raise ProblemError(
            Problem(code="input-not-readable", field=field, message=f"“{uri}” may not be read.", fix="Ask for the right to read it.")
        )
    if len(inside) != len(found):
        raise ProblemError(_elsewhere(uri, field, "a link out of the lake", "Give a path inside the lake."))
    return str(path)


def snapshot(path: str) -> Snapshot:
    """The state of all files at `path` (a file, a folder, or a pattern): equal snapshots mean that nothing was changed."""
    found: list[tuple[str, int, int]] = []
    for one in sorted(glob.glob(path)) or [path]:
        files = [one] if os.path.isfile(one) else [os.path.join(folder, name) for folder, _, names in os.walk(one) for name in names]
        for file in sorted(files):
            state = os.stat(file)
            found.append((file, state.st_mtime_ns, state.st_size))
    return tuple(found)


def _missing(path: Path, uri: str, field: str) -> Problem:
    parent = path.parent
    near = did_you_mean(path.name, os.listdir(parent)) if parent.is_dir() else None
    return Problem(
        code="input-missing",
        field=field,
        message=f"There is nothing at “{uri}”.",
        found="no file or folder" if parent.is_dir() else "no such folder either",
        expected="a file or folder in the lake",
        fix=near or "Check the path, or ask who brings the file.",
    )


def _elsewhere(uri: str, field: str, found: str, fix: str) -> Problem:
    return Problem(
        code="uri-outside-lake",
        field=field,
        message=f"“{uri}” does not lead to a place in the lake.",
        found=found,
        expected="a path such as raw/flights.csv",
        fix=fix,
    )
