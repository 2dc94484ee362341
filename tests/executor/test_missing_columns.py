"""A column that is not there is told as SQL takes it: names with points, blanks and other signs need back-ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.gate.sql_gate import Gate
from executor.language.dialects.advice import applied
from executor.problems import Problem, ProblemError
from executor.spark.errors import problem_of
from executor.spark.missing_columns import parts, written

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAMES = ["a.b", "na\u200bme2", "total (EUR)", "per-cent", "q`r", " name ", "unit price", "first\nline", "plain"]
MEANT = [
    # what is asked for, the column that is meant, a part of the message
    ("a.b", "a.b", "asks for a part of a column"),
    ("v.a.b", "a.b", "asks for a part of a column"),
    ("x.A.B", "a.b", "asks for a part of a column"),
    ("name2", "na\u200bme2", "a sign that cannot be seen"),
    ("name", " name ", "a blank before and behind"),
    ("total (EUR)", "total (EUR)", "only its beginning is read"),
    ("per-cent", "per-cent", "only its beginning is read"),
    ("Unit price", "unit price", "only its beginning is read"),
]
NEAR = [
    ("percent", "`per-cent`"),
    ("unit_price", "`unit price`"),
    ("v.percent", "v.`per-cent`"),
    ("plian", "plain"),
    ("v.plian", "v.plain"),
]


@pytest.fixture
def gate(spark: SparkSession) -> Gate:
    spark.createDataFrame([tuple("x" * len(NAMES))], NAMES).createOrReplaceTempView("v")
    return Gate(spark)


def refused(gate: Gate, sql: str) -> Problem:
    with pytest.raises(ProblemError) as raised:
        gate.query(sql, ["v"])
    return raised.value.problems[0]


@pytest.mark.spark
@pytest.mark.parametrize(("asked", "column", "says"), MEANT)
def test_a_column_that_needs_back_ticks_is_told_with_them(gate: Gate, asked: str, column: str, says: str) -> None:
    source = "v x" if asked.startswith("x.") else "v"
    problem = refused(gate, f"SELECT\n  {asked} FROM {source}")
    assert (problem.code, problem.line, problem.column) == ("column-unknown", 2, 3)
    assert f"there is “{column}”" in problem.message and says in problem.message
    assert f"“{written(column)}” in back-ticks" in (problem.fix or "")
    assert len(gate.query(f"SELECT {written(column)} FROM v", ["v"]).collect()) == 1


@pytest.mark.spark
@pytest.mark.parametrize(("asked", "meant"), NEAR)
def test_what_may_have_been_meant_can_be_put_in_as_it_stands(gate: Gate, asked: str, meant: str) -> None:
    problem = refused(gate, f"SELECT {asked} FROM v")
    assert (problem.fix or "").startswith(f"Did you mean “{meant}”?")
    assert len(gate.query(f"SELECT {meant} FROM v", ["v"]).collect()) == 1


@pytest.mark.spark
def test_a_function_that_is_no_column_stays_one(gate: Gate) -> None:
    assert refused(gate, "SELECT totals(plain) FROM v").code == "sql-unknown-function"


def test_names_are_read_as_they_are_quoted() -> None:
    assert parts("`v`.`a.b`") == ["v", "a.b"]
    assert parts("`q``r`.b") == ["q`r", "b"]
    assert [written(name) for name in ("a_1", "1a", "q`r", "ä")] == ["a_1", "`1a`", "`q``r`", "`ä`"]


@pytest.mark.spark
def test_a_name_that_one_view_has_twice_is_told_apart_from_that_of_two_views(spark: SparkSession) -> None:
    spark.sql("SELECT 1 AS a, 2 AS a").createOrReplaceTempView("v")
    spark.sql("SELECT 1 AS a").createOrReplaceTempView("w")
    assert refused(Gate(spark), "SELECT a FROM v").code == "column-twice"
    with pytest.raises(ProblemError) as raised:
        Gate(spark).query("SELECT a FROM w JOIN w AS x", ["w"])
    assert raised.value.problems[0].code == "column-ambiguous" and "x.a" in str(raised.value.problems[0].expected)
    with pytest.raises(Exception, match="ambiguous") as met:
        spark.table("v").select("a")
    assert "with AS where it is made" in str(problem_of(met.value).fix)


JOINED = [
    # what is written, what one click makes of it
    ("dep-delay", "dep_delay"),
    ("avg(dep-delay) AS m", "avg(dep_delay) AS m"),
    ("w.Dep-Delay", "w.dep_delay"),
    ("dep - delay", "dep_delay"),
    ("dep delay", "dep_delay"),
    ("id-no, 1", "id_no, 1"),
    ("1 + dep.delay", "1 + dep_delay"),
    ("max(depdelay)", "max(dep_delay)"),
    ("w.dep_dealy", "w.dep_delay"),
    ("perzent", "`per-cent`"),
]


@pytest.mark.spark
@pytest.mark.parametrize(("asked", "meant"), JOINED)
def test_a_misspelt_column_is_one_click(spark: SparkSession, asked: str, meant: str) -> None:
    spark.sql("SELECT 1 AS dep_delay, 2 AS id, 3 AS id_no, 4 AS `per-cent`").createOrReplaceTempView("w")
    sql = f"SELECT\n  {asked} FROM w"
    with pytest.raises(ProblemError) as raised:
        Gate(spark).query(sql, ["w"])
    (problem,) = raised.value.problems
    assert problem.code == "column-unknown" and problem.edit and (problem.fix or "").startswith("Did you mean")
    text = applied(sql, dict(problem.edit))
    assert text == f"SELECT\n  {meant} FROM w"
    assert len(Gate(spark).query(text, ["w"]).collect()) == 1


@pytest.mark.spark
def test_a_difference_of_two_unknown_columns_is_not_made_one(spark: SparkSession) -> None:
    spark.sql("SELECT 1 AS dep_delay, 2 AS landed").createOrReplaceTempView("w")
    with pytest.raises(ProblemError) as raised:
        Gate(spark).query("SELECT landed - qqq FROM w", ["w"])
    assert raised.value.problems[0].edit is None
