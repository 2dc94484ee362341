"""Files that were unpacked from another one. A note beside them says of which, and what both were like then: once there is a newer
workbook, nobody reads the rows of the older one in silence. Nor does anybody while only some of the files are there.

<folder>/.sluice-made-of.json      name of a file → Origin
<folder>/.sluice-unpacking.json    Unfinished, as long as it is so
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.files import tree
from executor.files.folder import place_of
from executor.problems import Problem, ProblemError

NOTE = ".sluice-made-of.json"
UNFINISHED = ".sluice-unpacking.json"
LARGEST = 1_000_000
"""Bytes of a note; a larger one is none."""
State = tuple[int, int]
"""Bytes and time of change (ns) of a file: what tells a file from another one of its name."""


@dataclass(frozen=True)
class Origin:
    """`of`: the file it was made of, from the note's folder; `part`: what it was called in there. `was`, `made`: what that file, and the
    one made of it, were like then."""

    of: str
    part: str
    was: State
    made: State


@dataclass(frozen=True)
class Unfinished:
    """`of`: the file that is being unpacked, from the note's folder; `files`: what its parts are called in there, and their names here."""

    of: str
    files: dict[str, str]


def state(file: Path) -> State | None:
    """What the file is like now; None where there is none."""
    with suppress(OSError):
        found = os.stat(file, follow_symlinks=False)
        return found.st_size, found.st_mtime_ns
    return None


def noted(folder: Path) -> dict[str, Origin]:
    """The note of a folder; empty where there is none that can be read. Whoever can write in the lake can write one, too."""
    with suppress(*_IS_NONE):
        return {str(name): _origin(one) for name, one in _said(folder, NOTE).items()}
    return {}


def unfinished(folder: Path) -> Unfinished | None:
    """What is being unpacked into a folder, or was until that was broken off."""
    with suppress(*_IS_NONE):
        said = _said(folder, UNFINISHED)
        return Unfinished(str(said["of"]), {str(part): str(name) for part, name in said["files"].items()})
    return None


_IS_NONE = (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError)


def _said(folder: Path, note: str) -> Any:
    with os.fdopen(tree.open_below(folder, note), "rb") as file:
        return json.loads(file.read(LARGEST))


def _origin(said: dict[str, Any]) -> Origin:
    (was_bytes, was_at), (made_bytes, made_at) = said["was"], said["made"]
    return Origin(str(said["of"]), str(said["part"]), (int(was_bytes), int(was_at)), (int(made_bytes), int(made_at)))


def text_of(origins: dict[str, Origin]) -> str:
    """The note, as it is written."""
    return json.dumps({name: vars(origin) for name, origin in origins.items()}, ensure_ascii=False)


def text_of_unfinished(begun: Unfinished) -> str:
    """The note of what is being unpacked, as it is written."""
    return json.dumps(vars(begun), ensure_ascii=False)


def parts_of(folder: Path, container: Path) -> dict[str, str]:
    """What lies in `folder` and was made of `container`, and has not been changed by hand since: its name inside → the file's name.
    So does what came in before its unpacking was broken off."""
    of = os.path.relpath(container, folder)
    found = {origin.part: name for name, origin in noted(folder).items() if origin.of == of and state(folder / name) == origin.made}
    begun = unfinished(folder)
    return {part: name for part, name in begun.files.items() if state(folder / name)} | found if begun and begun.of == of else found


def is_for(folder: Path, container: Path) -> bool:
    """Whether `folder` holds parts of `container`, or was made for them."""
    begun = unfinished(folder)
    return bool(parts_of(folder, container)) or (begun is not None and begun.of == os.path.relpath(container, folder))


def newer(file: Path, origins: dict[str, Origin]) -> str | None:
    """The name of what `file` was made of, where there is a newer one of it now. `origins`: the note of its folder."""
    origin = origins.get(file.name)
    if origin is None or state(file) != origin.made:
        return None
    now = state(file.parent / origin.of)
    return None if now is None or now == origin.was else origin.of.rpartition("/")[2]


def is_newest(path: str) -> bool:
    """Whether no file at `path` (a file, a folder or a pattern) was made of an earlier version of another one, or is being unpacked."""
    try:
        require_newest([(file.path, file.name) for file in place_of(path, path).files])
    except ProblemError:
        return False
    return True


def require_newest(files: Sequence[tuple[Path, str]]) -> None:
    """Raises ProblemError for the first of the files (each with its name in the document) that was made of an earlier one of another, or
    that has come in without others which belong to it."""
    _require_finished(files)
    notes: dict[Path, dict[str, Origin]] = {}
    for file, name in files:
        folder = file.parent
        if folder not in notes:
            notes[folder] = noted(folder)
        source = newer(file, notes[folder]) if notes[folder] else None
        if source is not None:
            message = f"“{name}” was made of an earlier “{source}”: there is a newer one now, whose rows are not in it."
            fix = f"Open “{tree.shown(source)}” on the Data page: it is unpacked again, and the files made of it are replaced."
            raise ProblemError(Problem(code="input-outdated", field="inputURI", message=message, file=name, fix=fix))


def _require_finished(files: Sequence[tuple[Path, str]]) -> None:
    begun = {folder: unfinished(folder) for folder in dict.fromkeys(file.parent for file, _ in files)}
    for file, name in files:
        under_way = begun[file.parent]
        if under_way is not None and file.name in under_way.files.values():
            source = tree.shown(under_way.of.rpartition("/")[2])
            message = f"“{name}” comes out of “{source}”, which is not unpacked to its end: other files of it may be missing."
            fix = f"Wait until it is. Where it was broken off, open “{source}” on the Data page and unpack it again."
            raise ProblemError(Problem(code="input-unfinished", field="inputURI", message=message, file=name, fix=fix))
