"""Rows taken home: nothing acts as a formula, no digit is lost, null is not an empty text."""

from __future__ import annotations

import base64
import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.event_writer import EventWriter
from executor.problems import ProblemError
from executor.running import export as exporting
from executor.running.export import NOTES, SIGNED, _cell, _csv_cell, cut_for_excel, export, harmless, is_exact_in_excel, notes_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.spark.session import SparkProcess


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\n=1", "=cmd|' /C calc'!A0", "+49 30 123", "-", "＝1", "-2+3+cmd", "=", "--1"],
)
def test_what_could_be_a_formula_gets_a_sign_before_it(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1", "-1.5", "-1,234.50", "+2e5", "-1,5", "1=1", "a@b.c", "", " =1", "x-1", "'=1"])
def test_numbers_and_other_text_stay(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (10**15 - 1, True), (-(10**15) + 1, True), (10**15, False), (2**53, False), (9007199254740993, False), (0, True), (1.5, True),
        (1e300, True), (1.7e308, False), (5e-324, False), (0.0, True), (-0.1, True),
        (float("nan"), False), (float("inf"), False), (Decimal("12345678901234.5"), True), (Decimal("1234567890123456.5"), False),
        (Decimal("0.1"), True), (Decimal("1E+3"), True), (Decimal("-99999999999999999999"), False), (Decimal("100.0000000000000000"), True),
    ],
)  # fmt: skip
def test_what_excel_keeps_exactly(value: Any, exact: bool) -> None:
    assert is_exact_in_excel(value) is exact


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", '""'),
        ("a", "a"),
        ("a,b", '"a,b"'),
        ('a"b', '"a""b"'),
        ("a\nb", '"a\nb"'),
        (" a", '" a"'),
        ("=1", "'=1"),
        ("=1,2", '"\'=1,2"'),
    ],
)
def test_a_cell_of_csv(value: str | None, cell: str) -> None:
    assert _csv_cell(value, guard=True) == cell


def test_a_number_column_is_not_guarded() -> None:
    assert _csv_cell("-1.5E-7", guard=False) == "-1.5E-7"
    assert _cell("a;b") == '"a;b"'  # where a spreadsheet takes ; as the separator, the cell stays one


# --- with Spark -----------------------------------------------------------------------------------------------------------

VALUES = """
SELECT * FROM VALUES
  (1, '=1+1', CAST(-12.50 AS DECIMAL(10,2)), 9007199254740993L, DATE'2013-01-31', TIMESTAMP'2013-01-31 05:06:07', true, NULL),
  (2, '-5', CAST(0 AS DECIMAL(10,2)), -1L, DATE'1850-01-01', TIMESTAMP'2013-01-31 05:06:07.123456', false, ''),
  (3, 'ü, "x"', CAST(NULL AS DECIMAL(10,2)), NULL, NULL, NULL, NULL, 'a\\nb')
  AS t(n, `=name`, d, big, day, moment, yes, text)
"""


def taken(frame: DataFrame, process: SparkProcess, form: str, rows: int = 100, mark: bool = False) -> tuple[bytes, dict[str, Any]]:
    said = io.StringIO()
    emit = EventWriter(said)
    emit(export(frame, form=form, rows=rows, mark=mark, scratch=process.scratch, emit=emit, is_cancelled=lambda: False))
    events = [json.loads(line) for line in said.getvalue().splitlines()]
    assert events[-1]["event"] == "exported"
    return b"".join(base64.b64decode(event["data"]) for event in events[:-1]), events[-1]


@pytest.mark.spark
def test_csv(spark: SparkSession, spark_process: SparkProcess) -> None:
    data, done = taken(spark.sql(VALUES), spark_process, "csv")
    assert (done["rows"], done["complete"], done["bytes"]) == (3, True, len(data))
    assert data.decode().splitlines()[:2] == [
        "n,'=name,d,big,day,moment,yes,text",
        "1,'=1+1,-12.50,9007199254740993,2013-01-31,2013-01-31 05:06:07,true,",
    ]
    rows = list(csv.reader(io.StringIO(data.decode())))
    assert [row[1] for row in rows] == ["'=name", "'=1+1", "-5", 'ü, "x"'] and rows[3][7] == "a\nb"
    assert ',false,""' in data.decode()
    for form in ("csv", "xlsx"):
        notes = taken(spark.sql(VALUES), spark_process, form)[1]["notes"]
        assert [note for note in notes if note.startswith("1 text has a ' before it")], form
    marked, _ = taken(spark.sql(VALUES), spark_process, "csv", mark=True)
    assert marked.startswith(b"\xef\xbb\xbfn,") and b"\r\n" in marked


@pytest.mark.spark
def test_excel(spark: SparkSession, spark_process: SparkProcess, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    data, done = taken(spark.sql(VALUES), spark_process, "xlsx")
    (tmp_path / "a.xlsx").write_bytes(data)
    rows = [[cell.value for cell in row] for row in load_workbook(tmp_path / "a.xlsx").active.rows]
    assert rows[0] == ["n", "'=name", "d", "big", "day", "moment", "yes", "text"]
    first, second = rows[1], rows[2]
    assert first[:4] == [1, "'=1+1", -12.5, "9007199254740993"] and str(first[4]).startswith("2013-01-31") and first[6] is True
    assert second[1] == "-5" and second[4] == "1850-01-01" and second[5] == "2013-01-31 05:06:07.123456"
    assert any("1 number stands as text" in note for note in done["notes"])
    assert b"<f>" not in data


NUMBERS = """
SELECT * FROM VALUES
  (0.1D + 0.2D, 0.1F), (123456789012345678D, 16777217F), (-1D / 3, CAST('NaN' AS FLOAT)),
  (CAST('-Infinity' AS DOUBLE), CAST('Infinity' AS FLOAT)),
  (CAST('5e-324' AS DOUBLE), NULL), (1.7E308D, -2.5F), (42D, 0F)
  AS t(d, f)
"""


@pytest.mark.spark
def test_excel_has_every_digit_of_a_float_and_says_what_it_cannot_hold(
    spark: SparkSession, spark_process: SparkProcess, tmp_path: Path
) -> None:
    from openpyxl import load_workbook

    data, done = taken(spark.sql(NUMBERS), spark_process, "xlsx")
    (tmp_path / "a.xlsx").write_bytes(data)
    rows = [tuple(cell.value for cell in row) for row in load_workbook(tmp_path / "a.xlsx").active.rows]
    assert rows[1:] == [
        (0.1 + 0.2, 0.1), (123456789012345678.0, 16777216), (-1 / 3, "NaN"),
        ("-Infinity", "Infinity"), ("5e-324", None), ("1.7e+308", -2.5), (42, 0),
    ]  # fmt: skip
    assert [note for note in done["notes"] if note.startswith("5 numbers stand as text") and "NaN" in note]
    _, done = taken(spark.sql(VALUES), spark_process, "xlsx")
    assert [note for note in done["notes"] if note.startswith("2 dates and times stand as text")]


@pytest.mark.spark
def test_parquet_keeps_types(spark: SparkSession, spark_process: SparkProcess, tmp_path: Path) -> None:
    data, done = taken(spark.sql(VALUES), spark_process, "parquet")
    (tmp_path / "a.parquet").write_bytes(data)
    back = spark.read.parquet(str(tmp_path / "a.parquet"))
    assert (done["rows"], done["complete"]) == (3, True)
    assert back.dtypes == spark.sql(VALUES).dtypes and back.collect() == spark.sql(VALUES).collect()
    nothing, done = taken(spark.sql("SELECT 1 AS a WHERE false"), spark_process, "parquet")
    assert done["rows"] == 0 and nothing.startswith(b"PAR1")


@pytest.mark.spark
@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_the_cap_is_said(spark: SparkSession, spark_process: SparkProcess, form: str) -> None:
    assert [taken(spark.range(10), spark_process, form, rows=rows)[1]["complete"] for rows in (9, 10, 11)] == [False, True, True]
    assert taken(spark.range(10), spark_process, form, rows=9)[1]["rows"] == 9


@pytest.mark.spark
def test_odd_shapes(spark: SparkSession, spark_process: SparkProcess) -> None:
    data, _ = taken(spark.sql("SELECT CAST(NULL AS STRING) AS `a``b` UNION ALL SELECT 'x'"), spark_process, "csv")
    assert sorted(data.decode().splitlines()) == ['""', "a`b", "x"]
    nested, _ = taken(
        spark.sql("SELECT named_struct('a', 1, 'b', array('x')) AS s, X'00FF' AS b, CAST('1.50' AS DOUBLE) AS d"), spark_process, "csv"
    )
    assert nested.decode().splitlines()[1] == '"{""a"":1,""b"":[""x""]}",AP8=,1.5'
    twice, _ = taken(spark.sql("SELECT 1 AS a, 2 AS a"), spark_process, "csv")
    assert twice.decode() == "a,a\n1,2\n"


@pytest.mark.spark
def test_too_much_is_told(spark: SparkSession, spark_process: SparkProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_BYTES", 1000)
    with pytest.raises(ProblemError) as refused:
        taken(spark.range(1000), spark_process, "csv", rows=1000)
    assert refused.value.problems[0].code == "download-too-large"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("x" * 32_767, 32_767), ("x" * 32_768, 32_766), ("😀" * 16_383 + "x", 16_384), ("😀" * 16_384, 16_383), ("ü" * 40_000, 32_766)],
)
def test_a_cell_of_excel_is_measured_as_excel_does(text: str, kept: int) -> None:
    """A sign such as an emoji counts as two, and none is cut in half."""
    cell = cut_for_excel(text)
    assert cell == (text if kept == len(text) else text[:kept] + "…")
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767


def test_notes_speak_of_one_and_of_several() -> None:
    assert notes_of({SIGNED: 1}) == ["1 text has a ' before it: a spreadsheet would take it for a formula."]
    assert notes_of({SIGNED: 1200}) == ["1,200 texts have a ' before them: a spreadsheet would take them for formulas."]
    assert all("{" not in note and "}" not in note for count in (1, 2) for note in notes_of(dict.fromkeys(NOTES, count)))
