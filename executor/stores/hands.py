"""What stores have in common that let people bring files, and rename, set aside and put back files and folders by hand."""

from __future__ import annotations

import os
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from executor.files import made_of, tree
from executor.files.made_of import NOTE, UNFINISHED, State
from executor.language.uris import uri_problem
from executor.problems import Problem, ProblemError

NOTES = (NOTE, UNFINISHED)
"""What of ours belongs to the files beside it, and goes where they go."""
KEPT = ".sluice-kept"
MOST_NAMES = 50_000
PIECE = 256 * 1024
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class There:
    """A file as it lies there. `mark`: of its content; `upload`: by which it came, empty where it came otherwise."""

    size: int
    mark: str
    modified: float
    upload: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"size": self.size, "modified": self.modified}


class Hand(ABC):
    """Of one root."""

    @abstractmethod
    def names_in(self, beginning: str) -> dict[str, bool]:
        """Name → whether it is a folder, of what lies in the folder `beginning` ("" or ending with /); also what readers do not see, which
        is in the way as well. Raises ProblemError."""

    @abstractmethod
    def there(self, key: str) -> There | None:
        """The file there. Raises ProblemError."""

    @abstractmethod
    def body(self, place: str, found: There) -> Iterator[bytes]:
        """What the file holds that was found there, in pieces of PIECE bytes at most. Raises ProblemError where it is another one now."""

    def find(self, place: str, names: Collection[str] = ()) -> dict[str, Any]:
        """`twin`: the place that is this one, or differs from it in capital letters or accents alone; None where nothing does. `entry`:
        what lies there. `names`: of all that lies in the folder, for whoever looks for a free one; `entries`: of those that have, or
        cannot be told from, one of the `names` that were asked for. Raises ProblemError."""
        require_inside(place)
        found, beside, folders = "", self.names_in(""), place.split("/")[:-1]
        for part in folders:
            match = alike(part, beside)
            if match is None:
                return {"twin": None, "entry": None, "names": [], "entries": {}}
            found += f"{match}/"
            if not beside[match]:
                raise ProblemError(no_folder(found))
            beside = self.names_in(found)
        match = alike(place.rpartition("/")[2], beside)
        entry = self._entry(found, match, beside) if match else None
        known = {other: self._entry(found, other, beside) for name in names if (other := alike(name, beside))}
        return {"twin": f"{found}{match}" if match else None, "entry": entry, "names": sorted(beside), "entries": known}

    def _entry(self, folder: str, name: str, beside: Mapping[str, bool]) -> dict[str, Any]:
        there = None if beside[name] else self.there(folder + name)
        return {"is_folder": there is None, "size": there.size if there else 0, "modified": there.modified if there else 0.0}

    @abstractmethod
    def states(self, folder: str, names: Collection[str]) -> dict[str, State]:
        """What the files of these names in a folder are like, of those that are there. Raises ProblemError."""

    @abstractmethod
    def noted(self, folder: str, note: str) -> bytes | None:
        """A hidden file of ours in a folder; None where there is none. Raises ProblemError."""

    @abstractmethod
    def write_note(self, folder: str, note: str, text: str | None) -> None:
        """Writes one in one step, into a folder that may be made by that; None: removes it. Raises ProblemError."""

    def notes(self, folder: str, names: Collection[str]) -> dict[str, Any]:
        """`made` and `begun`, the notes of what was unpacked into a folder as they stand there, and `states` of the files of which they
        speak, and of those with these names. Raises ProblemError."""
        made, begun = ((self.noted(folder, note) or b"").decode(errors="replace") for note in (NOTE, UNFINISHED))
        said = made_of.Notes(made_of.origins_in(made), made_of.unfinished_in(begun), {})
        return {"made": made, "begun": begun, "states": self.states(folder, {*names, *said.files()})}

    def rename(self, place: str, target: str) -> None:
        """Gives a file or folder another place in one step; nothing may lie there. Raises ProblemError, also where the storage has no such
        step."""
        raise ProblemError(
            Problem(
                code="not-renamed",
                message="The storage of this root cannot rename: for a moment readers would meet the rows twice, or not at all.",
                fix="Bring the file again under its new name, and delete this one.",
            )
        )


def pieces(source: int, start: int, count: int, most: int) -> Iterator[bytes]:
    """So many bytes of an open file, from there on, in pieces of `most`. Raises ProblemError where it has fewer."""
    while count:
        piece = os.pread(source, min(count, most), start)
        if not piece:
            raise ProblemError(cut_off())
        yield piece
        start, count = start + len(piece), count - len(piece)


def alike(name: str, names: Collection[str]) -> str | None:
    """The name, or the first that people cannot tell from it."""
    return name if name in names else next((other for other in sorted(names) if same(other) == same(name)), None)


def same(name: str) -> str:
    """Two names with the same of this cannot be told apart by people."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def require_inside(place: str) -> None:
    """Raises ProblemError for a place that leads out of its root, or that no reader sees."""
    if problem := uri_problem(place, "uri"):
        raise ProblemError(problem)
    if any(map(tree.is_hidden, place.split("/"))):
        raise ProblemError(Problem(code="bad-place", message=f"“{place}” is a place that no reader sees.", fix="Choose another name."))


def require_id(kept: str) -> None:
    """Raises ValueError for what is no id of something that is kept: nothing else is ever removed."""
    if not kept or "/" in kept or kept.startswith("."):
        raise ValueError(f"{kept!r} is no id.")


# --- problems ---------------------------------------------------------------------------------------------------------------


def taken(place: str) -> Problem:
    """Something lies where nothing may."""
    return Problem(
        code="file-exists",
        message=f"Something has come to lie at “{place}” meanwhile.",
        fix="Say what should become of it, and finish the upload again.",
    )


def changed(place: str) -> Problem:
    """It is another file than was found."""
    return Problem(code="file-changed", message=f"“{place}” was changed at the same moment.", fix="Try again.")


def nothing(place: str) -> Problem:
    """There is no such file."""
    return Problem(code="nothing-there", message=f"There is no file “{place}” any more.", fix="Look at the folder again.")


def no_longer_kept(place: str) -> Problem:
    """What was to be put back is gone."""
    return Problem(code="no-longer-kept", message=f"What was kept of “{place}” is no longer there.")


def no_folder(place: str) -> Problem:
    """A part of the path is a file."""
    return Problem(code="bad-place", message=f"“{place}” is a file, and no folder.", fix="Choose another folder.")


def in_an_output(folder: str) -> Problem:
    """The folder belongs to a job."""
    return Problem(
        code="is-an-output",
        message=f"“{folder.rstrip('/')}” is the output of a job: its next run would remove the file, or mix it into its rows.",
        fix="Choose another folder.",
    )


def holds_an_output(folder: str, output: str) -> Problem:
    """A job has published in the folder, in whichever environment."""
    what = "is" if output == folder else f"holds “{output}”, which is"
    return Problem(
        code="is-an-output",
        message=f"“{folder}” {what} the output of a job or a table of its own, and stays where it is.",
        fix="Take what lies beside it one by one; a Delta table has its versions on its own page.",
    )


def holds_what_is_kept(folder: str) -> Problem:
    """Something that a root or a job needs lies in the folder."""
    return Problem(
        code="is-in-use",
        message=f"“{folder}” holds what Sluice keeps of another root, or of outputs of a job.",
        fix="Take the files and folders in it one by one.",
    )


def being_unpacked(folder: str) -> Problem:
    """Some of what is in the folder is not all there."""
    return Problem(
        code="is-being-unpacked",
        message=f"A file is being unpacked into “{folder}”, or that was broken off.",
        fix="Wait until it is done, or unpack that file again.",
    )


def in_itself(folder: str, target: str) -> Problem:
    """The new place lies in the old one."""
    message = f"“{target}” lies in “{folder}”: a folder cannot be moved into itself."
    return Problem(code="bad-place", message=message, fix="Choose a place outside of it.")


def not_looked_through(folder: str) -> Problem:
    """Nobody knows all that lies in the folder."""
    return Problem(
        code="not-looked-through",
        message=f"“{folder}” cannot be looked through: some of it may not be read, or lies too deep.",
        fix="Take the files and folders in it one by one.",
    )


def too_many(folder: str) -> Problem:
    """A folder holds more than anybody looks through."""
    return Problem(
        code="too-many-names",
        message=f"“{folder.rstrip('/')}” holds more than {MOST_NAMES:,} files and folders.",
        fix="Bring the file to another folder.",
    )


def cut_off() -> Problem:
    """What was uploaded is not whole."""
    return Problem(code="upload-lost", message="What had arrived of this file is gone.", fix="Cancel it and send the file again.")
