"""Input files are looked at before Spark reads them, and told in plain words."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pytest

from executor.files import encodings
from executor.files.delimited import TextRules
from executor.files.folder import place_of
from executor.files.inputs import check_parquet, read_text, require_data
from executor.files.table import table_of
from executor.problems import Problem, ProblemError

COMMAS = TextRules()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path


def text_problem(file: Path, content: bytes | str, rules: TextRules = COMMAS) -> Problem | None:
    """What is wrong with `file` as a delimited text, None when nothing is."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        table_of(require_data(str(file), file.name), rules)
    except ProblemError as error:
        return error.problems[0]
    return None


def test_a_missing_file_is_told_with_the_nearest_name(lake: Path) -> None:
    (lake / "flights.csv").write_text("a\n")
    with pytest.raises(ProblemError) as caught:
        require_data(str(lake / "fligths.csv"), "fligths.csv")
    assert caught.value.problems[0].code == "input-missing"
    assert caught.value.problems[0].fix == "Did you mean “flights.csv”?"


def test_an_empty_file_is_told(lake: Path) -> None:
    problem = text_problem(lake / "a.csv", "")
    assert problem and (problem.code, problem.message) == ("input-empty", "“a.csv”: The file is empty.")


def test_a_folder_without_data_is_told(lake: Path) -> None:
    (lake / "folder").mkdir()
    (lake / "folder" / "_SUCCESS").write_text("x")
    with pytest.raises(ProblemError) as caught:
        require_data(str(lake / "folder"), "folder")
    assert caught.value.problems[0].message == "“folder”: The folder holds no data files."


def test_a_broken_gzip_is_told(lake: Path) -> None:
    problem = text_problem(lake / "a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000)[:-30])
    assert problem and problem.code == "input-gzip" and "cannot be unpacked" in problem.message


def test_a_file_that_was_packed_in_parts_is_read_to_its_last_part_or_told(lake: Path) -> None:
    """What begins a part is damaged: all rows behind it would be left out."""
    rows = b"a,b\n" + b"1,2\n" * 1000
    parts = bz2.compress(rows) + bz2.compress(rows[4:])
    assert text_problem(lake / "a.csv.bz2", parts) is None
    with encodings.opened(lake / "a.csv.bz2") as unpacked:
        assert unpacked.read() == rows + rows[4:]
    second = len(bz2.compress(rows))
    damaged = [parts[:second] + b"XZh9" + parts[second + 4 :], parts[: second + 3], parts[:-9], parts + b"\n", parts + bytes(512)]
    for wrong in damaged:
        problem = text_problem(lake / "a.csv.bz2", wrong)
        assert problem and problem.code == "input-gzip", wrong[-20:]


def test_a_text_that_is_called_gzip_is_told(lake: Path) -> None:
    problem = text_problem(lake / "a.csv.gz", "a,b\n1,2\n")
    assert problem and problem.code == "input-gzip" and "not gzip" in problem.message
    assert problem.found == "plain text"


def test_a_good_gzip_is_fine(lake: Path) -> None:
    assert text_problem(lake / "a.csv.gz", gzip.compress(b"a,b\n1,2\n")) is None


def test_the_wrong_separator_is_told_with_the_right_one(lake: Path) -> None:
    problem = text_problem(lake / "a.csv", "a;b;c\n1;2;3\n")
    assert problem and (problem.code, problem.found) == ("input-separator", "a semicolon between the values")
    assert "Custom" in (problem.fix or "")


def test_one_column_of_text_is_no_wrong_separator(lake: Path) -> None:
    assert text_problem(lake / "a.csv", "title\nOne; two; three\nFour\n") is None


@pytest.mark.parametrize(
    ("content", "row", "found"),
    [
        ("a,b\n1,2\n3\n", 2, "1 value"),
        ("a,b\n1,2,3\n", 1, "3 values"),
        ("a,b\n" + "1,2\n" * 50_000 + "1,2,3\n", 50_001, "3 values"),
        ('a,b\n"1,5",2\n"1",2,3\n', 2, "3 values"),
        ("a,b\n\n1,2\n1\n", 2, "1 value"),
    ],
)
def test_a_row_of_another_width_is_told_with_its_number(lake: Path, content: str, row: int, found: str) -> None:
    problem = text_problem(lake / "a.csv", content)
    assert problem and (problem.code, problem.row, problem.expected) == ("input-row-width", row, "2 values")
    assert (problem.found or "").startswith(found)


def test_without_a_header_the_first_line_is_row_one(lake: Path) -> None:
    problem = text_problem(lake / "a.csv", "1,2\n3\n", TextRules(header=False))
    assert problem and problem.row == 2


@pytest.mark.parametrize("content", ['a,b\n"1,\\"5",2\n', 'a,b\n"x""y",2\n', "a,b\r\n1,2\r\n", "\ufeffa,b\n1,2", "a,b\n\n\n1,2\n\n"])
def test_regular_files_are_fine(lake: Path, content: str) -> None:
    assert text_problem(lake / "a.csv", content) is None


def test_a_line_break_in_a_value_needs_the_switch(lake: Path) -> None:
    content = 'a,b\n1,"x\ny"\n'
    problem = text_problem(lake / "a.csv", content)
    assert problem and (problem.code, problem.row) == ("input-line-break", 1)
    assert text_problem(lake / "b.csv", content, TextRules(multi_line=True)) is None


def test_another_encoding_is_told_with_line_and_byte(lake: Path) -> None:
    problem = text_problem(lake / "a.csv", b"a,b\n1,Z\xfcrich\n")
    assert problem and (problem.code, problem.row, problem.expected) == ("input-encoding", 2, "UTF-8")
    assert problem.found == "the byte 0xfc in line 2 (“ü” in windows-1252)"


def test_a_character_may_stand_across_two_pieces_of_the_file(lake: Path) -> None:
    assert text_problem(lake / "a.csv", "a\n" + "x" * 999_997 + "ü\n") is None


def test_other_formats_are_named(lake: Path) -> None:
    problem = text_problem(lake / "a.csv", b"PAR1....PAR1")
    assert problem and problem.found == "a Parquet file" and "ParquetExtract" in (problem.fix or "")
    problem = text_problem(lake / "b.csv", b"PK\x03\x04....")
    assert problem and "Unpack it" in (problem.fix or "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"origin,dest\nJFK,LAX\n", "“x.parquet”: The file is not a Parquet file."),
        (b"PAR1 and then cut off", "“x.parquet”: The file is not complete: its end is missing."),
        (b"hi", "“x.parquet”: The file is not a Parquet file."),
    ],
)
def test_what_is_not_parquet_is_told(lake: Path, content: bytes, message: str) -> None:
    file = lake / "x.parquet"
    file.write_bytes(content)
    with pytest.raises(ProblemError) as caught:
        check_parquet(place_of(str(file), "x.parquet"))
    assert caught.value.problems[0].message == message


def test_patterns_find_the_files_spark_would_read(lake: Path) -> None:
    for name in ("a1.csv", "a2.csv", "b1.csv", "_hidden.csv", "sub/a3.csv", "sub/year=2013/a4.csv"):
        (lake / name).parent.mkdir(parents=True, exist_ok=True)
        (lake / name).write_text("x")
    names = lambda pattern: [file.path.name for file in place_of(str(lake / pattern), pattern).files]  # noqa: E731
    assert names("a*.csv") == ["a1.csv", "a2.csv"]
    assert names("{a1,b1}.csv") == ["a1.csv", "b1.csv"]
    assert names("[^a]1.csv") == ["b1.csv"]
    assert names("sub") == ["a3.csv", "a4.csv"]
    assert require_data("s3a://bucket/x", "s3a://bucket/x").files == ()


def test_the_text_of_a_small_file_is_read(lake: Path) -> None:
    (lake / "q.sql").write_text("SELECT 1")
    assert read_text(str(lake / "q.sql"), "q.sql") == "SELECT 1"
    (lake / "empty.sql").write_text(" \n")
    with pytest.raises(ProblemError, match=r"File at empty.sql is empty."):
        read_text(str(lake / "empty.sql"), "empty.sql")
    with pytest.raises(ProblemError, match="no such file"):
        read_text(str(lake / "none.sql"), "none.sql")


@pytest.mark.parametrize("multi_line", [False, True])
def test_a_row_without_end_is_told_and_not_read_to_its_end(lake: Path, multi_line: bool) -> None:
    rules = TextRules(multi_line=multi_line)
    problem = text_problem(lake / "endless.csv", "a,b\n1,2\n3," + "x" * 20_000_000, rules)
    assert problem and problem.code == "input-row-endless" and problem.row == 2 and problem.fix
    quoted = text_problem(lake / "open.csv", 'a,b\n1,2\n3,"' + "x" * 20_000_000, rules)
    assert quoted and quoted.code == ("input-quote-open" if multi_line else "input-row-endless")
