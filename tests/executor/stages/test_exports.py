"""What consoles and exports of databases hold beside values is told by runs, and nothing of it in files of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from executor.document.job import parse
from executor.files.delimited import TextRules
from executor.files.folder import place_of
from executor.files.table import table_of
from executor.problems import ProblemError

CODED = "1\ta\\tb\t5\n2\t\\N\t7\n"


def told(folder: Path, text: str, **rules: Any) -> set[str]:
    (folder / "a.txt").write_text(text)
    return {warning.code for warning in table_of(place_of(str(folder / "a.txt"), "a.txt"), TextRules(**rules)).warnings}


@pytest.mark.parametrize(
    ("text", "rules", "code"),
    [
        (CODED, {"separator": "\t"}, "input-backslashes"),
        (CODED.replace("\t", "|"), {"separator": "|"}, "input-backslashes"),
        (CODED.replace("\\N", "NULL"), {"separator": "\t"}, "input-backslashes"),
        ("x\tNULL\n" * 5_000 + "a\\\\b\tc\n", {"separator": "\t"}, "input-backslashes"),
        ("id,name\n--,----\n1,Ann\n2,Bob\n", {"header": True}, "input-console"),
        ("id|name\n---|:---:\n1|Ann\n", {"separator": "|", "header": True}, "input-console"),
        ("name\n----------\nAnn\nBob\n", {"header": True}, "input-console"),
        ("*************************** 1. row ***************************\nid: 1\nname: Ann\n", {}, "input-console"),
    ],
)
def test_what_databases_write_is_told(tmp_path: Path, text: str, rules: dict[str, Any], code: str) -> None:
    assert told(tmp_path, text, **{"header": False} | rules) == {code}


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (CODED, {"separator": "\t", "backslashes": "text"}),
        (CODED, {"separator": "\t", "backslashes": "codes", "quote": "\x00"}),
        ("1\tC:\\temp\\new\n2\tC:\\bin\\run\n", {"separator": "\t"}),
        ("1\t\\\\server\\new\n2\tD:\\n\n", {"separator": "\t"}),
        ('1\t{"a":"x\\ny"}\n2\t{}\n', {"separator": "\t"}),
        ("1\t\\d+\\n\n2\t\\N\n", {"separator": "\t"}),
        ("1,a\\nb\n2,c\n", {}),
        ("1,\\N\n2,c\n", {}),
        ("a,b\n-,-\n-,-\n1,2\n", {"header": True}),
        ("a,b\n1,--\n--,2\n", {"header": True}),
        ("name,note\nAnn,---\nBob,x\n", {"header": True}),
    ],
)
def test_what_others_write_is_not(tmp_path: Path, text: str, rules: dict[str, Any]) -> None:
    assert told(tmp_path, text, **{"header": False} | rules) == set()


@pytest.mark.parametrize("first", ["-- MySQL dump 10.13\n", "INSERT INTO t VALUES (1,2);\n", "CREATE TABLE t (a int,b int);\n"])
def test_scripts_are_no_tables(tmp_path: Path, first: str) -> None:
    with pytest.raises(ProblemError) as error:
        told(tmp_path, first + "INSERT INTO t VALUES (3,4);\n")
    assert error.value.problems[0].code == "input-format"


def test_values_that_go_on_behind_a_backslash_are_named(tmp_path: Path) -> None:
    """As MySQL writes tabs and line breaks into files (SELECT … INTO OUTFILE)."""
    with pytest.raises(ProblemError) as error:
        told(tmp_path, "1\tAnn\t5\n2\tB\\\tob\t7\n3\ttwo\\\nlines\t1\n", separator="\t", header=False)
    assert "mysql --batch" in str(error.value.problems[0].fix)


def test_codes_go_without_quotes() -> None:
    stage = {"type": "DelimitedExtract", "name": "read", "inputURI": "a.txt", "outputView": "t", "backslashes": "codes"}
    with pytest.raises(ProblemError) as error:
        parse({"stages": [stage]}, environment=None, parameters={}, run_id="r")
    assert [(problem.code, problem.field) for problem in error.value.problems] == [("not-with-quotes", "quote")]


def test_words_and_numbers_for_no_value_mark_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,note,t,n\n1,NULL,x NULL y,-999.9,9999\n2,Null,\\N,-99.5,19999\n9999-12,(null),z,3,A9999\n")
    marks = table_of(place_of(str(tmp_path / "a.csv"), "a.csv"), TextRules()).marks
    assert marks == {"standIns": {"t", "n"}, "nullWords": {"name", "note"}}


def test_the_way_out_of_a_total_without_a_name_leaves_it_out(tmp_path: Path) -> None:
    """Nothing between two separators is no value: comparing it with an empty text would keep the row."""
    rows, total = "region,amt\nA,1034.10\nB,2017.45\nC,3051.55\n", ",6103.10\n"
    for last, way_out in (
        (total, "`region` IS NOT NULL"),
        (f"Average,2034.3667\n{total}", "coalesce(`region`, '') NOT IN ('', 'Average')"),
    ):
        (tmp_path / "a.csv").write_text(rows + last)
        warnings = table_of(place_of(str(tmp_path / "a.csv"), "a.csv"), TextRules()).warnings
        (warning,) = [warning for warning in warnings if warning.code == "input-totals-among-rows"]
        assert f"WHERE {way_out}." in str(warning.fix)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('<?xml version="1.0"?>\n<rows><row>1</row></rows>\n', "input-format", "CSV or JSON"),
        (" id | amt \n----+-----\n  1 | 5.00\n(1 row)\n", "input-row-width", "psql --csv"),
    ],
)
def test_what_is_no_table_says_how_to_get_one(tmp_path: Path, text: str, code: str, words: str) -> None:
    with pytest.raises(ProblemError) as error:
        told(tmp_path, text, separator="|")
    assert error.value.problems[0].code == code and words in str(error.value.problems[0].fix)
