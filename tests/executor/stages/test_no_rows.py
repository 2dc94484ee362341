"""Outputs without rows: the next job reads that there are none, in the right columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark
QUERY = (
    "SELECT CAST(n AS DECIMAL(9,2)) AS n, 'x' AS `odd name`, 2013 AS year, named_struct('a b', n) AS s FROM (SELECT id AS n FROM range(%d))"
)
FLAT = "SELECT id AS n, 'x' AS `odd name`, 2013 AS year FROM range(%d)"


def writes(kind: str, sql: str, **more: Any) -> list[dict[str, Any]]:
    query = {"type": "SQLTransform", "name": "make", "sql": sql, "outputView": "made"}
    return [query, {"type": kind, "name": "keep", "inputView": "made", "outputURI": "curated/t", "partitionBy": ["year"], **more}]


def reads(kind: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"type": kind, "name": "read", "inputURI": "curated/t", "outputView": "t", **more},
        {"type": "SQLTransform", "name": "sum", "sql": "SELECT max(year) AS y, max(n) AS n, max(`odd name`) FROM t", "outputView": "s"},
        {"type": "JSONLoad", "name": "tell", "inputView": "s", "outputURI": "curated/told"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "sql", "reader", "options"),
    [
        ("ParquetLoad", QUERY, "ParquetExtract", {}),
        ("DelimitedLoad", FLAT, "DelimitedExtract", {"header": True}),
    ],
)
def test_folders_of_no_rows_are_read_as_no_rows(
    spark_process: SparkProcess, tmp_path: Path, kind: str, sql: str, reader: str, options: dict[str, Any]
) -> None:
    assert run_here(spark_process, writes(kind, sql % 0, **options), tmp_path).result.startswith("succeeded")
    read = run_here(spark_process, reads(reader, **options), tmp_path)
    assert read.code == 0, [event["problem"] for event in read.events if "problem" in event]
    assert any("has no rows" in event["message"] for event in read.named("log"))
    again = run_here(spark_process, writes(kind, sql % 3, **options), tmp_path)
    assert again.result == "succeeded"  # nothing in the place is foreign to the next run
    full = run_here(spark_process, reads(reader, **options), tmp_path)
    assert not any("has no rows" in event["message"] for event in full.named("log"))


def test_appending_to_no_rows_and_reading_in_the_same_job(spark_process: SparkProcess, tmp_path: Path) -> None:
    empty = run_here(spark_process, [*writes("ParquetLoad", QUERY % 0), *reads("ParquetExtract")], tmp_path)
    assert empty.code == 0, [event["problem"] for event in empty.events if "problem" in event]
    assert run_here(spark_process, writes("ParquetLoad", QUERY % 2, saveMode="Append"), tmp_path).result == "succeeded"
    assert run_here(spark_process, writes("ParquetLoad", QUERY % 0, saveMode="Append"), tmp_path).result.startswith("succeeded")
    check = {"type": "SQLValidate", "name": "two", "sql": "SELECT count(*) = 2 AS outcome, 'x' AS message FROM t"}
    assert run_here(spark_process, [reads("ParquetExtract")[0], check], tmp_path).code == 0


def test_a_folder_of_nothing_that_no_load_wrote_is_a_problem_still(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "curated" / "t").mkdir(parents=True)
    for noted in ("", "{", '{"columns": 7}', '["a"]', '{"columns": "no, types"}', '{"columns": "int"}'):
        (tmp_path / "curated" / "t" / ".sluice-columns.json").write_text(noted)
        assert run_here(spark_process, reads("ParquetExtract"), tmp_path).problem["code"] == "input-empty"
