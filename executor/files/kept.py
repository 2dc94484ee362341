"""Earlier outputs, kept beside the present one so that one of them can be put back.

<parent>/.sluice-previous/<name>/<id>/        an earlier output of <parent>/<name>; ids grow with the time at which it was replaced

Names that begin with a point are skipped by every reader of data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from executor.files import delta_history, exchange, marks, tree
from executor.files.delta_commit import IsThere, restore
from executor.files.delta_log import Log, is_table
from executor.files.exchange import Step
from executor.problems import Problem, ProblemError

PREVIOUS = ".sluice-previous"
KEEP = 2
"""Earlier outputs that are kept of each place, unless the values of a run say otherwise."""
MOST_KEPT = 20
_ID = re.compile(r"\d{8}T\d{12}\Z")


def new_id() -> str:
    """A name for what is replaced now."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def place_for(target: Path, kept_id: str) -> Path:
    return target.parent / PREVIOUS / target.name / kept_id


def ids(target: Path) -> list[str]:
    """The kept outputs of a place, the newest first."""
    walk = tree.Walk(target.parent / PREVIOUS / target.name, deepest=1)
    return sorted((entry.name for entry in walk if entry.kind in (tree.FOLDER, tree.FILE) and _ID.match(entry.name)), reverse=True)


def listing(target: Path) -> list[dict[str, Any]]:
    """`id`, and the facts, of each kept output of a place, the newest first; of a table, of its earlier versions."""
    if is_table(target):
        return delta_history.earlier(target)
    return [{"id": kept_id, **marks.facts_of(place_for(target, kept_id))} for kept_id in ids(target)]


def prune(target: Path, keep: int) -> None:
    """Removes all but the newest `keep`. What cannot be removed now is tried again after the next publish."""
    for kept_id in ids(target)[keep:]:
        with suppress(OSError):
            tree.remove(place_for(target, kept_id))
    for folder in (target.parent / PREVIOUS / target.name, target.parent / PREVIOUS):
        with suppress(OSError):
            folder.rmdir()


def put_back(lake: Path, target: Path, kept_id: str, uri: str, by: str = "") -> dict[str, Any]:
    """Makes a kept output the present one again, in one step; what was there is kept in its place, so that this can be undone too. `by`:
    who asks for it, for a table's history. Gives `current` and `kept`, as in `listing`. Raises ProblemError when there is none."""
    with exchange.locked(lake):
        if is_table(target) and delta_history.version_of(kept_id) is not None:
            return restored(target, kept_id, uri, by)
        place = place_for(target, kept_id)
        if kept_id not in ids(target):
            raise ProblemError(output_gone(uri))
        if os.path.lexists(target):
            exchange.exchange(place, target)
            os.rename(place, place_for(target, new_id()))
        else:
            exchange.rename(place, target, exchange.RENAME_NOREPLACE)
        return {"current": marks.facts_of(target), "kept": listing(target)}


def restored(table: Path, kept_id: str, uri: str, by: str = "", is_there: IsThere | None = None) -> dict[str, Any]:
    """The same of a table: one more version of it, which says of itself what the one said that is put back. `is_there`: see
    `executor.files.delta_commit.going_back`."""
    log, version = Log.of(table, uri), delta_history.version_of(kept_id)
    if version is None or version not in log.commits or version == log.latest or version in delta_history.cleaned_up(log):
        raise ProblemError(output_gone(uri))
    facts = {"restores": version, "by": by, **delta_history.facts_of_rows(log, version)}
    restore(table, version, uri, facts, is_there)
    return {"current": marks.facts_of(table), "kept": listing(table)}


def step_for(staged: Path, target: Path, keep: int) -> Step:
    """The exchange that publishes `staged`; what lies at `target` is kept, unless it is nothing or none is to be kept."""
    holds = os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))
    return Step.of(staged, target, place_for(target, new_id()) if holds and keep else None)


def output_gone(uri: str) -> Problem:
    """An earlier output was to be put back, and is not kept."""
    return Problem(
        code="kept-output-gone",
        message=f"That earlier output of “{uri}” is no longer kept.",
        fix="Choose another one, or run the job again.",
    )


# --- what may be replaced ---------------------------------------------------------------------------------------------------

_OURS = re.compile(
    rf"part-.*|_SUCCESS|_metadata|_common_metadata|_(started|committed)_\d+|\..*\.crc|{re.escape(marks.MARK)}|{re.escape(marks.COLUMNS)}"
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
