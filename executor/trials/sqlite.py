"""SQLite: whether the file is there, and is a database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from executor.connections.sqlite import SQLite
from executor.files import lake
from executor.problems import ProblemError
from executor.trials.databases import tables
from executor.trials.trial import Placed, Stopped, Trial


def test(connection: SQLite, trial: Trial, roots: Sequence[Placed]) -> None:
    """The file, and its tables. Raises Stopped."""
    with trial.step("File") as step:
        path = _file(connection, trial.lake)
        step.good("The file is there.")
    with trial.step("List") as step, closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as made:
        made.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        try:
            (count,) = made.execute("SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view')").fetchone()
        except sqlite3.DatabaseError:
            raise Stopped("The file is no database of SQLite.", "Bring the right file, or correct its place.") from None
        tables(step, connection.file, count)


def _file(connection: SQLite, folder: Path | None) -> Path:
    missing = Stopped("There is no such file in the environment's folder.", "Bring it there, or correct its place.")
    if folder is None:
        raise missing
    try:
        found = Path(lake.existing(folder, connection.file))
    except ProblemError:
        raise missing from None
    if not found.is_file():
        raise missing
    return found
