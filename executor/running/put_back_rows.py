"""`python -m executor put-back-rows`: what was kept of a table of a database is there again. It starts Spark, in which the drivers live.

One JSON object {"connection", "table", "kept", "connections", "compute"} on standard input → `rows_put_back` with `kept` (id of what can be
put back now), `rows` (how many that is, where it is the whole table) and `changed` (rows of the table that were changed), or `problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from executor.connections.base import DATABASE
from executor.connections.given import Connections
from executor.databases import ENGINES, Engine
from executor.databases.engine import name_parts
from executor.databases.kept import Table
from executor.databases.session import Way
from executor.databases.sqlite_file import FileWay, StagedFile
from executor.databases.undo import put_back
from executor.problems import Problem, ProblemError
from executor.stores.folder import FolderStore
from executor.stores.roots import Roots


def put_back_rows(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Raises ProblemError: then nothing was changed."""
    from executor.spark.session import ComputeProfile, working_session

    name = str(given.get("connection", ""))
    connection = Connections(given.get("connections") or {}).named(name, "connection", DATABASE)
    engine = ENGINES[connection.kind]
    if not engine.keeps:
        raise ProblemError(_keeps_nothing(engine.dialect))
    if file := engine.file(connection):
        return {"event": "rows_put_back", **_in_file(engine, name, file, given, roots)}
    with working_session(ComputeProfile.from_values(given.get("compute")), engine.kind) as spark:
        return {"event": "rows_put_back", **_done(Way(spark, engine, name, connection), given)}


def _done(way: Way, given: Mapping[str, Any]) -> dict[str, Any]:
    parts = name_parts(str(given.get("table", "")), "tableName")
    try:
        undone = put_back(Table(way.open(way.engine.begin_writing(), reads=False), parts), str(given.get("kept", "")))
    finally:
        _tidy(way, parts)
    return {"kept": undone.id, "rows": undone.rows, "changed": undone.changed}


def _in_file(engine: Engine, name: str, file: str, given: Mapping[str, Any], roots: Roots) -> dict[str, Any]:
    """In a copy, as loads do; no Spark is needed."""
    root, place = roots.at(file, "connection", writes=True)
    if not isinstance(root, FolderStore):
        raise ProblemError(_keeps_nothing("a SQLite file in a bucket"))
    staged = StagedFile(Path(root.read(place, file, "connection").path), file)
    try:
        done = _done(FileWay(engine, name, staged), given)
        staged.make_ready()
        staged.publish()
        return done
    finally:
        staged.discard()


def _tidy(way: Way, parts: list[str]) -> None:
    """What is no longer needed goes, now that nobody holds it; else the next load takes it away."""
    way.close()
    try:
        Table(way.open(way.engine.begin_writing(), reads=False), parts).remove_leftovers()
    except ProblemError:
        return
    finally:
        way.close()


def _keeps_nothing(dialect: str) -> Problem:
    words = f"Sluice keeps no earlier rows in {dialect}."
    return Problem(code="output-not-kept", message=words, fix="Run the job again with the rows that were meant.")
