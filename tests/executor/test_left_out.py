"""What SQL does in silence with missing values, places, equal values and days is counted and told; what is meant is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.running.hazards import counted
from tests.executor.running import run_each, told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ROWS = (
    "id,grp,amount,status,day,at,txt,qty,mid,city,num,begun,ended\n"
    "1,a,10.50,open,2024-01-31,2024-01-31 10:00:00,12/31/99,3,x,Zürich,1.500,2024-01-01 10:00:00+02:00,2024-02-01\n"
    "2,a,10.50,cancelled,2024-02-29,2024-03-31 01:30:00,01/02/24,4,,ZURICH,1.250,2024-01-02,2024-01-05\n"
    "3,b,20.00,,2024-12-30,2024-03-31 02:30:00,1/2/68,,,Paris,4.100,2024-01-03,2024-01-09\n"
    "4,b,5.25,open,2025-01-01,2024-10-27 01:30:00,05/06/30,2,y,paris,325,2024-01-04,2024-01-04\n"
    "5,b,,closed,2024-12-31,2024-06-01 00:00:00,,1000,z,Rome,7,2024-01-05,2024-01-06\n"
)
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "t.csv", "header": True, "outputView": "t"}
TYPED = (
    "SELECT CAST(id AS INT) AS id, grp, CAST(amount AS DECIMAL(10,2)) AS amount, CAST(amount AS DOUBLE) AS dbl, status, "
    "CAST(day AS DATE) AS day, CAST(at AS TIMESTAMP) AS at, qty, mid, txt, status = 'cancelled' AS gone, city, coalesce(mid, '') AS opt, "
    "CAST(left(begun, 10) AS DATE) AS begun, CAST(ended AS DATE) AS ended FROM t"
)


Found = set[tuple[str, str, int]]


def told_of(process: SparkProcess, lake: Path, queries: Sequence[str]) -> tuple[dict[str, Found], list[Any]]:
    """What one run tells of each of the queries, and the changes it offers. `t` is a CSV file, `p` the same with types as Parquet."""
    (lake / "t.csv").write_text(ROWS)
    (lake / "k.csv").write_text("k,rate,since\na,1,2024-01-01\n")
    (lake / "r.csv").write_text("rate,since\n1,2024-01-01\n2,2024-12-31\n")
    typed = {"type": "SQLTransform", "name": "types", "sql": TYPED, "outputView": "typed"}
    made = {"type": "ParquetLoad", "name": "made", "inputView": "typed", "outputURI": "p"}
    stages: list[dict[str, Any]] = [READ, typed, made, {"type": "ParquetExtract", "name": "again", "inputURI": "p", "outputView": "p"}]
    stages += [READ | {"name": name, "inputURI": f"{name}.csv", "outputView": name} for name in ("k", "r")]
    outcomes = run_each(process, stages, queries, lake)
    found = {sql: told(outcome) for sql, outcome in outcomes.items()}
    return found, [[hint for event in outcome.named("value_warnings") for hint in event["hints"]] for outcome in outcomes.values()]


LEFT_OUT, NOT_MET = "missing-left-out", "missing-not-met"


OF_CONDITIONS: list[tuple[str, Found]] = [
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
]


def test_rows_that_a_condition_leaves_out_as_a_value_is_missing_are_told(spark_process: SparkProcess, tmp_path: Path) -> None:
    expected = dict(OF_CONDITIONS)
    assert told_of(spark_process, tmp_path, list(expected))[0] == expected


MENDED = {
    "SELECT id FROM t WHERE status NOT IN ('x')": "SELECT id FROM t WHERE (status NOT IN ('x') OR status IS NULL)",
    "SELECT id FROM t WHERE grp > '' AND t.status <> mid": "SELECT id FROM t WHERE grp > '' AND t.status IS DISTINCT FROM mid",
    "SELECT CAST(dbl AS INT) AS i, id FROM p": "SELECT CAST(round(dbl) AS INT) AS i, id FROM p",
    "SELECT id FROM p ORDER BY amount ASC LIMIT 1": "SELECT id FROM p ORDER BY amount ASC NULLS LAST LIMIT 1",
}


def test_one_change_mends_it(spark_process: SparkProcess, tmp_path: Path) -> None:
    _, hints = told_of(spark_process, tmp_path, list(MENDED))
    edits = [hint["edit"] for (hint,) in hints]
    assert [sql[: edit["start"]] + edit["text"] + sql[edit["end"] :] for sql, edit in zip(MENDED, edits, strict=True)] == [*MENDED.values()]
    assert told_of(spark_process, tmp_path, list(MENDED.values()))[0] == dict.fromkeys(MENDED.values(), set())


AMOUNTS = "VALUES ('1.234,50'), ('-7,25'), ('12.50'), ('(3,00)'), ('5,00-'), (NULL), ('') AS v(x) WHERE x <> ''"
PLAIN = "regexp_replace(replace(replace(x, '.', ''), ',', '.'), '[()]|-$', '')"
DIGITS = "regexp_replace(x, '[^0-9]', '')"


OF_RESULTS: list[tuple[str, Found]] = [
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
    ("SELECT id, sum(amount) OVER (ORDER BY amount) AS r FROM p ORDER BY amount DESC LIMIT 3", set()),
    ("SELECT count(*) AS n FROM p WHERE at = DATE'2024-03-31'", {("at", "later-that-day", 2)}),
    ("SELECT count(*) AS n FROM p WHERE at <= '2024-03-31'", {("at", "after-midnight", 2)}),
    ("SELECT count(*) AS n FROM p WHERE CAST(at AS DATE) = DATE'2024-03-31' AND at < DATE'2024-04-01'", set()),
    ("SELECT a.id FROM p AS a JOIN p AS b ON a.day = b.at", {("at", "later-that-day", 4)}),
    ("SELECT id FROM p WHERE status = 'Open'", {("status", "nearly-sought", 2)}),
    (
        f"SELECT sum(CAST({PLAIN} AS DECIMAL(9, 2))) AS s, max(int({DIGITS})) AS d FROM {AMOUNTS}",
        {(PLAIN, "decimals-out", 1), (PLAIN, "minus-out", 2), (DIGITS, "minus-out", 3)},
    ),
    (f"WITH c AS (SELECT {DIGITS} AS d FROM {AMOUNTS}) SELECT sum(try_to_number(d, '999999')) AS s FROM c", {(DIGITS, "minus-out", 3)}),
    (
        "SELECT sum(d) AS s FROM (SELECT translate(x, '()', '') AS d FROM VALUES ('(5)'), ('7') AS v(x))",
        {("translate(x, '()', '')", "minus-out", 1)},
    ),
    (
        "SELECT sum(double(replace(x, ',', '.'))) AS s FROM VALUES ('1,5'), ('-12.500'), ('7') AS v(x)",
        {("replace(x, ',', '.')", "maybe-thousands", 1)},
    ),
    (
        "SELECT sum(int(regexp_extract(x, '[0-9]+', 0))) AS a, sum(double(split(x, ' ')[0])) AS b, "
        "max(try_cast(trim(BOTH '-' FROM x) AS DOUBLE)) AS c FROM VALUES ('-5'), ('12') AS v(x)",
        {("regexp_extract(x, '[0-9]+', 0)", "minus-out", 1), ("trim(BOTH '-' FROM x)", "minus-out", 1)},
    ),
    (
        "SELECT sum(int(regexp_substr(x, '[0-9]+'))) AS a FROM VALUES ('EUR -5'), ('EUR 1,234'), ('EUR 12.50') AS v(x)",
        {("regexp_substr(x, '[0-9]+')", "minus-out", 1), ("regexp_substr(x, '[0-9]+')", "thousands-cut", 1)},
    ),
    (
        "SELECT sum(from_json(x, 'n INT').n) AS a, max(from_json(x, 'm STRING, o STRUCT<p: INT>').o.p) AS b "
        "FROM VALUES ('{\"n\": 1.5}'), ('{\"n\": 2, \"o\": {\"p\": 1}}'), ('{n}'), ('{\"n\": null}'), ('{}'), (NULL), (' ') AS v(x)",
        {("from_json(x, 'n INT')", "json-lost", 2), ("from_json(x, 'm STRING, o STRUCT<p: INT>')", "json-lost", 1)},
    ),
    ("SELECT sum(double(split(x, ' ')[0])) AS a FROM VALUES ('12.5 kg'), ('500 g') AS v(x)", {("split(x, ' ')[0]", "units-out", 2)}),
    ("SELECT avg(double(replace(x, '%', ''))) AS a FROM VALUES ('12%'), ('0.5') AS v(x)", {("replace(x, '%', '')", "units-out", 2)}),
    (
        "SELECT sum(double(regexp_replace(x, '[^0-9.]', ''))) AS a, max(int(regexp_extract(y, '[0-9]+', 0))) AS b, "
        "sum(double(regexp_replace(z, '[^0-9.]', ''))) AS c, sum(int(split(w, '[.]')[0])) AS d, "
        "sum(CASE WHEN u LIKE '%kg' THEN 1000 ELSE 1 END * int(split(u, ' ')[0])) AS e FROM VALUES "
        "('EUR 5', 'A-12', '5 EUR', '1.10', '5 kg'), ('€7.50', 'B-13', '7', '2.5', '500 g'), ('EUR 1', 'C1', 'around 9', '3', '7 g') "
        "AS v(x, y, z, w, u)",
        set(),
    ),
    (f"SELECT sum(if(x LIKE '-%', -1, 1) * int({DIGITS})) AS s FROM VALUES ('-5'), ('7'), ('1.234') AS v(x)", set()),
    ("SELECT sum(int(replace(x, '.', ''))) AS cents FROM VALUES ('-5.50'), ('7.25'), ('0') AS v(x)", set()),
    (f"SELECT max(bigint({DIGITS})) AS n FROM VALUES ('(030) 12-3'), ('A-12'), ('2024-01-05'), ('12,-') AS v(x)", set()),
    ("SELECT sum(double(replace(x, ',', ''))) AS s FROM VALUES ('1,234.500'), ('12.500'), ('1,23,456'), ('-7') AS v(x)", set()),
    (
        "SELECT CASE WHEN amount > 1 THEN 'a' WHEN amount >= 10 AND id > 0 THEN 'b' END AS a, "
        "CASE WHEN id <= 2 THEN 1 WHEN id < 2 THEN 2 WHEN id = 1 THEN 3 END AS b FROM p",
        {("amount >= 10 AND id > 0", "dead-branch", 3), ("id < 2", "dead-branch", 1), ("id = 1", "dead-branch", 1)},
    ),
    (
        "SELECT CASE WHEN amount > 100 THEN 'a' WHEN amount > 10 THEN 'b' WHEN amount >= 10 THEN 'c' WHEN id > 10 THEN 'd' END AS a, "
        "CASE WHEN id < 3 THEN 1 WHEN id > 1 THEN 2 WHEN dbl < 3 THEN 3 END AS b FROM p",
        set(),
    ),
    (
        "SELECT CASE WHEN x BETWEEN 0 AND 10 THEN 'a' WHEN x BETWEEN 11 AND 20 THEN 'b' ELSE 'c' END AS k, "
        "CASE WHEN x >= 11 AND x > 0 THEN 'b' WHEN x <= 10 THEN 'a' END AS b, "
        "CASE WHEN x BETWEEN 0 AND 30 THEN 1 WHEN x BETWEEN 5 AND 15 THEN 2 END AS d FROM VALUES (10.5), (10.0), (20.5), (-1) AS v(x)",
        {("BETWEEN 11 AND 20", "class-gap", 1), ("x <= 10", "class-gap", 1), ("BETWEEN 5 AND 15", "dead-branch", 2)},
    ),
    (
        "SELECT CASE WHEN x < 0 THEN 'n' WHEN x > 0 THEN 'p' ELSE 'z' END AS s, "
        "CASE WHEN x <= 10 THEN 1 WHEN x > 10 AND x < 20 THEN 2 WHEN x >= 20 THEN 3 END AS a, "
        "CASE WHEN x BETWEEN 0 AND 10 THEN 1 WHEN x BETWEEN 10 AND 11 THEN 2 WHEN x BETWEEN 12 AND 20 THEN 3 END AS b "
        "FROM VALUES (10.5), (0), (20) AS v(x)",
        set(),
    ),
    ("SELECT x FROM VALUES ('A_12'), ('AX12'), ('B1') AS v(x) WHERE x LIKE 'A_1%'", {("LIKE 'A_1%'", "underscore", 1)}),
    ("SELECT x LIKE 'A_1%' OR x LIKE '_1%' OR x LIKE 'B\\\\_1%' AS b FROM VALUES ('AY1'), ('AX1'), ('B_1') AS v(x)", set()),
    (f"SELECT {DIGITS} AS code, int(x) AS n FROM VALUES ('-5'), ('7') AS v(x)", set()),
    (f"SELECT {DIGITS} AS later FROM {AMOUNTS}", {(DIGITS, "minus-out", 3)}),
    ("SELECT sum(CAST(trim(q.Later) AS INT)) AS s FROM VALUES ('5') AS q(later)", set()),
]


def test_results_that_lose_something_are_told(spark_process: SparkProcess, tmp_path: Path) -> None:
    expected = dict(OF_RESULTS)
    assert told_of(spark_process, tmp_path, list(expected))[0] == expected


SORTED = "row_number() OVER (PARTITION BY grp ORDER BY grp"
EXTRACTED = "regexp_extract(txt, '^([0-9]{2})/', 1)"
PICKED = f"{SORTED})"


OF_PICKS: list[tuple[str, Found]] = [
    (
        "SELECT to_char(amount, '9.99') AS a, format_string('%s', mid) AS b, format_number(dbl, 1) AS c, trunc(day, 'months') AS d FROM p",
        {
            ("to_char(amount, '9.99')", "no-room", 3),
            ("format_string('%s', mid)", "null-printed", 2),
            ("format_number(dbl, 1)", "half-even", 1),
            ("trunc(day, 'months')", "no-unit", 5),
        },
    ),
    ("SELECT id FROM p WHERE day LIKE '%.05.2024'", {("day", "never-so", 5)}),
    ("SELECT sum(CASE WHEN substr(day, 4, 2) = '03' OR right(at, 4) = '2024' THEN 1 END) AS n FROM p", {("day", "never-so", 5)}),
    ("SELECT id FROM p WHERE at LIKE '03/%' OR left(day, 7) IN ('03.2024', '04.2024')", {("at", "never-so", 5), ("day", "never-so", 5)}),
    (
        "SELECT id FROM p WHERE day LIKE '2024-03%' OR at LIKE '%-31 1_:%' OR substr(day, 6, 2) = '05' OR left(at, 4) = '2031' "
        "OR day LIKE '%-31' OR startswith(day, '2024') OR substring(at, 12, 5) IN ('10:30') OR CAST(day AS STRING) = '2024-03-31'",
        set(),
    ),
    (
        "SELECT id FROM p WHERE CAST(day AS STRING) > '31.03.2024' OR CAST(at AS STRING) = '31/03/2024'",
        {("day", "never-so", 5), ("at", "never-so", 5)},
    ),
    (
        "SELECT to_char(amount - 15, '99.99') AS a, to_char(10 - amount, 'S99.99') AS b FROM p",
        {("to_char(amount - 15, '99.99')", "sign-lost", 3)},
    ),
    ("SELECT to_varchar(-sum(amount), '99.99') AS a FROM p", {("to_varchar(-sum(amount), '99.99')", "sign-lost", 1)}),
    ("SELECT grp, count(DISTINCT mid, status) AS n FROM p GROUP BY grp", {("count(DISTINCT mid, status)", "distinct-part", 1)}),
    ("SELECT coalesce(mid, 'All') AS m, grp, sum(qty) AS n FROM p GROUP BY CUBE(grp, mid)", {("mid", "rollup-none", 2)}),
    ("SELECT if(grouping(mid) = 1, 'All', mid) AS m, count(*) AS n FROM p GROUP BY mid WITH ROLLUP", set()),
    ("SELECT count(DISTINCT struct(mid, status)) AS n, count(DISTINCT id, grp) AS m FROM p", set()),
    ("SELECT to_char(sum(amount), '9.99') AS a FROM p", {("to_char(sum(amount), '9.99')", "no-room", 1)}),
    (
        "SELECT to_char(amount, '99.99') AS a, format_string('%s', grp) AS b, format_number(dbl, 2) AS c, trunc(day, 'MONTH') AS d FROM p",
        set(),
    ),
    (
        "SELECT try_cast(txt AS INT) AS a, try_to_date(day, 'dd.MM.yyyy') AS b, try_to_number(city, '99') AS c FROM t",
        {("txt", "not-read", 4), ("day", "not-read", 5), ("city", "not-read", 5)},
    ),
    (
        "SELECT coalesce(try_cast(txt AS INT), 0) AS a, b FROM "
        "(SELECT txt, try_cast(city AS INT) AS b, try_cast(qty AS INT) AS c FROM t) "
        "WHERE b IS NULL",
        set(),
    ),
    ("SELECT city, count(*) AS n FROM p GROUP BY city", {("city, for instance “Paris” and “paris”", "word-two-ways", 4)}),
    (
        "SELECT c, count(*) AS n FROM (SELECT city AS c FROM t UNION ALL SELECT 'Rome ' FROM t) GROUP BY c",
        {("c, for instance “Paris” and “paris”", "word-two-ways", 6)},
    ),
    ("SELECT DISTINCT city FROM t WHERE id > '2'", {("city, for instance “Paris” and “paris”", "word-two-ways", 2)}),
    ("SELECT count(DISTINCT city) AS n FROM t WHERE id < '3'", {("city, for instance “ZURICH” and “Zürich”", "word-two-ways", 2)}),
    ("SELECT grp, lower(city) AS c, status, count(*) AS n FROM p WHERE id > 2 GROUP BY ALL", set()),
    ("SELECT id FROM t WHERE city LIKE 'par%'", {("city", "nearly-sought", 1)}),
    ("SELECT id FROM p WHERE city RLIKE '^rO' OR startswith(city, 'PARIS')", {("city", "nearly-sought", 2)}),
    ("SELECT id FROM p WHERE city LIKE '%ari%' AND city LIKE 'P%' AND lower(city) LIKE 'pa%' AND city ILIKE 'PA%'", set()),
    (
        "SELECT decode(status, 'Open', 1, 0) AS a, nullif(grp, 'A') AS b FROM t",
        {("status", "nearly-sought", 2), ("grp", "nearly-sought", 2)},
    ),
    ("SELECT coalesce(opt, 'none') AS o FROM p WHERE opt IS NOT NULL", {("opt", "empty-text", 2)}),
    ("SELECT coalesce(nullif(opt, ''), 'none') AS o, opt IS NULL OR opt = '' AS p, coalesce(opt, '') AS q FROM p", set()),
    (f"SELECT count({EXTRACTED}) AS n FROM t", {(EXTRACTED.replace("'", ""), "no-match", 1)}),
    (f"SELECT id, coalesce(x, '-') AS x FROM (SELECT id, {EXTRACTED} AS x FROM p)", {("x", "no-match", 1)}),
    (f"SELECT count(DISTINCT x) AS n FROM (SELECT {EXTRACTED} AS x FROM p) WHERE x IS NOT NULL", {("x", "no-match", 1)}),
    (f"SELECT count(nullif({EXTRACTED}, '')) AS n FROM t", set()),
    (f"SELECT count(x) AS n FROM (SELECT {EXTRACTED} AS x FROM t) WHERE x <> ''", set()),
    (f"SELECT {EXTRACTED} AS x, count(regexp_substr(txt, '^[0-9]+')) AS n FROM t GROUP BY ALL", set()),
    ("SELECT r.rate IS NULL AS a FROM p LEFT JOIN r ON r.since = CAST(p.day AS STRING)", set()),
    (
        "SELECT grp, first(status) AS a, any_value(day) AS b, max_by(id, grp) AS c, last(grp) AS d, "
        "min_by(id, day) AS e FROM p GROUP BY grp",
        {("first(status)", "any-of-group", 2), ("any_value(day)", "any-of-group", 2), ("max_by(id, grp)", "tied-in-group", 2)},
    ),
    (
        "SELECT id, first_value(status) OVER (PARTITION BY grp) AS a, lag(day) OVER (ORDER BY grp) AS b, "
        "last_value(grp) OVER (PARTITION BY grp) AS c, lead(id) OVER (ORDER BY id) AS d, "
        "first_value(id) OVER (ORDER BY grp) AS e FROM p",
        {
            ("first_value(status) OVER (PARTITION BY grp)", "any-of-group", 5),
            ("lag(day) OVER (ORDER BY grp)", "tied-before", 3),
            ("first_value(id) OVER (ORDER BY grp)", "tied-in-group", 1),
        },
    ),
    (f"SELECT id FROM (SELECT *, {PICKED} AS r FROM p) WHERE r = 1", {(PICKED, "tied-left-out", 3)}),
    (f"WITH r AS (SELECT *, {PICKED} AS n FROM t) SELECT x.id FROM r AS x WHERE x.n <= 2", {(PICKED, "tied-left-out", 1)}),
    (f"SELECT grp FROM (SELECT *, {PICKED} AS r FROM p) WHERE r = 1", set()),
    (f"SELECT id, {PICKED} AS r FROM p", set()),
    ("SELECT id FROM t LIMIT 2", {("LIMIT 2", "any-rows", 2)}),
    ("SELECT id FROM p ORDER BY amount DESC LIMIT 2", {("amount", "tied-at-limit", 1)}),
    ("SELECT id FROM (SELECT * FROM p ORDER BY amount DESC, id LIMIT 2) LIMIT 5", set()),
    ("(SELECT id FROM p ORDER BY id LIMIT 2 OFFSET 2) UNION ALL SELECT id FROM p TABLESAMPLE (2 ROWS)", set()),
    ("SELECT id, explode(split(mid, ',')) AS e FROM t", {("split(mid, ,, -1)", "exploded-none", 2)}),
    ("SELECT id, explode_outer(split(mid, ',')) AS e FROM t", set()),
    (
        "SELECT to_utc_timestamp(at, 'Europe/Berlin') AS a, "
        "to_utc_timestamp(at + INTERVAL '1' HOUR, 'Europe/Berlin') AS b FROM p WHERE id = 3",
        {("to_utc_timestamp(at, 'Europe/Berlin')", "clock-gap", 1)},
    ),
    (
        "SELECT convert_timezone('America/New_York', 'UTC', x) AS a FROM VALUES (TIMESTAMP_NTZ'2024-11-03 01:30:00') AS v(x)",
        {("convert_timezone('America/New_York', 'UTC', x)", "clock-twice", 1)},
    ),
    ("SELECT hour(begun) AS h FROM t", {("begun", "zone-text", 1)}),
    (
        "SELECT datediff(begun, ended) AS a, "
        "avg(months_between(begun, ended)) OVER () AS b, datediff(ended, begun) AS c FROM p WHERE id <> 4",
        {("datediff(begun, ended)", "span-turned", 4), ("months_between(begun, ended)", "span-turned", 4)},
    ),
    ("SELECT abs(datediff(begun, ended)) AS a, -datediff(begun, ended) AS b, datediff(begun, current_date()) AS c FROM p", set()),
    ("SELECT sum(num) AS a FROM t", {("num", "maybe-thousands", 3)}),
    ("SELECT sum(CAST(num AS DECIMAL(9, 3))) AS a, avg(CAST(amount AS DOUBLE)) AS b FROM t WHERE id < 4 OR id = 0", set()),
    ("SELECT p.id, r.rate FROM p JOIN r ON p.day >= r.since", {("day in since, for instance “2025-01-01”: 1 × 2", "range-one-end", 2)}),
    (
        "SELECT sum(p.amount * r.rate) AS s FROM p JOIN r ON p.day >= r.since",
        {("day in since, for instance “2025-01-01”: 1 × 2", "range-one-end", 2)},
    ),
    ("SELECT p.id, count(*) AS n FROM p JOIN r ON p.day >= r.since GROUP BY p.id", set()),
    ("SELECT a.id, b.id AS o FROM p AS a JOIN p AS b ON a.day > b.day", set()),
    ("SELECT q FROM (SELECT qty AS q FROM t) WHERE q > '3'", {("q", "numbers-by-letters", 4)}),
    ("SELECT max(q) AS m FROM (SELECT qty AS q FROM t) WHERE q > '3'", {("q", "numbers-by-letters", 4)}),
    ("SELECT id, log(id) AS l, city = 'paris' AS x FROM p WHERE city = 'paris'", {("city", "nearly-sought", 1)}),
]


def test_one_of_several_words_and_spans_that_are_hardly_meant_are_told(spark_process: SparkProcess, tmp_path: Path) -> None:
    expected = dict(OF_PICKS)
    assert told_of(spark_process, tmp_path, list(expected))[0] == expected


@pytest.mark.parametrize(
    ("sql", "is_cut"),
    [
        (f"SELECT id, grp FROM (SELECT *, {SORTED}, amount) AS r FROM p) WHERE r = 1", True),
        (f"WITH r AS (SELECT *, {SORTED}, amount) AS n FROM p) SELECT x.id FROM r AS x WHERE x.n <= 2 AND x.id > 1", True),
        (f"SELECT id FROM (SELECT *, {SORTED}, id) AS r, row_number() OVER (ORDER BY day) AS o FROM p) WHERE r < 3 AND o > 1", False),
        (f"WITH r AS (SELECT *, {SORTED}, id) AS n FROM p) SELECT id FROM r WHERE n = 1 UNION ALL SELECT id FROM r", False),
        (f"WITH r AS (SELECT *, {SORTED}, id) AS n FROM p) SELECT id FROM r WHERE n = 1 OR id = 5", False),
        (f"SELECT id, grp FROM (SELECT *, {SORTED}, id) AS r, sum(id) OVER (PARTITION BY grp) AS s FROM p) WHERE r = 1 AND s > 3", False),
    ],
)
def test_rows_behind_the_first_of_their_group_are_left_out_early_and_nothing_else_is(spark: SparkSession, sql: str, is_cut: bool) -> None:
    rows = [
        "(1, 'a', 10, '2024-01-31')",
        "(2, 'a', 10, NULL)",
        "(3, 'b', 20, '2024-12-30')",
        "(4, 'b', 5, '2025-01-01')",
        "(5, 'b', NULL, '')",
    ]
    spark.sql(f"SELECT * FROM VALUES {', '.join(rows)} AS v(id, grp, amount, day)").createOrReplaceTempView("p")
    wanted = spark.sql(sql)
    made, places = counted(spark, wanted)
    assert sorted(made.collect()) == sorted(wanted.collect())
    assert ("WindowGroupLimit" in str(made._jdf.queryExecution().executedPlan())) == is_cut
    assert any(place.kind == "tied-out" for place in places) or not is_cut
