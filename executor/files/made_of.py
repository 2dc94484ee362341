"""Files that were unpacked from another one. A note beside them says of which, and what both were like then: once there is a newer
workbook, nobody reads the rows of the older one in silence.

<folder>/.sluice-made-of.json    name of a file → Origin
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.files import tree
from executor.files.folder import place_of
from executor.problems import Problem, ProblemError

NOTE = ".sluice-made-of.json"
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


def state(file: Path) -> State | None:
    """What the file is like now; None where there is none."""
    with suppress(OSError):
        found = os.stat(file, follow_symlinks=False)
        return found.st_size, found.st_mtime_ns
    return None


def noted(folder: Path) -> dict[str, Origin]:
    """The note of a folder; empty where there is none that can be read. Whoever can write in the lake can write one, too."""
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        with os.fdopen(tree.open_below(folder, NOTE), "rb") as file:
            said = json.loads(file.read(LARGEST))
        return {str(name): _origin(one) for name, one in said.items()}
    return {}


def _origin(said: dict[str, Any]) -> Origin:
    (was_bytes, was_at), (made_bytes, made_at) = said["was"], said["made"]
    return Origin(str(said["of"]), str(said["part"]), (int(was_bytes), int(was_at)), (int(made_bytes), int(made_at)))


def text_of(origins: dict[str, Origin]) -> str:
    """The note, as it is written."""
    return json.dumps({name: vars(origin) for name, origin in origins.items()}, ensure_ascii=False)


def parts_of(folder: Path, container: Path) -> dict[str, str]:
    """What lies in `folder` and was made of `container`, and has not been changed by hand since: its name inside → the file's name."""
    of = os.path.relpath(container, folder)
    return {origin.part: name for name, origin in noted(folder).items() if origin.of == of and state(folder / name) == origin.made}


def newer(file: Path, origins: dict[str, Origin]) -> str | None:
    """The name of what `file` was made of, where there is a newer one of it now. `origins`: the note of its folder."""
    origin = origins.get(file.name)
    if origin is None or state(file) != origin.made:
        return None
    now = state(file.parent / origin.of)
    return None if now is None or now == origin.was else origin.of.rpartition("/")[2]


def is_newest(path: str) -> bool:
    """Whether no file at `path` (a file, a folder or a pattern) was made of an earlier version of another one."""
    try:
        require_newest((file.path, file.name) for file in place_of(path, path).files)
    except ProblemError:
        return False
    return True


def require_newest(files: Iterable[tuple[Path, str]]) -> None:
    """Raises ProblemError for the first of the files (each with its name in the document) that was made of an earlier one of another."""
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
