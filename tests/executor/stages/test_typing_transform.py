"""From text to values: every type, its rules, and what is said of a value that does not fit."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.stages.typing_errors import problem_from
from tests.executor.documents import codes, document, only_problem, sql_stage

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess
    from tests.executor.stages.bench import Bench

WHOLE = "['#,##0;-#,##0']"
FRACTION = "['#,##0.###;-#,##0.###']"
UTC_STAMP = {"type": "timestamp", "formatters": ["uuuu-MM-dd HH:mm:ss"], "timezoneId": "UTC"}
REGION_STAMP = UTC_STAMP | {"formatters": ["uuuu-MM-dd HH:mm VV"]}


def typing(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = [{"name": f"c{index}", "nullable": True, **column} for index, column in enumerate(columns)]
    return {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "v", "schema": schema, **more}


def texts(*values: str | None) -> dict[str, Any]:
    """A stage that makes the view `t` with one column of these texts, in order."""
    rows = ", ".join("(NULL)" if value is None else "('" + value.replace("\\", "\\\\").replace("'", "\\'") + "')" for value in values)
    return sql_stage("t", sql=f"SELECT CAST(c AS string) AS c FROM VALUES {rows} AS x(c)")


def outcome(bench: Bench, column: dict[str, Any], text: str | None) -> Any:
    """The value, or the message where the text does not fit."""
    (row,) = bench.run(texts(text), typing(column)).view("v").collect()
    return row._errors[0].message if row._errors else row.c0


@pytest.mark.spark
@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ({"type": "integer"}, "42", 42),
        ({"type": "integer"}, "+5", 5),
        ({"type": "integer"}, "-7", -7),
        ({"type": "integer"}, "7.000000000000000E+02", 700),
        ({"type": "integer"}, "4.2", f"Unable to convert '4.2' to integer using formatters {WHOLE}"),
        ({"type": "integer"}, " 5", f"Unable to convert ' 5' to integer using formatters {WHOLE}"),
        ({"type": "integer"}, "5 ", f"Unable to convert '5 ' to integer using formatters {WHOLE}"),
        ({"type": "integer", "trim": True}, "\t5 ", 5),
        ({"type": "integer", "trim": True}, "\u00a05\u202f", 5),
        ({"type": "date", "trim": True, "formatters": ["uuuu-MM-dd"]}, "2024-01-05\u00a0", date(2024, 1, 5)),
        ({"type": "string", "trim": True}, " a\u00a0", "a\u00a0"),
        ({"type": "integer"}, "2147483648", f"Unable to convert '2147483648' to integer using formatters {WHOLE}"),
        ({"type": "integer"}, "", f"Unable to convert '' to integer using formatters {WHOLE}"),
        ({"type": "long"}, "9223372036854775807", 9223372036854775807),
        ({"type": "long", "formatters": ["#,##0"]}, "1,234,567", 1234567),
        ({"type": "long", "formatters": ["#,##0;(#,##0)"]}, "(42)", -42),
        ({"type": "long", "formatters": ["#.##0;(#.##0)"]}, "+1.042", 1042),
        ({"type": "decimal", "precision": 9, "scale": 3, "formatters": ["#.##0,### %"]}, "+12,5 %", Decimal("0.125")),
        ({"type": "long", "formatters": ["#,##0;#,##0-"]}, "42-", -42),
        ({"type": "long", "formatters": ["#,##0"]}, "42.5", "Unable to convert '42.5' to long using formatters ['#,##0']"),
        ({"type": "double"}, "1e5", 100000.0),
        ({"type": "double"}, "Infinity", f"Unable to convert 'Infinity' to double using formatters {FRACTION}"),
        ({"type": "double"}, "0x1p3", f"Unable to convert '0x1p3' to double using formatters {FRACTION}"),
        ({"type": "double", "formatters": ["0%"]}, "12%", 0.12),
        ({"type": "decimal", "precision": 8, "scale": 2}, "12.5", Decimal("12.50")),
        (
            {"type": "decimal", "precision": 4, "scale": 2},
            "123.4",
            f"Unable to convert '123.4' to decimal(4, 2) using formatters {FRACTION}",
        ),
        ({"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}, "N", False),
        (
            {"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]},
            "y",
            "Unable to convert 'y' to boolean using provided true values: ['Y'] or false values: ['N']",
        ),
        ({"type": "date", "formatters": ["uuuu-MM-dd"]}, "2013-01-31", date(2013, 1, 31)),
        (
            {"type": "date", "formatters": ["uuuu-MM-dd"]},
            "2013-02-30",
            "Unable to convert '2013-02-30' to date using formatters ['uuuu-MM-dd']",
        ),
        ({"type": "date", "formatters": ["uuuu-MM-dd", "d MMM uuuu"]}, "5 MAR 2020", date(2020, 3, 5)),
        (
            {"type": "date", "formatters": ["d MMM uuuu"], "caseSensitive": True},
            "5 MAR 2020",
            "Unable to convert '5 MAR 2020' to date using formatters ['d MMM uuuu']",
        ),
        ({"type": "time", "formatters": ["HH:mm"]}, "01:02", "01:02:00"),
        ({"type": "time", "formatters": ["HH:mm:ss.SSS"]}, "01:02:03.050", "01:02:03.05"),
        ({"type": "binary", "encoding": "base64"}, "SGk=", bytearray(base64.b64decode("SGk="))),
        ({"type": "binary", "encoding": "hexadecimal"}, "4G", "Unable to convert '4G' to binary using 'hexadecimal' decoding."),
        (
            {"type": "string", "minLength": 3, "regex": "[a-z]*"},
            "A",
            "String 'A' (1 characters) is less than minLength (3). String 'A' does not match regex '[a-z]*'.",
        ),
        ({"type": "string", "maxLength": 2}, "it's", "String 'it's' (4 characters) is greater than maxLength (2)."),
        ({"type": "string", "regex": "a'b\\\\d"}, "a'b\\d", "a'b\\d"),
        ({"type": "string"}, None, None),
        ({"type": "integer", "nullableValues": ["NA", ""]}, "NA", None),
        ({"type": "integer", "nullReplacementValue": "-1", "nullableValues": ["NA"]}, "NA", -1),
        ({"type": "integer", "nullReplacementValue": "x"}, None, f"Unable to convert 'x' to integer using formatters {WHOLE}"),
    ],
)
def test_a_text_becomes_a_value_or_says_why_not(bench: Bench, column: dict[str, Any], text: str | None, expected: Any) -> None:
    assert outcome(bench, column, text) == expected


@pytest.mark.spark
@pytest.mark.parametrize(
    ("column", "text", "moment"),
    [
        (UTC_STAMP, "2013-07-01 12:00:00", "2013-07-01T12:00:00"),
        (UTC_STAMP | {"timezoneId": "America/New_York"}, "2013-07-01 12:00:00", "2013-07-01T16:00:00"),
        (UTC_STAMP | {"formatters": ["uuuu-MM-dd'T'HH:mm:ssX"]}, "2013-07-01T12:00:00+02", "2013-07-01T10:00:00"),
        (UTC_STAMP | {"formatters": ["s" * 10]}, "1372680000", "2013-07-01T12:00:00"),
        (REGION_STAMP, "2013-07-01 12:00 Europe/Berlin", "2013-07-01T10:00:00"),
        (REGION_STAMP, "2013-07-01 12:00 +01:00", "2013-07-01T11:00:00"),
        (REGION_STAMP | {"formatters": ["uuuu-MM-dd HH:mm'['VV']'"]}, "2013-07-01 12:00[Asia/Tokyo]", "2013-07-01T03:00:00"),
        (REGION_STAMP | {"repeatedTime": "second"}, "2024-10-27 02:30 Europe/Berlin", "2024-10-27T01:30:00"),
        (
            UTC_STAMP
            | {"formatters": ["uuuu-MM-dd"], "timezoneId": "Europe/Berlin", "time": {"hour": 8, "minute": 30, "second": 0, "nano": 0}},
            "2013-07-01",
            "2013-07-01T06:30:00",
        ),
    ],
)
def test_moments_are_read_in_their_zone(bench: Bench, column: dict[str, Any], text: str, moment: str) -> None:
    bench.run(texts(text), typing(column))
    (row,) = bench.spark.sql("SELECT date_format(c0, \"yyyy-MM-dd'T'HH:mm:ss\") AS m, size(_errors) AS e FROM v").collect()
    assert (row.m, row.e) == (moment, 0)


@pytest.mark.spark
def test_a_region_has_times_that_never_were_and_days_of_its_own(bench: Bench) -> None:
    assert "Unable to convert" in outcome(bench, REGION_STAMP, "2024-03-31 02:30 Europe/Berlin")
    day = {"type": "date", "nullable": True, "formatters": ["uuuu-MM-dd HH:mm VV"]}
    assert outcome(bench, day, "2024-01-01 00:30 Asia/Tokyo") == date(2024, 1, 1)


@pytest.mark.spark
def test_a_date_without_a_clock_is_no_moment(bench: Bench) -> None:
    words = "Unable to convert '2013-07-01' to timestamp using formatters ['uuuu-MM-dd'] and timezone 'UTC'"
    assert outcome(bench, UTC_STAMP | {"formatters": ["uuuu-MM-dd"]}, "2013-07-01") == words


@pytest.mark.spark
def test_columns_go_by_position_and_errors_keep_their_order(bench: Bench) -> None:
    made = sql_stage("t", sql="SELECT 'x' AS a, 'y' AS b, '3' AS c")
    row = bench.run(made, typing({"type": "integer"}, {"type": "long"}, {"type": "double"})).view("v").collect()[0]
    assert (row.c0, row.c1, row.c2) == (None, None, 3.0)
    assert [error.field for error in row._errors] == ["c0", "c1"]
    assert bench.view("v").columns == ["c0", "c1", "c2", "_errors"]


@pytest.mark.spark
def test_internal_columns_stay_behind_the_typed_ones(bench: Bench) -> None:
    bench.write("raw/a.csv", "n\n1\nx\n")
    read = {"type": "DelimitedExtract", "name": "t", "inputURI": "raw/a.csv", "header": True, "outputView": "t"}
    bench.run(read, typing({"type": "integer"}))
    assert bench.view("v").columns == ["c0", "_filename", "_index", "_errors"]
    assert [(row.c0, row._index, len(row._errors)) for row in bench.view("v").collect()] == [(1, 1, 0), (None, 2, 1)]


@pytest.mark.spark
def test_a_column_that_has_its_type_passes_and_another_is_told(bench: Bench) -> None:
    made = sql_stage("t", sql="SELECT 5 AS n")
    assert bench.run(made, typing({"type": "integer"})).view("v").collect()[0].c0 == 5
    problem = bench.fails(made, typing({"type": "long"}))
    assert (problem.code, problem.data_column, problem.found) == ("not-text", "n", "int")


@pytest.mark.spark
def test_data_and_schema_must_have_as_many_columns(bench: Bench) -> None:
    problem = bench.fails(texts("1"), typing({"type": "integer"}, {"type": "integer"}))
    words = "TypingTransform can only be performed on tables with the same number of columns"
    assert problem.message == f"{words}, but the schema has 2 columns and the data table has 1 columns."
    assert (problem.fix or "").startswith("Add the missing columns"), "no name is the same"


@pytest.mark.spark
@pytest.mark.parametrize(
    ("sql", "fix"),
    [
        ("SELECT 'x' AS c0", "The data has no “c1”: look at what is read, or take it out of the schema."),
        ("SELECT 'x' AS c0, '1' AS C1, '2' AS w", "Add “w” to the schema, or leave it out in a query before this stage."),
    ],
)
def test_the_column_that_makes_the_difference_is_named(bench: Bench, sql: str, fix: str) -> None:
    """A key that no record of this month's JSON has, or a new one."""
    assert bench.fails(sql_stage("t", sql=sql), typing({"type": "string"}, {"type": "string"})).fix == fix


@pytest.mark.spark
def test_the_schema_may_come_from_a_file_or_a_view(bench: Bench) -> None:
    bench.write("schema.json", '[{"name": "n", "type": "integer", "nullable": true}]')
    stage = {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "v"}
    assert bench.run(texts("5"), stage | {"schemaURI": "schema.json"}).view("v").collect()[0].n == 5
    rows = sql_stage("fields", sql="SELECT 'm' AS name, 'long' AS type, true AS nullable, array('NA') AS nullableValues")
    assert bench.run(texts("NA"), rows, stage | {"schemaView": "fields"}).view("v").collect()[0].m is None
    bench.write("schema.json", '[{"name": "n", "type": "integr", "nullable": true}]')
    problem = bench.fails(texts("5"), stage | {"schemaURI": "schema.json"})
    assert (problem.field, problem.fix) == ("schemaURI[0].type", "Did you mean “integer”?")


# --- values that stop the run ---------------------------------------------------------------------------------------------

CSV = "id,amount\n1,10\n2,ten\n3,30\n"


def job(column: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Reads the file, types it, and saves no more than its count: no column that may be wrong is needed for that."""
    return [
        {"type": "DelimitedExtract", "name": "t", "inputURI": "raw/a.csv", "header": True, "outputView": "t"},
        typing({"type": "integer"}, {"name": "amount", "type": "integer", **column}, **more),
        sql_stage("counted", sql="SELECT count(*) AS n FROM v WHERE c0 > 0"),
        {"type": "ParquetLoad", "name": "save", "inputView": "counted", "outputURI": "out"},
    ]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("column", "more", "arc"),
    [
        (
            {"nullable": False},
            {},
            "TypingTransform with non-nullable column 'amount' cannot continue due to error: "
            f"Unable to convert 'ten' to integer using formatters {WHOLE}.",
        ),
        (
            {},
            {"failMode": "failfast"},
            "TypingTransform with failMode equal to 'failfast' cannot continue due to row with error(s): "
            f"[[amount,Unable to convert 'ten' to integer using formatters {WHOLE}]].",
        ),
    ],
)
@pytest.mark.parametrize("persist", [True, False])
def test_a_value_that_stops_the_run_is_told_with_row_column_and_value(
    spark_process: SparkProcess, tmp_path: Path, column: dict[str, Any], more: dict[str, Any], arc: str, persist: bool
) -> None:
    from tests.executor.running import run_here

    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text(CSV)
    done = run_here(spark_process, job(column, persist=persist, **more), tmp_path)
    assert (done.code, done.result) == (2, "failed")
    problem = done.problem
    assert problem["code"] == "value-does-not-fit"
    assert (problem["row"], problem["data_column"], problem["value"], problem["expected"]) == (2, "amount", "ten", "a whole number")
    assert problem["message"] == "Row 2 of “raw/a.csv” has a value that does not fit in the column “amount” (stage “typed”)."
    assert problem["detail"] == arc
    assert not (tmp_path / "out").exists()


@pytest.mark.spark
def test_a_missing_value_that_stops_the_run_is_told(spark_process: SparkProcess, tmp_path: Path) -> None:
    from tests.executor.running import run_here

    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text("id,amount\n1,\n")
    done = run_here(spark_process, job({"nullable": False}), tmp_path)
    assert (done.problem["code"], done.problem["row"], done.problem["found"]) == ("value-missing", 1, "no value")


def test_other_errors_of_spark_are_not_ours() -> None:
    assert problem_from("[DIVIDE_BY_ZERO] Division by zero.") is None
    assert problem_from("sluice-typing:{broken") is None


# --- what the document may say --------------------------------------------------------------------------------------------


def typed_document(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return document(sql_stage("t", sql="SELECT 'x' AS c"), typing(*columns, **more))


@pytest.mark.parametrize(
    ("column", "field", "words"),
    [
        ({"type": "intger"}, "schema[0].type", "There is no type “intger”."),
        ({"type": "decimal", "scale": 2}, "schema[0].precision", "“Digits” (precision) is missing."),
        ({"type": "decimal", "precision": 2, "scale": 3}, "schema[0]", "A column cannot have more decimals than digits."),
        (
            {"type": "date", "formatters": ["uuuu-BB"]},
            "schema[0].formatters",
            "The format 'uuuu-BB' is not right: the letter B cannot be read.",
        ),
        ({"type": "date", "formatters": []}, "schema[0].formatters", "“Formats” (formatters) must have 1 or more items."),
        (
            {"type": "integer", "formatters": ["abc"]},
            "schema[0].formatters",
            "The format 'abc' is not right: it has no place for digits (# or 0).",
        ),
        (UTC_STAMP | {"timezoneId": "Mars/Olympus"}, "schema[0].timezoneId", "There is no time zone “Mars/Olympus”."),
        ({"type": "string", "maxLen": 3}, "schema[0].maxLen", "There is no field “maxLen” here."),
        ({"type": "string", "metadata": {"a": []}}, "schema[0].metadata", "Metadata attribute 'a' cannot contain empty `arrays`."),
        ({"type": "struct", "fields": []}, "schema[0].fields", "“fields” must have 1 or more items."),
        ({"type": "array", "elementType": {"name": "x"}}, "schema[0].elementType.type", "“type” is missing."),
    ],
)
def test_a_wrong_column_is_told_at_its_place(column: dict[str, Any], field: str, words: str) -> None:
    problem = only_problem(typed_document(column))
    assert (problem.field, problem.message) == (field, words)


def test_a_column_must_say_whether_it_may_be_empty() -> None:
    stage = typing() | {"schema": [{"name": "a", "type": "integer"}]}
    assert only_problem(document(sql_stage("t"), stage)).field == "schema[0].nullable"


def test_exactly_one_schema_is_needed() -> None:
    assert codes(typed_document({"type": "string"}, schemaURI="x.json")) == ["one-of"]
    assert codes(document(sql_stage("t"), {key: value for key, value in typing().items() if key != "schema"})) == ["one-of"]
    assert codes(typed_document()) == ["no-columns"]
