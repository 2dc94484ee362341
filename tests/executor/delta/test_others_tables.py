"""Tables that other programs made and change, values of every type, rules, drift, and work on a whole table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.files.delta_log import LOG, Log
from tests.executor.delta.test_merging import merge, scd2
from tests.executor.delta.test_tables import check, done, load, read, rows, table, versions
from tests.executor.running import ROOT, environment, run_here, values_line

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess
    from tests.tally import Tally

pytestmark = [pytest.mark.spark, pytest.mark.lake]

EVERY_TYPE = """
SELECT CAST(1.10 AS DECIMAL(38, 18)) AS d, CAST(0.5 AS FLOAT) AS f, double('NaN') AS nan, -0.0D AS zero,
 TIMESTAMP'1677-01-01 00:00:00.000001' AS t, TIMESTAMP_NTZ'2262-12-31 23:59:59.999999' AS local, DATE'0001-01-01' AS day,
 X'00FF' AS bytes, true AS b, CAST(127 AS TINYINT) AS small,
 named_struct('x', 1, 'y', array(map('k', CAST(NULL AS INT)))) AS deep, '' AS empty, 'ä''"\\n' AS text, p, q
FROM VALUES ('a/b=c', DATE'2013-01-01'), ('ü %20 ?#[]', DATE'2013-01-02'), ('', NULL), (NULL, NULL),
 ('__HIVE_DEFAULT_PARTITION__', NULL) AS v(p, q)
"""


def test_values_of_every_type_come_back_as_they_were(spark_process: SparkProcess, tmp_path: Path) -> None:
    again = [rows(EVERY_TYPE), load(partitionBy=["p", "q"]), read()]
    columns = ("d", "f", "nan", "zero", "t", "local", "day", "bytes", "b", "small", "empty", "text")
    equal = " AND ".join(f"there.{name} <=> r.{name} AND typeof(there.{name}) = typeof(r.{name})" for name in columns)
    same = f"SELECT count(*) = 5 AND min({equal}), 'same' FROM there CROSS JOIN (SELECT * FROM rows LIMIT 1) AS r"
    places = (
        "SELECT count_if(p = 'a/b=c') = 1 AND count_if(p = 'ü %20 ?#[]') = 1 AND count_if(p IS NULL) = 3 AND count(q) = 2, '' FROM there"
    )
    job = [*again, check(same), check(places, "places")]
    outcome = done(run_here(spark_process, job, tmp_path))
    assert outcome.result == "succeeded_with_warnings"  # an empty text names no folder, and that is said
    done(
        run_here(spark_process, [rows(EVERY_TYPE), load(saveMode="Append"), read(), check("SELECT count(*) = 10, '' FROM there")], tmp_path)
    )


def test_marks_of_deleted_rows_and_other_names_of_columns_are_kept(spark_process: SparkProcess, tmp_path: Path) -> None:
    """Deletion vectors and column mapping, as other programs turn them on."""
    place, spark = tmp_path / "table", spark_process.session
    made = spark.sql("SELECT id, concat('v', id) AS v FROM range(10)").coalesce(1).write.format("delta")
    made.option("delta.enableDeletionVectors", "true").option("delta.columnMapping.mode", "name").save(str(place))
    delta(spark_process, place).delete("id >= 5")
    assert list(place.glob("deletion_vector_*"))
    assert Log.of(place, "t").state().rows == 5
    merging = {"type": "MergeLoad", "name": "merge", "inputView": "rows", "outputURI": "table", "keys": ["id"]}
    job = [
        rows("SELECT * FROM VALUES (1L, 'new'), (7L, 'seven') AS t(id, v)"),
        merging,
        read(),
        check("SELECT count(*) = 6, '' FROM there"),
    ]
    done(run_here(spark_process, job, tmp_path))
    found = dict(table(spark_process, place))
    assert sorted(found) == [0, 1, 2, 3, 4, 7] and found[1] == "new"
    done(
        run_here(
            spark_process, [rows("SELECT 8L AS id, 'v' AS v"), load(saveMode="Append"), read(relativeVersion=-1, view="was")], tmp_path
        )
    )
    assert len(table(spark_process, place)) == 7


def delta(process: SparkProcess, place: Path) -> Any:
    jvm: Any = process.session._jvm
    return jvm.io.delta.tables.DeltaTable.forPath(process.session._jsparkSession, str(place))


def test_a_log_with_checkpoints_is_read_as_delta_reads_it(spark_process: SparkProcess, tmp_path: Path) -> None:
    place, spark = tmp_path / "table", spark_process.session
    for number in range(12):
        spark.sql(f"SELECT {number} AS id, {number} % 2 AS k").write.format("delta").partitionBy("k").mode("append").save(str(place))
    delta(spark_process, place).delete("id < 3")
    assert list((place / LOG).glob("*.checkpoint*.parquet"))
    for version in range(9):
        (place / LOG / f"{version:020d}.json").unlink()
    log = Log.of(place, "t")
    assert (log.earliest, log.latest, log.state().rows) == (10, 12, 9)
    done(
        run_here(
            spark_process,
            [rows("SELECT 99 AS id, 1 AS k"), load(saveMode="Append"), read(), check("SELECT count(*) = 10, '' FROM there")],
            tmp_path,
        )
    )
    assert len(table(spark_process, place)) == 10


def test_other_columns_are_refused_or_taken_as_the_stage_says(spark_process: SparkProcess, tmp_path: Path) -> None:
    done(run_here(spark_process, [rows("SELECT 1 AS id, 'a' AS v"), load(constraints={"positive": "id > 0"})], tmp_path))

    def refused(sql: str, **more: Any) -> dict[str, Any]:
        return run_here(spark_process, [rows(sql), load(**more)], tmp_path).problem

    for mode in ("Append", "Overwrite"):
        assert refused("SELECT 1 AS id", saveMode=mode)["found"] == "“v” is gone"
        assert refused("SELECT 1 AS id, 'a' AS v, 2 AS w", saveMode=mode)["found"] == "“w” is new"
        assert "int there, and string here" in refused("SELECT 'x' AS id, 'a' AS v", saveMode=mode)["found"]
    assert refused("SELECT -1 AS id, 'a' AS v", saveMode="Append")["code"] == "table-rule-broken"
    assert refused("SELECT CAST(NULL AS INT) AS id, 'a' AS v", saveMode="Append")["code"] == "table-rule-broken"
    assert refused("SELECT 9 AS id, 'a' AS v", saveMode="Append", constraints={"large": "id > 5"})["found"] == "1 row"
    for place in ("table", "fresh"):
        assert refused("SELECT 2 AS id, 'z' AS v", replaceWhere="v = 'a'", outputURI=place)["code"] == "replace-where"
    assert versions(tmp_path / "table") == [0]
    small = "SELECT CAST(2 AS SMALLINT) AS ID, 'b' AS v"
    done(run_here(spark_process, [rows(small), load(saveMode="Append")], tmp_path))
    done(
        run_here(
            spark_process, [rows("SELECT 3 AS id, 'c' AS v, 1.5 AS w"), load(saveMode="Append", schemaChanges="add-columns")], tmp_path
        )
    )
    done(run_here(spark_process, [rows("SELECT 4 AS id, 'b' AS v, 0.5 AS w"), load(replaceWhere="v = 'b'")], tmp_path))
    assert [row[:2] for row in table(spark_process, tmp_path / "table")] == [(1, "a"), (3, "c"), (4, "b")]
    done(
        run_here(
            spark_process,
            [rows("SELECT 'new' AS word"), load(schemaChanges="overwrite", constraints={"short": "length(word) < 9"})],
            tmp_path,
        )
    )
    assert table(spark_process, tmp_path / "table") == [("new",)] and versions(tmp_path / "table") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stage", [load(), scd2(), merge()], ids=lambda stage: stage["type"])
def test_names_of_columns_that_a_table_does_not_take_are_told(spark_process: SparkProcess, tmp_path: Path, stage: dict[str, Any]) -> None:
    odd = rows("SELECT 1 AS id, 'a' AS `unit price`, named_struct('x;y', 1) AS s, 2 AS `ü\"'q`, 3 AS `a.b`")
    refused = run_here(spark_process, [odd, stage], tmp_path).problem
    assert (refused["code"], refused["found"]) == ("table-column-names", "“unit price”, “x;y”")
    assert not (tmp_path / "table").exists()
    done(run_here(spark_process, [rows("SELECT 1 AS id, 'a' AS `ü\"'q`, 3 AS `日本`"), stage], tmp_path))


def test_two_programs_that_append_to_one_table_lose_nothing(spark_process: SparkProcess, tmp_path: Path, tally: Tally) -> None:
    done(run_here(spark_process, [rows("SELECT 0L AS id"), load()], tmp_path))
    job = [rows("SELECT id FROM range(1, 101)"), load(saveMode="Append")]
    command = [sys.executable, "-m", "executor", "run", "-", "--values", "-"]
    (tmp_path / "temp").mkdir()
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path / "temp"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write(values_line(job, tmp_path))
        one.stdin.flush()
    ends = [json.loads(one.communicate(timeout=240)[0].splitlines()[-1]) for one in running]
    assert [end["outcome"].startswith("succeeded") for end in ends] == [True, True], ends
    there = len(table(spark_process, tmp_path / "table"))
    tally("2 runs that append to one Delta table at once, folder").tried(times=2, lost=201 - there)
    assert there == 201 and versions(tmp_path / "table") == [0, 1, 2]


def test_small_files_are_put_together_and_old_ones_removed(spark_process: SparkProcess, tmp_path: Path) -> None:
    for number in range(3):
        done(run_here(spark_process, [rows(f"SELECT {number} AS id"), load(saveMode="Append")], tmp_path))

    def asked(**given: Any) -> dict[str, Any]:
        command, line = (
            [sys.executable, "-m", "executor", "table", "--values", "-"],
            json.dumps({"lake": str(tmp_path), "uri": "table", **given}),
        )
        told = subprocess.run(command, cwd=ROOT, input=line, capture_output=True, text=True, timeout=240, check=False)
        return dict(json.loads(told.stdout.splitlines()[-1]))

    done_now = asked(do="optimize")
    assert (done_now["before"]["files"], done_now["after"]["files"], done_now["version"]) == (3, 1, 3), done_now
    assert [row[0] for row in table(spark_process, tmp_path / "table")] == [0, 1, 2]
    assert asked(do="history")["history"][0]["operation"] == "OPTIMIZE"
    assert asked(do="vacuum")["files"] == 0  # they went a moment ago
    assert asked(do="restore", version=0)["version"] == 4 and table(spark_process, tmp_path / "table") == [(0,)]
