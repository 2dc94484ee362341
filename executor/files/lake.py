"""Where a URI of a job leads: a place in the lake, and never out of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from executor.files.delta_log import LOG, is_table
from executor.files.tree import FILE, LINK, OTHER, TOO_DEEP, UNREADABLE, Walk, is_plain_name, shown
from executor.language.places import choices, visible
from executor.plain import nearest
from executor.problems import Foreign, Problem, ProblemError

_GLOB = re.compile(r"[*?\[{]")
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


def existing(lake: Path, uri: str, field: str = "inputURI", *, called: str | None = None) -> str:
    """The path that Spark reads for `uri`, which is `called` so in problems where the document calls it otherwise. Raises ProblemError,
    with the nearest name that exists, when nothing is there."""
    path = Path(visible(str(resolve(lake, uri, field))))
    uri = called or uri
    found = matches(path)
    root = os.path.realpath(lake)
    inside = [one for one in found if Path(os.path.realpath(one)).is_relative_to(root)]
    if not inside:
        raise ProblemError(missing(uri, field, near=near_name(path, uri), has_folder=path.parent.is_dir()))
    unreadable = next((one for one in inside if not os.access(one, os.R_OK)), None)
    if unreadable:
        raise ProblemError(
            Problem(code="input-not-readable", field=field, message=f"“{uri}” may not be read.", fix="Ask for the right to read it.")
        )
    if len(inside) != len(found):
        raise ProblemError(_elsewhere(uri, field, "a link out of the lake", "Give a path inside the lake."))
    for one in inside:
        _require_plain(one, uri, field)
    return str(path)


def _require_plain(place: Path, uri: str, field: str) -> None:
    """Only files and folders are read. A link inside a folder would be followed by Spark, wherever it leads; a pipe would never end."""
    if place.is_file():
        return
    if not place.is_dir():
        raise ProblemError(_not_plain(uri, field, "something that is neither a file nor a folder", place.name))
    walk = Walk(os.path.realpath(place), enter=lambda entry: not entry.is_hidden)
    for entry in walk:
        if entry.is_hidden:
            continue
        if entry.kind in (LINK, OTHER):
            raise ProblemError(_not_plain(uri, field, "a link" if entry.kind == LINK else "something that is no file", entry.path))
        if not is_plain_name(entry.name):
            raise ProblemError(_not_plain(uri, field, "a name that cannot be read", entry.path))
    if TOO_DEEP in walk.left_out:
        raise ProblemError(_not_plain(uri, field, f"folders nested more than {walk.deepest} deep", ""))
    if UNREADABLE in walk.left_out:
        raise ProblemError(
            Problem(code="input-not-readable", field=field, message=f"“{uri}” may not be read.", fix="Ask for the right to read all of it.")
        )


def snapshot(path: str) -> Snapshot:
    """The state of all files at `path` (a file, a folder, or a pattern) that readers see: equal snapshots mean that nothing was changed."""
    found: list[tuple[str, int, int]] = []
    for one in map(str, matches(Path(path)) or [Path(path)]):
        if os.path.isfile(one):
            state = os.stat(one)
            found.append((one, state.st_mtime_ns, state.st_size))
        elif is_table(Path(one)):
            found += _commits(Path(one))
        else:
            walk = Walk(os.path.realpath(one), enter=lambda entry: not entry.is_hidden)
            found += [
                (f"{one}/{entry.path}", entry.modified_ns, entry.size) for entry in walk if entry.kind == FILE and not entry.is_hidden
            ]
    return tuple(found)


def _commits(table: Path) -> Iterator[tuple[str, int, int]]:
    """What stands for the content of a Delta table: its versions. Files that it no longer has lie beside those that it has."""
    for entry in Walk(table / LOG, deepest=1):
        if entry.kind == FILE and entry.name.endswith(".json") and not entry.is_hidden:
            yield f"{table}/{LOG}/{entry.name}", entry.modified_ns, entry.size


def matches(path: Path) -> list[Path]:
    """What is there for a path that may be a pattern in Hadoop's way (`*`, `?`, `[ab]`, `[^a]`, `{a,b}`), sorted."""
    if not _GLOB.search(str(path)):
        return [path] if path.exists() else []
    path = Path(re.sub(r"\*{2,}", "*", visible(str(path))))  # as Hadoop does; Python would look through every folder below
    fixed = Path(*_until_glob(path))
    patterns = choices(str(path.relative_to(fixed)))
    return sorted({match for pattern in patterns for match in fixed.glob(pattern)})


def _until_glob(path: Path) -> Iterator[str]:
    for part in path.parts:
        if _GLOB.search(part):
            return
        yield part


def near_name(path: Path, uri: str) -> str | None:
    """`Did you mean “raw/flights.csv”?` for the nearest name beside a missing `path`, written as `uri` is; None when nothing is near."""
    if not path.parent.is_dir():
        return None
    return near_among(path.name, os.listdir(path.parent), uri)


def near_among(name: str, names: Iterable[str], uri: str) -> str | None:
    """The same for the `names` of a folder."""
    near = nearest(name, (one for one in islice(names, 1000) if not one.startswith((".", "_"))))
    return f"Did you mean “{uri.removesuffix(name)}{near}”?" if near else None


def _not_plain(uri: str, field: str, what: str, where: str) -> Problem:
    return Problem(
        code="input-not-plain",
        field=field,
        message=f"“{uri}” holds {what}, which is not read.",
        file=Foreign(shown(where)) if where else None,
        expected="files and folders",
        fix="Put the file itself there, under a name of letters and digits, or take it out of the folder.",
    )


def missing(uri: str, field: str, *, near: str | None, has_folder: bool) -> Problem:
    """Nothing is there. `near`: as of `near_name`; `has_folder`: whether the folder above is there."""
    return Problem(
        code="input-missing",
        field=field,
        message=f"There is nothing at “{uri}”.",
        found="no file or folder" if has_folder else "no such folder either",
        expected="a file or folder in the lake",
        fix=near or "Check the path, or upload the file.",
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
