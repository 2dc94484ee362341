"""What SQL does in silence with missing values, places, equal values and days is counted and told; what is meant is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import Outcome, run_here, told

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ROWS = (
    "id,grp,amount,status,day,at,txt,qty,mid\n"
    "1,a,10.50,open,2024-01-31,2024-01-31 10:00:00,12/31/99,3,x\n"
    "2,a,10.50,cancelled,2024-02-29,2024-03-31 01:30:00,01/02/24,4,\n"
    "3,b,20.00,,2024-12-30,2024-03-31 02:30:00,1/2/68,,\n"
    "4,b,5.25,open,2025-01-01,2024-10-27 01:30:00,05/06/30,2,y\n"
    "5,b,,closed,2024-12-31,2024-06-01 00:00:00,,1000,z\n"
)
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "t.csv", "header": True, "outputView": "t"}
TYPED = (
    "SELECT CAST(id AS INT) AS id, grp, CAST(amount AS DECIMAL(10,2)) AS amount, CAST(amount AS DOUBLE) AS dbl, status, "
    "CAST(day AS DATE) AS day, CAST(at AS TIMESTAMP) AS at, qty, mid, status = 'cancelled' AS gone FROM t"
)


def run(process: SparkProcess, lake: Path, sql: str) -> Outcome:
    """`t` is a CSV file, `p` the same with types as Parquet."""
    (lake / "t.csv").write_text(ROWS)
    (lake / "k.csv").write_text("k,rate\na,1\n")
    query = {"type": "SQLTransform", "name": "asked", "sql": sql, "outputView": "o"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "o", "outputURI": "out"}
    keys = READ | {"name": "keys", "inputURI": "k.csv", "outputView": "k"}
    stages: list[dict[str, Any]] = [READ, keys]
    if " p " in f"{sql} ":
        typed = {"type": "SQLTransform", "name": "types", "sql": TYPED, "outputView": "typed"}
        made = {"type": "ParquetLoad", "name": "made", "inputView": "typed", "outputURI": "p"}
        stages += [typed, made, {"type": "ParquetExtract", "name": "again", "inputURI": "p", "outputView": "p"}]
    return run_here(process, [*stages, query, save], lake)


LEFT_OUT, NOT_MET = "missing-left-out", "missing-not-met"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT id FROM t WHERE status <> 'cancelled'", {("status <> 'cancelled'", LEFT_OUT, 1)}),
        ("SELECT id FROM t WHERE grp = 'b' AND status NOT IN ('x', 'y')", {("status NOT IN ('x', 'y')", LEFT_OUT, 1)}),
        ("SELECT id FROM t WHERE t.status NOT LIKE 'c%'", {("t.status NOT LIKE 'c%'", LEFT_OUT, 1)}),
        ("SELECT id FROM t WHERE NOT (status = 'x' OR grp = 'y')", {("NOT (status = 'x' OR grp = 'y')", LEFT_OUT, 1)}),
        ("SELECT id FROM t WHERE status NOT IN (SELECT k FROM k)", {("status NOT IN (SELECT k FROM k)", LEFT_OUT, 1)}),
        ("SELECT id FROM p WHERE status != 'open'", {("status != 'open'", LEFT_OUT, 1)}),
        ("SELECT id FROM p WHERE NOT gone", {("NOT gone", LEFT_OUT, 1)}),
        ("SELECT id FROM p WHERE gone = false", {("gone = false", LEFT_OUT, 1)}),
        ("SELECT t.id FROM t LEFT JOIN k ON k.k = t.grp WHERE k.rate <> '2'", {("k.rate <> '2'", LEFT_OUT, 3)}),
        ("SELECT id FROM t WHERE status <> mid", {("status <> mid", LEFT_OUT, 1)}),
        (
            "SELECT id FROM t WHERE status <> 'x' AND status <> 'y'",
            {("status <> 'x'", LEFT_OUT, 1), ("status <> 'y'", LEFT_OUT, 1)},
        ),
        ("SELECT id FROM p WHERE amount NOT BETWEEN 1 AND 11", {("amount NOT BETWEEN 1 AND 11", LEFT_OUT, 1)}),
        ("SELECT count_if(status <> 'open') AS n FROM t", {("status <> 'open'", LEFT_OUT, 1)}),
        ("SELECT count(*) FILTER (WHERE status <> 'open') AS n FROM t", {("status <> 'open'", LEFT_OUT, 1)}),
        ("SELECT sum(CASE WHEN status <> 'open' THEN 1 ELSE 0 END) AS n FROM t", {("status <> 'open'", NOT_MET, 1)}),
        ("SELECT id FROM t WHERE grp = 'a' AND status <> 'cancelled'", set()),
        ("SELECT id FROM t WHERE status <> 'cancelled' OR status IS NULL", set()),
        ("SELECT id FROM t WHERE status <> 'cancelled' AND status IS NOT NULL", set()),
        ("SELECT id FROM t WHERE status IS DISTINCT FROM 'x' AND coalesce(status, '') <> 'x'", set()),
        ("SELECT id FROM t WHERE status <> '' AND qty <> '0' AND mid NOT IN ('', 'n/a')", set()),
        ("SELECT CASE WHEN status IS NULL THEN 1 WHEN status <> 'x' THEN 2 ELSE 3 END AS n FROM t", set()),
        ("SELECT id FROM t WHERE status = 'open' AND grp <> 'a'", set()),
    ],
)
def test_rows_that_a_condition_leaves_out_as_a_value_is_missing_are_told(
    spark_process: SparkProcess, tmp_path: Path, sql: str, expected: set[tuple[str, str, int]]
) -> None:
    assert told(run(spark_process, tmp_path, sql)) == expected


@pytest.mark.parametrize(
    ("sql", "mended"),
    [
        ("SELECT id FROM t WHERE status NOT IN ('x')", "SELECT id FROM t WHERE (status NOT IN ('x') OR status IS NULL)"),
        ("SELECT id FROM t WHERE grp > '' AND t.status <> mid", "SELECT id FROM t WHERE grp > '' AND t.status IS DISTINCT FROM mid"),
        ("SELECT CAST(dbl AS INT) AS i, id FROM p", "SELECT CAST(round(dbl) AS INT) AS i, id FROM p"),
        ("SELECT id FROM p ORDER BY amount ASC LIMIT 2", "SELECT id FROM p ORDER BY amount ASC NULLS LAST LIMIT 2"),
    ],
)
def test_one_change_mends_it(spark_process: SparkProcess, tmp_path: Path, sql: str, mended: str) -> None:
    (hint,) = [hint for event in run(spark_process, tmp_path, sql).named("value_warnings") for hint in event["hints"]]
    edit = hint["edit"]
    assert sql[: edit["start"]] + edit["text"] + sql[edit["end"] :] == mended
    assert told(run(spark_process, tmp_path, mended)) == set()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT CAST(amount AS INT) AS i, int(dbl) AS b FROM p", {("amount", "places-lost", 3), ("dbl", "places-lost", 3)}),
        ("SELECT CAST(avg(amount) AS BIGINT) AS i FROM p", {("avg(amount)", "places-lost", 1)}),
        ("SELECT CAST(amount / 10 AS INT) AS i, CAST(round(dbl) AS INT) AS r, CAST(id AS DECIMAL(9,2)) AS d FROM p", set()),
        ("SELECT sum(DISTINCT amount) AS s FROM p", {("sum(DISTINCT amount)", "added-once", 1)}),
        ("SELECT grp, avg(DISTINCT id) AS s, count(DISTINCT amount) AS n FROM p GROUP BY grp", set()),
        ("SELECT grp || '-' || mid AS x FROM t", {("grp || '-' || mid", "text-lost", 2)}),
        ("SELECT concat(id, mid) AS x FROM p", {("concat(id, mid)", "text-lost", 2)}),
        ("SELECT coalesce(grp || mid, grp) AS a, concat_ws('-', grp, mid) AS b, 'x' || mid AS c FROM t", set()),
        ("SELECT to_date(txt, 'M/d/yy') AS d FROM t", {("txt", "year-ahead", 2)}),
        ("SELECT to_date(txt, 'M/d/yy') AS d FROM t WHERE id IN ('2', '4')", set()),
        ("SELECT lpad(qty, 3, '0') AS k FROM t", {("lpad(qty, 3, '0')", "pad-cuts", 1)}),
        ("SELECT lpad(qty, 4, '0') AS k FROM t", set()),
        ("SELECT datediff(MONTH, DATE'2024-01-31', day) AS m FROM p", {("datediff(MONTH, DATE'2024-01-31', day)", "whole-units", 3)}),
        ("SELECT timestampdiff(MONTH, DATE'2024-01-31', day) AS m, datediff(DAY, DATE'2024-01-31', day) AS d FROM p", set()),
        ("SELECT year(day) AS y, weekofyear(day) AS w, count(*) AS n FROM p GROUP BY 1, 2", {("day", "week-of-other-year", 2)}),
        ("SELECT extract(YEAROFWEEK FROM day) AS y, weekofyear(day) AS w, year(day) AS z FROM p", set()),
        ("SELECT id FROM p ORDER BY amount LIMIT 2", {("amount", "nulls-first", 1)}),
        ("SELECT id, row_number() OVER (PARTITION BY grp ORDER BY amount) AS r FROM p", {("amount", "nulls-first", 1)}),
        ("SELECT id FROM p ORDER BY amount NULLS FIRST, id LIMIT 2", set()),
        ("SELECT id, sum(amount) OVER (ORDER BY amount) AS r FROM p ORDER BY amount DESC LIMIT 2", set()),
        ("SELECT count(*) AS n FROM p WHERE at = DATE'2024-03-31'", {("at", "later-that-day", 2)}),
        ("SELECT count(*) AS n FROM p WHERE at <= '2024-03-31'", {("at", "after-midnight", 2)}),
        ("SELECT count(*) AS n FROM p WHERE CAST(at AS DATE) = DATE'2024-03-31' AND at < DATE'2024-04-01'", set()),
        ("SELECT a.id FROM p AS a JOIN p AS b ON a.day = b.at", {("at", "later-that-day", 4)}),
        ("SELECT id FROM p WHERE status = 'Open'", {("status", "nearly-sought", 2)}),
    ],
)
def test_results_that_lose_something_are_told(
    spark_process: SparkProcess, tmp_path: Path, sql: str, expected: set[tuple[str, str, int]]
) -> None:
    assert told(run(spark_process, tmp_path, sql)) == expected
