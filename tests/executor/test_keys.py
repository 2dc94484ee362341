"""Keys that are one number, or one word, and are written in two ways make two groups: told, with both; codes are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import Outcome, run_each, told

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ROWS = (
    "id,k,zip,month,code,word,v\n1,1,01234,01,007,AB,1.0\n2,1.0,10001,10,1234,AB ,1.5\n3,2,10002,12,0,CD,2.0\n"
    "4,01,00501,02,12,EF,2.5\n5, 3,99999,11,0900,GH,10.0\n6,,1000,09,1030,,3.5\n"
)
OTHER = "k,zip,code\n1,1234,7\n2,10001,12\n3,501,900\n"
READS = [{"type": "DelimitedExtract", "name": name, "inputURI": f"{name}.csv", "header": True, "outputView": name} for name in ("t", "u")]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(ROWS)
    (tmp_path / "u.csv").write_text(OTHER)
    return tmp_path


def run(process: SparkProcess, lake: Path, *queries: str) -> dict[str, Outcome]:
    return run_each(process, READS, queries, lake)


WRITTEN_TWICE: dict[str, tuple[str, int]] = {
    "SELECT k, count(*) AS n FROM t GROUP BY k": ("k, for instance “01” and “1.0”", 3),
    "SELECT DISTINCT k FROM t": ("k, for instance “01” and “1.0”", 3),
    "SELECT k FROM t UNION SELECT k FROM u": ("k, for instance “01” and “1.0”", 5),
    "SELECT word, count(*) AS n FROM t GROUP BY word": ("word, for instance “AB” and “AB ”", 2),
    "SELECT count(DISTINCT k) AS n FROM t": ("k, for instance “01” and “1.0”", 3),
    "SELECT id, row_number() OVER (PARTITION BY k ORDER BY CAST(id AS INT)) AS r FROM t": ("k, for instance “01” and “1.0”", 3),
    "SELECT m, sum(n) AS n FROM (SELECT k AS m, 1 AS n FROM t) AS x GROUP BY m": ("m, for instance “01” and “1.0”", 3),
    "SELECT grouping(k) AS g, k, zip, count(*) AS n FROM t GROUP BY GROUPING SETS ((k), (zip))": ("k, for instance “01” and “1.0”", 3),
}


def test_keys_written_in_two_ways_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *WRITTEN_TWICE).items():
        name, keys = WRITTEN_TWICE[sql]
        assert told(outcome) == {(name, "written-two-ways", keys)}, sql
        assert not any("“" in str(count) for event in outcome.named("value_warnings") for count in event["counts"])


NEARLY: dict[str, tuple[str, int]] = {
    "SELECT id FROM t WHERE word = 'AB'": ("word", 1),
    "SELECT id FROM t WHERE 'AB' = word": ("word", 1),
    "SELECT id FROM t WHERE word IN ('CD', 'AB') OR id = '9'": ("word", 1),
    "SELECT id FROM t WHERE k = '1'": ("k", 2),
    "SELECT count_if(k <> '1') AS n FROM t": ("k", 2),
    "SELECT CASE WHEN k = '3' THEN 1 END AS n FROM t": ("k", 1),
    "SELECT id FROM t WHERE word = 'cd'": ("word", 1),
    "SELECT max(word) = 'ef' AS n, 'x' AS m FROM t WHERE id = '4'": ("max(word)", 1),
    "SELECT id FROM (SELECT id, '2024-01-0' || id AS day FROM t) WHERE day = '2024-1-2'": ("day", 1),
    "SELECT id FROM (SELECT id, '2024-01-0' || id AS day FROM t) WHERE day IN ('02.01.2024', '2023-01-02')": ("day", 1),
    "SELECT id FROM (SELECT id, '2024-01-0' || id AS day FROM t) WHERE day = '01/02/2024'": ("day", 1),
}


def test_rows_that_a_comparison_nearly_finds_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *NEARLY).items():
        name, rows = NEARLY[sql]
        assert {one for one in told(outcome) if one[1] != "missing-left-out"} == {(name, "nearly-sought", rows)}, sql


MEANT = [
    "SELECT id FROM t WHERE word = 'A B' OR month = '10' OR code = '1030' OR v = '9.5'",
    "SELECT id FROM t WHERE trim(word) = 'AB' OR k = 1",
    "SELECT zip, month, code, v, count(*) AS n FROM t GROUP BY zip, month, code, v",
    "SELECT DISTINCT CAST(k AS STRING) AS k FROM t",
    "SELECT CAST(k AS DOUBLE) AS k, count(*) AS n FROM t WHERE k IS NOT NULL GROUP BY 1",
    "SELECT trim(word) AS w, count(*) AS n FROM t GROUP BY trim(word)",
    "SELECT DISTINCT k FROM u",
    "SELECT t.id FROM t JOIN u ON CAST(t.k AS DOUBLE) = CAST(u.k AS DOUBLE) AND t.id = '1'",
    "SELECT t.id FROM t AS t JOIN t AS u ON t.zip = u.zip",
]


def test_codes_and_what_is_said_are_left_alone(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *MEANT).items():
        assert (outcome.result, told(outcome)) == ("succeeded", set()), sql


def test_numbers_that_the_other_side_of_a_join_writes_otherwise_are_told(spark_process: SparkProcess, lake: Path) -> None:
    zips, codes = "SELECT t.id FROM t LEFT JOIN u ON t.zip = u.zip", "SELECT u.k FROM u LEFT JOIN t ON t.code = u.code"
    outcomes = run(spark_process, lake, zips, codes)
    assert told(outcomes[zips]) == {("zip", "numbers-differ", 2)}
    assert told(outcomes[codes]) == {("code", "numbers-differ", 2)}


LOOK_ALIKE: dict[str, int] = {
    "SELECT a.id FROM {a} AS a LEFT JOIN {b} AS b ON a.city = b.city": 4,
    "SELECT a.id FROM {a} AS a, {b} AS b WHERE b.city = a.city": 4,
    "SELECT a.id FROM {a} AS a WHERE a.city IN (SELECT city FROM {b})": 4,
    "SELECT a.id FROM {a} AS a WHERE NOT EXISTS (SELECT 1 FROM {b} AS b WHERE b.city = a.city)": 4,
    "SELECT a.id, (SELECT max(b.id) FROM {b} AS b WHERE a.city = b.city) AS other FROM {a} AS a": 4,
    "SELECT a.id FROM {a} AS a JOIN {b} AS b ON lower(trim(a.city)) = lower(b.city)": 2,
    "SELECT a.id FROM {a} AS a JOIN {b} AS b ON a.id = b.id": 0,
}


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_keys_that_look_like_one_of_the_other_side_and_meet_none_are_told(spark_process: SparkProcess, tmp_path: Path, kind: str) -> None:
    (tmp_path / "cities.csv").write_text("id,city\n1,Berlin\n2,berlin\n3,Rome\u00a0\n4,Besanc\u0327on\n5,PARIS\n6,Oslo\n")
    (tmp_path / "known.csv").write_text("id,city\n1,Berlin\n2,Paris\n3,Rome\n4,Besan\u00e7on\n5,Bonn\n6,Bern\n")
    stages: list[dict[str, Any]] = [READS[0] | {"name": n, "inputURI": f"{n}.csv", "outputView": n} for n in ("cities", "known")]
    names = {"a": "cities", "b": "known"}
    if kind == "Parquet":
        for name in ("cities", "known"):
            stages.append({"type": "ParquetLoad", "name": f"{name}_out", "inputView": name, "outputURI": f"p_{name}"})
            stages.append({"type": "ParquetExtract", "name": f"{name}_in", "inputURI": f"p_{name}", "outputView": f"p_{name}"})
        names = {"a": "p_cities", "b": "p_known"}
    expected = {sql.format(**names): rows for sql, rows in LOOK_ALIKE.items()}
    for sql, outcome in run_each(spark_process, stages, list(expected), tmp_path).items():
        found = {count["rows"] for event in outcome.named("value_warnings") for count in event["counts"]}
        assert found == ({expected[sql]} if expected[sql] else set()), sql


def test_codes_with_blanks_around_them_make_two_groups(spark_process: SparkProcess, tmp_path: Path) -> None:
    """Of columns that a schema calls text: codes that differ in capitals alone are meant, blanks are not."""
    (tmp_path / "t.csv").write_text("code,short,mixed\nA1,B,x1\nA1 ,B ,X1\nA2,C,x2\n")
    columns = [{"name": name, "type": "string", "nullable": True} for name in ("code", "short", "mixed")]
    stages: list[dict[str, Any]] = [
        READS[0],
        {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "typed", "schema": columns},
    ]
    queries = [f"SELECT {name}, count(*) AS n FROM typed GROUP BY {name}" for name in ("code", "short", "mixed")]
    found = [told(outcome) for outcome in run_each(spark_process, stages, queries, tmp_path).values()]
    assert found == [
        {("code, for instance “A1” and “A1 ”", "word-two-ways", 2)},
        {("short, for instance “B” and “B ”", "word-two-ways", 2)},
        set(),
    ]


TOLD_APART = [
    "SELECT id, k, word, count(*) AS n FROM numbered GROUP BY id, k, word",
    "SELECT n.k, n.id AS nr, sum(u.k) AS s FROM numbered AS n LEFT JOIN u ON n.code = u.code WHERE n.id > 1 GROUP BY n.k, n.id",
    "SELECT DISTINCT word, id FROM (SELECT id, word FROM numbered ORDER BY id)",
    "SELECT code, row_number() OVER (PARTITION BY k, id ORDER BY code) AS r FROM numbered",
    "SELECT id, count(DISTINCT word) AS n FROM numbered GROUP BY id",
]
PARTED: list[str] = [
    "SELECT id, k FROM twice GROUP BY id, k",  # the id stands for several rows
    "SELECT v, k FROM (SELECT CAST(v AS DOUBLE) AS v, k FROM numbered) GROUP BY v, k",  # a measure is no id
    "SELECT u.id, n.k FROM numbered AS n CROSS JOIN numbered AS u WHERE u.id = 1 GROUP BY u.id, n.k",  # the id of other rows
    "SELECT id, k FROM (SELECT id, k FROM numbered UNION ALL SELECT 1, '1' FROM u) GROUP BY id, k",
    "SELECT id + 1 AS id, k FROM numbered GROUP BY id + 1, k",  # made by the query: what it may bring together is not looked at
    "SELECT id, k, count(*) AS n FROM numbered GROUP BY GROUPING SETS ((k), (id))",
]


def test_keys_beside_the_id_of_their_rows_part_no_group(spark_process: SparkProcess, lake: Path) -> None:
    numbered = "SELECT CAST(id AS INT) AS id, k, code, word, v FROM t"
    twice = "SELECT CAST(id AS INT) % 3 AS id, k FROM t"
    made = [{"type": "SQLTransform", "name": n, "sql": sql, "outputView": n} for n, sql in (("numbered", numbered), ("twice", twice))]
    outcomes = run_each(spark_process, [*READS, *made], [*TOLD_APART, *PARTED], lake)
    kinds = {sql: {kind for _, kind, _ in told(outcome)} & {"written-two-ways", "word-two-ways"} for sql, outcome in outcomes.items()}
    assert kinds == dict.fromkeys(TOLD_APART, set()) | dict.fromkeys(PARTED, {"written-two-ways"})
