"""JSON is written with every digit, and read again as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from pathlib import Path

    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark


def save(process: SparkProcess, lake: Path, sql: str, **more: Any) -> Outcome:
    made = {"type": "SQLTransform", "name": "made", "sql": sql, "outputView": "v"}
    return run_here(process, [made, {"type": "JSONLoad", "name": "save", "inputView": "v", "outputURI": "out", **more}], lake)


def written(lake: Path) -> str:
    return "".join(file.read_text() for file in sorted((lake / "out").glob("part-*")))


def test_moments_decimals_and_large_numbers_lose_no_digit(spark_process: SparkProcess, tmp_path: Path) -> None:
    sql = (
        "SELECT TIMESTAMP'2024-01-05 10:00:00.123456' AS at, struct(TIMESTAMP_NTZ'2024-01-05 10:00:00.000001' AS t) AS s, "
        "CAST('12345678901234567890123456789012.123456' AS decimal(38,6)) AS d, 9223372036854775807 AS n, 0.1D AS x"
    )
    assert save(spark_process, tmp_path, sql).result == "succeeded"
    assert written(tmp_path) == (
        '{"at":"2024-01-05T10:00:00.123456Z","s":{"t":"2024-01-05T10:00:00.000001"},'
        '"d":12345678901234567890123456789012.123456,"n":9223372036854775807,"x":0.1}\n'
    )


def test_nulls_are_left_out_or_written(spark_process: SparkProcess, tmp_path: Path) -> None:
    sql = "SELECT 1 AS a, CAST(NULL AS int) AS b"
    save(spark_process, tmp_path, sql)
    assert written(tmp_path) == '{"a":1}\n'
    save(spark_process, tmp_path, sql, nulls="write")
    assert json.loads(written(tmp_path)) == {"a": 1, "b": None}


def test_what_json_has_no_number_for_is_told_and_read_again_as_a_number(spark_process: SparkProcess, tmp_path: Path) -> None:
    sql = "SELECT * FROM VALUES (double('NaN')), (double('-Infinity')), (1.5D) AS x(n)"
    outcome = save(spark_process, tmp_path, sql)
    (event,) = outcome.named("value_warnings")
    assert outcome.result == "succeeded_with_warnings" and (event["counts"][0]["kind"], event["counts"][0]["rows"]) == ("not-in-json", 2)
    read = {"type": "JSONExtract", "name": "read", "inputURI": "out", "multiLine": False, "outputView": "t"}
    check = {
        "type": "SQLValidate",
        "name": "check",
        "sql": "SELECT count_if(isnan(n)) = 1 AND max(n) > 1 AS outcome, 'x' AS message FROM t",
    }
    assert run_here(spark_process, [read, check], tmp_path).result == "succeeded"


@pytest.mark.parametrize("key", ["DATE'2024-01-01'", "TIMESTAMP'2024-01-01 10:00:00'", "X'00'", "struct(1)", "INTERVAL '1' DAY"])
def test_keys_that_json_does_not_have_are_not_written_as_something_else(spark_process: SparkProcess, tmp_path: Path, key: str) -> None:
    """Spark writes a date as the number of its days."""
    for value in (f"map({key}, 1)", f"array(struct(map('k', map({key}, 1)) AS m))"):
        outcome = save(spark_process, tmp_path, f"SELECT {value} AS m")
        assert outcome.result == "failed"
        assert outcome.problem["code"] == "json-keys"
    assert not (tmp_path / "out").exists()


def test_keys_that_are_numbers_are_written_as_they_are(spark_process: SparkProcess, tmp_path: Path) -> None:
    assert save(spark_process, tmp_path, "SELECT map(1, 2) AS a, map(1.10BD, 2) AS b, map(true, 2) AS c").result == "succeeded"
    assert written(tmp_path) == '{"a":{"1":2},"b":{"1.10":2},"c":{"true":2}}\n'
