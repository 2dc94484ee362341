"""Spark's errors, as an analyst reads them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.gate.sql_gate import Gate
from executor.problems import Problem, ProblemError
from executor.spark.errors import problem_of, syntax_problem
from executor.spark.facts import facts_of
from executor.spark.origins import Origins
from executor.spark.sentences import column_in, words_for
from executor.stages import STAGE_TYPES
from tests.executor.running import run_here

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess

VIEWS = ["flights", "weather", "nested"]

ANALYSED: list[tuple[str, str, str | None, str | None, tuple[int, int] | None]] = [
    # SQL, code, a part of the fix, what was found, line and column
    ("SELECT orgin FROM flights", "column-unknown", "Did you mean “origin”?", "orgin", (1, 8)),
    ("SELECT origin,\n  delays\nFROM flights", "column-unknown", "Did you mean “delay”?", "delays", (2, 3)),
    ("SELECT origin FROM flights f WHERE w.origin = 'x'", "column-unknown", None, "w.origin", (1, 36)),
    ("SELECT f.orign FROM flights f", "column-unknown", "Did you mean “f.origin”?", "f.orign", (1, 8)),
    ("SELECT part.b FROM nested", "column-unknown", None, "b", (1, 8)),
    ("SELECT * FROM flights JOIN weather USING (orgin)", "column-unknown", "Did you mean “origin”?", "orgin", None),
    ("SELECT origin, FROM flights", "sql-syntax", "comma before FROM", ", FROM", None),
    ("SELECT origin FROM flights f JOIN weather w ON true", "column-ambiguous", "view's name before it", "origin", (1, 8)),
    ("SELECT origin, count(*) FROM flights", "missing-group-by", "GROUP BY", None, None),
    ("SELECT day, origin, sum(delay) FROM flights GROUP BY day", "missing-group-by", "GROUP BY", "origin", None),
    ("SELECT origin FROM flights WHERE sum(delay) > 1", "aggregate-in-where", "HAVING", None, None),
    ("SELECT delay + 1 > array(1) FROM flights", "type-mismatch", "CAST", None, None),
    ("SELECT sum(list) FROM nested", "type-mismatch", "LATERAL explode", None, None),
    ("SELECT upper(origin, 1) FROM flights", "wrong-arguments", "how the function is called", "2", None),
    ("SELECT origin FROM flights UNION ALL SELECT origin, delay FROM flights", "columns-do-not-fit", "same columns", "2", None),
    ("SELECT delay FROM flights WHERE origin = delay.x", "type-mismatch", "plain name", None, None),
    ("SELECT row_number() OVER () FROM flights", "window-order", "ORDER BY", None, None),
    ("SELECT origin FROM flights WHERE origin = 'a' COLLATE NOCASE", "collation-unknown", "lower(…)", None, None),
    ("SELECT DATE '05.02.2024' FROM flights", "sql-syntax", "DATE '2024-12-31'", "'05.02.2024'", (1, 8)),
    ("SELECT delay > 1e999 FROM flights", "sql-syntax", "as a text", "1e999", None),
]

RUN: list[tuple[str, str, str | None]] = [
    ("SELECT CAST(origin AS INT) FROM flights", "value-not-typed", "try_cast"),
    ("SELECT CAST(upper(origin) AS BIGINT) FROM flights", "value-not-typed", "try_cast"),
    ("SELECT delay * concat(delay, '.99') FROM flights", "value-not-typed", "AS DECIMAL"),
    ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t", "recursion-endless", "WHERE n < 10"),
    ("SELECT 1 / (delay - 5) FROM flights", "divide-by-zero", "try_divide"),
    ("SELECT delay % (delay - 5) FROM flights", "divide-by-zero", "try_divide"),
    ("SELECT CAST(delay AS INT) * 2147483647 FROM flights", "number-too-large", "wider type"),
    ("SELECT CAST(delay * 100 AS TINYINT) FROM flights", "number-too-large", "wider type"),
    ("SELECT to_date(origin, 'yyyy-MM-dd') FROM flights", "value-not-typed", "try_to_date"),
    ("SELECT array(1, 2)[delay] FROM flights", "no-such-element", "get("),
    ("SELECT element_at(array(1), delay) FROM flights", "no-such-element", "get("),
    ("SELECT (SELECT explode(array(1, 2))) FROM flights", "subquery-many-rows", "one row"),
    ("SELECT raise_error(concat('bad row ', origin)) FROM flights", "raised-by-query", None),
    ("SELECT from_json(origin, 'a INT', map('mode', 'FAILFAST')) FROM flights", "value-not-typed", "FAILFAST"),
    ("SELECT st_geomfromwkb(encode(substr(origin, 9), 'UTF-8')) FROM flights", "spark-error", None),
]


@pytest.fixture
def gate(spark: SparkSession) -> Gate:
    spark.sql("SELECT 'JFK' AS origin, 5 AS delay, DATE '2013-01-01' AS day").createOrReplaceTempView("flights")
    spark.sql("SELECT 'JFK' AS origin, 20.5 AS temp").createOrReplaceTempView("weather")
    spark.sql("SELECT array(1, 2) AS list, struct(1 AS a) AS part").createOrReplaceTempView("nested")
    return Gate(spark)


def refused(gate: Gate, sql: str) -> Problem:
    with pytest.raises(ProblemError) as raised:
        gate.query(sql, VIEWS)
    return raised.value.problems[0]


@pytest.mark.spark
def test_mistakes_in_sql_are_said_plainly_at_their_place(gate: Gate) -> None:
    for sql, code, fix, found, place in ANALYSED:
        problem = refused(gate, sql)
        assert problem.code == code, (sql, problem)
        assert fix is None or fix in (problem.fix or ""), (sql, problem)
        assert found is None or problem.found == found, (sql, problem)
        assert place is None or (problem.line, problem.column) == place, (sql, problem)
        assert "Exception" not in problem.message and "[" not in problem.message, (sql, problem)


@pytest.mark.spark
def test_mistakes_in_data_are_said_plainly(gate: Gate) -> None:
    for sql, code, fix in RUN:
        with pytest.raises(Exception) as raised:  # noqa: PT011 – pyspark has a class for each kind
            gate.query(sql, VIEWS).collect()
        error = raised.value
        problem = error.problems[0] if isinstance(error, ProblemError) else problem_of(error, sql=sql)
        assert problem.code == code, (sql, problem)
        assert fix is None or fix in (problem.fix or ""), (sql, problem)
        assert "Exception" not in problem.message, (sql, problem)
        assert code == "spark-error" or "SQLSTATE" not in problem.message, (sql, problem)


@pytest.mark.spark
def test_a_value_that_does_not_fit_names_column_and_value(gate: Gate) -> None:
    frame = gate.query("SELECT CAST(origin AS INT) AS n FROM flights", VIEWS)
    with pytest.raises(Exception) as raised:  # noqa: PT011
        frame.collect()
    problem = problem_of(raised.value, sql="SELECT CAST(origin AS INT) AS n FROM flights")
    assert (problem.data_column, problem.value, problem.line, problem.column) == ("origin", "JFK", 1, 8)
    assert problem.message == "A value in “origin” is not a valid int."
    assert "JFK" not in str(problem.without_data().as_dict())


@pytest.mark.spark
@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT CAST(300 AS TINYINT) AS t", 17),
        ("SELECT 'AS TINYINT' AS x, (delay * 100)::byte AS t FROM flights", 40),
        ("SELECT smallint(delay * 100000) AS t FROM flights", 8),
        ("SELECT CAST(CAST(delay * 1000L AS TINYINT) AS TINYINT) AS t FROM flights", None),
    ],
)
def test_a_number_too_large_for_a_type_is_told_at_the_stage_that_names_the_type(gate: Gate, sql: str, place: int | None) -> None:
    """Spark does not say where: it came to light in the load, and the load was blamed."""
    asks, other = (STAGE_TYPES["SQLTransform"].model_validate({"name": "q", "sql": text, "outputView": "q"}) for text in (sql, "SELECT 1"))
    origins = Origins()
    origins.asks("SELECT CAST(delay AS INT) FROM flights", 0, other, "sql")
    origins.asks(sql, 1, asks, "sql")
    with pytest.raises(Exception) as raised:  # noqa: PT011
        gate.query(sql, VIEWS).collect()
    problem = problem_of(raised.value, origins=origins)
    assert (problem.code, problem.stage_index, problem.field, problem.column) == ("number-too-large", 1, "sql", place)
    del origins.queries[sql]
    assert problem_of(raised.value, origins=origins).stage_index is None, "a query that does not name the type is none that did it"


@pytest.mark.spark
def test_what_is_too_large_without_a_place_is_told_at_the_only_query(gate: Gate) -> None:
    stages = [STAGE_TYPES["SQLTransform"].model_validate({"name": name, "sql": "SELECT 1", "outputView": name}) for name in "ab"]
    with pytest.raises(Exception) as raised:  # noqa: PT011
        gate.query("SELECT abs(CAST(delay - 133 AS TINYINT)) AS n FROM flights", VIEWS).collect()
    origins = Origins()
    for index, (stage, wanted) in enumerate(zip(stages, (0, None), strict=True)):
        origins.asks(f"SELECT {index}", index, stage, "sql")
        problem = problem_of(raised.value, origins=origins)
        assert (problem.code, problem.stage_index, problem.line) == ("number-too-large", wanted, None)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("sql", "message", "fix", "place"),
    [
        ("SELECT * FORM flights", "cannot be understood", "Did you mean FROM instead of “FORM”?", (1, 15)),
        ("SELCT * FROM flights", "cannot be understood", "Did you mean SELECT instead of “SELCT”?", (1, 1)),
        ("SELECT *\nFROM flights\nWHERE AND delay > 1", "cannot be understood", None, None),
        ("SELECT (1 + 2", "ends too early", None, None),
        ("SELECT count(* FROM flights", "cannot be understood", None, None),
    ],
)
def test_syntax_mistakes_name_the_place(gate: Gate, sql: str, message: str, fix: str | None, place: tuple[int, int] | None) -> None:
    (problem,) = gate.check(sql, VIEWS).problems
    assert problem.code == "sql-syntax" and message in problem.message, problem
    assert problem.line is not None and problem.fix
    assert fix is None or problem.fix == fix
    assert place is None or (problem.line, problem.column) == place


def test_a_name_with_a_dash_is_told_to_stand_in_back_ticks() -> None:
    problem = syntax_problem("INVALID_IDENTIFIER", {"ident": "my-view"}, "SELECT * FROM my-view", "sql", 1, 15)
    assert problem.fix == "Write `my-view`."


def test_an_error_that_is_in_no_table_keeps_sparks_first_line() -> None:
    facts = facts_of(RuntimeError("[SOME_NEW_CLASS] Something new happened. SQLSTATE: 00000\n\tat org.apache.spark.X"))
    words = words_for(facts, [])
    assert (words["code"], words["found"].text) == ("spark-error", "Something new happened.")
    assert "Something" not in words["message"]
    assert facts.detail and "\tat" not in facts.detail.text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("java.io.IOException: No space left on device", "disk-full"),
        ("java.lang.OutOfMemoryError: Java heap space", "out-of-memory"),
        ("java.lang.StackOverflowError", "sql-too-deep"),
        ("java.io.FileNotFoundException: /lake/x (Permission denied)", "not-permitted"),
        ("file:/lake/x.parquet is not a Parquet file. Expected magic number at tail", "input-broken"),
        ("java.util.zip.ZipException: invalid block type", "input-broken"),
    ],
)
def test_errors_of_the_system_are_named(message: str, code: str) -> None:
    assert problem_of(RuntimeError(message)).code == code


@pytest.mark.parametrize(
    ("fragment", "column"), [("CAST(a AS INT)", "a"), ("cast( `b c` as date )", None), ("f.x::int", "f.x"), ("1 + 1", None)]
)
def test_the_column_of_a_cast_is_found(fragment: str, column: str | None) -> None:
    assert column_in(fragment) == column


# --- files ------------------------------------------------------------------------------------------------------------------


def extract(kind: str, uri: str) -> dict[str, Any]:
    return {"type": kind, "name": "read", "inputURI": uri, "outputView": "v"} | ({"header": True} if kind == "DelimitedExtract" else {})


SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "v", "outputURI": "out/v"}


def broken_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-40])


def text_as_parquet(path: Path) -> None:
    path.write_text("a,b\n1,2\n")


def half_parquet(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"\x00" * 100)


def latin_1(path: Path) -> None:
    path.write_bytes("a,b\n1,Zürich\n".encode("latin-1"))


@pytest.mark.spark
@pytest.mark.parametrize(
    ("kind", "name", "make", "words"),
    [
        ("DelimitedExtract", "x.csv.gz", broken_gzip, "x.csv.gz"),
        ("ParquetExtract", "x.parquet", text_as_parquet, "not a Parquet file"),
        ("ParquetExtract", "x.parquet", half_parquet, "x.parquet"),
        ("DelimitedExtract", "x.csv", latin_1, "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    spark_process: SparkProcess, tmp_path: Path, kind: str, name: str, make: Any, words: str
) -> None:
    make(tmp_path / name)
    outcome = run_here(spark_process, [extract(kind, name), SAVE], tmp_path)
    assert outcome.result == "failed"
    assert words in outcome.problem["message"], outcome.problem
    assert outcome.problem["stage"] == "read" and outcome.problem["fix"]
    assert not (tmp_path / "out" / "v").exists()


@pytest.mark.spark
def test_a_disk_that_fills_while_writing_fails_the_run_and_publishes_nothing(spark_process: SparkProcess, tmp_path: Path) -> None:
    small = tmp_path / "out"
    small.mkdir()
    (tmp_path / "x.csv").write_text("a\n1\n")
    rows = {"type": "SQLTransform", "name": "many", "sql": "SELECT id, uuid() AS u FROM range(400000) CROSS JOIN v", "outputView": "many"}
    with mounted_small(small):
        outcome = run_here(spark_process, [extract("DelimitedExtract", "x.csv"), rows, SAVE | {"inputView": "many"}], tmp_path)
        assert outcome.result == "failed" and outcome.problem["code"] == "disk-full", outcome.problem
        assert list(small.iterdir()) == []


class mounted_small:
    """A file system of two megabytes at a folder; skips the test where nobody may mount."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        import subprocess

        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(self.folder)], capture_output=True)
        if made.returncode != 0:
            pytest.skip("mounting needs root")

    def __exit__(self, *error: object) -> None:
        import subprocess

        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("sql", "field", "found", "expected"),
    [
        ("SELECT day, origin, sum(delay) FROM flights GROUP BY day", "sql", "origin", None),
        ("SELECT substring(origin) FROM flights", "sql", "1", "2 or 3"),
        ("SELECT origin:k FROM flights", "sql", None, None),
        ("SELECT f.origin FROM flights f JOIN weather w ON origin = 'x'", "sql", "origin", "f.origin or w.origin"),
        ("SELECT origin FROM flights WHERE sum(delay) > 1", "sql", "sum(flights.delay)", None),
        ("WITH t AS (SELECT 1) INSERT INTO flights SELECT * FROM t", "sql", "WITH t AS (SELECT 1) INSERT INTO flights", "SELECT …"),
    ],
)
def test_what_is_told_is_plain_and_names_the_field(gate: Gate, sql: str, field: str, found: str, expected: str | None) -> None:
    with pytest.raises(ProblemError) as caught:
        gate.query(sql, VIEWS)
    problem = caught.value.problems[0]
    assert (problem.field, problem.found, problem.expected) == (field, found, expected)


@pytest.mark.spark
@pytest.mark.parametrize("parts", [3_000, 5_000])
def test_a_query_of_thousands_of_parts_is_told_so(gate: Gate, parts: int) -> None:
    with pytest.raises(ProblemError) as refused:
        gate.query(" UNION ALL ".join(["SELECT 1"] * parts), [])
    assert [problem.code for problem in refused.value.problems] == ["sql-too-deep"]
