"""Which files and tables an author can read: the folders of an environment's lake, two levels deep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from django.conf import settings

from executor.files.delta_log import LOG
from executor.files.tree import FILE, FOLDER, Entry, Walk, is_plain_name
from executor.language.roots import DEFAULT
from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.environments.reach import is_here, roots_in_words

MOST, MOST_OF_A_FOLDER = 500, 30
SECONDS = 3.0
"""A list that is not complete by then is shown as far as it is."""
LOOKED_AT = 1_000
"""Entries of a data set that are looked at to find out what it is made of."""
_READERS = {
    ".csv": "DelimitedExtract",
    ".tsv": "DelimitedExtract",
    **dict.fromkeys((".txt", ".tab", ".psv", ".dat", ".log", ".asc", ".text"), "DelimitedExtract"),
    ".json": "JSONExtract",
    ".jsonl": "JSONExtract",
    ".ndjson": "JSONExtract",
    ".geojson": "JSONExtract",
    ".parquet": "ParquetExtract",
}


@dataclass(frozen=True)
class Source:
    """`uri` as documents write it; `stage_type` reads it (None: no type of ours does); `bytes` only of single files."""

    uri: str
    is_folder: bool
    stage_type: str | None
    bytes: int | None


def sources_of(project: Project) -> dict[str, Any]:
    """`environment`, the lowest one, where people write and preview; `roots`: where its data lies; `sources`: what lies in its own folder;
    `more`: whether some are left out."""
    lowest = project.environments.select_related("project").order_by("rank").first()
    sources, more = _sources(lowest) if lowest and is_here(lowest, DEFAULT) else ([], lowest is not None)
    roots = roots_in_words(lowest) if lowest else []
    return {"environment": lowest.name if lowest else None, "roots": roots, "sources": sources, "more": more}


def _sources(environment: Environment) -> tuple[list[dict[str, Any]], bool]:
    """What lies in the lake of `environment`, by name; at most MOST, of which every folder at the top has its share.

    Left out are links, and what has a name that no document can hold."""
    root = settings.LAKE_DIR / environment.project.slug / environment.name
    looking = _Looking(root)
    top = looking.entries("")
    groups = [[_file("", entry) for entry in top if entry.kind == FILE]]
    groups += [list(looking.sources(entry.path, depth=1)) for entry in top if entry.kind == FOLDER]
    in_turn = [source for source in chain.from_iterable(zip_longest(*groups)) if source]
    listed = sorted(in_turn[:MOST], key=lambda source: source.uri)
    return [asdict(source) for source in listed], len(in_turn) > MOST or looking.is_cut


class _Looking:
    """One look at a lake, which ends in time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._end = time.monotonic() + SECONDS
        self.is_cut = False

    def entries(self, folder: str) -> list[Entry]:
        """What lies in a folder, without what is hidden."""
        walk = Walk(self._root, below=folder, deepest=1, most=MOST, enter=lambda entry: False, seconds=self._end - time.monotonic())
        found = [entry for entry in walk if is_plain_name(entry.name)]
        self.is_cut = self.is_cut or bool(walk.left_out and self._root.is_dir())
        return [entry for entry in found if not entry.name.startswith(".") and (entry.name == "_SUCCESS" or not entry.name.startswith("_"))]

    def sources(self, folder: str, depth: int) -> Iterator[Source]:
        """The folder itself when a load wrote it, and whatever else lies in it: no name hides others."""
        entries = self.entries(folder)
        if self._is_delta(folder):
            yield Source(folder, True, "DeltaLakeExtract", None)
            return
        if any(_is_of_data_set(entry) for entry in entries):
            yield Source(folder, True, self._reader(folder), None)
        for entry in entries:
            if _is_of_data_set(entry):
                continue
            if entry.kind == FILE:
                yield _file(f"{folder}/", entry)
            elif entry.kind == FOLDER and depth:
                yield from self._of_folder(f"{folder}/{entry.path}", depth - 1)

    def _of_folder(self, folder: str, depth: int) -> Iterator[Source]:
        """Many files of one kind are one table, and do not hide what else there is."""
        found = list(self.sources(folder, depth))
        kinds = {source.stage_type for source in found if not source.is_folder}
        if len(found) > MOST_OF_A_FOLDER and len(kinds) == 1 and not any(source.is_folder for source in found):
            yield Source(folder, True, kinds.pop(), None)
            found = found[:MOST_OF_A_FOLDER]
        yield from found

    def _is_delta(self, folder: str) -> bool:
        """A table whose log says which of its files count: they are no sources of their own."""
        return (self._root / folder / LOG).is_dir()

    def _reader(self, folder: str) -> str | None:
        walk = Walk(self._root, below=folder, most=LOOKED_AT, enter=lambda entry: not entry.is_hidden, seconds=self._end - time.monotonic())
        part = next((entry for entry in walk if entry.kind == FILE and entry.name.startswith("part-")), None)
        return reader_of(part.name) if part else "ParquetExtract"


def _is_of_data_set(entry: Entry) -> bool:
    """Whether a load wrote it: a part file, a folder such as year=2013, or the mark that all is there."""
    if entry.kind == FILE:
        return entry.name.startswith("part-") or entry.name == "_SUCCESS"
    return entry.kind == FOLDER and "=" in entry.name


def _file(prefix: str, entry: Entry) -> Source:
    return Source(prefix + entry.path, False, reader_of(entry.name), entry.size)


def reader_of(name: str) -> str | None:
    """The stage type that reads a file of this name; packed files by the name without .gz."""
    return _READERS.get(Path(name.lower().removesuffix(".gz").removesuffix(".bz2")).suffix)
