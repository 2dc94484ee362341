"""The files that an address stands for, how the document calls each of them, and what the names of their folders say.

One rule for all formats: a folder stands for all data files in it, at any depth. A folder named `year=2024` gives its files the column
`year`, always as text; files without such a folder have null there. Names that begin with `_` or `.` are left out, as Spark does; an
address of nothing but such files is a problem.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from executor.files import other_tables, tree
from executor.files.delta_log import LOG, is_a_table, table_above
from executor.files.lake import matches
from executor.problems import Problem, ProblemError

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How a folder's name says that its column has no value."""
_GLOB_SIGNS = "*?[{"


@dataclass(frozen=True)
class DataFile:
    """One file. `name`: as the document would write it; `folders`: the columns that its folders give it."""

    path: Path
    name: str
    folders: tuple[tuple[str, str | None], ...] = ()

    @property
    def last_name(self) -> str:
        """The name without the folders before it."""
        return self.name.rsplit("/", 1)[-1]

    def facts(self) -> tuple[str, int, int]:
        """(path, time of the last change, size) as it is now: what is remembered of a file is remembered for these."""
        state = self.path.stat()
        return str(self.path), state.st_mtime_ns, state.st_size


@dataclass(frozen=True)
class Place:
    """What an address stands for. `path`, `uri`: of the address, may be patterns; `is_whole`: whether a reader that is told the path reads
    the files and no others."""

    path: str
    uri: str
    files: tuple[DataFile, ...]
    is_whole: bool = True
    left_out: tuple[str, ...] = ()
    """Names of files that systems put beside people's, and that are not read."""

    @property
    def to_read(self) -> list[str]:
        """The paths that Spark is told to read."""
        return [self.path] if self.is_whole else [escaped(file.path) for file in self.files]

    @property
    def folder_columns(self) -> list[str]:
        """Names that folders give, in the order in which they come; those that differ only by case are one, called as the first."""
        names: dict[str, str] = {}
        for file in self.files:
            for name, _ in file.folders:
                names.setdefault(name.casefold(), name)
        return list(names.values())

    @property
    def beside(self) -> list[DataFile]:
        """Files that lack one of the folder columns."""
        names = {name.casefold() for name in self.folder_columns}
        return [file for file in self.files if {name.casefold() for name, _ in file.folders} != names]


def place_of(path: str, uri: str, base: str | None = None) -> Place:
    """All data files at `path`, which the document calls `uri`. `base`: where folder columns begin; without it, at what `path` fits.
    Raises ProblemError for what cannot be read as a part of it."""
    found = matches(Path(path))
    is_named = not any(sign in Path(path).name for sign in _GLOB_SIGNS)
    if any(table_above(one) for one in found):
        raise ProblemError(is_a_table(uri))
    if kind := next((kind for one in found if (kind := other_tables.kind_above(one))), None):
        raise ProblemError(other_tables.is_other_table(uri, kind))
    starts = [start for start in found if not tree.is_hidden(start.name) or (is_named and start.is_dir())]
    if found and not starts:
        raise ProblemError(_hidden(uri, found[0].name))
    below = [(file, start) for start in starts for file in _below(start, uri)]
    colon = next((file.name for file, start in below if ":" in str(file.relative_to(start.parent))), None)
    if colon:
        raise ProblemError(_a_colon(uri, colon))
    left_out = [file for file, start in below if tree.is_leftover(file.name) and not (is_named and file == start)]
    other_tables.require_that_all_count([(file.parent, file.name) for file, _ in below], os.listdir, _note, uri)
    files = [_described(file, start, path, uri, base) for file, start in below if file not in left_out]
    return Place(
        path,
        uri,
        tuple(sorted(dict.fromkeys(files), key=lambda file: str(file.path))),
        is_whole=len(starts) == len(found) and not left_out,
        left_out=tuple(dict.fromkeys(tree.shown(file.name) for file in left_out)),
    )


def _below(start: Path, uri: str) -> Iterable[Path]:
    if not start.is_dir():
        return [start]
    walk = tree.Walk(start, enter=lambda entry: not entry.is_hidden)
    met = list(walk)
    if any(entry.name == LOG and entry.kind == tree.FOLDER for entry in met):
        raise ProblemError(is_a_table(uri))
    if table := next((table for entry in met if (table := other_tables.table_in(entry.path))), None):
        raise ProblemError(other_tables.is_other_table(uri, table[1]))
    entries = [entry for entry in met if not entry.is_hidden]
    if walk.left_out:
        raise ProblemError(_not_all(uri, ", ".join(sorted(walk.left_out))))
    link = next((entry for entry in entries if entry.kind == tree.LINK), None)
    if link:
        raise ProblemError(_a_link(uri, tree.shown(link.path)))
    return [start / entry.path for entry in entries if entry.kind == tree.FILE]


def _note(folder: Path, name: str) -> bytes:
    with (folder / name).open("rb") as file:
        return file.read(other_tables.LARGEST_NOTE)


def _described(file: Path, start: Path, path: str, uri: str, base: str | None) -> DataFile:
    top = Path(base) if base else start if start.is_dir() else start.parent
    if not file.is_relative_to(top):
        raise ProblemError(_outside_base(uri))
    folders = tuple(_column(part) for part in file.relative_to(top).parts[:-1] if "=" in part[1:])
    if len({name.casefold() for name, _ in folders}) < len(folders):
        raise ProblemError(_column_twice(uri, _name(str(file), path, uri)))
    return DataFile(file, _name(str(file), path, uri), folders)


def _column(part: str) -> tuple[str, str | None]:
    name, _, value = part.partition("=")
    return unquote(name), None if value in ("", NO_VALUE) else unquote(value)


def _name(file: str, path: str, uri: str) -> str:
    """`file` as the document would write it: what is the same in `path` and `uri` exchanged."""
    fixed_path, fixed_uri = fixed_part(path), fixed_part(uri)
    return tree.shown(fixed_uri + file[len(fixed_path) :] if file.startswith(fixed_path) else file)


def fixed_part(address: str) -> str:
    """The part of an address before the first sign of a pattern, from where on a path and its address in the document are the same."""
    cut = min((address.find(sign) for sign in _GLOB_SIGNS if sign in address), default=len(address))
    return address[:cut].rstrip("/") if cut == len(address) else address[:cut]


def escaped(path: Path) -> str:
    """A file's path as Spark takes it, for which signs of patterns are signs of the name."""
    return "".join("\\" + sign if sign in "*?[]{}\\" else sign for sign in str(path))


def _not_all(uri: str, why: str) -> Problem:
    return Problem(
        code="input-folder",
        field="inputURI",
        message=f"{uri}: Not all of the folder can be read.",
        found=why,
        expected=f"at most {tree.MOST:,} files, at most {tree.DEEPEST} folders deep, all readable",
        fix="Read parts of it in stages of their own.",
    )


def _hidden(uri: str, name: str) -> Problem:
    return Problem(
        code="input-hidden",
        field="inputURI",
        message=f"“{uri}”: Names that begin with _ or . are left out by whoever reads data, so nothing would be read.",
        found=name,
        fix="Give the file a name that begins with a letter or a digit.",
    )


def _column_twice(uri: str, file: str) -> Problem:
    return Problem(
        code="folder-column-twice",
        field="inputURI",
        message=f"“{uri}”: Two folders above one file give it the same column.",
        file=file,
        found=file,
        expected="each column once in a path",
        fix="Rename one of the two folders.",
    )


def _a_colon(uri: str, name: str) -> Problem:
    return Problem(
        code="input-name",
        field="inputURI",
        message=f"“{uri}”: Files and folders with “:” in their names cannot be read; Spark takes it for the beginning of an address.",
        file=name,
        found=name,
        fix="Rename it where it lies, for instance with “-” in place of “:”.",
    )


def _a_link(uri: str, link: str) -> Problem:
    return Problem(
        code="input-link",
        field="inputURI",
        message=f"{uri}: There is a link in the folder, and links are not followed.",
        found=link,
        file=f"{uri}/{link}",
        expected="files and folders",
        fix="Put the file itself there, or take the link out.",
    )


def _outside_base(uri: str) -> Problem:
    return Problem(
        code="base-path",
        field="basePath",
        message=f"{uri}: The base folder is not above the files.",
        expected="a folder that holds them",
        fix="Correct or leave out the base folder.",
    )
