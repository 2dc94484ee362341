"""Numbers that come out wrong although each value is right are told; names, codes and what was said on purpose are left alone."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.language.dialects.advice import applied
from tests.executor.running import Outcome, run_each, run_here, told

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ROWS = (
    "id,n,same,neg,big,day,us,iso,clock,code,name,at,item,long\n"
    '1,9,10,-1,"1,000",9/1/2024,"Jan 9, 2024",2024-01-09,9:05,007,Bob,2024-01-31 10:00:00,A1,12345678901234567\n'
    '2,10,11,-2,"20,000",10/1/2023,"Jan 10, 2023",2023-01-10,10:05,01234,Al,2024-01-30 00:00:00,B10,12345678901234568\n'
    '3,100.5,12.5,-3,3,1/12/2024,"Dec 1, 2024",2024-12-01,9:55,1,Zoë,2024-01-31 00:00:00,B9,12345678901234569\n'
)
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "t.csv", "header": True, "outputView": "t"}
DOCS = {"type": "JSONExtract", "name": "docs", "inputURI": "j.json", "outputView": "j", "multiLine": False}
DECIMALS = "FROM VALUES (CAST(1 AS DECIMAL(38,18)), CAST(3000000 AS DECIMAL(38,18))) AS x(a, b)"
SMALL = "FROM VALUES (CAST(1 AS DECIMAL(10,2)), CAST(3 AS DECIMAL(10,2))) AS x(a, b)"
COLUMNS = [
    {"name": name, "type": "string", "nullable": True}
    for name in ("id", "n", "same", "neg", "big", "day", "us", "iso", "clock", "code", "name")
] + [
    {"name": "at", "type": "timestamp", "nullable": True, "timezoneId": "UTC", "formatters": ["uuuu-MM-dd HH:mm:ss"]},
    {"name": "item", "type": "string", "nullable": True},
    {"name": "long", "type": "string", "nullable": True},
]
TYPED = {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "v", "schema": COLUMNS}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(ROWS)
    (tmp_path / "j.json").write_text('{"id":1,"a":{"n":"9"},"j":"{\\"n\\":9}"}\n{"id":2,"a":{"n":"10"},"j":"{\\"n\\":10}"}\n')
    return tmp_path


Found = set[tuple[str, str, int]]


BEFORE = [READ, DOCS, TYPED]


def told_of(process: SparkProcess, lake: Path, *queries: str) -> dict[str, Found]:
    return {sql: told(outcome) for sql, outcome in run_each(process, BEFORE, queries, lake).items()}


def run(process: SparkProcess, lake: Path, sql: str) -> Outcome:
    query = {"type": "SQLTransform", "name": "asked", "sql": sql, "outputView": "o"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "o", "outputURI": "out"}
    return run_here(process, [*BEFORE, query, save], lake)


AS_TEXT: dict[str, set[str]] = {
    "SELECT max(n) AS m FROM t": {"n"},
    "SELECT min(big) AS m FROM t": {"big"},
    "SELECT max(neg) AS m FROM t": {"neg"},
    "SELECT * FROM t ORDER BY n DESC LIMIT 1": {"n"},
    "SELECT count(*) AS c FROM t WHERE n > '9'": {"n"},
    "SELECT count(*) AS c FROM t WHERE n BETWEEN '5' AND '50'": {"n"},
    "SELECT count_if(n <= '50') AS c FROM t": {"n"},
    "SELECT greatest(n, same) AS g FROM t": {"n"},
    "SELECT count(*) AS c FROM t WHERE same > '9' OR same < '100' OR iso > '20'": {"same"},
    "SELECT id, row_number() OVER (ORDER BY n) AS r FROM t": {"n"},
    "SELECT id, max(n) OVER (PARTITION BY name) AS r FROM t": {"n"},
    "SELECT max_by(id, n) AS m FROM t": {"n"},
    "SELECT name FROM t WHERE n = (SELECT max(n) FROM t)": {"n"},
    "SELECT name FROM t GROUP BY name HAVING max(n) > '5'": {"n", "max(n)"},
    "WITH c AS (SELECT name, n AS m FROM t) SELECT max(m) AS m FROM c": {"m"},
    "SELECT x.n FROM t AS x JOIN t AS y ON x.n < y.n AND x.id <> y.id": {"n"},
    "SELECT max(n) AS m FROM t UNION ALL SELECT name FROM t": {"n"},
    "SELECT max(a.n) AS m FROM j": {"a.n"},
    "SELECT max(get_json_object(j, '$.n')) AS m FROM j": {"get_json_object(j, $.n)"},
    # What a schema calls text may be a proposal's doing; no code has decimals.
    "WITH c AS (SELECT n AS m FROM v) SELECT * FROM c ORDER BY m": {"m"},
    "SELECT max(n) AS m FROM v": {"n"},
}


def test_numbers_in_order_as_text_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, found in told_of(spark_process, lake, *AS_TEXT).items():
        rows = 2 if "FROM j" in sql else 3
        assert found == {(name, "numbers-by-letters", rows) for name in AS_TEXT[sql]}, sql


DATES_AS_TEXT: dict[str, str] = {
    "SELECT min(day) AS m FROM t": "day",
    "SELECT * FROM t ORDER BY clock": "clock",
    "SELECT * FROM t WHERE us > 'Feb 1, 2024'": "us",
    "SELECT max(date_format(at, 'dd/MM/yyyy')) AS m FROM v": "date_format(at, dd/MM/yyyy)",
    "SELECT min(day) AS m FROM v": "day",
    "SELECT id FROM v WHERE us > 'Feb 1, 2024'": "us",
    "SELECT id FROM t WHERE iso BETWEEN '2023-01-01' AND '2023-2-28'": "iso",
    "SELECT greatest(iso, '2023/10/01') AS g FROM t": "iso",
    "SELECT id FROM v WHERE date_format(at, 'yyyy-MM') BETWEEN '2024-1' AND '2024-12'": "date_format(at, yyyy-MM)",
}


def test_dates_in_order_as_text_are_told(spark_process: SparkProcess, lake: Path) -> None:
    expected = {sql: {(name, "dates-by-letters", 3)} for sql, name in DATES_AS_TEXT.items()}
    assert told_of(spark_process, lake, *DATES_AS_TEXT) == expected


DUE = ["03.05.2024", "16.06.2024", "1.7.2024", "open", "open", ""]
AMOUNTS = ["999,00", "2.493,77", "-1.114,58", "k. A.", "n/a"]
HOUSES = ["9", "10", "12a", "3b"]


@pytest.mark.parametrize(
    ("values", "kind", "rows"),
    [
        (DUE, "dates-by-letters", 3),
        (AMOUNTS, "numbers-by-letters", 3),
        (["9.5", "10.25", "-", "-"], "numbers-by-letters", 2),
        (HOUSES, "", 0),
        (["9", "10", "unknown"], "", 0),
        (["9/1/2024", "open", "open", "open"], "", 0),
        (["1.10.2", "1.9.3", "2.0.1"], "", 0),
    ],
)
@pytest.mark.parametrize("view", ["t", "v"])
def test_days_and_amounts_are_told_beside_other_words(
    spark_process: SparkProcess, tmp_path: Path, view: str, values: list[str], kind: str, rows: int
) -> None:
    (tmp_path / "t.csv").write_text("".join(f"{line}\n" for line in ["x;y", *(f"{value};1" for value in values)]))
    read = READ | {"delimiter": "Custom", "customDelimiter": ";"}
    typed = TYPED | {"schema": [{"name": name, "type": "string", "nullable": True} for name in ("x", "y")]}
    query = {"type": "SQLTransform", "name": "asked", "sql": f"SELECT y FROM {view} WHERE x > '1'", "outputView": "o"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "o", "outputURI": "out"}
    assert told(run_here(spark_process, [read, typed, query, save], tmp_path)) == ({("x", kind, rows)} if kind else set())


MEANT = [
    "SELECT max(name) AS a, max(code) AS b, min(item) AS c, max(iso) AS d, max(same) AS e FROM t",
    "SELECT * FROM t WHERE name > 'B' AND iso >= '2024-01' AND iso < '2024-02-01 10:00' AND same > '10' AND code > '5' "
    "ORDER BY name, code, item, iso, same",
    "SELECT max(CAST(n AS STRING)) AS m FROM t",
    "SELECT max(CAST(n AS DOUBLE)) AS m FROM t",
    "SELECT count(*) AS c FROM t WHERE id > 1",
    "SELECT max(id) AS a, min(code) AS b, min(iso) AS c, max(name) AS d FROM v",
    "SELECT * FROM v ORDER BY long, same, item",
    "SELECT max(n) AS m FROM t WHERE id = '1'",
]


def test_what_comes_out_right_or_as_meant_is_not_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run_each(spark_process, BEFORE, MEANT, lake).items():
        assert (outcome.result, told(outcome)) == ("succeeded", set()), sql


LAST_DAYS: dict[str, Found] = {
    "SELECT count(*) AS c FROM v WHERE at <= DATE'2024-01-31'": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at BETWEEN '2024-01-01' AND '2024-01-31'": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE DATE'2024-01-31' >= at": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at BETWEEN DATE'2024-01-01' AND last_day(DATE'2024-01-01')": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at <= last_day(at)": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at <= date_sub(DATE'2024-02-01', 1)": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at <= DATE'2023-12-31' + INTERVAL 1 MONTH": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at <= to_date('31.01.2024', 'dd.MM.yyyy')": {("at", "after-midnight", 1)},
    "SELECT count(*) AS c FROM v WHERE at <= current_date() - 1 OR at < last_day(at)": set(),
    "SELECT count(*) AS c FROM v WHERE at < DATE'2024-02-01' AND at <= TIMESTAMP'2024-01-31 23:00:00'": set(),
    "SELECT count(*) AS c FROM v WHERE CAST(at AS DATE) <= DATE'2024-01-31'": set(),
}


def test_the_last_day_that_ends_at_its_midnight_is_told(spark_process: SparkProcess, lake: Path) -> None:
    assert told_of(spark_process, lake, *LAST_DAYS) == LAST_DAYS


TIMES = "FROM VALUES (1704067200L), (1704067200000L), (253402300799L), (CAST(NULL AS BIGINT)) AS x(ms)"


OF_MILLISECONDS: dict[str, Found] = {
    f"SELECT CAST(ms AS TIMESTAMP) AS at {TIMES}": {("ms", "no-seconds", 1)},
    f"SELECT timestamp_seconds(ms) AS at {TIMES}": {("ms", "no-seconds", 1)},
    f"SELECT from_unixtime(ms) AS at {TIMES}": {("ms", "no-seconds", 1)},
    f"SELECT to_timestamp(ms) AS at {TIMES}": {("ms", "no-seconds", 1)},
    f"SELECT timestamp_seconds(CAST(ms AS DOUBLE)) AS at FROM (SELECT ms {TIMES})": {("ms", "no-seconds", 1)},
    f"SELECT year(CAST(d AS TIMESTAMP)) AS y, count(*) AS c FROM (SELECT CAST(ms AS DOUBLE) AS d {TIMES}) GROUP BY 1": {
        ("d", "no-seconds", 1)
    },
    f"SELECT timestamp_millis(ms) AS a, CAST(ms / 1000 AS TIMESTAMP) AS b {TIMES}": set(),
    f"SELECT CAST(ms AS TIMESTAMP) AS at, from_unixtime(ms) AS b {TIMES} WHERE ms < 1704067200000": set(),
}


def test_milliseconds_that_are_taken_for_seconds_are_told(spark_process: SparkProcess, lake: Path) -> None:
    assert told_of(spark_process, lake, *OF_MILLISECONDS) == OF_MILLISECONDS


OF_DIGITS: dict[str, Found] = {
    f"SELECT a / b AS q {DECIMALS}": {("(a / b)", "digits-cut", 1)},
    f"SELECT sum(a) / sum(b) AS q {DECIMALS}": {("(sum(a) / sum(b))", "digits-cut", 1)},
    "SELECT a * a AS p FROM VALUES (CAST('0.00001' AS DECIMAL(38,18))) AS x(a)": {("(a * a)", "digits-cut", 1)},
    f"SELECT a * b AS p {DECIMALS}": set(),
    f"SELECT a / b AS q, a * b AS p, sum(a) OVER () / b AS s {SMALL}": set(),
    f"SELECT CASE WHEN b <> 0 THEN a / (b - b + 1) END AS q {SMALL}": set(),
    "SELECT CASE WHEN b <> 0 THEN a / b END AS q FROM VALUES (CAST(1 AS DECIMAL(38,18)), CAST(0 AS DECIMAL(38,18))) AS x(a, b)": set(),
}


def test_digits_that_a_decimal_has_no_room_for_are_told(spark_process: SparkProcess, lake: Path) -> None:
    assert told_of(spark_process, lake, *OF_DIGITS) == OF_DIGITS


NOT_IN: dict[str, int] = {
    "SELECT count(*) AS c FROM t WHERE id NOT IN (SELECT nullif(id, '1') FROM t)": 1,
    "SELECT id FROM t WHERE NOT id IN (SELECT nullif(id, '1') FROM t UNION ALL SELECT NULL)": 2,
    "SELECT count(*) AS c FROM t WHERE id NOT IN (SELECT id FROM t WHERE id = '1')": 0,
    "SELECT count(*) AS c FROM t WHERE id IN (SELECT nullif(id, '1') FROM t)": 0,
    "SELECT count(*) AS c FROM t WHERE id NOT IN (SELECT nullif(id, '1') AS x FROM t WHERE nullif(id, '1') IS NOT NULL)": 0,
}


def test_a_missing_value_in_the_list_of_not_in_is_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, found in told_of(spark_process, lake, *NOT_IN).items():
        rows = NOT_IN[sql]
        assert {(kind, number) for _, kind, number in found} == ({("null-in-list", rows)} if rows else set()), sql


OF_KEYS: dict[str, Found] = {
    "SELECT k.k, w FROM k JOIN l ON k.k = l.k": {("k", "keys-differ", 2)},
    "SELECT k.k, w FROM k LEFT JOIN l USING (k)": {("k", "keys-differ", 2)},
    "SELECT l.k, v FROM l JOIN k ON l.k = k.k AND k.v > 0": {("k", "keys-differ", 2)},
    "SELECT a.k FROM k AS a JOIN k AS b ON a.k = b.k": set(),
    "SELECT k.k FROM k JOIN l ON trim(k.k) = l.k": {("trim(k)", "keys-differ", 1)},
    "SELECT k.k FROM k JOIN t ON k.v = t.id": set(),
}


def test_keys_that_only_look_the_same_are_told(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "k.csv").write_text("k,v\nAB,1\nCD ,2\nE\u0301,3\nGH,4\n")
    (lake / "l.csv").write_text("k,w\nAB,1\nCD,2\nÉ,3\nG H,4\n")
    reads = [READ | {"name": name, "inputURI": f"{name}.csv", "outputView": name} for name in ("k", "l")]
    found = run_each(spark_process, [READ, *reads], list(OF_KEYS), lake)
    assert {sql: told(outcome) for sql, outcome in found.items()} == OF_KEYS


TURNED: dict[str, Found] = {
    "SELECT code FROM t UNION ALL SELECT 5": {("code", "zeros-lost", 2)},
    "SELECT coalesce(code, 0) AS c FROM t": {("code", "zeros-lost", 2)},
    "SELECT CASE WHEN id = '1' THEN 0 ELSE code END AS c FROM t": {("code", "zeros-lost", 2)},
    "SELECT long FROM t UNION ALL SELECT 1.5D": {("long", "not-exact", 3)},
    "SELECT sum(long) AS s FROM t": {("long", "not-exact", 3)},
    "SELECT CAST(code AS INT) AS c FROM t UNION ALL SELECT 5": set(),
    "SELECT id FROM t UNION ALL SELECT 5": set(),
    "SELECT count(*) AS c FROM t WHERE code = 7": set(),
    "SELECT sum(n) AS s, avg(id) AS a FROM t": set(),
}


def test_text_that_turns_into_a_number_unasked_is_told_where_it_changes(spark_process: SparkProcess, lake: Path) -> None:
    assert told_of(spark_process, lake, *TURNED) == TURNED


ZONED = [
    {"name": "id", "type": "integer", "nullable": True},
    {"name": "at", "type": "timestamp", "nullable": True, "formatters": ["uuuu-MM-dd HH:mm:ss"]},
    {"name": "own", "type": "timestamp", "nullable": True, "formatters": ["uuuu-MM-dd'T'HH:mm:ssXXX"]},
]


BY_ZONE: dict[str, dict[str, Found]] = {
    "Europe/Berlin": {
        "SELECT CAST(at AS DATE) AS day, count(*) AS n FROM z GROUP BY 1": {("at", "zone-day", 1)},
        "SELECT date_trunc('MONTH', at) AS m, count(*) AS n FROM z GROUP BY ALL": {("at", "zone-day", 1)},
        "SELECT hour(at) AS h FROM z": {("at", "zone-hour", 2)},
        "SELECT date_format(at, 'yyyy-MM-dd') AS d FROM (SELECT id, at FROM z) AS y": {("at", "zone-day", 1)},
        "SELECT CAST(from_utc_timestamp(at, 'Europe/Berlin') AS DATE) AS day FROM z": set(),
        "SELECT max(at) AS m, date_trunc('MINUTE', at) AS n FROM z GROUP BY ALL": set(),
        "SELECT CAST(own AS DATE) AS day FROM z": {("own", "zone-text", 1)},
    },
    "America/New_York": {
        "SELECT year(at) AS y, datediff(at, DATE'2024-01-01') AS d FROM z": {("at", "zone-day", 1)},
    },
    "Africa/Abidjan": {
        "SELECT CAST(at AS DATE) AS day, hour(at) AS h FROM z": set(),
    },
    "UTC": {
        "SELECT CAST(at AS DATE) AS day, hour(at) AS h FROM z": set(),
        "SELECT hour(own) AS h, hour(at) AS i FROM z": {("own", "zone-text", 1)},
        "SELECT CAST(o AS DATE) AS d, count(*) AS n FROM (SELECT own AS o FROM z) GROUP BY 1": {("o", "zone-text", 1)},
        "SELECT hour(from_utc_timestamp(own, '+02:00')) AS h, max(own) OVER () AS m FROM z": set(),
    },
}


@pytest.mark.parametrize("zone", BY_ZONE)
def test_days_that_are_not_those_of_the_columns_zone_are_told(spark_process: SparkProcess, lake: Path, zone: str) -> None:
    (lake / "z.csv").write_text("id,at,own\n1,2024-03-31 00:30:00,2024-03-31T00:30:00+02:00\n2,2024-03-31 21:30:00,2024-03-31T21:30:00Z\n")
    columns = [ZONED[0], *({**column, "timezoneId": zone} for column in ZONED[1:])]
    typed = {"type": "TypingTransform", "name": "typed", "inputView": "texts", "outputView": "z", "schema": columns}
    found = run_each(spark_process, [READ | {"inputURI": "z.csv", "outputView": "texts"}, typed], list(BY_ZONE[zone]), lake)
    assert {sql: told(outcome) for sql, outcome in found.items()} == BY_ZONE[zone]


ODD: dict[str, Found] = {
    "SELECT sum(CAST(x AS DOUBLE)) AS s FROM odd": {("x", "odd-double", 5)},
    "SELECT sum(try_cast(x AS FLOAT)) AS s FROM odd": {("x", "odd-double", 5)},
    "SELECT x FROM odd WHERE x > 1.5": {("x", "odd-double", 5)},
    "SELECT x FROM odd WHERE coalesce(try_cast(x AS DECIMAL(9,2)), 0) > 1.5": set(),
    "SELECT sum(CAST(y AS DOUBLE)) AS s FROM odd": set(),
}


def test_text_that_is_a_number_to_spark_alone_is_told(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "odd.csv").write_text("x,y\n1d,1\n2.5F,1.5\nNaN,-2\n-Infinity,1e5\n7,.5\n-0x1p3,0\n")
    found = run_each(spark_process, [READ | {"inputURI": "odd.csv", "outputView": "odd"}], list(ODD), lake)
    assert {sql: told(outcome) for sql, outcome in found.items()} == ODD


OF_PARQUET: dict[str, Found] = {
    "SELECT count(*) AS c FROM p WHERE n > '9'": {("n", "numbers-by-letters", 3)},
    "SELECT count(*) AS c FROM p WHERE n BETWEEN '5' AND '50' AND id = '1'": {("n", "numbers-by-letters", 3)},
    "SELECT count(*) AS c FROM p WHERE iso > '2024' AND name > 'A' AND same < '50'": set(),
}


def test_numbers_of_parquet_compared_as_text_are_told(spark_process: SparkProcess, lake: Path) -> None:
    save = {"type": "ParquetLoad", "name": "save", "inputView": "t", "outputURI": "p"}
    read = {"type": "ParquetExtract", "name": "again", "inputURI": "p", "outputView": "p"}
    found = run_each(spark_process, [READ, save, read], list(OF_PARQUET), lake)
    assert {sql: told(outcome) for sql, outcome in found.items()} == OF_PARQUET


def test_what_a_check_cannot_decide_is_told(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "v.csv").write_text("x\n1\n2\nNULL\n")
    read = READ | {"name": "v", "inputURI": "v.csv", "outputView": "w", "nullValue": "NULL"}
    for words, expected in (("x > '0'", {("(x > 0)", "undecided", 1)}), ("x IS NOT NULL OR true", set())):
        sql = f"SELECT bool_and({words}) AS outcome, 'all above' AS message FROM w"
        outcome = run_here(spark_process, [read, {"type": "SQLValidate", "name": "check", "sql": sql}], lake)
        assert told(outcome) == expected


def test_what_a_condition_guards_is_not_worked_out_to_be_counted(spark_process: SparkProcess, lake: Path) -> None:
    guarded = "SELECT max(CASE WHEN name = 'Bob' THEN split(n, '[.]')[0] ELSE element_at(split(n, '[.]'), 1) END) AS m FROM t"
    assert run(spark_process, lake, guarded).result.startswith("succeeded")


def test_the_outputs_are_the_same_as_without_counting(spark_process: SparkProcess, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as parquet

    sql = "SELECT name, max(n) AS m, row_number() OVER (ORDER BY max(n), name) AS r FROM t WHERE n >= '1' GROUP BY name ORDER BY m"
    run(spark_process, lake, sql)
    counted = parquet.read_table(str(lake / "out")).to_pylist()
    monkeypatch.setattr("executor.running.context.counted", lambda spark, frame, **how: (frame, []))
    outcome = run(spark_process, lake, sql)
    assert (outcome.result, parquet.read_table(str(lake / "out")).to_pylist()) == ("succeeded", counted)


def hints(outcome: Outcome) -> list[dict[str, Any]]:
    return [hint for event in outcome.named("value_warnings") for hint in event["hints"]]


MENDED: dict[str, str | None] = {
    "SELECT max(n) AS m FROM t": "SELECT max(CAST(n AS DECIMAL(4, 1))) AS m FROM t",
    "SELECT t.id\nFROM t ORDER BY -- é\n t.neg": "SELECT t.id\nFROM t ORDER BY -- é\n CAST(t.neg AS BIGINT)",
    "SELECT min(big) AS m FROM t": None,
    "SELECT min(day) AS m FROM t": None,
}


def test_the_change_that_mends_it_comes_along(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run_each(spark_process, BEFORE, list(MENDED), lake).items():
        found = hints(outcome)
        assert [applied(sql, hint["edit"]) for hint in found] == ([MENDED[sql]] if MENDED[sql] else [])
        assert all(hint["found"] == sql[hint["edit"]["start"] : hint["edit"]["end"]] for hint in found)
    wanted = [sql for sql in MENDED.values() if sql]
    assert told_of(spark_process, lake, *wanted) == {sql: set() for sql in wanted}


STANDING = {
    "SELECT grp, avg(temp) AS a, sum(amt) AS s FROM t GROUP BY grp": {("temp", "stands-for-none", 2), ("amt", "stands-for-none", 1)},
    "SELECT id, avg(x) OVER (PARTITION BY grp) AS a FROM (SELECT id, grp, temp AS x FROM t)": {("x", "stands-for-none", 2)},
    "SELECT avg(datediff(d, DATE'2024-01-01')) AS a FROM t": {("d", "stands-for-none", 2)},
    "SELECT avg(datediff(CAST(d AS DATE), DATE'2024-01-01')) AS a FROM texts": {("d", "stands-for-none", 2)},
    "SELECT avg(datediff(nullif(CAST(d AS DATE), DATE'9999-12-31'), DATE'2024-01-01')) AS a FROM texts": set(),
    "SELECT avg(datediff(to_date(eu, 'dd.MM.yyyy'), DATE'2024-01-01')) AS a FROM texts": {("eu", "stands-for-none", 2)},
    "SELECT max(months_between(to_timestamp(eu, 'dd.MM.yyyy'), DATE'2024-01-01')) AS a FROM texts": {("eu", "stands-for-none", 2)},
    "SELECT avg(timestampdiff(DAY, DATE'2024-01-01', try_to_timestamp(eu, 'dd.MM.yyyy'))) AS a FROM texts": {("eu", "stands-for-none", 2)},
    "SELECT avg(datediff(to_date(nullif(eu, '31.12.9999'), 'dd.MM.yyyy'), DATE'2024-01-01')) AS a FROM texts": set(),
    "SELECT avg(to_number(temp, 'S999')) AS a, sum(try_to_number(amt, '9999999')) AS b FROM texts": {
        ("temp", "stands-for-none", 2),
        ("amt", "stands-for-none", 1),
    },
    "SELECT avg(nullif(temp, -999)) AS a, sum(id) AS i, sum(qty) AS q FROM t": set(),
    "SELECT stddev(temp) AS a, corr(id, temp) AS b FROM t": {("temp", "stands-for-none", 2)},
    "SELECT avg(temp * 1.8 + 32) AS a, median(amt) AS b FROM t": {("temp", "stands-for-none", 2), ("amt", "stands-for-none", 1)},
    "SELECT avg(CAST(temp AS INT)) AS a, sum(amt) AS b FROM texts": {("temp", "stands-for-none", 2), ("amt", "stands-for-none", 1)},
    "SELECT avg(CASE WHEN temp > -999 THEN temp * 2 END) AS a, max(temp) AS m, count(temp) AS n FROM t": set(),
    "SELECT count(note) AS n FROM texts": {("note", "null-read", 3)},
    "SELECT count(DISTINCT x) AS n FROM (SELECT note AS x FROM texts)": {("x", "null-read", 3)},
    "SELECT coalesce(note, '-') AS a FROM texts WHERE note IS NOT NULL": {("note", "null-read", 3)},
    "SELECT count(CAST(note AS STRING)) AS n, count(nullif(note, 'NULL')) AS o FROM texts": set(),
    "SELECT count(*) AS n FROM texts WHERE note IS NULL OR note IN ('NULL', '(null)')": set(),
    "SELECT count(note) AS n, count(named) AS o FROM t WHERE named IS NOT NULL": set(),
    "SELECT avg(temp) AS a, max(datediff(d, DATE'2024-01-01')) AS m FROM t WHERE temp > -900 AND d < DATE'2025-01-01'": set(),
    "SELECT avg(temp) AS a, sum(amt) AS s, sum(qty) AS q FROM records": {("temp", "stands-for-none", 2), ("amt", "stands-for-none", 1)},
    "SELECT avg(x) AS a FROM (SELECT inside.temp AS x FROM records)": {("x", "stands-for-none", 2)},
    "SELECT avg(CAST(word AS INT)) AS a FROM records": {("word", "stands-for-none", 2)},
    "SELECT avg(temp) AS a, sum(amt) AS s, sum(qty) AS q FROM stored": {("temp", "stands-for-none", 2), ("amt", "stands-for-none", 1)},
    "SELECT word FROM stored WHERE gain > 5": {("gain", "no-number", 1)},
    "SELECT count(x) AS n FROM (SELECT gain + 1 AS x FROM records)": {("x", "no-number", 1)},
    "SELECT word FROM stored ORDER BY gain DESC LIMIT 1": {("gain", "no-number", 1)},
    "SELECT sum(CASE WHEN 5 < gain THEN 1 ELSE 0 END) AS n FROM records": {("gain", "no-number", 1)},
    "SELECT max(nanvl(gain, NULL)) AS m, count(temp) AS n FROM stored WHERE temp > 5": set(),
    "SELECT count(gain) AS n FROM (SELECT gain FROM stored WHERE NOT isnan(gain) AND gain > 5)": set(),
    "SELECT word FROM records WHERE gain < 5": set(),
}


NOTES = {2: "NULL", 6: "\\N", 8: "(null)"}


def test_what_stands_for_no_value_is_told_where_it_is_taken_for_one(spark_process: SparkProcess, lake: Path) -> None:
    """A quantity of 9999 among thousands is none of them."""
    from pyarrow import Table, parquet

    days = ["9999-12-31" if n in (2, 4) else f"2024-01-{n + 1:02}" for n in range(20)]
    rows = [
        f"{n},{'ab'[n % 2]},{-999 if n in (3, 7) else 10 + n % 9},{9999999 if n == 1 else 20 + n},{days[n]},"
        f"{9999 if n == 5 else 3000 + n * 900},{NOTES.get(n, 'x')},{NOTES.get(n, 'x')},"
        f"{'.'.join(reversed(days[n].split('-')))}"
        for n in range(20)
    ]
    (lake / "s.csv").write_text("\n".join(["id,grp,temp,amt,d,qty,note,named,eu", *rows, ""]))
    cells = [row.split(",") for row in rows]
    records = [
        {
            "temp": float(one[2]),
            "amt": int(one[3]),
            "qty": int(one[5]),
            "inside": {"temp": int(one[2])},
            "word": one[2],
            "gain": nan if one[0] == "2" else 1.5 * int(one[0]),
        }
        for one in cells
    ]
    (lake / "s.jsonl").write_text("\n".join(map(json.dumps, records)))
    parquet.write_table(Table.from_pylist(records), lake / "s.parquet")
    types = {
        "id": "integer",
        "grp": "string",
        "temp": "double",
        "amt": "long",
        "d": "date",
        "qty": "integer",
        "note": "string",
        "named": "string",
        "eu": "string",
    }
    columns = [
        {"name": name, "type": kind, "nullable": True}
        | ({"formatters": ["uuuu-MM-dd"]} if kind == "date" else {})
        | ({"nullIsText": True} if name == "named" else {})
        for name, kind in types.items()
    ]
    read = READ | {"inputURI": "s.csv", "outputView": "texts"}
    typed = {"type": "TypingTransform", "name": "typed", "inputView": "texts", "outputView": "t", "schema": columns}
    records_read = {"type": "JSONExtract", "name": "records", "inputURI": "s.jsonl", "multiLine": False, "outputView": "records"}
    stored = {"type": "ParquetExtract", "name": "stored", "inputURI": "s.parquet", "outputView": "stored"}
    found = run_each(spark_process, [read, typed, records_read, stored], list(STANDING), lake)
    assert {sql: told(outcome) for sql, outcome in found.items()} == STANDING


def test_words_for_no_value_in_a_typed_text_are_told_unless_a_person_called_them_text(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "w.csv").write_text("note,named\nNULL,NULL\nx,x\n\\N,\\N\n(null),(null)\n")
    columns = [
        {"name": "note", "type": "string", "nullable": True},
        {"name": "named", "type": "string", "nullable": True, "nullIsText": True},
    ]
    typed = {"type": "TypingTransform", "name": "typed", "inputView": "texts", "outputView": "t", "schema": columns}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "t", "outputURI": "out"}
    outcome = run_here(spark_process, [READ | {"inputURI": "w.csv", "outputView": "texts"}, typed, save], lake)
    assert told(outcome) == {("note", "null-word", 3)}
