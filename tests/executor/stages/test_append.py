"""Rows are added only to a table that stays one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark


def job(kind: str, sql: str, **more: Any) -> list[dict[str, Any]]:
    options = {"header": True} if kind == "DelimitedLoad" else {}
    save = {"type": kind, "name": "save", "inputView": "v", "outputURI": "out", "saveMode": "Append", **options, **more}
    return [{"type": "SQLTransform", "name": "sql", "sql": sql, "outputView": "v"}, save]


def rows(process: SparkProcess, lake: Path, kind: str) -> list[dict[str, Any]]:
    reader = process.session.read
    frames = {
        "ParquetLoad": lambda path: reader.parquet(path),
        "DelimitedLoad": lambda path: reader.csv(path, header=True),
        "JSONLoad": lambda path: reader.json(path),
    }
    return sorted((row.asDict() for row in frames[kind](str(lake / "out")).collect()), key=str)


@pytest.mark.parametrize(
    ("kind", "first", "second", "found"),
    [
        ("ParquetLoad", "SELECT 1 AS id, 2 AS qty", "SELECT 2 AS id, 'many' AS qty", "“qty” is int there, and string in the view"),
        ("ParquetLoad", "SELECT 1 AS id, 2 AS qty", "SELECT 2 AS id, 3L AS qty", "“qty” is int there, and bigint in the view"),
        ("ParquetLoad", "SELECT 1 AS id, 2 AS qty", "SELECT 2 AS id", "missing in the view: qty"),
        ("ParquetLoad", "SELECT 1 AS id", "SELECT 2 AS id, 3 AS qty", "not in the rows there: qty"),
        (
            "ParquetLoad",
            "SELECT struct(1 AS a) AS s",
            "SELECT struct('x' AS a) AS s",
            "“s” is struct<a:int> there, and struct<a:string> in the view",
        ),
        (
            "DelimitedLoad",
            "SELECT 1 AS id, 2 AS qty",
            "SELECT 2 AS id, 3 AS other",
            "missing in the view: qty; not in the rows there: other",
        ),
        ("JSONLoad", "SELECT 1 AS id", "SELECT 'x' AS id", "“id” is a number there, and string in the view"),
        # all that is wrong at once: whoever mends one thing after the other runs once for each
        (
            "ParquetLoad",
            "SELECT 1 AS id, 2 AS qty, 3 AS n",
            "SELECT 'x' AS id, 3 AS other, date '2024-01-01' AS n",
            "missing in the view: qty; not in the rows there: other; “id” is int there, and string in the view; "
            "“n” is int there, and date in the view",
        ),
        (
            "DelimitedLoad",
            "SELECT 1 AS id, 2 AS qty",
            "SELECT 'x' AS id, 3 AS other",
            "missing in the view: qty; not in the rows there: other; “id” is whole number there, and text in the view",
        ),
        ("JSONLoad", "SELECT array(1) AS id", "SELECT 1 AS id", "“id” is a list there, and int in the view"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_published(
    spark_process: SparkProcess, tmp_path: Path, kind: str, first: str, second: str, found: str
) -> None:
    assert run_here(spark_process, job(kind, first), tmp_path).result == "succeeded"
    before = rows(spark_process, tmp_path, kind)
    outcome = run_here(spark_process, job(kind, second), tmp_path)
    assert (outcome.result, outcome.problem["code"], outcome.problem["found"]) == ("failed", "append-differs", found)
    assert rows(spark_process, tmp_path, kind) == before


@pytest.mark.parametrize(
    ("kind", "first", "second", "expected"),
    [
        ("ParquetLoad", "SELECT 1L AS id, 2 AS qty", "SELECT 3 AS qty, 2 AS ID", [{"id": 1, "qty": 2}, {"id": 2, "qty": 3}]),
        ("ParquetLoad", "SELECT CAST(1 AS decimal(12,2)) AS d", "SELECT CAST(2.5 AS decimal(4,1)) AS d", None),
        ("DelimitedLoad", "SELECT 1 AS id, 2 AS qty", "SELECT 3 AS qty, 2 AS id", [{"id": "1", "qty": "2"}, {"id": "2", "qty": "3"}]),
        ("JSONLoad", "SELECT 1 AS id, CAST(NULL AS int) AS n", "SELECT 2 AS ID, 5 AS n", [{"id": 1, "n": None}, {"id": 2, "n": 5}]),
    ],
)
def test_what_is_safe_is_written_as_the_rows_there_have_it(
    spark_process: SparkProcess, tmp_path: Path, kind: str, first: str, second: str, expected: list[dict[str, Any]] | None
) -> None:
    for sql in (first, second):
        assert run_here(spark_process, job(kind, sql), tmp_path).result == "succeeded"
    found = rows(spark_process, tmp_path, kind)
    assert found == expected if expected else [str(row["d"]) for row in found] == ["1.00", "2.50"]


def test_columns_that_stages_added_do_not_keep_rows_from_being_appended(spark_process: SparkProcess, tmp_path: Path) -> None:
    assert run_here(spark_process, job("ParquetLoad", "SELECT 1 AS n"), tmp_path).result == "succeeded"
    (tmp_path / "in.csv").write_text("n\n7\n")
    read = {"type": "DelimitedExtract", "name": "read", "inputURI": "in.csv", "header": True, "outputView": "t"}
    typed = {
        "type": "TypingTransform",
        "name": "typed",
        "inputView": "t",
        "outputView": "v",
        "schema": [{"name": "n", "type": "integer", "nullable": True}],
    }
    outcome = run_here(spark_process, [read, typed, job("ParquetLoad", "")[1]], tmp_path)
    assert outcome.result == "succeeded" and rows(spark_process, tmp_path, "ParquetLoad") == [{"n": 1}, {"n": 7}]


def test_other_folders_and_other_formats_are_refused(spark_process: SparkProcess, tmp_path: Path) -> None:
    assert run_here(spark_process, job("ParquetLoad", "SELECT 1 AS n, 2013 AS year", partitionBy=["year"]), tmp_path).result == "succeeded"
    flat = run_here(spark_process, job("ParquetLoad", "SELECT 1 AS n, 2014 AS year"), tmp_path)
    assert (flat.problem["code"], flat.problem["found"]) == ("append-differs", "folders there: year; in the view: none")
    text = run_here(spark_process, job("DelimitedLoad", "SELECT 1 AS n, 2014 AS year", partitionBy=["year"]), tmp_path)
    assert (text.problem["code"], text.problem["found"]) == ("append-differs", "files that are not text")
    again = run_here(spark_process, job("ParquetLoad", "SELECT 2 AS n, 2014 AS year", partitionBy=["year"]), tmp_path)
    assert again.result == "succeeded" and len(rows(spark_process, tmp_path, "ParquetLoad")) == 2


def test_a_text_file_without_names_must_have_as_many_columns(spark_process: SparkProcess, tmp_path: Path) -> None:
    assert run_here(spark_process, job("DelimitedLoad", "SELECT 1 AS a, 2 AS b", header=False), tmp_path).result == "succeeded"
    outcome = run_here(spark_process, job("DelimitedLoad", "SELECT 1 AS a", header=False), tmp_path)
    assert outcome.problem["found"] == "2 columns there, 1 in the view: a"


@pytest.mark.parametrize(
    "other",
    [{"header": False}, {"delimiter": "Pipe"}, {"quote": "SingleQuote"}, {"decimalSign": ","}, {"nullValue": "NA"}, {"escape": "\\"}],
)
def test_text_written_otherwise_is_refused(spark_process: SparkProcess, tmp_path: Path, other: dict[str, Any]) -> None:
    kind, sql = "DelimitedLoad", "SELECT 1.5 AS id, 'x' AS n"
    run_here(spark_process, job(kind, sql), tmp_path)
    outcome = run_here(spark_process, job(kind, "SELECT 1.5 AS id, 'x' AS m", **other), tmp_path)
    assert outcome.problem["code"] == "append-differs" and next(iter(other)) in outcome.problem["found"]
    assert "header" in other or "not in the rows there: m" in outcome.problem["found"], "all at once"
    assert run_here(spark_process, job(kind, sql, quoteAll=True, byteOrderMark=True), tmp_path).result == "succeeded"


def test_names_there_and_no_names_here_are_refused_whoever_wrote_them(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-0.csv").write_text("id,n\n1,x\n")
    outcome = run_here(spark_process, job("DelimitedLoad", "SELECT 1 AS id, 'x' AS n", header=False), tmp_path)
    assert "“First line holds names” (header)" in outcome.problem["fix"]


def test_kinds_inside_objects_and_lists_are_compared(spark_process: SparkProcess, tmp_path: Path) -> None:
    run_here(spark_process, job("JSONLoad", "SELECT struct(array(1) AS a) AS s"), tmp_path)
    outcome = run_here(spark_process, job("JSONLoad", "SELECT struct(array('x') AS a) AS s"), tmp_path)
    assert outcome.problem["found"] == "“s.a[]” is a number there, and string in the view"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("named_struct('a', 1L, 'b', 2L)", "named_struct('b', 20, 'a', 10)", {"a": 10, "b": 20}),
        ("named_struct('a', 1L, 'b', 2L)", "named_struct('B', 20L, 'A', 10L)", {"a": 10, "b": 20}),
        ("array(named_struct('a', 1L, 'b', 2L))", "array(named_struct('b', 20L, 'a', 10L))", [{"a": 10, "b": 20}]),
        ("map('k', named_struct('a', 1L, 'b', 2L))", "map('k', named_struct('b', 20L, 'a', 10L))", {"k": {"a": 10, "b": 20}}),
        (
            "named_struct('o', named_struct('a', 1L, 'b', 2L))",
            "named_struct('o', named_struct('b', 20, 'a', 10))",
            {"o": {"a": 10, "b": 20}},
        ),
    ],
)
def test_fields_of_a_struct_are_found_by_their_names(
    spark_process: SparkProcess, tmp_path: Path, first: str, second: str, expected: Any
) -> None:
    assert run_here(spark_process, job("ParquetLoad", f"SELECT 1 AS id, {first} AS s"), tmp_path).result == "succeeded"
    assert run_here(spark_process, job("ParquetLoad", f"SELECT 2 AS id, {second} AS s"), tmp_path).result == "succeeded"
    found = spark_process.session.read.parquet(str(tmp_path / "out")).where("id = 2").collect()
    assert [row.asDict(recursive=True)["s"] for row in found] == [expected]


def test_a_field_that_is_missing_in_a_struct_is_told(spark_process: SparkProcess, tmp_path: Path) -> None:
    run_here(spark_process, job("ParquetLoad", "SELECT named_struct('a', 1L, 'b', 2L) AS s"), tmp_path)
    problem = run_here(spark_process, job("ParquetLoad", "SELECT named_struct('a', 10L) AS s"), tmp_path).problem
    assert problem["code"] == "append-differs"
    assert problem["found"] == "“s” is struct<a:bigint,b:bigint> there, and struct<a:bigint> in the view"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("SELECT 20 AS qty, 2 AS id", "2,20"),
        ("SELECT 2 AS ID, 20 AS amount", "2,20"),
        ("SELECT 20 AS amount, 2 AS id", None),
    ],
)
def test_columns_without_names_in_the_files_keep_their_places(
    spark_process: SparkProcess, tmp_path: Path, second: str, expected: str | None
) -> None:
    assert run_here(spark_process, job("DelimitedLoad", "SELECT 1 AS id, 10 AS qty", header=False), tmp_path).result == "succeeded"
    outcome = run_here(spark_process, job("DelimitedLoad", second, header=False), tmp_path)
    lines = sorted(file.read_text().strip() for file in (tmp_path / "out").glob("part-*"))
    if expected:
        assert (outcome.result, lines) == ("succeeded", ["1,10", expected])
    else:
        assert (outcome.result, outcome.problem["code"], lines) == ("failed", "append-differs", ["1,10"])
        assert "missing in the view: qty" in outcome.problem["found"]


@pytest.mark.parametrize("kind", ["ParquetLoad", "DelimitedLoad", "JSONLoad"])
def test_the_column_of_folders_may_be_written_in_any_case_in_the_view(spark_process: SparkProcess, tmp_path: Path, kind: str) -> None:
    assert run_here(spark_process, job(kind, "SELECT 1 AS n, 'x' AS p", partitionBy=["p"]), tmp_path).result == "succeeded"
    assert run_here(spark_process, job(kind, "SELECT 2 AS n, 'y' AS P", partitionBy=["p"]), tmp_path).result == "succeeded"
    assert {tuple(map(str, row.values())) for row in rows(spark_process, tmp_path, kind)} == {("1", "x"), ("2", "y")}
    other = run_here(spark_process, job(kind, "SELECT 3 AS n, 'z' AS P", partitionBy=["P"]), tmp_path)
    assert "(partitionBy) to p" in other.problem["fix"]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("1.5D AS v", "'x' AS v", "“v” is number there, and text in the view"),
        ("1 AS v", "1.5D AS v", "“v” is whole number there, and number in the view"),
        ("DATE'2024-01-05' AS v", "TIMESTAMP'2024-01-05 10:00:00' AS v", "“v” is date there, and timestamp in the view"),
        ("1 AS v", "true AS v", "“v” is whole number there, and boolean in the view"),
        ("1.5D AS v", "2 AS v", None),
        ("1.5D AS v", "CAST(NULL AS DOUBLE) AS v", None),
        ("'x' AS v", "2 AS v", None),
        ("CAST(1 AS DECIMAL(5, 2)) AS v", "1.25D AS v", None),
        ("NULL AS v", "DATE'2024-01-05' AS v", None),
        ("DATE'2024-01-05' AS v", "NULL AS v", None),
    ],
)
def test_rows_of_text_files_keep_the_kind_of_each_column(
    spark_process: SparkProcess, tmp_path: Path, first: str, second: str, found: str | None, header: bool
) -> None:
    def added(values: str) -> Any:
        return run_here(spark_process, job("DelimitedLoad", f"SELECT 'a' AS id, {values}", header=header), tmp_path)

    assert added(first).result == "succeeded"
    outcome = added(second)
    if found is None:
        assert outcome.result == "succeeded"
        assert added(first).result != "failed", "the kinds of the first rows are noted still"
    else:
        assert (outcome.problem["code"], outcome.problem["found"]) == ("append-differs", found)
        assert len(list((tmp_path / "out").glob("part-*"))) == 1


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("TIMESTAMP'2024-01-05 10:00:00'", "TIMESTAMP_NTZ'2024-01-05 10:00:00'", "“v” is timestamp there, and timestamp_ntz in the view"),
        ("TIMESTAMP'2024-01-05 10:00:00'", "DATE'2024-01-05'", "“v” is timestamp there, and date in the view"),
        ("DATE'2024-01-05'", "'05.01.2024'", "“v” is date there, and text in the view"),
        ("X'0102'", "'hello'", "“v” is binary there, and text in the view"),
        ("DATE'2024-01-05'", "CAST(NULL AS DATE)", None),
        ("1", "2.5D", None),
        ("named_struct('a', 1)", "named_struct('a', 1, 'b', 2)", None),
    ],
)
def test_texts_in_json_keep_what_they_stand_for(
    spark_process: SparkProcess, tmp_path: Path, first: str, second: str, found: str | None
) -> None:
    """JSON writes days, times of both kinds and bytes as texts, so that the files do not tell them apart."""
    outcomes = [run_here(spark_process, job("JSONLoad", f"SELECT 1 AS id, {value} AS v"), tmp_path) for value in (first, second, first)]
    assert [outcome.result == "failed" for outcome in outcomes] == [False, found is not None, False]
    if found:
        assert (outcomes[1].problem["code"], outcomes[1].problem["found"]) == ("append-differs", found)


def test_kinds_that_nobody_noted_are_not_compared(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-0.csv").write_text("id,v\na,y\n")
    for values in ("1 AS v", "'x' AS v"):
        assert run_here(spark_process, job("DelimitedLoad", f"SELECT 'a' AS id, {values}"), tmp_path).result == "succeeded"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("ParquetLoad", {}),
        ("DelimitedLoad", {}),
        ("DelimitedLoad", {"header": False}),
        ("JSONLoad", {}),
        ("ParquetLoad", {"partitionBy": ["day"]}),
    ],
)
def test_rows_that_are_appended_twice_are_told(spark_process: SparkProcess, tmp_path: Path, kind: str, more: dict[str, Any]) -> None:
    query = "SELECT * FROM VALUES (1, 'a'), (2, 'a') AS x(id, day)"
    assert run_here(spark_process, job(kind, query, **more), tmp_path).result == "succeeded"
    others = run_here(spark_process, job(kind, query.replace("2", "3"), **more), tmp_path)
    assert others.result == "succeeded"
    nothing = [run_here(spark_process, job(kind, f"{query} WHERE id > 5", **more), tmp_path) for _ in range(2)]
    assert "rows-there-already" not in str([outcome.events for outcome in nothing])
    again = run_here(spark_process, job(kind, query, **more), tmp_path)
    assert again.result == "succeeded_with_warnings"
    assert "rows-there-already" in str(again.named("stage_finished")[-1])


def test_the_same_rows_in_another_folder_are_other_rows(spark_process: SparkProcess, tmp_path: Path) -> None:
    for day in ("a", "b"):
        stages = job("ParquetLoad", f"SELECT 1 AS id, '{day}' AS day", partitionBy=["day"])
        assert run_here(spark_process, stages, tmp_path).result == "succeeded"
