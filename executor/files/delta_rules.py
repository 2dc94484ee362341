"""Rules of a Delta table (CHECK constraints): they stand in its log, and whoever writes the table has to keep them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from executor.files.delta_commit import put_commit, text_of
from executor.files.delta_log import LOG, Action, Log, State, is_table
from executor.problems import Problem, ProblemError

BEGINNING = "delta.constraints."
FEATURE = "checkConstraints"


def in_table(state: State) -> dict[str, str]:
    """Name → condition."""
    return {name.removeprefix(BEGINNING): rule for name, rule in state.properties.items() if name.startswith(BEGINNING)}


def add(staged: Path, uri: str, rules: Mapping[str, str], schema: str, partition_by: Sequence[str]) -> None:
    """Puts rules into a table that a run stages, or makes it with them: columns (Spark's JSON) and no rows."""
    wanted = {f"{BEGINNING}{name.lower()}": rule for name, rule in rules.items()}
    if not is_table(staged):
        (staged / LOG).mkdir(parents=True)
        metadata = {
            "id": str(uuid.uuid4()),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema,
            "partitionColumns": list(partition_by),
            "configuration": wanted,
        }
        put_commit(staged, 0, text_of([{"protocol": {"minReaderVersion": 1, "minWriterVersion": 3}}, {"metaData": metadata}]))
        return
    log = Log.of(staged, uri)
    state = log.state(is_ours=True)
    if all(state.properties.get(name) == rule for name, rule in wanted.items()):
        return
    _change(staged, log, state, {**state.metadata, "configuration": {**state.properties, **wanted}})


def replace(staged: Path, uri: str, rules: Mapping[str, str], schema: str, partition_by: Sequence[str]) -> None:
    """Gives a table that a run stages, and all of whose rows it is about to replace, other columns and these rules alone: those that it had
    speak of columns that go."""
    log = Log.of(staged, uri)
    state = log.state(is_ours=True)
    kept = {name: value for name, value in state.properties.items() if not name.startswith(BEGINNING)}
    configuration = kept | {f"{BEGINNING}{name.lower()}": rule for name, rule in rules.items()}
    if configuration == dict(state.properties):
        return
    if state.properties.get("delta.columnMapping.mode", "none") != "none":
        raise ProblemError(_with_own_names(uri))
    columns = {"schemaString": schema, "partitionColumns": list(partition_by)}
    _change(staged, log, state, {**state.metadata, **columns, "configuration": configuration})


def _change(staged: Path, log: Log, state: State, metadata: Mapping[str, object]) -> None:
    changed: list[Action] = [{"metaData": metadata}]
    if int(state.protocol["minWriterVersion"]) < 3:
        changed.insert(0, {"protocol": {**state.protocol, "minWriterVersion": 3}})
    elif int(state.protocol["minWriterVersion"]) == 7 and FEATURE not in state.protocol.get("writerFeatures", ()):
        features = [*state.protocol.get("writerFeatures", ()), FEATURE]
        changed.insert(0, {"protocol": {**state.protocol, "writerFeatures": features}})
    put_commit(staged, log.latest + 1, text_of(changed))


def _with_own_names(uri: str) -> Problem:
    return Problem(
        code="table-rules",
        field="constraints",
        message=f"“{uri}” has names of its own for its columns (column mapping): its columns and its rules cannot be replaced at once.",
        fix="Write to another folder.",
    )
