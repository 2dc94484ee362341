"""Joins that multiply rows are told, with the key and an example; one row beside many, and what is meant, is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from executor.gate.sql_gate import Gate
from tests.executor.running import Outcome, run_each

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

FILES = {
    "flights": "id,dest,day,miles\n1,JFK,1,100\n2,JFK,2,100\n3,LAX,1,200\n4,ORD,1,300\n5,XXX,2,400\n6,,3,500\n",
    "airports": "code,name,kind\n,nowhere,old\n,none,old\nJFK,Kennedy,big\nLAX,Los Angeles,big\nORD,O'Hare,big\nJFK,Idlewild,old\n",
    "unique": "code,name\nJFK,Kennedy\nLAX,Los Angeles\nORD,O'Hare\n",
    "customers": "c,name,credit\n1,Ann,10\n2,Bob,20\n3,Cy,30\n",
    "orders": "o,c,amount\n1,1,5\n2,1,6\n3,2,7\n4,2,8\n",
    "sales": "id,item,day,n\n1,A,2024-01-05,2\n2,A,2024-01-10,3\n3,B,2024-02-01,4\n4,B,2025-01-01,5\n",
    "prices": "item,since,until,price\nA,2024-01-01,2024-01-10,1\nA,2024-01-10,2024-12-31,2\nB,2024-01-01,2024-12-31,3\n",
    "again": "c,tier\n1,gold\n2,tin\n3,tin\n3,gold\n",
}
READS = [
    {"type": "DelimitedExtract", "name": f"read_{name}", "inputURI": f"{name}.csv", "header": True, "outputView": name} for name in FILES
]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def run(process: SparkProcess, lake: Path, *queries: str) -> dict[str, Outcome]:
    return run_each(process, READS, queries, lake)


def told(outcome: Outcome) -> set[tuple[str, str, int]]:
    return {(count["column"], count["kind"], count["rows"]) for event in outcome.named("value_warnings") for count in event["counts"]}


JOINED = "FROM flights AS f JOIN airports AS a ON f.dest = a.code"


MULTIPLIED = [
    f"SELECT sum(f.miles) AS s {JOINED}",
    f"SELECT f.id, a.name {JOINED}",
    f"SELECT f.id, a.name {JOINED.replace('JOIN', 'LEFT JOIN')}",
    f"SELECT f.id, a.name {JOINED.replace('JOIN', 'RIGHT JOIN')}",
    f"SELECT f.id, a.name {JOINED.replace('JOIN', 'FULL JOIN')}",
    f"SELECT /*+ MERGE(a) */ f.id, a.name {JOINED}",
    f"SELECT /*+ SHUFFLE_HASH(a) */ f.id, a.name {JOINED}",
    f"SELECT /*+ BROADCAST(f) */ f.id, a.name {JOINED}",
    f"SELECT f.id {JOINED} WHERE f.miles > 50 AND a.name <> ''",
    "SELECT f.id, a.name FROM flights AS f, airports AS a WHERE a.code = f.dest",
    "WITH x AS (SELECT upper(code) AS u, name FROM airports) SELECT f.id, x.name FROM flights AS f JOIN x ON x.u = upper(f.dest)",
    f"SELECT count(*) AS n {JOINED} GROUP BY a.kind",
    f"SELECT s FROM (SELECT sum(f.miles) AS s {JOINED}) AS t WHERE s > 0",
    f"SELECT f.id {JOINED} UNION ALL SELECT id FROM flights",
    f"SELECT id FROM flights WHERE miles < (SELECT sum(f.miles) {JOINED})",
    f"SELECT count(DISTINCT a.name) AS n, sum(f.miles) AS s {JOINED}",
]


def test_rows_multiplied_by_a_key_that_both_sides_have_twice_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *MULTIPLIED).items():
        assert outcome.result == "succeeded_with_warnings"
        assert {(kind, rows) for _, kind, rows in told(outcome)} == {("rows-multiplied", 4)}, sql
        (event,) = outcome.named("value_warnings")
        assert "JFK" in event["names"][0]
        assert "2 × 2" in event["names"][0]
        assert "JFK" not in str(event["counts"])
        (hint,) = event["hints"]
        assert "JFK" in hint["value"]
        assert "JFK" not in hint["message"]


MEANT = [
    "SELECT sum(f.miles) AS s FROM flights AS f JOIN unique AS a ON f.dest = a.code",
    "SELECT f.id, a.name FROM unique AS a LEFT JOIN flights AS f ON f.dest = a.code",
    f"SELECT f.id, a.name {JOINED} AND a.kind = 'big'",
    f"SELECT f.id, a.name {JOINED} WHERE a.kind = 'big'",
    f"SELECT f.id, a.name {JOINED} WHERE f.dest = 'LAX'",
    f"SELECT DISTINCT f.dest, a.kind {JOINED}",
    f"SELECT a.kind, max(f.miles) AS m, count(DISTINCT f.id) AS n {JOINED} GROUP BY a.kind",
    f"SELECT * FROM (SELECT f.id, row_number() OVER (PARTITION BY f.id ORDER BY a.kind) AS r {JOINED}) AS t WHERE r = 1",
    "SELECT f.id, a.name FROM flights AS f CROSS JOIN airports AS a ON f.dest = a.code",
    "SELECT f.id FROM flights AS f WHERE f.dest IN (SELECT code FROM airports)",
    "SELECT f.id FROM flights AS f LEFT SEMI JOIN airports AS a ON f.dest = a.code",
    "SELECT a.id, b.id AS other FROM flights AS a JOIN flights AS b ON a.dest = b.dest AND a.id < b.id",
    "SELECT c.name, sum(o.amount) AS s FROM customers AS c LEFT JOIN orders AS o ON o.c = c.c GROUP BY c.name",
    "SELECT c.name, o.amount FROM customers AS c JOIN orders AS o ON o.c = c.c",
    "SELECT c.name, count(o.o) AS n FROM customers AS c LEFT JOIN orders AS o USING (c) GROUP BY c.name",
    "SELECT sum(c.credit) AS s FROM orders AS o JOIN customers AS c ON o.c = c.c",
    "SELECT sum(c.credit) AS s FROM customers AS c JOIN orders AS o ON o.c = c.c",
    "SELECT sum(CAST(c.credit AS INT) * CAST(o.amount AS INT)) AS s, sum(o.amount) AS a FROM customers AS c JOIN orders AS o ON o.c = c.c",
    "SELECT f.id FROM flights AS f JOIN (SELECT code, max(name) AS name FROM airports GROUP BY code) AS a ON f.dest = a.code",
]


def test_what_multiplies_nothing_or_is_meant_is_not_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *MEANT).items():
        assert (outcome.result, told(outcome)) == ("succeeded", set()), sql


REPEATED: dict[str, int] = {
    "SELECT sum(c.credit) AS s FROM customers AS c LEFT JOIN orders AS o ON o.c = c.c": 4,
    "SELECT a.tier, sum(c.credit) AS s FROM customers AS c JOIN again AS a ON a.c = c.c GROUP BY a.tier": 2,
    "SELECT avg(c.credit) AS s FROM customers AS c JOIN again AS a USING (c)": 2,
    "SELECT sum(c.credit) AS s, sum(o.amount) AS a FROM customers AS c JOIN orders AS o USING (c)": 4,
    "SELECT c.name, avg(c.credit) AS s, sum(a.c) AS n FROM customers AS c JOIN again AS a USING (c) WHERE a.c > 2 GROUP BY 1": 2,
}


def test_numbers_of_the_left_side_that_are_added_several_times_are_told(spark_process: SparkProcess, lake: Path) -> None:
    found = {sql: told(outcome) for sql, outcome in run(spark_process, lake, *REPEATED).items()}
    assert found == {sql: {("c", "rows-repeated", rows)} for sql, rows in REPEATED.items()}


def test_a_join_of_the_same_columns_that_is_right_hides_no_other(spark_process: SparkProcess, lake: Path) -> None:
    """Both have the same views and columns; the right one makes more rows, and comes before or behind."""
    wrong = f"SELECT f.id, a.name {JOINED} WHERE f.id < 3"
    right = "SELECT f.id, a.name FROM flights AS f LEFT JOIN (SELECT * FROM airports WHERE kind = 'big') AS a ON f.dest = a.code"

    for queries in ([wrong, right], [right, wrong]):
        outcomes = run(spark_process, lake, *queries)
        assert {(kind, rows) for _, kind, rows in told(outcomes[wrong])} == {("rows-multiplied", 4)}, queries
        assert told(outcomes[right]) == set(), queries


def test_a_join_is_told_once_at_its_own_stage(spark_process: SparkProcess, lake: Path) -> None:
    joined, *after = f"SELECT f.id, f.miles {JOINED}", "SELECT sum(miles) AS s FROM q0", "SELECT * FROM q1 WHERE s > 0"
    outcomes = run(spark_process, lake, joined, *after)
    assert told(outcomes[joined]) and not any(told(outcomes[sql]) for sql in after)


PAIRS: dict[str, str] = {
    "SELECT f.id, c.name FROM flights AS f, customers AS c": "“f” and “c”",
    "SELECT f.id, c.name FROM flights AS f JOIN customers AS c WHERE f.miles > 100": "“f” and “c”",
    "SELECT count(*) AS n FROM flights, unique, customers WHERE flights.dest = unique.code": "“flights” and “customers”",
    "WITH x AS (SELECT o.o FROM orders AS o, customers AS c) SELECT * FROM x": "“o” and “c”",
}


def test_views_without_a_condition_between_them_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *PAIRS).items():
        (warning,) = [one for event in outcome.named("stage_finished") for one in event.get("details", {}).get("warnings", [])]
        assert warning["code"] == "rows-each-with-each"
        assert PAIRS[sql] in warning["message"]


PAIRS_MEANT = [
    "SELECT f.id, c.name FROM flights AS f CROSS JOIN customers AS c",
    "SELECT f.id, c.name FROM flights AS f JOIN customers AS c ON true",
    "SELECT f.id, m.most FROM flights AS f, (SELECT max(miles) AS most FROM flights) AS m",
    "SELECT f.id, v.x FROM flights AS f, VALUES (1), (2) AS v(x)",
    "SELECT f.id, e.x FROM flights AS f, LATERAL explode(array(1, 2)) AS e(x)",
    "SELECT a.name FROM customers AS a, customers AS b WHERE a.c <> b.c",
    "SELECT u.name FROM flights AS f, unique AS u, customers AS c WHERE f.dest = u.code AND c.c = f.id",
    "SELECT f.id, u.name FROM flights AS f LEFT JOIN unique AS u ON f.dest = u.code WHERE u.name = 'Kennedy'",
]


def test_pairs_that_are_meant_are_not_told(spark_process: SparkProcess, lake: Path) -> None:
    """Nor is a LEFT JOIN that a condition makes a JOIN, but in the log."""
    outcomes = run(spark_process, lake, *PAIRS_MEANT)
    assert {outcome.result for outcome in outcomes.values()} == {"succeeded"}
    assert "“u.name”" in "".join(event["message"] for event in outcomes[PAIRS_MEANT[-1]].named("log"))


PRICED = "FROM sales AS s JOIN prices AS p ON s.item = p.item AND s.day"


OVERLAPPING: dict[str, int] = {
    f"SELECT s.id, p.price {PRICED} BETWEEN p.since AND p.until": 1,
    f"SELECT sum(CAST(s.n AS INT) * CAST(p.price AS INT)) AS x {PRICED} >= p.since AND p.until >= s.day": 1,
    f"SELECT s.id, p.price {PRICED.replace('JOIN', 'LEFT JOIN')} BETWEEN p.since AND p.until": 1,
    "SELECT s.id, p.price FROM sales AS s, prices AS p WHERE s.day BETWEEN p.since AND p.until AND p.item = s.item": 1,
    "SELECT s.id, p.price FROM sales AS s JOIN prices AS p ON s.day BETWEEN p.since AND p.until": 3,
    "SELECT s.id, p.price FROM prices AS p RIGHT JOIN sales AS s ON s.day BETWEEN p.since AND p.until AND s.item = p.item": 1,
}


def test_values_in_several_ranges_are_told(spark_process: SparkProcess, lake: Path) -> None:
    for sql, outcome in run(spark_process, lake, *OVERLAPPING).items():
        assert told(outcome) == {("day in since, until", "ranges-overlap", OVERLAPPING[sql])}, sql
        (event,) = outcome.named("value_warnings")
        assert "2024-01-10" in event["names"][0]
        assert "2024" not in str(event["counts"]) + event["hints"][0]["message"]


RANGES_MEANT = [
    f"SELECT s.id, p.price {PRICED} >= p.since AND s.day < p.until",
    f"SELECT s.id, p.price {PRICED.replace('JOIN', 'CROSS JOIN')} BETWEEN p.since AND p.until",
    "SELECT s.day, count(*) AS n FROM sales AS s JOIN prices AS p ON s.day BETWEEN p.since AND p.until GROUP BY s.day",
    "SELECT s.day, p.item FROM sales AS s JOIN prices AS p ON s.day BETWEEN p.since AND p.until",
    f"SELECT s.id, max(p.price) AS price {PRICED} BETWEEN p.since AND p.until GROUP BY s.id",
    "SELECT a.id, b.id AS other FROM sales AS a JOIN sales AS b ON a.item = b.item AND a.day <= b.day",
]


def test_ranges_that_are_apart_or_meant_to_be_many_are_not_told(spark_process: SparkProcess, lake: Path) -> None:
    assert {sql: told(outcome) for sql, outcome in run(spark_process, lake, *RANGES_MEANT).items()} == {sql: set() for sql in RANGES_MEANT}


def test_a_join_that_makes_more_rows_is_noted_in_the_log(spark_process: SparkProcess, lake: Path) -> None:
    sql = "SELECT c.name, a.tier FROM customers AS c LEFT JOIN again AS a ON a.c = c.c"
    outcome = run(spark_process, lake, sql)[sql]
    (note,) = [event for event in outcome.named("log") if event["message"].startswith("Join on")]
    assert outcome.result == "succeeded"
    assert note["level"] == "info"
    assert "3 rows on the left side, and 4 come out" in note["message"]


LEFT_B = "SELECT * FROM a LEFT JOIN b ON a.k = b.k"


@pytest.mark.parametrize(
    ("told", "queries"),
    [
        (
            [("LEFT", "b", "x")],
            [
                f"{LEFT_B} WHERE b.x = 1",
                f"{LEFT_B} WHERE x > 1 AND y > 1",
                f"{LEFT_B} WHERE y = 1 AND (b.x = 1 OR b.x = 2)",
                f"{LEFT_B} WHERE x BETWEEN 1 AND 2",
                f"{LEFT_B} WHERE NOT x IN (1, 2)",
                f"{LEFT_B} WHERE x <> y",
                f"{LEFT_B} WHERE lower(x) ILIKE 'a%'",
                f"{LEFT_B} JOIN c ON c.z = b.x",
                f"SELECT * FROM ({LEFT_B}) AS s WHERE x = 1".replace("*", "y, x"),
                f"{LEFT_B} LEFT JOIN c ON c.k = a.k WHERE b.x = 1 AND (c.z IS NULL OR c.z > 1)",
                "SELECT sum(y) FROM a LEFT JOIN b USING (k) WHERE x = 1 GROUP BY a.k",
                "SELECT k FROM a WHERE k IN (SELECT a.k FROM a LEFT JOIN b USING (k) WHERE x = 1)",
                "SELECT * FROM a LEFT JOIN (SELECT k, max(x) AS x FROM b GROUP BY k) AS b ON a.k = b.k WHERE b.x = 1",
            ],
        ),
        ([("RIGHT", "a", "y")], ["SELECT * FROM a RIGHT JOIN b ON a.k = b.k WHERE a.y = 1"]),
        ([("FULL", "b", "x")], ["SELECT * FROM a FULL JOIN b ON a.k = b.k WHERE b.x = 1"]),
        (
            [],
            [
                LEFT_B,
                f"{LEFT_B} WHERE b.k IS NULL",
                f"{LEFT_B} WHERE b.k IS NULL AND y = 1",
                f"{LEFT_B} WHERE b.k IS NOT NULL AND b.x = 1",
                f"{LEFT_B} WHERE coalesce(b.x, 0) > 0",
                f"{LEFT_B} WHERE ifnull(b.x, 0) > 0",
                f"{LEFT_B} WHERE nvl2(b.x, 1, 0) = 1",
                f"{LEFT_B} WHERE b.x = 1 OR b.x IS NULL",
                f"{LEFT_B} WHERE b.x <=> 1",
                f"{LEFT_B} WHERE CASE WHEN b.x = 1 THEN true ELSE false END",
                f"{LEFT_B} WHERE b.x = 1 OR y = 1",
                f"{LEFT_B} WHERE a.k = 1",
                f"{LEFT_B} AND b.x = 1",
                f"{LEFT_B} LEFT JOIN c ON c.z = b.x",
                f"{LEFT_B} WHERE x IN (SELECT z FROM c) OR y = 1",
                "SELECT y, count(x) FROM a LEFT JOIN b USING (k) GROUP BY y HAVING count(x) > 1",
                "SELECT * FROM a JOIN b ON a.k = b.k WHERE b.x = 1",
                "SELECT * FROM (SELECT y, coalesce(x, 0) AS x FROM a LEFT JOIN b USING (k)) AS s WHERE x = 1",
            ],
        ),
    ],
)
def test_an_outer_join_that_a_condition_undoes_is_known(
    spark_process: SparkProcess, told: list[tuple[str, str, str]], queries: list[str]
) -> None:
    gate = Gate(spark_process.session)
    for name, columns in (("a", "k, y"), ("b", "k, x"), ("c", "k, z")):
        spark_process.session.sql(
            f"SELECT {columns.replace(', ', ', id AS ')} FROM range(2) AS t (id)".replace("k,", "id AS k,")
        ).createOrReplaceTempView(name)
    found = {query: gate.undone(gate.query(query, ["a", "b", "c"])) for query in queries}
    assert found == dict.fromkeys(queries, told)


def test_exact_numbers_that_are_compared_as_doubles_are_known(spark_process: SparkProcess) -> None:
    gate = Gate(spark_process.session)
    columns = "CAST(1 AS decimal(20,0)) AS big, CAST(1 AS decimal(9,2)) AS small, id, rand() AS x, '1' AS t"
    spark_process.session.sql(f"SELECT {columns} FROM range(2)").createOrReplaceTempView("numbers")  # noqa: S608 - names of ours
    told = {
        "big = '1'": [("big", "decimal(20,0)", True)],
        "big IN ('1', '2')": [("big", "decimal(20,0)", True)],
        "big > t": [("big", "decimal(20,0)", True)],
        "big = x": [("big", "decimal(20,0)", False)],
        "id = x": [("id", "bigint", False)],
        "EXISTS (SELECT 1 FROM numbers AS n WHERE n.big = '1')": [("big", "decimal(20,0)", True)],
    }
    quiet = [
        "big = 1",
        "big > x",
        "id > x",
        "id = '1'",
        "id = 1e3",
        "small = '1'",
        "CAST(big AS double) = x",
        "big = CAST('1' AS decimal(20,0))",
    ]
    expected = told | dict.fromkeys(quiet, [])
    asked = {one: gate.query(f"SELECT * FROM numbers WHERE {one}", ["numbers"]) for one in expected}  # noqa: S608 - through the gate
    assert {one: gate.as_doubles(frame) for one, frame in asked.items()} == expected
