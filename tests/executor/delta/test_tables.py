"""Delta tables are written and read by jobs: staged, looked at, published as one version, all or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.files.delta_commit import put_commit, text_of
from executor.files.delta_log import LOG, Log
from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.lake]


def rows(sql: str, view: str = "rows") -> dict[str, Any]:
    return {"type": "SQLTransform", "name": f"make_{view}", "sql": sql, "outputView": view}


def load(uri: str = "table", view: str = "rows", **more: Any) -> dict[str, Any]:
    return {"type": "DeltaLakeLoad", "name": f"save_{view}", "inputView": view, "outputURI": uri, **more}


def read(uri: str = "table", view: str = "there", **more: Any) -> dict[str, Any]:
    return {"type": "DeltaLakeExtract", "name": f"read_{view}", "inputURI": uri, "outputView": view, **more}


def check(sql: str, name: str = "check") -> dict[str, Any]:
    return {"type": "SQLValidate", "name": name, "sql": sql}


def done(outcome: Outcome) -> Outcome:
    assert outcome.result.startswith("succeeded"), [event["problem"] for event in outcome.events if "problem" in event]
    return outcome


def table(process: SparkProcess, place: Path) -> list[Any]:
    return sorted(map(tuple, process.session.read.format("delta").load(str(place)).collect()))


def versions(place: Path) -> list[int]:
    return sorted(Log.of(place, "table").commits)


def test_a_table_is_made_appended_to_and_read_as_it_was(spark_process: SparkProcess, tmp_path: Path) -> None:
    done(run_here(spark_process, [rows("SELECT 1 AS id, 'a ä%' AS k"), load(partitionBy=["k"], label="first")], tmp_path))
    again = [
        rows("SELECT 2 AS id, 'b' AS k"),
        load(saveMode="Append"),
        read(),
        check("SELECT count(*) = 2 AND sum(id) = 3, 'staged' FROM there"),
        read(view="before", relativeVersion=-1),
        check("SELECT count(*) = 1, 'as it was' FROM before", "check_before"),
    ]
    outcome = done(run_here(spark_process, again, tmp_path))
    assert table(spark_process, tmp_path / "table") == [(1, "a ä%"), (2, "b")] and versions(tmp_path / "table") == [0, 1]
    (output,) = outcome.named("result")[0]["outputs"]
    assert (output["version"], output["rows"], output["format"], output["files"]) == (1, 1, "delta", 1)
    assert [row["id"] for row in output["kept"]] == ["version-0"] and output["kept"][0]["label"] == "first"
    travel = [
        (read(view="a", versionAsOf=0), 1),
        (read(view="b", label="first"), 1),
        (read(view="c", options={"relativeVersion": "-1"}), 1),
        (read(view="d"), 2),
        (read(view="e", relativeVersion=-9, canReturnLastCommit=True), 1),
    ]
    checks = [check(f"SELECT count(*) = {n}, '' FROM {one['outputView']}", f"check_{one['outputView']}") for one, n in travel]
    done(run_here(spark_process, [*(one for one, _ in travel), *checks], tmp_path))
    assert not [path for path in tmp_path.iterdir() if path.name not in ("table", ".sluice-publishing", ".sluice-receipts")]


def test_where_rows_came_from_is_no_part_of_a_table_unless_it_was_one(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    extract = {"type": "DelimitedExtract", "name": "a", "inputURI": "a.csv", "outputView": "rows", "header": True}
    outcome = done(run_here(spark_process, [extract, load()], tmp_path))
    assert spark_process.session.read.format("delta").load(str(tmp_path / "table")).columns == ["id"]
    assert any("_filename, _index are left out" in one["message"] for one in outcome.named("log"))
    kept = rows("SELECT id, _filename, _index FROM a", "kept")
    done(run_here(spark_process, [extract | {"outputView": "a"}, kept, load("named", "kept")], tmp_path))


def test_a_failed_run_leaves_the_table_as_it_was(spark_process: SparkProcess, tmp_path: Path) -> None:
    done(run_here(spark_process, [rows("SELECT 1 AS id"), load()], tmp_path))
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    failing = [rows("SELECT 2 AS id"), load(), check("SELECT false, 'no'")]
    assert run_here(spark_process, failing, tmp_path).result == "failed"
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    assert table(spark_process, tmp_path / "table") == [(1,)]


def test_a_long_log_gets_a_checkpoint(spark_process: SparkProcess, tmp_path: Path) -> None:
    place = tmp_path / "table"
    done(run_here(spark_process, [rows("SELECT 1 AS id"), load()], tmp_path))
    for version in range(1, 11):
        put_commit(place, version, text_of([{"commitInfo": {"timestamp": version, "operation": "WRITE"}}]))
    done(run_here(spark_process, [rows("SELECT 2 AS id"), load(saveMode="Append")], tmp_path))
    log = Log.of(place, "table")
    assert list(log.checkpoints) == [10] and log.latest == 11 and log.state().rows == 2 and (place / LOG / "_last_checkpoint").is_file()
    assert table(spark_process, place) == [(1,), (2,)]
