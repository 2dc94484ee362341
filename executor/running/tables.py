"""`python -m executor table`: looks at a Delta table's history and works on it. Only optimize starts Spark.

One JSON object {"lake", "uri", "do"} on standard input, one event in answer: `table`, or `problem`. What else it holds, and is told:

same                            nothing: whether it is the table that `table` names
history                         id, version, earliest, columns, rows, files, bytes, rules, folders, history (the newest versions first), see
                                `executor.files.delta_versions.listed`
diff      {"from", "to"}        columns that came, went, have another type or the same; rows, files and bytes of both; the versions from the
                                one to the other, both included
restore   {"version"}           version: the new one, which is as that one was
optimize  {"columns"}           version (None: nothing was to be done), files and bytes before and after; small files are put together, and
                                rows that are alike in `columns` come near each other (Z-order)
vacuum    {"hours"}, or         files and bytes that go, keep_from (the oldest version that stays for sure), gone (versions that can be read
          {"until"},            no longer, as [first, last] pairs). What was there `hours` (168 or more) ago, or `until` then (ISO), or came
          {"only_look",         since, stays, and so do versions from `keep_from` on. `only_look`: nothing goes, it is only told
           "keep_from"}

`table`: the id that the history has told; refused where another table lies there by now. `by`, of what changes a table: who asks, for its
history. optimize also reads `compute`, and says how far it is (`progress`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from executor.files import delta_versions, kept
from executor.files.delta_columns import columns_of
from executor.files.delta_log import Log, State, require_latest, require_same
from executor.files.delta_rules import in_table
from executor.files.delta_travel import moment_of
from executor.files.delta_vacuum import LEAST_HOURS, Wish
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.roots import Roots

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


LOOK_SECONDS = 0.5


def table(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Raises ProblemError."""
    uri, work = str(given.get("uri", "")), WORK.get(str(given.get("do")))
    if work is None:
        raise ProblemError(_wrong("do", given.get("do"), ", ".join(WORK)))
    root, place = roots.at(uri, "uri", writes=given["do"] not in ("same", "history", "diff") and given.get("only_look") is not True)
    back = delta_versions.MOST_LISTED + 1 if given["do"] == "history" else None
    log = Log.of(root.table_log(place, uri, "uri", back), uri)
    require_same(log, given.get("table"))
    return {"event": "table", "uri": uri, "do": given["do"], **work(log, given, _At(root, place, tell))}


@dataclass(frozen=True)
class _At:
    """Where the table lies, and who is told how far the work is."""

    root: Store
    place: str
    tell: Callable[[str, int, int], None]


def _history(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    state = log.state()
    facts = {
        "id": state.id,
        "version": state.version,
        "earliest": log.earliest,
        "rules": in_table(state),
        "folders": state.partition_columns,
    }
    versions = delta_versions.listed(log, at.root.table_files(at.place).__contains__)
    return facts | _size(state) | {"columns": columns_of(state).as_dict()["columns"], "history": versions}


def _size(state: State) -> dict[str, Any]:
    return {"rows": state.rows, "files": len(state.files), "bytes": state.bytes}


def _diff(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    one, other = (log.state(_version(given, name)) for name in ("from", "to"))
    before, after = (columns_of(state).columns for state in (one, other))
    between = range(min(one.version, other.version), max(one.version, other.version) + 1)
    return {
        "from": {"version": one.version, **_size(one)},
        "to": {"version": other.version, **_size(other)},
        "came": [[name, kind] for name, kind in after.items() if name not in before],
        "went": [[name, kind] for name, kind in before.items() if name not in after],
        "retyped": [[name, before[name], kind] for name, kind in after.items() if before.get(name, kind) != kind],
        "same": [[name, kind] for name, kind in after.items() if before.get(name) == kind],
        "same_files": len(one.files.keys() & other.files.keys()),
        "versions": delta_versions.listed(log, at.root.table_files(at.place).__contains__, between),
    }


def _restore(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    require_latest(log, given.get("latest"))
    at.root.put_back(at.place, f"version-{_version(given, 'version')}", log.uri, str(given.get("by", "")))
    return {"version": Log.of(log.table, log.uri).latest}


def _optimize(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    from executor.spark.session import ComputeProfile, working_session
    from executor.stages.delta_writing import keep_log_short

    state = log.state()
    columns, before = _columns(given, state), _size(state)
    outputs = at.root.outputs(uuid.uuid4().hex, None, kept.MOST_KEPT)
    try:
        staged = outputs.stage_table_at(at.place, log.uri, "Append", 0, "optimize", appends=False, label=None)
        with working_session(ComputeProfile.from_values(given.get("compute")), "delta") as spark, _told(spark, at.tell):
            keep_log_short(spark, staged.target, log.uri)
            work = _delta(spark, staged.folder).optimize()
            work.executeZOrderBy(_strings(spark, columns)) if columns else work.executeCompaction()
        outputs.outputs[0].facts["by"] = str(given.get("by", ""))
        outputs.send()
        (facts,) = outputs.publish(lambda facts: None)
    finally:
        outputs.discard()
    after = Log.of(at.root.table_log(at.place, log.uri, "uri"), log.uri).state()
    return {"version": facts.get("version"), "before": before, "after": _size(after)}


def _columns(given: Mapping[str, Any], state: State) -> list[str]:
    """The columns to put rows near each other by. Raises ProblemError for what is none of the table's, or makes its folders."""
    named = given.get("columns") or []
    known = [name for name in columns_of(state).columns if name not in state.partition_columns]
    wrong = [one for one in named if one not in known] if isinstance(named, list) else [named]
    if wrong:
        raise ProblemError(_wrong("columns", wrong[0], ", ".join(known)))
    return [str(one) for one in named]


def _vacuum(log: Log, given: Mapping[str, Any], at: _At) -> dict[str, Any]:
    wish = Wish(_until(given), _kept_from(given), str(given.get("by", "")))
    return at.root.clean_up(at.place, log.uri, wish, only_look=given.get("only_look") is True).as_dict() | {"until": wish.until.isoformat()}


def _until(given: Mapping[str, Any]) -> datetime:
    now = datetime.now(UTC)
    hours = given.get("hours", LEAST_HOURS)
    if "until" in given:
        until = moment_of(str(given["until"]))
        if until > now - timedelta(hours=LEAST_HOURS):
            raise ProblemError(_wrong("until", given["until"], f"a time {LEAST_HOURS} hours ago, or more"))
        return until
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not LEAST_HOURS <= hours <= 1_000_000:
        raise ProblemError(_wrong("hours", hours, f"a number of hours, {LEAST_HOURS} or more"))
    return now - timedelta(hours=hours)


def _kept_from(given: Mapping[str, Any]) -> int | None:
    return None if given.get("keep_from") is None else _version(given, "keep_from")


WORK: dict[str, Callable[[Log, Mapping[str, Any], _At], dict[str, Any]]] = {
    "same": lambda log, given, at: {},
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
def _told(spark: SparkSession, tell: Callable[[str, int, int], None]) -> Iterator[None]:
    """Says now and then how much of Spark's present step is done."""
    over = threading.Event()

    def watch() -> None:
        tracker = spark.sparkContext.statusTracker()
        while not over.wait(LOOK_SECONDS):
            stages = [info for stage in tracker.getActiveStageIds() if (info := tracker.getStageInfo(stage))]
            if stages:
                tell("tasks", sum(one.numCompletedTasks for one in stages), sum(one.numTasks for one in stages))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _strings(spark: SparkSession, texts: list[str]) -> Any:
    jvm, gateway = cast(Any, spark._jvm), cast(Any, spark.sparkContext._gateway)
    found = gateway.new_array(jvm.java.lang.String, len(texts))
    for number, text in enumerate(texts):
        found[number] = text
    return found


def _delta(spark: SparkSession, place: Path) -> Any:
    jvm: Any = spark._jvm
    return jvm.io.delta.tables.DeltaTable.forPath(spark._jsparkSession, str(place))


def _wrong(name: str, found: Any, expected: str) -> Problem:
    return Problem(
        code="values-wrong", message=f"The value “{name}” is not right.", found=str(found)[:100], expected=expected, fix="Correct it."
    )
