"""What DelimitedLoad writes, and that it comes back as it was."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

    from executor.spark.session import SparkProcess
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def written(bench: Bench, sql: str, **more: Any) -> str:
    """The text of the one file that the load writes."""
    shutil.rmtree(bench.lake / "out", ignore_errors=True)
    bench.run(
        {"type": "SQLTransform", "name": "make", "sql": sql, "outputView": "v"},
        {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out", "numPartitions": 1} | more,
    )
    (file,) = (bench.lake / "out").rglob("part-*.csv")
    assert not list((bench.lake / "out").rglob("*marked*"))
    return file.read_bytes().decode()


def test_quotes_are_doubled_as_spreadsheets_expect(bench: Bench) -> None:
    assert written(bench, """SELECT 1 AS id, 'say "hi", then go' AS note""", header=True) == 'id,note\n1,"say ""hi"", then go"\n'
    assert written(bench, """SELECT 'say "hi", go' AS note""", escape="\\") == '"say \\"hi\\", go"\n'


def test_numbers_and_times_lose_nothing(bench: Bench) -> None:
    sql = "SELECT 1234567.891D AS d, 0.0000001BD AS e, TIMESTAMP'2024-01-02 03:04:05.123456' AS t, 7 AS i"
    assert written(bench, sql) == "1234567.891,0.0000001,2024-01-02T03:04:05.123456Z,7\n"
    assert written(bench, sql, decimalSign=",", delimiter="Custom", customDelimiter=";") == (
        "1234567,891;0,0000001;2024-01-02T03:04:05.123456Z;7\n"
    )


def test_other_ways_to_write(bench: Bench) -> None:
    assert written(bench, "SELECT 'ä' AS a, 1 AS b", quoteAll=True, header=True, byteOrderMark=True) == '\ufeff"a","b"\n"ä","1"\n'
    assert written(bench, "SELECT '' AS a, CAST(NULL AS string) AS b, 'x' AS c") == '"",,x\n'
    assert written(bench, "SELECT '' AS a, CAST(NULL AS string) AS b, 'x' AS c", quote="SingleQuote") == "'',,x\n"
    assert written(bench, "SELECT '' AS a, CAST(NULL AS string) AS b, 'x' AS c", nullValue="NA", emptyValue="-") == "-,NA,x\n"


HARD = ["", None, " a ", 'say "hi"', '"', "x,y;z", "C:\\dir\\", '\\"', "a\nb", "a\r\nb", "\n", "#x", "\t", "it's", "\\\\", '"a" b', "é€"]


@pytest.mark.parametrize("more", [{}, {"delimiter": "Custom", "customDelimiter": "\t"}, {"escape": "\\"}, {"byteOrderMark": True}])
def test_every_text_comes_back_as_it_was(bench: Bench, more: dict[str, Any]) -> None:
    texts = ["CAST(NULL AS string)" if text is None else f"decode(unhex('{text.encode().hex()}'), 'UTF-8')" for text in HARD]
    written(
        bench,
        " UNION ALL ".join(f"SELECT {id} AS id, {text} AS text, {text} AS again" for id, text in enumerate(texts)),
        header=True,
        **more,
    )
    same = {key: value for key, value in more.items() if "elimiter" in key}
    read = {"type": "DelimitedExtract", "name": "read", "inputURI": "out", "outputView": "t", "header": True, "multiLine": True}
    bench.run(read | {"quotedEmpty": "text"} | same)
    assert [row[1:3] for row in sorted(bench.table("t"), key=lambda row: int(row[0]))] == [(text, text) for text in HARD]


def test_bytes_are_written_in_base64_as_json_has_them(bench: Bench) -> None:
    assert written(bench, "SELECT X'00FF' AS b") == "AP8=\n"


@pytest.mark.parametrize("sql", ["SELECT 'a,b' AS x", "SELECT 'a\\nb' AS x"])
def test_without_quotes_a_value_cannot_hold_the_separator(bench: Bench, sql: str) -> None:
    load = {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out", "quote": "None"}
    problem = bench.fails({"type": "SQLTransform", "name": "make", "sql": sql, "outputView": "v"}, load)
    assert (problem.code, problem.data_column) == ("quotes-needed", "x")
    assert written(bench, "SELECT 'a;b' AS x, 1 AS n", quote="None") == "a;b,1\n"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("(NULL), ('a'), ('')", 'c\n""\na\n""\n'),
        ("(NULL), (1)", 'c\n""\n1\n'),
        ("(NULL), (TIMESTAMP'2024-01-02 03:04:05Z')", 'c\n""\n2024-01-02T03:04:05.000000Z\n'),
        ("(NULL), (DATE'0099-01-01')", 'c\n""\n0099-01-01\n'),
        ("(NULL), (1.10BD)", 'c\n""\n1.10\n'),
    ],
)
def test_no_value_in_the_only_column_stays_a_row(bench: Bench, values: str, expected: str) -> None:
    sql = f"SELECT * FROM VALUES {values} AS t(c)"
    assert written(bench, sql, header=True) == expected
    back = {"type": "DelimitedExtract", "name": "read", "inputURI": "out", "header": True, "outputView": "t"}
    assert bench.run(back).view("t").count() == expected.count("\n") - 1


def test_no_value_in_the_only_column_beside_folders_stays_a_row(bench: Bench) -> None:
    assert written(bench, "SELECT CAST(NULL AS int) AS c, 'x' AS p", partitionBy=["p"]) == '""\n'
    assert written(bench, "SELECT CAST(NULL AS int) AS c", nullValue="NULL") == "NULL\n"


@pytest.mark.parametrize("more", [{"quote": "None"}, {"emptyValue": ""}])
@pytest.mark.parametrize("value", ["CAST(NULL AS string)", "''", "' '"])
def test_rows_that_would_be_empty_lines_are_refused(bench: Bench, more: dict[str, str], value: str) -> None:
    load = {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out"} | more
    make = {"type": "SQLTransform", "name": "make", "sql": f"SELECT {value} AS c UNION ALL SELECT 'a'", "outputView": "v"}
    problem = bench.fails(make, load)
    assert (problem.code, problem.data_column) == ("empty-lines", "c") and "1 row has" in problem.message


def test_a_text_that_is_written_as_no_value_is_counted(spark_process: SparkProcess, tmp_path: Path) -> None:
    make = {"type": "SQLTransform", "name": "make", "outputView": "v"}
    make["sql"] = "SELECT * FROM VALUES ('it''s', 1), (NULL, 2), ('x', 3) AS t(c, id)"
    load = {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out"}
    (told,) = run_here(spark_process, [make, load | {"nullValue": "it's"}], tmp_path).named("value_warnings")
    assert [(count["kind"], count["rows"]) for count in told["counts"]] == [("as-null", 1)]
    assert not run_here(spark_process, [make, load], tmp_path).named("value_warnings")


@pytest.mark.parametrize("more", [{"quote": "None"}, {"quoteAll": True}, {"emptyValue": ""}, {"nullValue": "-", "emptyValue": "-"}])
def test_empty_texts_that_are_written_as_no_value_are_counted(spark_process: SparkProcess, tmp_path: Path, more: dict[str, Any]) -> None:
    make = {"type": "SQLTransform", "name": "make", "outputView": "v"}
    make["sql"] = "SELECT * FROM VALUES ('', 1), (NULL, 2), ('x', 3) AS t(c, id)"
    load = {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out"}
    (told,) = run_here(spark_process, [make, load | more], tmp_path).named("value_warnings")
    assert [(count["kind"], count["rows"]) for count in told["counts"]] == [("as-null", 1)]
    kept = {"quoteAll": True, "nullValue": "NULL"} if "quoteAll" in more else {"emptyValue": "EMPTY"}
    assert not run_here(spark_process, [make, load | more | kept], tmp_path).named("value_warnings")


def test_a_single_text_of_blanks_is_a_row_for_everybody(bench: Bench) -> None:
    """pandas takes a line of blanks for none."""
    assert written(bench, "SELECT * FROM VALUES ('  '), ('x'), ('\\t') AS t(s)", header=True) == '"s"\n"  "\n"x"\n"\t"\n'
    assert written(bench, "SELECT ' x' AS s") == " x\n"
    assert written(bench, "SELECT '  ' AS s, 1 AS n") == "  ,1\n"


def test_a_text_that_would_be_cut_at_a_separator_of_several_signs_is_told(bench: Bench) -> None:
    make = {"type": "SQLTransform", "name": "make", "sql": "SELECT '5:' AS a, 'x' AS b", "outputView": "v"}
    load = {"type": "DelimitedLoad", "name": "s{}", "inputView": "v", "outputURI": "o", "delimiter": "Custom", "customDelimiter": "::"}
    problem = bench.fails(make, load)
    assert (problem.code, problem.data_column) == ("quotes-needed", "a")
    assert "1 value holds at the end" in problem.message and "quoteAll" in (problem.fix or "")
    assert written(bench, "SELECT '5:' AS a, 'x' AS b", delimiter="Custom", customDelimiter="::", quoteAll=True) == '"5:"::"x"\n'
    assert written(bench, "SELECT ':5::6' AS a, 'x' AS b", delimiter="Custom", customDelimiter="::") == '":5::6"::x\n'
    named = make | {"sql": "SELECT '5' AS `a:`, 'x' AS b"}
    assert "a name of a column holds" in bench.fails(named, load | {"header": True}).message


def test_a_name_that_holds_the_separator_is_not_written_without_quotes(bench: Bench) -> None:
    make = {"type": "SQLTransform", "name": "make", "sql": "SELECT 5 AS `a,b`, 'x' AS c", "outputView": "v"}
    load = {"type": "DelimitedLoad", "name": "save", "inputView": "v", "outputURI": "out", "header": True, "quote": "None"}
    assert bench.fails(make, load).code == "quotes-needed"
    bench.run(make, load | {"header": False})


def test_a_column_of_no_type_is_a_column_without_values(bench: Bench) -> None:
    assert written(bench, "SELECT 1 AS a, NULL AS b, 'x' AS c", header=True) == "a,b,c\n1,,x\n"


@pytest.mark.parametrize("kind", ["DelimitedLoad", "JSONLoad", "ParquetLoad"])
@pytest.mark.parametrize(("sql", "found"), [("SELECT 1 AS a, 2 AS a", "“a” twice"), ("SELECT 1 AS a, 2 AS `A`", "“a” and “A”")])
def test_two_columns_of_one_name_are_refused_with_a_fix_that_can_be_followed(bench: Bench, kind: str, sql: str, found: str) -> None:
    make = {"type": "SQLTransform", "name": "make", "sql": sql, "outputView": "v"}
    problem = bench.fails(make, {"type": kind, "name": "save", "inputView": "v", "outputURI": "out"})
    assert (problem.code, problem.field, problem.found) == ("column-twice", "inputView", found)
    assert "in the stage that makes the view" in str(problem.fix)
