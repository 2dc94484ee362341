"""Files that were unpacked from another one. A note beside them says of which, and what both were like then: once there is a newer
workbook, nobody reads the rows of the older one in silence. Nor does anybody while only some of the files are there.

<folder>/.sluice-made-of.json      name of a file → Origin
<folder>/.sluice-unpacking.json    Unfinished, as long as it is so
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
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
State = tuple[int, int | str]
"""Bytes and time of change (ns) of a file, of an object its etag: what tells a file from another one of its name."""


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


@dataclass(frozen=True)
class Notes:
    """What the notes of a folder say; `states`: what the files are like of which they speak, and that are there."""

    made: dict[str, Origin]
    begun: Unfinished | None
    states: Mapping[str, State]

    def parts_of(self, of: str) -> dict[str, str]:
        """What was made of `of` (from the folder) and has not been changed by hand since: its name inside → the file's name. So does
        what came in before its unpacking was broken off."""
        made = {one.part: name for name, one in self.made.items() if one.of == of and self.states.get(name) == one.made}
        if self.begun is None or self.begun.of != of:
            return made
        return {part: name for part, name in self.begun.files.items() if name in self.states} | made

    def is_for(self, of: str) -> bool:
        """Whether the folder holds parts of `of`, or was made for them."""
        return bool(self.parts_of(of)) or (self.begun is not None and self.begun.of == of)

    def files(self) -> set[str]:
        """Of which the notes speak."""
        return {*self.made, *(self.begun.files.values() if self.begun else ())}


def state(file: Path) -> State | None:
    """What the file is like now; None where there is none."""
    with suppress(OSError):
        found = os.stat(file, follow_symlinks=False)
        return found.st_size, found.st_mtime_ns
    return None


def noted(folder: Path) -> dict[str, Origin]:
    """The note of a folder; empty where there is none that can be read. Whoever can write in the lake can write one, too."""
    return origins_in(text_in(folder, NOTE))


def unfinished(folder: Path) -> Unfinished | None:
    """What is being unpacked into a folder, or was until that was broken off."""
    return unfinished_in(text_in(folder, UNFINISHED))


def notes_of(folder: Path) -> Notes:
    """Both, and what the files are like of which they speak."""
    notes = Notes(noted(folder), unfinished(folder), {})
    found = {name: state(folder / name) for name in notes.files()}
    return Notes(notes.made, notes.begun, {name: one for name, one in found.items() if one})


def origins_in(note: str | bytes | None) -> dict[str, Origin]:
    """What a note says; nothing where it is none."""
    with suppress(*_IS_NONE):
        return {str(name): _origin(one) for name, one in json.loads(note or "").items()}
    return {}


def unfinished_in(note: str | bytes | None) -> Unfinished | None:
    """The same of the note of what is being unpacked."""
    with suppress(*_IS_NONE):
        said = json.loads(note or "")
        return Unfinished(str(said["of"]), {str(part): str(name) for part, name in said["files"].items()})
    return None


_IS_NONE = (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError)


def text_in(folder: Path, note: str) -> bytes | None:
    """What a note says, as it stands there; `note`: its place from the folder. None where there is none."""
    with suppress(OSError, ValueError), os.fdopen(tree.open_below(folder, note), "rb") as file:
        return file.read(LARGEST)
    return None


def _origin(said: dict[str, Any]) -> Origin:
    return Origin(str(said["of"]), str(said["part"]), state_in(said["was"]), state_in(said["made"]))


def state_in(said: Any) -> State:
    """As it was written down. Raises ValueError, TypeError for what is none."""
    size, stamp = said
    return int(size), stamp if isinstance(stamp, str) else int(stamp)


def text_of(origins: dict[str, Origin]) -> str:
    """The note, as it is written."""
    return json.dumps({name: vars(origin) for name, origin in origins.items()}, ensure_ascii=False)


def text_of_unfinished(begun: Unfinished) -> str:
    """The note of what is being unpacked, as it is written."""
    return json.dumps(vars(begun), ensure_ascii=False)


def parts_of(folder: Path, container: Path) -> dict[str, str]:
    """See `Notes.parts_of`."""
    return notes_of(folder).parts_of(os.path.relpath(container, folder))


def newer(file: Path, origins: dict[str, Origin]) -> str | None:
    """The name of what `file` was made of, where there is a newer one of it now. `origins`: the note of its folder."""
    origin = origins.get(file.name)
    if origin is None or not is_older(origin, state(file), state(file.parent / origin.of)):
        return None
    return origin.of.rpartition("/")[2]


def is_older(origin: Origin, made: State | None, source: State | None) -> bool:
    """Whether a file that is `made` now is an earlier part of what is `source` now."""
    return made == origin.made and source is not None and source != origin.was


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
            raise ProblemError(outdated(name, source))


def _require_finished(files: Sequence[tuple[Path, str]]) -> None:
    begun = {folder: unfinished(folder) for folder in dict.fromkeys(file.parent for file, _ in files)}
    for file, name in files:
        under_way = begun[file.parent]
        if under_way is not None and file.name in under_way.files.values():
            raise ProblemError(not_finished(name, under_way.of.rpartition("/")[2]))


def outdated(name: str, source: str) -> Problem:
    """The file is an earlier part of what is called `source`."""
    message = f"“{name}” was made of an earlier “{source}”: there is a newer one now, whose rows are not in it."
    fix = f"Open “{tree.shown(source)}” on the Data page: it is unpacked again, and the files made of it are replaced."
    return Problem(code="input-outdated", field="inputURI", message=message, file=name, fix=fix)


def not_finished(name: str, source: str) -> Problem:
    """The file comes out of what is called `source`, and others of it may not be there yet."""
    source = tree.shown(source)
    message = f"“{name}” comes out of “{source}”, which is not unpacked to its end: other files of it may be missing."
    fix = f"Wait until it is. Where it was broken off, open “{source}” on the Data page and unpack it again."
    return Problem(code="input-unfinished", field="inputURI", message=message, file=name, fix=fix)
