"""All files of a folder are looked at: what of them does not go together is told before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.look.clocks import if_there_is
from executor.look.proposal import Proposal
from executor.look.shapes import Moment, shape_of
from executor.problems import ProblemError
from tests.executor.look.test_look_others import look_at

FIRST = b"id;d;n\n1;13/01/2024;1,5\n2;14/01/2024;2,5\n"


def folder(path: Path, **files: bytes) -> Proposal:
    (path / "f").mkdir()
    for name, content in files.items():
        (path / "f" / f"{name}.csv").write_bytes(content)
    return look_at(path, "f")


@pytest.mark.parametrize(
    ("other", "codes", "words"),
    [
        (b"id;d;n\n3;15/01/2024;3.5\n", ["look-written-otherwise"], "“n” is written otherwise in “"),
        (b"id;d;n\n3;01/15/2024;3,5\n4;01/16/2024;3,5\n", ["look-written-otherwise"], "“d” is written otherwise in “"),
        (b"Report 2024\nid;d;n\n3;15/01/2024;3,5\n4;16/01/2024;3,5\n", ["folder-otherwise"], "1 line before its names, the others 0"),
        (b"3;15/01/2024;3,5\n4;16/01/2024;4,5\n", ["folder-otherwise"], "“b.csv” has no line of names; the others have one"),
        (b"shop;town\nA;Ulm\nB;Bonn\n", ["folder-otherwise"], "has other columns altogether"),
        (b"id,d,n\n3,15/01/2024,2.512\n", ["look-separators", "look-thousands"], "with “"),
        (b"id;d;n\n3;15/01/2024;3,5\n", [], ""),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, other: bytes, codes: list[str], words: str) -> None:
    found = folder(tmp_path, a=FIRST, b=other, c=FIRST)
    said = [problem for problem in found.problems if problem.code != "look-first-file"]
    assert {problem.code for problem in said} >= set(codes) and bool(said) == bool(codes)
    assert not codes or any(words in problem.message for problem in said)


def test_misfits_name_their_file_and_line(tmp_path: Path) -> None:
    rows = b"".join(b"%d;13/01/2024;1,5\n" % n for n in range(40))
    found = folder(tmp_path, a=b"id;d;n\n" + rows, b=b"id;d;n\n7;14/01/2024;1,5\nx;15/01/2024;2,5\n", c=b"id;d;n\n" + rows)
    assert [(misfit.file, misfit.line, misfit.column, misfit.value) for misfit in found.misfits] == [("b.csv", 3, "id", "x")]
    assert (found.misfits_total, found.rows_judged, found.rows_fit) == (1, 82, 81)


def test_the_order_of_days_is_that_of_all_files(tmp_path: Path) -> None:
    found = folder(tmp_path, a=b"id,d\n1,01/13/2024\n", b=b"id,d\n2,02/03/2024\n")
    assert found.columns[1].type["formatters"] == ["MM/dd/uuuu"]
    assert not found.questions


def test_lines_of_other_json_files_are_judged(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.jsonl").write_text("".join(f'{{"d":"2024-01-{n:02}"}}\n' for n in range(1, 30)))
    (tmp_path / "f" / "b.jsonl").write_text('{"d":"2024-01-30"}\n{"d":"soon"}\n')
    found = look_at(tmp_path, "f")
    assert [(misfit.file, misfit.line, misfit.value) for misfit in found.misfits] == [("b.jsonl", 2, "soon")]
    assert (found.rows, len(found.first_rows)) == (29, 29)


@pytest.mark.parametrize(
    ("text", "zone", "is_none"),
    [
        ("2024-03-31 02:30:00", "Europe/Berlin", True),
        ("31.03.2024 02:00", "Europe/Berlin", True),
        ("2024-03-31 03:00:00", "Europe/Berlin", False),
        ("2024-03-31 02:30:00", "UTC", False),
        ("2024-03-31 02:30:00+01:00", "Europe/Berlin", False),
        ("3/10/2024 2:59 AM", "America/New_York", False),
        ("Mar 10, 2024 2:59 AM", "America/New_York", True),
        ("2017-10-15 00:10:00", "America/Sao_Paulo", True),
        ("2017-10-01 02:20:00", "Australia/Lord_Howe", True),
        ("2017-10-01 02:40:00", "Australia/Lord_Howe", False),
        ("2024-03-31 02:30:00", "no/where", False),
    ],
)
def test_times_that_clocks_leave_out(text: str, zone: str, is_none: bool) -> None:
    moment = shape_of(text)
    assert isinstance(moment, Moment) and bool(if_there_is(moment, text, zone).wrong) == is_none


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[["a", 1]]', "is a list of lists"),
        ('[1, {"a": 1}]', "Item 1 of the list is not an object"),
        ('{\n "a": 1\n}\n{\n "a": 2\n}', "Several objects stand one behind the other; the second one begins in line 4"),
        ('{"a":1},\n{"a":2},\n', "A comma stands behind the object that ends in line 1"),
        ('[{"a":1},\n{"a":2},\n]', "In line 2 a comma stands behind the last value"),
        ("[{'a':1}]", "single quotes"),
        ('[{"a":1}, // one\n{"a":2}]', "is a comment"),
        ('[{"a":1},', "breaks off in line 1"),
    ],
)
def test_what_is_wrong_with_json_is_named_with_its_way_out(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(ProblemError, match=message) as told:
        look_at(tmp_path, "f.json")
    assert told.value.problems[0].fix
