"""`python -m executor table`: looks at a Delta table's history and works on it. history, diff and restore start no Spark.

One JSON object {"lake", "uri", "do"} on standard input, one event in answer: `table`, or `problem`. What else it holds, and is told:

history                         version, earliest, columns, rows, files, bytes, rules, folders, history (the newest versions first)
diff      {"from", "to"}        columns that came, went or have another type; rows, files and bytes of both; the versions between
restore   {"version"}           version: the new one, which is as that one was
optimize  {}                    version (None: nothing was to be done), files and bytes before and after; small files are put together
vacuum    {"hours"}             files that were removed, which no version of the last `hours` (168 or more) has
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.files import delta_history, tree
from executor.files.delta_columns import columns_of
from executor.files.delta_log import Log, State
from executor.files.delta_rules import in_table
from executor.files.publish import Publisher
from executor.language.roots import DEFAULT
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.roots import Roots

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_HOURS = 168
"""Files that went less long ago stay: a run that began then may still read them, and they can be put back."""


def table(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Raises ProblemError."""
    uri, work = str(given.get("uri", "")), WORK.get(str(given.get("do")))
    if work is None:
        raise ProblemError(_wrong("do", given.get("do"), ", ".join(WORK)))
    root, place = roots.at(uri, "uri", writes=given["do"] not in ("history", "diff"))
    log = Log.of(Path(root.read(place, uri, "uri").path), uri)
    return {"event": "table", "uri": uri, "do": given["do"], **work(log, given, _At(roots, root, place))}


@dataclass(frozen=True)
class _At:
    """Where the table lies."""

    roots: Roots
    root: Store
    place: str

    def require_here(self, uri: str) -> None:
        if self.root.name != DEFAULT:
            raise ProblemError(_not_here(uri))


def _history(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    state = log.state()
    facts = {"version": state.version, "earliest": log.earliest, "rules": in_table(state), "folders": state.partition_columns}
    return facts | _size(state) | {"columns": columns_of(state).as_dict()["columns"], "history": delta_history.history(log)}


def _size(state: State) -> dict[str, Any]:
    return {"rows": state.rows, "files": len(state.files), "bytes": state.bytes}


def _diff(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    one, other = (log.state(_version(given, name)) for name in ("from", "to"))
    before, after = (columns_of(state).columns for state in (one, other))
    between = range(min(one.version, other.version) + 1, max(one.version, other.version) + 1)
    return {
        "from": {"version": one.version, **_size(one)},
        "to": {"version": other.version, **_size(other)},
        "came": [[name, kind] for name, kind in after.items() if name not in before],
        "went": [[name, kind] for name, kind in before.items() if name not in after],
        "retyped": [[name, before[name], kind] for name, kind in after.items() if before.get(name, kind) != kind],
        "same_files": len(one.files.keys() & other.files.keys()),
        "versions": [entry for entry in delta_history.history(log) if entry["version"] in between],
    }


def _restore(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    at.root.put_back(at.place, f"version-{_version(given, 'version')}", log.uri)
    return {"version": Log.of(log.table, log.uri).latest}


def _optimize(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    at.require_here(log.uri)
    before = _size(log.state())
    publisher = Publisher(uuid.uuid4().hex, at.roots.lake)
    try:
        staged = publisher.stage_table(log.uri, log.table, "Append", 0, "optimize")
        with _spark() as spark:
            _delta(spark, staged.folder).optimize().executeCompaction()
        (facts,) = publisher.publish()
    finally:
        publisher.discard()
    return {"version": facts.get("version"), "before": before, "after": _size(Log.of(log.table, log.uri).state())}


def _vacuum(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    hours = given.get("hours", LEAST_HOURS)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not LEAST_HOURS <= hours <= 1_000_000:
        raise ProblemError(_wrong("hours", hours, f"a number of hours, {LEAST_HOURS} or more"))
    at.require_here(log.uri)
    log.state()  # a damaged log does not say which files are needed
    before = _files_in(log.table)
    with _spark() as spark:
        spark.conf.set("spark.databricks.delta.vacuum.logging.enabled", "false")  # two commits, past those who publish meanwhile
        _delta(spark, log.table).vacuum(float(hours))
    return {"removed": before - _files_in(log.table)}


def _files_in(table: Path) -> int:
    walk = tree.Walk(table, enter=lambda entry: not entry.is_hidden)
    return sum(entry.kind == tree.FILE and not entry.is_hidden for entry in walk)


WORK: dict[str, Callable[[Log, Mapping[str, Any], _At], dict[str, Any]]] = {
    "history": _history,
    "diff": _diff,
    "restore": _restore,
    "optimize": _optimize,
    "vacuum": _vacuum,
}


def _version(given: Mapping[str, Any], name: str) -> int:
    version = given.get(name)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise ProblemError(_wrong(name, version, "the number of a version"))
    return version


@contextmanager
def _spark() -> Iterator[SparkSession]:
    from executor.spark.session import ComputeProfile, SparkProcess

    process = SparkProcess(ComputeProfile(), "run", lambda level, text: None, connectors=("delta",))
    try:
        yield process.session
    finally:
        process.stop()


def _delta(spark: SparkSession, place: Path) -> Any:
    jvm: Any = spark._jvm
    return jvm.io.delta.tables.DeltaTable.forPath(spark._jsparkSession, str(place))


def _wrong(name: str, found: Any, expected: str) -> Problem:
    return Problem(
        code="values-wrong", message=f"The value “{name}” is not right.", found=str(found)[:100], expected=expected, fix="Correct it."
    )


def _not_here(uri: str) -> Problem:
    return Problem(
        code="table-elsewhere",
        message=f"“{uri}” lies in a root on S3: so far, only tables in the environment's own folder are put together and cleaned up.",
        fix="Let a program that works on the bucket do it.",
    )
