"""SQLTransform, SQLValidate and LogExecute."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from executor.language.filling import Filler
from executor.language.parameters import Value

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def stage(kind: str, sql: str | None = None, **more: Any) -> dict[str, Any]:
    view = {"outputView": "v"} if kind == "SQLTransform" else {}
    return {"type": kind, "name": "s", **({"sql": sql} if sql else {}), **view, **more}


def test_the_result_of_the_query_is_the_view(bench: Bench) -> None:
    assert bench.run(stage("SQLTransform", "SELECT 1 AS n")).table("v") == [(1,)]


def test_a_text_that_looks_like_a_parameter_arrives_as_it_is(bench: Bench) -> None:
    value = r"it's ${x} \u0024{y} ${} $${"
    fill = Filler({"x": Value("string", value), "d": Value("decimal", Decimal("0." + "0" * 37 + "1"))}, ["x", "d"])
    query = fill.sql("SELECT ${x} AS a, 'b ${x}' AS b, \"c${x}\" AS c, ${d} AS d", "sql")
    assert bench.run(stage("SQLTransform", query)).table("v") == [(value, f"b {value}", f"c{value}", Decimal("1E-38"))]


def test_the_query_may_stand_in_a_file_with_its_params(bench: Bench) -> None:
    bench.write("sql/q.sql", "SELECT ${n} AS n")
    assert bench.run(stage("SQLTransform", inputURI="sql/q.sql", sqlParams={"n": 7})).table("v") == [(7,)]
    bench.write("sql/q.sql", "SELECT ${n}, ${m}")
    problem = bench.fails(stage("SQLTransform", inputURI="sql/q.sql", sqlParams={"n": 7}))
    assert (problem.code, problem.field, problem.found) == ("sql-left-over", "inputURI", "${m}")


@pytest.mark.parametrize("text", ["it's", 'a "b"', "back\\slash", "\\'", "''", "line\nbreak", "ü€😀", "' OR 1=1 -- ", "\\u0041", "%_"])
def test_spark_reads_every_text_parameter_as_it_was_given(bench: Bench, text: str) -> None:
    filler = Filler({"x": Value("string", text)}, ["x"])
    for place in ("${x}", "'${x}'", '"${x}"'):
        assert bench.spark.sql(filler.sql(f"SELECT {place} AS x", "sql")).collect()[0].x == text


def test_partitions_are_as_told(bench: Bench) -> None:
    bench.run(stage("SQLTransform", "SELECT id FROM range(10)", numPartitions=3))
    assert bench.view("v").rdd.getNumPartitions() == 3


# --- SQLValidate ----------------------------------------------------------------------------------------------------------


def test_a_check_that_is_true_passes_and_says_its_message(bench: Bench) -> None:
    bench.run(stage("SQLValidate", "SELECT true AS outcome, 'all good' AS message"))
    assert bench.logs == ["Check passed: all good"]
    assert bench.details == {"outcome": True, "message": "all good"}


def test_a_check_that_is_false_fails_with_its_message(bench: Bench) -> None:
    checked = stage("SQLValidate", "SELECT false, '3 bad rows'", name="no_bad_rows")
    problem = bench.fails(checked)
    assert (problem.code, problem.message, problem.found) == ("check-failed", "The check “no_bad_rows” stopped the run.", "3 bad rows")
    assert bench.fails(checked | {"sql": "SELECT false, CAST(NULL AS string)"}).message == "The check “no_bad_rows” stopped the run."


def test_a_message_of_json_becomes_facts(bench: Bench) -> None:
    bench.run(stage("SQLValidate", "SELECT true, '{\"rows\": 3}'"))
    assert bench.details["message"] == {"rows": 3}


@pytest.mark.parametrize(
    ("sql", "returned"),
    [
        ("SELECT true", "1 rows of type [boolean]"),
        ("SELECT 'x', true", "1 rows of type [string, boolean]"),
        ("SELECT * FROM VALUES (true, 'a'), (true, 'b')", "2 rows of type [boolean, string]"),
        ("SELECT true, 'a' WHERE false", "0 rows of type [boolean, string]"),
        ("SELECT CAST(NULL AS boolean), 'x'", "[null, not null]"),
        ("SELECT NULL, NULL", "[null, null]"),
    ],
)
def test_an_answer_of_another_shape_is_told(bench: Bench, sql: str, returned: str) -> None:
    problem = bench.fails(stage("SQLValidate", sql))
    words = "SQLValidate requires query to return 1 row with [outcome: boolean, message: string] signature. Query returned"
    assert problem.message == f"{words} {returned}."


# --- LogExecute -----------------------------------------------------------------------------------------------------------


def test_log_execute_says_the_text_of_its_query(bench: Bench) -> None:
    bench.run(stage("LogExecute", "SELECT '7 days' AS message"))
    assert bench.logs == ["7 days"]


def test_log_execute_wants_one_text(bench: Bench) -> None:
    problem = bench.fails(stage("LogExecute", "SELECT 1"))
    assert (
        problem.message
        == "LogExecute requires query to return 1 row with [message: string] signature. Query returned 1 rows of type [int]."
    )
