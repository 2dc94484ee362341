"""Nothing that Spark, a file or a row says reaches people who may not see data, whatever goes wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.gate.sql_gate import Gate
from executor.problems import Foreign, Problem, ProblemError
from executor.spark.errors import problem_of
from executor.spark.origins import Origins
from executor.spark.sentences import NAMES, Sentence
from executor.stages import STAGE_TYPES
from portal.runs.log_lines import HIDDEN, without_values
from portal.runs.problems import hidden
from tests.executor.failing_sql import CANARY, FAILING, NUMBER, VIEW
from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess

SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "v", "outputURI": "out/v"}


def shows_data(text: str) -> bool:
    return CANARY in text or str(NUMBER) in text


def failure(gate: Gate, sql: str) -> Problem | None:
    """The problem of a query that is run to its end; None when it gives rows."""
    try:
        gate.query(sql, ["t"]).collect()
    except Exception as error:  # noqa: BLE001 – pyspark has a class for each kind
        return error.problems[0] if isinstance(error, ProblemError) else problem_of(error, sql=sql)
    return None


@pytest.mark.spark
def test_no_error_of_spark_tells_a_value_to_people_without_data_rights(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql(VIEW).write.parquet(str(tmp_path / "t"))
    spark.read.parquet(str(tmp_path / "t")).createOrReplaceTempView("t")
    gate = Gate(spark)
    failed = quoted = 0
    for expression in FAILING:
        sql = f"SELECT {expression} AS x FROM t"
        problem = failure(gate, sql)
        if problem is None:
            continue
        failed += 1
        quoted += shows_data(json.dumps(problem.as_dict()).replace(json.dumps(sql)[1:-1], ""))
        document = json.dumps({"stages": [{"type": "SQLTransform", "name": "a", "sql": sql.replace(str(NUMBER), "")}]})
        for seen in (problem.without_data(), hidden(problem.as_dict(), document)):
            text = json.dumps(seen.as_dict()).replace(sql, "")
            assert CANARY not in text and (str(NUMBER) in expression or str(NUMBER) not in text), (expression, seen)
        assert problem.fix and "Exception" not in problem.message and "[" not in problem.message, (expression, problem)
    assert failed >= 140 and quoted >= 80, (failed, quoted)


# --- files and stages -------------------------------------------------------------------------------------------------------


def broken_csv(lake: Path) -> list[dict[str, Any]]:
    (lake / "in" / f"p={CANARY}").mkdir(parents=True)
    rows = "a,b\n" + "1,2\n" * 30 + f"{CANARY},2,3\n"
    (lake / "in" / f"p={CANARY}" / f"{CANARY}.csv.gz").write_bytes(gzip.compress(rows.encode()))
    return [{"type": "DelimitedExtract", "name": "read", "inputURI": "in", "header": True, "outputView": "v"}, SAVE]


def broken_gzip(lake: Path) -> list[dict[str, Any]]:
    (lake / f"{CANARY}.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-40])
    return [{"type": "DelimitedExtract", "name": "read", "inputURI": "*.csv.gz", "header": True, "outputView": "v"}, SAVE]


def broken_json(lake: Path) -> list[dict[str, Any]]:
    (lake / "a.json").write_text(f'{{"a": "{CANARY}"\n{{"a": {CANARY}}}\n')
    return [{"type": "JSONExtract", "name": "read", "inputURI": "a.json", "outputView": "v", "multiLine": False}, SAVE]


def broken_parquet(lake: Path) -> list[dict[str, Any]]:
    folder = lake / "in" / f"name={CANARY}"
    folder.mkdir(parents=True)
    (folder / "x.parquet").write_bytes(b"PAR1" + CANARY.encode() * 20 + b"PAR1")
    return [{"type": "ParquetExtract", "name": "read", "inputURI": "in", "outputView": "v"}, SAVE]


def not_utf8(lake: Path) -> list[dict[str, Any]]:
    (lake / "in").mkdir()
    (lake / "in" / f"{CANARY}.csv").write_bytes(b"a\n" + CANARY.encode() + b"\xff\xfe\n")
    return [{"type": "DelimitedExtract", "name": "read", "header": True, "inputURI": "in", "outputView": "v"}, SAVE]


def source(lake: Path) -> dict[str, Any]:
    (lake / "a.csv").write_text(f"n,{CANARY}\n{CANARY},1\n{CANARY},2\n")
    return {"type": "DelimitedExtract", "name": "read", "inputURI": "a.csv", "header": True, "outputView": "t"}


def sql(text: str, **more: Any) -> Callable[[Path], list[dict[str, Any]]]:
    query = {"type": "SQLTransform", "name": "ask", "sql": text, "outputView": "v"}
    return lambda lake: [source(lake), query | more, SAVE]


def stage(**fields: Any) -> Callable[[Path], list[dict[str, Any]]]:
    return lambda lake: [
        source(lake),
        {"name": "check"} | fields,
        {"type": "SQLTransform", "name": "boom", "sql": "SELECT nope FROM t"} | {"outputView": "v"},
    ]


TYPED = {
    "type": "TypingTransform",
    "inputView": "t",
    "outputView": "v",
    "schema": [{"name": "n", "type": "integer", "nullable": False}, {"name": "k", "type": "string", "nullable": True}],
}

RUNS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "a row of another width": broken_csv,
    "a gzip file without its end": broken_gzip,
    "lines that are no JSON": broken_json,
    "a Parquet file of rubbish": broken_parquet,
    "text that is not UTF-8": not_utf8,
    "a cast that the load asks for": sql("SELECT CAST(n AS INT) AS n FROM t"),
    "a column of the file in the suggestion": sql(f"SELECT {CANARY[:-1]} FROM t".replace(CANARY[:-1], "CNRY7781")),
    "an ambiguous column": sql("SELECT * FROM t a JOIN t b ON n = n"),
    "a typed value": lambda lake: [source(lake), TYPED | {"name": "typed"}, SAVE],
    "a check": stage(type="SQLValidate", sql="SELECT false AS outcome, max(n) AS message FROM t"),
    "a check that says JSON": stage(type="SQLValidate", sql="SELECT false AS outcome, to_json(struct(max(n))) AS message FROM t"),
    "a check of another shape": stage(type="SQLValidate", sql="SELECT n FROM t"),
    "a message": stage(type="LogExecute", sql="SELECT max(n) AS message FROM t"),
    "rows on the console": stage(type="ConsoleLoad", inputView="t"),
    "columns that cannot be written": sql("SELECT map(n, n) AS n, named_struct(n, 1) AS s FROM t"),
    "pivoted columns": sql("SELECT * FROM t PIVOT (count(*) FOR n IN ('a')) WHERE nope = 1"),
    "raised by a query": sql("SELECT coalesce(raise_error(n), 'x') AS n FROM t"),
    "a division in a filter": sql("SELECT * FROM t WHERE 1 / (length(n) - 9) > 1"),
}


ENDS = {"lines that are no JSON": "succeeded_with_warnings"}
"""What does not fail: such lines are kept and told."""


@pytest.mark.spark
@pytest.mark.parametrize("name", RUNS)
def test_no_line_of_a_run_shows_a_value_to_people_without_data_rights(spark_process: SparkProcess, tmp_path: Path, name: str) -> None:
    stages = RUNS[name](tmp_path)
    document = json.dumps({"stages": stages})
    outcome: Outcome = run_here(spark_process, stages, tmp_path)
    assert outcome.result == ENDS.get(name, "failed"), outcome.events
    for event in outcome.events:
        seen = without_values(json.dumps({"seq": 1} | event), document)
        assert not shows_data(seen.replace("CNRY7781 ", "")), (name, seen)
        assert event["event"] != "log" or json.loads(seen)["message"] == HIDDEN
    if name in ENDS:
        return
    problem = outcome.problem
    assert problem["stage"] and problem["fix"] and "Exception" not in problem["message"], problem


# --- blame ------------------------------------------------------------------------------------------------------------------


@pytest.mark.spark
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT n,\n  CAST(n AS INT) AS x\nFROM t", (2, 3)),
        ("SELECT 1 AS x\nFROM t\nWHERE to_date(n, 'yyyy-MM-dd') > DATE'2024-01-01'", (3, 7)),
        ("SELECT regexp_replace('x', concat('[', n), '') AS x FROM t", (1, 8)),
        ("SELECT coalesce(raise_error('stop'), 'x') AS x FROM t", (1, 17)),
        ("SELECT map(n, 1, n, 2) AS x FROM t", (1, 8)),
    ],
)
def test_an_error_is_told_at_the_query_that_causes_it(
    spark_process: SparkProcess, tmp_path: Path, text: str, place: tuple[int, int]
) -> None:
    later = {"type": "SQLTransform", "name": "later", "sql": "SELECT x FROM v", "outputView": "w"}
    ask = {"type": "SQLTransform", "name": "ask", "sql": text, "outputView": "v"}
    outcome = run_here(spark_process, [source(tmp_path), ask, later, SAVE | {"inputView": "w"}], tmp_path)
    problem = outcome.problem
    assert (problem["stage"], problem["stage_index"], problem["stage_type"]) == ("ask", 1, "SQLTransform"), problem
    assert (problem["field"], problem["line"], problem["column"]) == ("sql", *place), problem
    failed = outcome.named("stage_failed")[0]
    assert (failed["stage"], failed["stage_index"], failed["stage_type"]) == ("ask", 1, "SQLTransform"), "the stage at fault failed"
    assert (failed["stopped"], failed["stopped_index"]) == ("save", 3)


@pytest.mark.spark
def test_a_value_that_does_not_fit_is_told_at_the_stage_that_types_it(spark_process: SparkProcess, tmp_path: Path) -> None:
    outcome = run_here(spark_process, RUNS["a typed value"](tmp_path), tmp_path)
    assert (outcome.problem["stage"], outcome.problem["stage_index"], outcome.problem["value"]) == ("typed", 1, CANARY)
    failed = outcome.named("stage_failed")[0]
    assert (failed["stage"], failed["stopped"]) == ("typed", "save"), failed


@pytest.mark.spark
def test_a_broken_file_is_told_at_the_stage_that_reads_it(spark_process: SparkProcess, tmp_path: Path) -> None:
    good = {"type": "DelimitedExtract", "name": "good", "inputURI": "b.csv", "outputView": "g"}
    (tmp_path / "b.csv").write_text("x\n")
    outcome = run_here(spark_process, [good, *RUNS["a Parquet file of rubbish"](tmp_path)], tmp_path)
    assert (outcome.problem["stage"], outcome.problem["field"]) == ("read", "inputURI"), outcome.problem


@pytest.mark.spark
def test_a_row_that_spark_cannot_read_is_told_with_its_file_and_row(spark_process: SparkProcess, tmp_path: Path) -> None:
    """Whatever looks at files before Spark does may miss one; then this is what people read."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "f" / "b.csv.gz").write_bytes(gzip.compress(b"x,y\n3,4\n5,6,7\n"))
    stage = STAGE_TYPES["DelimitedExtract"].model_validate({"name": "read", "inputURI": "f", "header": True, "outputView": "v"})
    other = STAGE_TYPES["DelimitedExtract"].model_validate({"name": "other", "inputURI": "o", "header": True, "outputView": "w"})
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "c.csv").write_text("x\n1\n")
    origins = Origins()
    origins.reads(str(tmp_path / "o"), 0, other)
    origins.reads(str(tmp_path / "f"), 1, stage)
    rows = spark_process.session.read.csv(str(tmp_path / "f"), schema="x STRING, y STRING", header=True, mode="FAILFAST")
    with pytest.raises(Exception) as raised:  # noqa: PT011
        rows.collect()
    problem = problem_of(raised.value, origins=origins)
    assert (problem.stage, problem.stage_index, problem.field) == ("read", 1, "inputURI")
    assert (problem.file, problem.row, problem.found) == ("b.csv.gz", 2, "5,6,7")


@pytest.mark.spark
def test_a_name_with_blanks_is_shown_with_its_blanks(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id, name ,total (EUR)\n1,x,2\n")
    read = {"type": "DelimitedExtract", "name": "read", "inputURI": "in.csv", "header": True, "outputView": "t"}
    ask = {"type": "SQLTransform", "name": "ask", "sql": "SELECT `name` FROM t", "outputView": "v"}
    problem = run_here(spark_process, [read, ask, SAVE], tmp_path).problem
    assert problem["message"] == "There is no column “name”; there is “ name ” with a blank before and behind."
    assert "` name `" in problem["fix"]


# --- the types keep it so ---------------------------------------------------------------------------------------------------


def test_a_foreign_text_cannot_be_put_into_a_sentence() -> None:
    text = Foreign(CANARY)
    for put in (lambda: f"{text}", lambda: str(text), lambda: "{}".format(text), lambda: "%s" % text, lambda: " ".join([text])):  # type: ignore[list-item]  # noqa: UP032, UP031
        with pytest.raises(TypeError):
            put()
    problem = Problem(code="x", message="Ours.", value=text, found=text, detail=text, file=text)
    assert problem.as_dict()["value"] == CANARY and not shows_data(json.dumps(problem.without_data().as_dict()))


def test_a_sentence_refuses_parameters_that_may_hold_data() -> None:
    Sentence("x", "There is no “{columnName}”.", found="{badRecord}")
    for text in ("The row {badRecord}", "{value}", "{expression}"):
        with pytest.raises(ValueError, match="may hold data"):
            Sentence("x", text)
        with pytest.raises(ValueError, match="may hold data"):
            Sentence("x", "Ours.", text)
    assert not NAMES & {"value", "expression", "badRecord", "input", "str", "errorMessage", "path"}
