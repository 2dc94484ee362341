"""Folders of other systems' tables, of whose files only a log of theirs says which count: some hold rows that were replaced, or never
were. Read one by one, they would give a number that is wrong and looks right.

<table>/.hoodie/                       Apache Hudi: each file's earlier editions lie beside it
<table>/metadata/v3.metadata.json      Apache Iceberg: rows lie in <table>/data, those that were deleted, too
<table>/_spark_metadata/               an endless job of Spark (streaming): what it has begun lies beside what it has written
<table>/base_0000002/, delta_0000003_0000003/   Hive, transactional: what was written over lies beside it until it is cleaned up
<folder>/_started_71, _committed_71    Databricks: of one write, which files it brought (`…-tid-71-…`) and which it took away
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from executor.files.delta_log import is_a_table, table_above
from executor.files.tree import shown
from executor.problems import Foreign, Problem, ProblemError

Folder = TypeVar("Folder", str, Path)
HUDI, STREAM, METADATA = ".hoodie", "_spark_metadata", "metadata"
ICEBERG = re.compile(r"(?:v\d+|\d{5,}-[0-9a-f-]{36})(?:\.gz)?\.metadata\.json(?:\.gz)?|version-hint\.text")
KINDS = {HUDI: "an Apache Hudi table", STREAM: "what an endless job of Spark writes (streaming)", METADATA: "an Apache Iceberg table"}
HIVE, HIVES = re.compile(r"(base_\d{7,}|(delete_)?delta_\d{7,}_\d{7,}(_\d{4})?)(_v\d+)?"), "a transactional Hive table"
_NOTED = re.compile(r"_(started|committed)_(\d+)")
_BY_WRITE = re.compile(r"-tid-(\d+)-")
LARGEST_NOTE = 8_000_000
"""Bytes."""


def table_in(path: str) -> tuple[str, str] | None:
    """(folder, what it is in words) of such a table that a path shows; None where it shows none."""
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part in (HUDI, STREAM) or (part == METADATA and place + 2 == len(parts) and ICEBERG.fullmatch(parts[-1])):
            return "/".join(parts[:place]), KINDS[part]
        if HIVE.fullmatch(part):
            return "/".join(parts[:place]), HIVES
    return None


def tells(path: str) -> bool:
    """Whether what lies at `path` tells that files beside it do not all count."""
    return table_in(path) is not None or bool(_NOTED.fullmatch(path.rpartition("/")[2]))


def kind_above(path: Path) -> str | None:
    """What `path` is, or lies in; None where that is no such table."""
    return next((kind for folder in (path, *path.parents) if (kind := _kind_of(folder))), None)


def require_in_none(folder: Path, uri: str) -> None:
    """Raises ProblemError where `folder`, into which `uri` would write, is a table or lies in one."""
    if table_above(folder) is not None:
        raise ProblemError(is_a_table(uri, "outputURI"))
    if kind := kind_above(folder):
        raise ProblemError(is_other_table(uri, kind, "outputURI"))


def _kind_of(folder: Path) -> str | None:
    if HIVE.fullmatch(folder.name):
        return HIVES
    if found := next((one for one in (HUDI, STREAM) if (folder / one).is_dir()), None):
        return KINDS[found]
    with suppress(OSError), os.scandir(folder / METADATA) as entries:
        return KINDS[METADATA] if any(ICEBERG.fullmatch(entry.name) for entry in entries) else None
    return None


def _notes_in(names: Iterable[str]) -> list[str]:
    """The notes of Databricks' writes among the names of a folder."""
    return [name for name in names if _NOTED.fullmatch(name)]


def require_that_all_count(
    files: Iterable[tuple[Folder, str]], names_in: Callable[[Folder], Iterable[str]], read: Callable[[Folder, str], bytes], uri: str
) -> None:
    """Raises ProblemError where the notes of a writer beside the `files` (folder, name) say that one of them does not count (any more).
    `names_in`: of a folder, with the notes in it; `read`: gives a note."""
    names: dict[Folder, list[str]] = {}
    for folder, name in files:
        names.setdefault(folder, []).append(name)
    for folder, here in names.items():
        notes = _notes_in(names_in(folder))
        if notes and (gone := _taken_away(here, notes, partial(read, folder))):
            raise ProblemError(_not_all_count(uri, shown(gone)))


def _taken_away(files: Collection[str], notes: Collection[str], read: Callable[[str], bytes]) -> str | None:
    """The first of a folder's `files` that one of the `notes` in it says was taken away, or was brought by a write that did not end."""
    found = [match for name in notes if (match := _NOTED.fullmatch(name))]
    ended = {match[2] for match in found if match[1] == "committed"}
    begun = {match[2] for match in found} - ended
    gone = {name for match in found if match[1] == "committed" for name in _removed(read(match[0]))}
    return next((file for file in sorted(files) if file in gone or ((by := _BY_WRITE.search(file)) and by[1] in begun)), None)


def _removed(note: bytes) -> Iterable[str]:
    """Raises ProblemError where it is none."""
    try:
        said = json.loads(note)
        removed = said.get("removed", []) if isinstance(said, Mapping) else None
    except (ValueError, RecursionError):
        removed = None
    if not isinstance(removed, list):
        raise ProblemError(_no_note())
    return [str(one) for one in removed]


def is_other_table(uri: str, kind: str, field: str = "inputURI") -> Problem:
    """`kind`: see `kind_above`."""
    reads = field == "inputURI"
    return Problem(
        code="place-is-other-table",
        field=field,
        message=f"“{uri}” is, or is in, or holds {kind}. "
        + (
            "Which of its files count only its own log says: read one by one, they would give rows that were replaced or deleted, too."
            if reads
            else "Its own log says which files count, so what is put there would not be in it."
        ),
        found=kind,
        fix="Have whoever writes it write the rows to a folder of plain Parquet files, or to a Delta table."
        if reads
        else "Choose another folder.",
    )


def _not_all_count(uri: str, file: str) -> Problem:
    """One of the files was replaced, or never finished."""
    return Problem(
        code="input-replaced-files",
        field="inputURI",
        message=f"“{uri}” holds files that Databricks has replaced, or not finished; they would be read beside those that count.",
        found=Foreign(file),
        file=file,
        fix="Have it cleaned up there (VACUUM), or have the rows written to another folder or a Delta table.",
    )


def _no_note() -> Problem:
    return Problem(
        code="input-replaced-files",
        field="inputURI",
        message="A note of Databricks that says which files of a folder count (_committed_…) cannot be read.",
        fix="Have the folder written anew.",
    )
