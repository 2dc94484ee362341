"""Which columns the files of one place have, as far as their first lines and footers tell: quick, without Spark, and the same for the
files that a run reads and for those that lie where the job shall run next."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from executor.event_lines import plain
from executor.files.folder import DataFile, Place

MOST_FILES, MOST_COLUMNS = 200, 1_000
LONGEST_NAME, LONGEST_TYPE = 200, 500
SECONDS = 5.0
"""Files, columns, characters and time of one look. What is beyond is not looked at, and said so."""
EDITION = 1
"""Counted up when types get other words: what an earlier edition has noted is not compared with what a later one finds."""
FOLDER = "text, from the folder's name"
T = TypeVar("T")


@dataclass
class Columns:
    """`columns`: name → type in words, in order. `seen`: how many of the `files` were looked at. `rows`: where all of the files say.
    `is_named`: the files give names; else only how many columns there are is known. `is_whole`: nothing was left out."""

    files: int
    bytes: int
    seen: int
    columns: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    is_named: bool = True
    is_whole: bool = True
    shapes: dict[str, str] = field(default_factory=dict)
    """How values are written, where they are text."""
    has_rows: bool = False
    """One has been seen."""
    partial: list[str] = field(default_factory=list)
    """Names that not every file has: rows of the others have no value there."""

    def as_dict(self) -> dict[str, Any]:
        """As an event can hold it, and in the way in which it is stored: signs that cannot be seen are replaced, long texts cut. Columns
        are pairs, because their order matters."""
        shown = [[plain(name)[:LONGEST_NAME], plain(kind)[:LONGEST_TYPE]] for name, kind in self.columns.items()][:MOST_COLUMNS]
        is_all = len(shown) == len(self.columns) and all(len(name) < LONGEST_NAME and len(kind) < LONGEST_TYPE for name, kind in shown)
        facts = {"edition": EDITION, "files": self.files, "bytes": self.bytes, "seen": self.seen, "columns": shown}
        facts |= {"is_named": self.is_named, "is_whole": self.is_whole and is_all}
        return facts if self.rows is None else {**facts, "rows": self.rows}


def looked_at(place: Place, look: Callable[[DataFile], T | None]) -> tuple[Columns, list[T]]:
    """What `look` tells of the files, one by one until time or number is up, and the columns so far: none but those of folders.
    A `look` that gives None has found nothing in the file."""
    sizes = [file.path.stat().st_size for file in place.files]
    full = [file for file, size in zip(place.files, sizes, strict=True) if size]
    end, told, seen = time.monotonic() + SECONDS, [], 0
    for file in full[:MOST_FILES]:
        if time.monotonic() > end:
            break
        found = look(file)
        seen += 1
        if found is not None:
            told.append(found)
    columns = Columns(files=len(place.files), bytes=sum(sizes), seen=seen, is_whole=seen == len(full))
    return columns, told


def with_folders(columns: Columns, place: Place) -> Columns:
    """The columns that the names of folders give come last, as in the frame that Spark reads."""
    columns.columns |= dict.fromkeys(place.folder_columns, FOLDER)
    return columns


def not_in_all(names: Iterable[str], tables: Collection[Iterable[str]]) -> list[str]:
    """Those of the names that a table lacks; capital letters make no other name."""
    own = [{name.casefold() for name in table} for table in tables]
    return [name for name in names if not all(name.casefold() in one for one in own)]


def together(tables: Iterable[dict[str, str]]) -> dict[str, str]:
    """The columns of all, in the order in which they are met; capital letters make no other column. Where types differ, both are said."""
    names: dict[str, str] = {}
    types: dict[str, list[str]] = {}
    for table in tables:
        for name, kind in table.items():
            key = name.casefold()
            names.setdefault(key, name)
            if kind not in types.setdefault(key, []):
                types[key].append(kind)
    return {name: " or ".join(sorted(kind for kind in types[key] if kind) or [""]) for key, name in names.items()}
