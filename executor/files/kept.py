"""Earlier outputs, kept beside the present one so that one of them can be put back.

<folder>/.sluice-output.json                  in each output: which run published it, when, and how much
<folder>/.sluice-columns.json                 in an output of no rows that has no file which could name its columns
<parent>/.sluice-previous/<name>/<id>/        an earlier output of <parent>/<name>; ids grow with the time at which it was replaced

Names that begin with a point are skipped by every reader of data.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from executor.files import exchange, tree
from executor.files.exchange import Step
from executor.problems import Problem, ProblemError

MARK, COLUMNS, PREVIOUS = ".sluice-output.json", ".sluice-columns.json", ".sluice-previous"
KEEP = 2
"""Earlier outputs that are kept of each place, unless the values of a run say otherwise."""
MOST_KEPT = 20
LARGEST_COLUMNS = 200_000
"""Bytes of what is noted of an output's columns; of wider ones nothing is."""
_ID = re.compile(r"\d{8}T\d{12}\Z")
NAMES, KINDS = "names", "kinds"
"""In what is written: a list of names, and what kind of values each column has, as JSON."""
LONGEST_MARK = 1_000_000
"""Bytes; names of columns may stand in it, as a header has them."""
_TEXTS, _NUMBERS = ("run_id", "published_at", "stage", "format"), ("rows", "files", "bytes")


def new_id() -> str:
    """A name for what is replaced now."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def place_for(target: Path, kept_id: str) -> Path:
    return target.parent / PREVIOUS / target.name / kept_id


def mark(folder: Path, facts: dict[str, Any]) -> None:
    """Notes in an output who published it. A single file has no room for that."""
    if folder.is_dir():
        (folder / MARK).write_text(json.dumps(facts, ensure_ascii=False))


def facts_of(output: Path) -> dict[str, Any]:
    """run_id, published_at, stage, format, rows, files, bytes of an output, as far as it tells; files and bytes are counted where it does
    not. Text is cut, numbers are whole: whoever can write in the lake can write these too."""
    said = _read_mark(output)
    facts: dict[str, Any] = {name: said[name][:100] for name in _TEXTS if isinstance(said.get(name), str)}
    facts |= {name: said[name] for name in _NUMBERS if isinstance(said.get(name), int) and 0 <= said[name] < 2**53}
    if "bytes" not in facts or "files" not in facts:
        sizes = [entry.size for entry in tree.Walk(output) if entry.kind == tree.FILE and not entry.is_hidden]
        facts |= {"files": len(sizes), "bytes": sum(sizes)}
    return facts


def written(output: Path) -> dict[str, str]:
    """How the load says that the text of an output is written: the names of its fields, and what they were set to."""
    said = _read_mark(output).get("written")
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


def columns_of(output: Path) -> Columns | None:
    """What is noted of the columns of an output; None where nothing is."""
    said = _read_mark(output).get("columns")
    if not isinstance(said, dict) or not isinstance(said.get("types"), dict):
        return None
    return Columns(str(said.get("document", "")), {str(name): str(kind) for name, kind in said["types"].items()})


def columns_noted(columns: Columns | None) -> dict[str, Any]:
    """As it stands in a mark; nothing where there is nothing to note, or too much."""
    noted = {} if columns is None else {"columns": asdict(columns)}
    return noted if len(json.dumps(noted)) <= LARGEST_COLUMNS else {}


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


def ids(target: Path) -> list[str]:
    """The kept outputs of a place, the newest first."""
    walk = tree.Walk(target.parent / PREVIOUS / target.name, deepest=1)
    return sorted((entry.name for entry in walk if entry.kind in (tree.FOLDER, tree.FILE) and _ID.match(entry.name)), reverse=True)


def listing(target: Path) -> list[dict[str, Any]]:
    """`id`, and the facts, of each kept output of a place, the newest first."""
    return [{"id": kept_id, **facts_of(place_for(target, kept_id))} for kept_id in ids(target)]


def prune(target: Path, keep: int) -> None:
    """Removes all but the newest `keep`. What cannot be removed now is tried again after the next publish."""
    for kept_id in ids(target)[keep:]:
        with suppress(OSError):
            tree.remove(place_for(target, kept_id))
    for folder in (target.parent / PREVIOUS / target.name, target.parent / PREVIOUS):
        with suppress(OSError):
            folder.rmdir()


def put_back(lake: Path, target: Path, kept_id: str, uri: str) -> dict[str, Any]:
    """Makes a kept output the present one again, in one step; what was there is kept in its place, so that this can be undone too.
    Gives `current` and `kept`, as in `listing`. Raises ProblemError when there is no such kept output."""
    with exchange.locked(lake):
        place = place_for(target, kept_id)
        if kept_id not in ids(target):
            raise ProblemError(_gone(uri))
        if os.path.lexists(target):
            exchange.exchange(place, target)
            os.rename(place, place_for(target, new_id()))
        else:
            exchange.rename(place, target, exchange.RENAME_NOREPLACE)
        return {"current": facts_of(target), "kept": listing(target)}


def step_for(staged: Path, target: Path, keep: int) -> Step:
    """The exchange that publishes `staged`; what lies at `target` is kept, unless it is nothing or none is to be kept."""
    holds = os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))
    return Step.of(staged, target, place_for(target, new_id()) if holds and keep else None)


def _gone(uri: str) -> Problem:
    return Problem(
        code="kept-output-gone",
        message=f"That earlier output of “{uri}” is no longer kept.",
        fix="Choose another one, or run the job again.",
    )


# --- what may be replaced ---------------------------------------------------------------------------------------------------

_OURS = re.compile(
    r"part-.*|_SUCCESS|_metadata|_common_metadata|_(started|committed)_\d+|\..*\.crc|" + re.escape(MARK) + "|" + re.escape(COLUMNS)
)


def foreign_content(target: Path) -> str | None:
    """The first thing at `target` that no load writes (a path relative to it), so that it is not an output of ours alone; None when there
    is none. Loads write part files, in folders such as year=2013."""
    if not os.path.lexists(target):
        return None
    if target.is_symlink() or not target.is_dir():
        return target.name
    walk = tree.Walk(target, enter=lambda entry: "=" in entry.name)
    found = list(islice(_foreign(walk), 10))
    return min(found, key=lambda path: (path.startswith("."), path), default=None)  # a name that people know, before one of ours


def _foreign(walk: tree.Walk) -> Iterator[str]:
    for entry in walk:
        if (
            entry.kind == tree.FOLDER
            and "=" not in entry.name
            or entry.kind != tree.FOLDER
            and (entry.kind != tree.FILE or not _OURS.fullmatch(entry.name))
        ):
            yield tree.shown(entry.path)
    if tree.TOO_DEEP in walk.left_out or tree.UNREADABLE in walk.left_out:
        yield "a folder that cannot be looked into"
