"""What an output tells of itself, in hidden files beside its data.

<folder>/.sluice-output.json     which run published it, when, how much, how its text is written, and its columns
<folder>/.sluice-columns.json    in an output of no rows that has no file which could name its columns

Whoever can write in the lake can write these too: what is read from them is text and numbers, nothing more.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from executor.files import delta_history, tree
from executor.files.delta_log import is_table
from executor.files.facts import facts_in

MARK, COLUMNS = ".sluice-output.json", ".sluice-columns.json"
NAMES, KINDS = "names", "kinds"
"""In what is written: a list of names, and what kind of values each column has, as JSON."""
LONGEST_MARK = 1_000_000
"""Bytes; names of columns may stand in it, as a header has them."""
LARGEST_COLUMNS = 200_000
"""Bytes of what is noted of an output's columns; of wider ones nothing is."""
MOST_BESIDE, MOST_READ = 10_000, 50
"""Places beside an output that are listed, and of which the notes are read."""


def mark(folder: Path, facts: dict[str, Any]) -> None:
    """Notes in an output who published it. A single file has no room for that."""
    if folder.is_dir():
        fresh = folder / f"{MARK}.new"
        fresh.write_text(json.dumps(facts, ensure_ascii=False))
        fresh.replace(folder / MARK)


def facts_of(output: Path) -> dict[str, Any]:
    """run_id, published_at, stage, format, rows, files, bytes of an output, as far as it tells; files and bytes are counted where it does
    not. Text is cut, numbers are whole: whoever can write in the lake can write these too."""
    if is_table(output):
        return delta_history.facts_of(output)
    facts = facts_in(_read_mark(output))
    if "bytes" not in facts or "files" not in facts:
        sizes = [entry.size for entry in tree.Walk(output) if entry.kind == tree.FILE and not entry.is_hidden]
        facts |= {"files": len(sizes), "bytes": sum(sizes)}
    return facts


def written(output: Path) -> dict[str, str]:
    """How the load says that the text of an output is written: the names of its fields, and what they were set to."""
    return written_in(_read_mark(output))


def said_by(output: Path) -> dict[str, Any]:
    """All that an output says of itself."""
    return _read_mark(output)


def written_in(mark: Mapping[str, Any]) -> dict[str, str]:
    said = mark.get("written")
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def names_written(output: Path) -> list[str]:
    """The columns of an output whose files do not name them, in their order; none where that is not noted."""
    try:
        said = json.loads(written(output).get(NAMES, "[]"))
    except (ValueError, RecursionError):
        return []
    return said if isinstance(said, list) and all(isinstance(name, str) for name in said) else []


def kinds_written(output: Path) -> dict[str, str]:
    """What kind of values each column of an output has, by its name in small letters; nothing where that is not noted."""
    try:
        said = json.loads(written(output).get(KINDS, "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(kind) for name, kind in said.items()} if isinstance(said, dict) else {}


@dataclass(frozen=True)
class Columns:
    """The columns of an output (name → type, in order), and the SHA-256 of the document that wrote them."""

    document: str
    types: dict[str, str]
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each of its extracts had read, by the extract's name: `columns` (name → type), `shapes`, `is_named`."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Which files they were, by the address that was read (`executor.stages.noted_files`)."""
    schema: list[dict[str, Any]] = field(default_factory=list)
    """The same columns for catalogs: `name`, `type` (Spark's JSON), `description`, `is_folder`; those of folders last."""


def columns_of(output: Path) -> Columns | None:
    """What is noted of the columns of an output; None where nothing is."""
    return columns_in(_read_mark(output))


def columns_in(mark: Mapping[str, Any]) -> Columns | None:
    said = mark.get("columns")
    if not isinstance(said, dict) or not isinstance(said.get("types"), dict):
        return None
    types = {str(name): str(kind) for name, kind in said["types"].items()}
    noted = said.get("schema")
    schema = [one for one in noted if isinstance(one, dict) and {"name", "type"} <= one.keys()] if isinstance(noted, list) else []
    return Columns(str(said.get("document", "")), types, _facts_by_name(said.get("inputs")), _facts_by_name(said.get("files")), schema)


def _facts_by_name(said: Any) -> dict[str, dict[str, Any]]:
    return {str(name): one for name, one in said.items() if isinstance(one, dict)} if isinstance(said, dict) else {}


def columns_of_document(output: Path, document: str) -> Columns | None:
    """What this document has noted of the columns of an output; else of the newest place beside it that it wrote: an address that holds a
    parameter (`sales/${day}`) makes a place of its own for each value."""
    own = columns_of(output)
    if own:
        return own if own.document == document else None
    with suppress(OSError), os.scandir(output.parent) as entries:
        beside = [entry for entry in itertools.islice(entries, MOST_BESIDE) if entry.is_dir(follow_symlinks=False)]
        beside.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime, reverse=True)
        noted = (columns_of(Path(entry.path)) for entry in beside[:MOST_READ] if entry.name != output.name)
        return next((one for one in noted if one and one.document == document), None)
    return None


def columns_noted(columns: Columns | None) -> dict[str, Any]:
    """As it stands in a mark; nothing where there is nothing to note, or too much."""
    if columns is None:
        return {}
    without_files = replace(columns, files={}, inputs={})
    for noted in (columns, replace(columns, files={}), without_files, replace(without_files, schema=[])):
        if len(json.dumps(asdict(noted))) <= LARGEST_COLUMNS:
            return {"columns": asdict(noted)}
    return {}


def declare_columns(output: Path, ddl: str) -> None:
    """Keeps the columns of an output without files, as SQL declares them."""
    (output / COLUMNS).write_text(json.dumps({"columns": ddl}, ensure_ascii=False))


def declared_columns(output: Path) -> str:
    """What `declare_columns` has kept; empty where there is nothing of it."""
    said = _read_mark(output, COLUMNS).get("columns", "")
    return said if isinstance(said, str) else ""


def _read_mark(output: Path, name: str = MARK) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        with os.fdopen(tree.open_below(output, name), "rb") as file:
            said = json.loads(file.read(LONGEST_MARK))
        return said if isinstance(said, dict) else {}
    return {}
