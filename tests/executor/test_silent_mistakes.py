"""What Spark takes in a query and does otherwise than anybody would mean it is told by the run, too: a job may come by file or API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from executor.language.dialects.advice import applied, silent_mistakes
from executor.language.dialects.patterns import spark_pattern
from executor.running.mends import stands_at
from tests.executor.running import Outcome, run_each, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "t.csv", "header": True, "outputView": "t"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text("k,v,d\nabcdef,1.25,2024-07-05 15:20:00\n,2,2024-08-06 01:00:00\n")
    return tmp_path


def told(outcome: Outcome) -> str:
    return " ".join(event["message"] for event in outcome.named("log") if event["level"] == "warning")


HARDLY_MEANT: dict[str, str] = {
    "SELECT to_date(left(d, 10), 'yyyy-mm-dd') AS x FROM t": "yyyy-MM-dd",
    "SELECT date_format(d, 'yyyy-mm-dd HH:mm') AS x FROM t": "yyyy-MM-dd HH:mm",
    "SELECT date_format(d, 'yyyy-MM-dd hh:mm') AS x FROM t": "HH:mm",
    "SELECT date_format(d, 'yyyy-MM-DD') AS x FROM t": "yyyy-MM-dd",
    "SELECT date_format(d, 'yyyy-MM-dd HH:mm:SS') AS x FROM t": "yyyy-MM-dd HH:mm:ss",
    "SELECT date_format(d, 'yyyy-MM-dd kk:mm') AS x FROM t": "yyyy-MM-dd HH:mm",
    "SELECT sum(length(k) ^ 2) AS x FROM t": "power",
    "SELECT _index ^ 2 AS x, 10 ^ _index AS y FROM t": "power(_index, 2)",
    "SELECT count(_index > 1) AS n FROM t": "count_if(_index > 1)",
    "SELECT k FROM t GROUP BY k HAVING count(CASE WHEN _index > 1 THEN 1 ELSE 0 END) > 0": "count(CASE WHEN _index > 1 THEN 1 END)",
    "SELECT CAST(1704067200000 AS TIMESTAMP) AS x FROM t": "timestamp_millis(1704067200000)",
    "SELECT CAST(d AS VARCHAR(7)) AS month, count(*) AS n FROM t GROUP BY 1": "left(CAST(d AS STRING), 7)",
    "SELECT sum(CAST(v AS DECIMAL)) AS s FROM t": "DECIMAL(38, 10)",
    "SELECT count(*) AS n FROM t WHERE k = NULL": "IS NULL",
    "SELECT count(*) AS n FROM t WHERE \"K\" = 'abcdef'": "`K`",
    'SELECT max("k") AS m FROM t': "`k`",
    'SELECT "k" AS m, v FROM t': "`k`",
    "SELECT last_value(v) OVER (PARTITION BY k ORDER BY d) AS x FROM t": "ROWS BETWEEN",
    "SELECT split(v, '.')[0] AS x FROM t": "[.]",
    "SELECT regexp_replace(v, '.', '') AS x FROM t": "[.]",
    "SELECT count(*) AS n FROM t WHERE v RLIKE '^\\d+$'": "backslash",
    "SELECT count(*) AS n FROM t WHERE k LIKE '[a-f]%'": "RLIKE",
    "SELECT DISTINCT * FROM t": "DISTINCT finds",
    "SELECT * FROM t UNION SELECT * FROM t": "UNION finds",
    "SELECT * FROM t EXCEPT SELECT * FROM t WHERE v = '2'": "EXCEPT finds",
    "SELECT k FROM (SELECT * FROM t INTERSECT ALL SELECT * FROM t)": "INTERSECT finds",
    "SELECT count(*) AS n FROM t WHERE k IN (SELECT k FROM (SELECT DISTINCT * FROM t))": "DISTINCT finds",
    "SELECT count(*) AS n FROM t AS a NATURAL LEFT JOIN t AS b": "USING",
    "SELECT count(*) AS n FROM t AS a JOIN t AS b ON a.k = a.k": "compared with itself",
    "SELECT k FROM t WHERE k IN (SELECT k FROM (SELECT 1 AS one))": "column of the query around it",
    "SELECT left(d, 7) AS d, count(*) AS n FROM t GROUP BY d": "GROUP BY goes by the column",
    "SELECT coalesce(trim(d), '') AS d, count(*) AS n FROM t GROUP BY d": "GROUP BY goes by the column",
    "SELECT CAST(at AS DATE) AS at, count(*) AS n FROM (SELECT CAST(d AS TIMESTAMP) AS at FROM t) GROUP BY at": "GROUP BY goes by",
    "SELECT k FROM t WHERE v NOT IN ('2', NULL)": "no row at all",
    "SELECT k FROM t WHERE v IN ('2', NULL)": "equals nothing",
    "SELECT k FROM t WHERE length(v) BETWEEN 9 AND 1": "1 AND 9",
    "SELECT k FROM t WHERE d BETWEEN '2024-12-31' AND '2024-01-01'": "begins with the lower end",
    "SELECT substring(k, 0, 2) AS x FROM t": "place 0",
    "SELECT left(k, -1) AS x FROM t": "all but 1 signs",
    "SELECT extract(DOW FROM DATE'2024-01-01') AS x FROM t": "Sunday is 1",
}


@pytest.mark.spark
def test_a_run_tells_what_the_query_hardly_means(spark_process: SparkProcess, lake: Path) -> None:
    found = {sql: told(outcome) for sql, outcome in run_each(spark_process, [READ], list(HARDLY_MEANT), lake).items()}
    assert [(sql, found[sql]) for sql, word in HARDLY_MEANT.items() if word not in found[sql]] == []


@pytest.mark.spark
def test_a_check_that_cannot_fail_is_told(spark_process: SparkProcess, lake: Path) -> None:
    check = {"type": "SQLValidate", "name": "check", "sql": "SELECT count(*) = 0 AS outcome, '' AS message FROM t WHERE k = NULL"}
    outcome = run_here(spark_process, [READ, check], lake)
    assert outcome.result == "succeeded_with_warnings"
    assert "never true" in told(outcome)


MEANT = [
    "SELECT date_format(d, 'yyyy-MM-dd hh:mm a') AS x, date_format(d, 'HH:mm dd.MM.yyyy') AS y FROM t",
    "SELECT date_format(d, \"yyyy-MM-dd'T'HH:mm:ss\") AS x FROM t",
    'SELECT k FROM t WHERE v <> "Europe" OR "Europe" = v',
    'SELECT coalesce(k, "v") AS x, "none" AS y, last_value(v) OVER w AS z FROM t WINDOW w AS (PARTITION BY k)',
    "SELECT first_value(v) OVER (ORDER BY d) AS w, first_value(v) OVER (PARTITION BY k) AS x, log(length(v)) AS y FROM t",
    "SELECT last_value(v) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS x FROM t",
    "SELECT split(v, '[.]')[0] AS x, CAST(v AS DECIMAL(10, 2)) AS y, CAST(d AS VARCHAR(200)) AS z FROM t WHERE k IS NOT NULL",
    "SELECT date_format(d, 'HH:mm:ss.SSS') AS x, date_format(d, 'K:mm a') AS y, _index ^ 255 AS z, k RLIKE '^2' AS w FROM t",
    "SELECT count(_index > 1 OR NULL) AS x, count(k) AS y, count(if(_index > 1, k, NULL)) AS z FROM t",
    "SELECT timestamp_seconds(1704067200) AS w FROM t",
    "SELECT DISTINCT k, v FROM t",
    "SELECT DISTINCT * EXCEPT (_filename, _index) FROM t",
    "SELECT DISTINCT _index FROM t",
    "SELECT DISTINCT _filename, k FROM t",
    "SELECT * FROM t UNION ALL SELECT * FROM t",
    "SELECT k FROM t UNION SELECT v FROM t",
    "SELECT 'k' || k AS k, coalesce(v, '-') AS v, count(*) AS n FROM t GROUP BY k, v",
    "SELECT m + 1 AS m, count(*) AS n FROM (SELECT length(k) AS m FROM t) GROUP BY m",
    "SELECT count(*) AS n FROM t AS a JOIN t AS b ON a.k = b.k AND a.v = a.v || '' AND b.k = a.k",
]


@pytest.mark.spark
def test_what_is_meant_is_not_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run_each(spark_process, [READ], MEANT, lake).items():
        assert (outcome.result, told(outcome)) == ("succeeded", ""), sql


@pytest.mark.spark
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT a.k FROM t AS a LEFT JOIN t AS b ON a.k = b.k AND a.v NOT IN (SELECT v FROM t)", "query-in-condition"),
        ("SELECT a.k FROM t AS a JOIN t AS b ON a.k = b.k AND EXISTS (SELECT 1 FROM t AS o WHERE o.k = a.v)", "query-in-condition"),
        ("SELECT sum(CASE WHEN v IN (SELECT k FROM t) THEN 1 ELSE 0 END) AS n FROM t", "query-in-condition"),
        ("SELECT count(*) AS n FROM t GROUP BY v IN (SELECT k FROM t)", "query-in-condition"),
        ("SELECT a.k FROM t AS a JOIN t AS b ON a.k = b.k AND rand() > 0.5", "sql-not-deterministic"),
        ("SELECT max_by(k, rand()) AS k FROM t", "sql-not-deterministic"),
    ],
)
def test_what_cannot_stand_in_a_condition_is_called_so(spark_process: SparkProcess, lake: Path, sql: str, code: str) -> None:
    problem = run_here(spark_process, [READ, {"type": "SQLTransform", "name": "asked", "sql": sql, "outputView": "o"}], lake).problem
    assert (problem["code"], problem["stage"], problem["line"]) == (code, "asked", 1)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("yyyy-mm-dd", "yyyy-MM-dd"),
        ("dd/mm/yyyy", "dd/MM/yyyy"),
        ("mm/dd/yyyy HH:MM:ss", "MM/dd/yyyy HH:mm:ss"),
        ("yyyymmdd", "yyyyMMdd"),
        ("yyyymmddHHmmss", "yyyyMMddHHmmss"),
        ("yyyy-mm-dd hh24:mi:ss", "yyyy-MM-dd HH:mm:ss"),
        ("hh:mm", "HH:mm"),
        ("HHmmSS", "HHmmss"),
        ("kk:mm:SS", "HH:mm:ss"),
        ("HH:mm:ss.SS", None),
        ("h:mm:ss a", None),
        ("yyyyMMddHHmmss", None),
        ("HH:mm dd.MM.yyyy", None),
        ("h:mm a", None),
        ("mm:ss", None),
    ],
)
def test_letters_of_patterns_stand_where_they_are_meant(written: str, wanted: str | None) -> None:
    assert spark_pattern(written) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("count(a > 5)", "count_if(a > 5)"),
        ("count((a = 5))", "count_if((a = 5))"),
        ("COUNT(a IS NULL) OVER (PARTITION BY b)", "count_if(a IS NULL) OVER (PARTITION BY b)"),
        ("count(NOT a) FILTER (WHERE b)", "count_if(NOT a) FILTER (WHERE b)"),
        ("count(a IN (1, 2) AND b LIKE 'x%')", "count_if(a IN (1, 2) AND b LIKE 'x%')"),
        ("count(startswith(a, 'x'))", "count_if(startswith(a, 'x'))"),
        ("count(if(a > 5, 1, 0))", "count(if(a > 5, 1, NULL))"),
        ("count(CASE a WHEN 1 THEN 'x' ELSE '' END)", "count(CASE a WHEN 1 THEN 'x' END)"),
        ("count(a > 5 OR NULL)", None),
        ("count(a > 5 OR b IS NULL)", "count_if(a > 5 OR b IS NULL)"),
        ("count(DISTINCT a > 5)", None),
        ("count(nullif(a > 5, false))", None),
        ("count(CASE WHEN a > 5 THEN 1 END)", None),
        ("count(CASE WHEN a > 5 THEN 1 ELSE b END)", None),
        ("count((SELECT max(a) FROM t WHERE a > 5))", None),
        ("count_if(a > 5), count(*), count(a), count(1), count(a, b > 5), sum(if(a > 5, 1, 0))", None),
        ("timestamp_seconds(1704067200000)", "timestamp_millis(1704067200000)"),
        ("CAST(1704067200000000 AS TIMESTAMP)", "timestamp_micros(1704067200000000)"),
        ("from_unixtime(1704067200000, 'yyyy')", "from_unixtime(1704067200000 div 1000, 'yyyy')"),
        ("from_unixtime(1704067200), CAST(253402300799 AS TIMESTAMP), CAST(1704067200000 AS BIGINT)", None),
    ],
)
def test_conditions_that_are_counted_and_numbers_that_are_no_seconds(written: str, wanted: str | None) -> None:
    told = silent_mistakes(f"SELECT {written}", [])
    assert [applied(f"SELECT {written}", one.edit) for one in told] == ([f"SELECT {wanted}"] if wanted else [])


@pytest.mark.parametrize(
    ("label", "sql", "written", "expected"),
    [
        ("n", "SELECT max(n) AS m FROM t", "n", True),
        ("n", "SELECT max(t.n) AS m FROM t", "t.n", True),
        ("a.n", "SELECT max(a . `n`) AS m FROM t", "a . `n`", True),
        ("n", "SELECT max(t.n) AS m FROM t", "t", False),
        ("n", "SELECT max(t.n) AS m FROM t", "n", False),
        ("n", "SELECT max(name) AS m FROM t", "n", False),
        ("n", "SELECT max(m) AS m FROM t", "max(m)", False),
        ("n", "SELECT 'n' AS m FROM t", "n", False),
        ("max(n)", "SELECT max(n) AS m FROM t", "max(n)", False),
    ],
)
def test_a_click_is_offered_only_where_the_text_has_the_column(label: str, sql: str, written: str, expected: bool) -> None:
    start = sql.index(written)
    assert stands_at(label, sql, start, start + len(written)) is expected
