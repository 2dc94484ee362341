"""What people write who come from other databases is explained and mended with one click."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from executor.gate.sql_gate import Gate
from executor.language.dialects.advice import LONGEST_CHANGES, MOST, advice, applied, hints, mended
from executor.language.dialects.tokens import LOOKS, LOOKS_AT_EACH, Query, TooMuch
from executor.problems import Problem, ProblemError
from tests.executor.foreign_sql import FOREIGN, NO_CHANGE, RIGHT, VIEW

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_STEPS = 8


def as_mended(sql: str, gate: Gate) -> tuple[str, list[Problem]]:
    """The text after every change that is offered, as somebody makes them who clicks them one by one."""
    told: list[Problem] = []
    for _ in range(MOST_STEPS):
        offered = [problem for problem in advice(sql) if problem.edit] or [problem for problem in refusals(sql, gate) if problem.edit]
        if not offered:
            break
        told.append(offered[0])
        sql = applied(sql, dict(offered[0].edit or {}))
    return sql, told


def refusals(sql: str, gate: Gate) -> list[Problem]:
    try:
        gate.query(sql, ["t"])
    except ProblemError as error:
        return error.problems
    return []


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value) if isinstance(value, date | datetime) else value


@pytest.mark.spark
def test_every_query_gives_the_right_answer_once_its_hints_are_followed(spark: SparkSession) -> None:
    spark.sql(VIEW).createOrReplaceTempView("t")
    gate = Gate(spark)
    wrong = []
    for sql, expected in FOREIGN:
        text, told = as_mended(sql, gate)
        try:
            rows = gate.query(text, ["t"]).collect()
        except ProblemError as error:
            wrong.append((sql, text, error.problems[0].message))
            continue
        found = [plain(value) for value in rows[0]] if rows else []
        if len(rows) != 1 or found != (expected if isinstance(expected, list) else [expected]):
            wrong.append((sql, text, rows))
        if any(not problem.fix or not problem.message or problem.line is None for problem in told):
            wrong.append((sql, text, told))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.spark
def test_what_spark_refuses_is_told_with_the_change(spark: SparkSession) -> None:
    """Also by whoever runs or previews it, not only by the check without Spark."""
    spark.sql(VIEW).createOrReplaceTempView("t")
    gate = Gate(spark)
    untold = [sql for sql, _ in FOREIGN if (found := refusals(sql, gate)) and not found[0].edit]
    assert not untold


@pytest.mark.spark
@pytest.mark.parametrize("sql", NO_CHANGE)
def test_no_change_is_offered_that_would_change_the_meaning(spark: SparkSession, sql: str) -> None:
    spark.sql(VIEW).createOrReplaceTempView("t")
    found = [*advice(sql), *refusals(sql, Gate(spark))]
    assert found and all(problem.edit is None and problem.fix for problem in found)


@pytest.mark.spark
def test_sparks_own_way_is_left_alone(spark: SparkSession) -> None:
    spark.sql(VIEW).createOrReplaceTempView("t")
    gate = Gate(spark)
    for sql in RIGHT:
        assert not hints(sql), (sql, hints(sql))
        gate.query(sql, ["t"]).collect()


@pytest.mark.parametrize(
    ("sql", "start", "says"),
    [
        ("SELECT date_format(d, 'yyyy-MM-DD') FROM t", 22, "DD: of the year"),
        ("SELECT to_date(e, 'dd-mm-yyyy') FROM t", 18, "mm the minute"),
        ("SELECT 1 FROM t WHERE a = NULL", 24, "never true"),
        ('SELECT 1 FROM t WHERE "a" = 1', 22, "not a column"),
    ],
)
def test_what_spark_takes_and_does_otherwise_is_a_warning(sql: str, start: int, says: str) -> None:
    (problem,) = advice(sql)
    assert problem.severity == "warning" and says in problem.message
    assert problem.edit and problem.edit["start"] == start and (problem.line, problem.column) == (1, start + 1)


def test_a_change_counts_in_characters() -> None:
    sql = "SELECT '🛩️ é', TOP FROM t WHERE x = NULL"
    (problem,) = advice(sql)
    assert applied(sql, dict(problem.edit or {})).endswith("WHERE x IS NULL")


def test_parameters_and_comments_survive() -> None:
    sql = "SELECT TOP 3 a -- the best\nFROM t\nWHERE b = ${p} -- end"
    (problem,) = advice(sql)
    assert applied(sql, dict(problem.edit or {})) == "SELECT a -- the best\nFROM t\nWHERE b = ${p} LIMIT 3 -- end"


HALF = [
    "",
    "'",
    '"',
    "`",
    "/*",
    "(((",
    "SELECT [",
    "TOP TOP TOP",
    "a =",
    "+",
    "CAST(x AS",
    "f(,)",
    "x ~",
    "DATEADD(,,)",
    "CONVERT(",
    "::",
    "LIMIT 1,",
    "SELECT TOP 5",
    "GROUP_CONCAT()",
    "to_char(,)",
    "CONVERT(,)",
    "isnull(,)",
    "[[[]]]",
    "~ ~ ~",
    "FETCH FIRST",
    "CONNECT BY",
    "",
]


@pytest.mark.parametrize("sql", [*HALF, "\x00"])
def test_half_a_query_is_no_fault(sql: str) -> None:
    advice(sql)


def test_an_unknown_name_that_nobody_explains_stays_as_it_is() -> None:
    problem = Problem(code="column-unknown", message="There is no column “x” here.", field="sql", line=1, column=8)
    assert mended(problem, "SELECT x FROM t") == problem


ENDLESS = (
    "SELECT TOP 1 a, ", "SELECT TOP 1 a, (", "rownum ", "rownum < 9 AND ", "CONNECT BY ", "FROM dual ", "isnull(a,", "convert(",
    "cast(a as ", "WITH a AS (", "DECODE(a,", "dateadd(day,1,", "string_agg(a, ", "('a' + ", "~", "= null ", "a(+) ", "N'a' ",
    "'\\\\d' LIKE ", "a::",
)  # fmt: skip


@pytest.mark.parametrize("piece", ENDLESS)
def test_a_text_made_to_keep_the_rules_busy_gets_few_hints_and_is_left_alone(piece: str) -> None:
    """Each of these kept the process that answers everybody busy for minutes, or made a hundred megabytes of changes."""
    sql = f"SELECT {piece * (49_000 // len(piece))}"

    found = hints(sql)

    assert len(found) <= MOST
    assert sum(len(one.text or "") for one in found) <= LONGEST_CHANGES


def test_words_are_looked_at_so_often_and_not_more() -> None:
    query = Query("SELECT a")
    allowed = LOOKS + LOOKS_AT_EACH * 2

    assert {query.word(0) for _ in range(allowed)} == {"SELECT"}
    with pytest.raises(TooMuch):
        query.word(0)


def test_a_number_of_rows_beyond_all_rows_is_told_without_a_change() -> None:
    problems = advice(f"SELECT a FROM t WHERE rownum < {'9' * 6000}")

    assert [problem.edit for problem in problems] == [None]
