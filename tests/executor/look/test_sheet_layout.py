"""What Excel shows otherwise than the cells say is told: merged cells, and what is hidden."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from executor.look.packed import unpack
from executor.problems import ProblemError

REGIONS = [["region", "shop", "n"], ["N", "A", 1], [None, "B", 2], ["S", "C", 3]]


def book_of(rows: list[list[Any]]) -> tuple[Workbook, Any]:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return book, book.active


def notes_of(folder: Path, book: Workbook) -> list[list[str]]:
    book.save(folder / "b.xlsx")
    return [file["notes"] for file in unpack(folder, "b.xlsx", "out", lambda what, done, whole: None)]


@pytest.mark.parametrize(
    ("rows", "merged", "told"),
    [
        (REGIONS, ["A2:A3"], "cells A2:A3 are one in the sheet: the value stands in the first row only"),
        (REGIONS, ["A2:A3", "C3:C4"], "cells A2:A3 and in 1 other place are one"),
        ([["Sales 2024"], [], *REGIONS], ["A1:C1", "A4:A5"], "cells A4:A5 are one in the sheet: the value stands in the first row"),
        (
            [["shop", "may", "june"], ["A", 5, None], ["B", 1, 2]],
            ["B2:C2"],
            "cells B2:C2 are one in the sheet: the value stands in the first column",
        ),
        ([["a", "b", "c"], ["x", "y", 1], ["z", None, 2], [None, None, 3]], ["A3:B4"], "cells A3:B4 are one"),
        ([["shop", "may", "june"], ["A", 5, None], ["B", 1, 2], ["C", 3, 4, "late"]], ["B2:C2"], "cells B2:C2 are one"),
        ([["shop", "may", "june"], ["A", "x", None], ["B", 1, 2], ["C", 3, 4, "late"]], ["B2:C2"], "cells B2:C2 are one"),
    ],
)
def test_merged_cells_among_the_rows_are_told(tmp_path: Path, rows: list[list[Any]], merged: list[str], told: str) -> None:
    book, sheet = book_of(rows)
    for one in merged:
        sheet.merge_cells(one)
    ((note, *_),) = notes_of(tmp_path, book)
    assert note.startswith(told) and "unmerge them in Excel" in note


@pytest.mark.parametrize(
    ("rows", "merged"),
    [
        ([["Sales 2024"], *REGIONS], "A1:C1"),
        ([[None, 2023, None, 2024, None], ["shop", "q1", "q2", "q3", "q4"], ["A", 1, 2, 3, 4]], "B1:C1"),
        ([*REGIONS, ["source: till"]], "A5:C5"),
        ([[None, "sold", None, None], [None, 2023, None, 2024], ["shop", "q1", "q2", "q1"], ["A", 1, 2, 3]], "B1:D1"),
        ([["a", "b"], ["x", 1], [None, 2], [None, 3]], "A3:A4"),
    ],
)
def test_titles_remarks_groups_and_empty_cells_may_be_merged(tmp_path: Path, rows: list[list[Any]], merged: str) -> None:
    book, sheet = book_of(rows)
    sheet.merge_cells(merged)
    assert notes_of(tmp_path, book) == [[]]


def test_rows_and_columns_that_are_hidden_are_counted(tmp_path: Path) -> None:
    book, sheet = book_of([["a", "b", "c"], *([n, n, n] for n in range(9))])
    sheet.auto_filter.ref = "A1:C10"
    sheet.auto_filter.add_filter_column(0, ["1"])
    for number in (3, 5, 40):
        sheet.row_dimensions[number].hidden = True
    sheet.column_dimensions["B"].hidden = True
    sheet.column_dimensions["F"].hidden = True
    ((rows, columns),) = notes_of(tmp_path, book)
    assert rows.startswith("2 rows of the sheet, the first is row 3, are hidden, by a filter or by hand, and read all the same")
    assert columns == "column B of the sheet is hidden and read all the same"
    assert (tmp_path / "out" / "b.csv").read_text().count("\n") == 10


def test_closed_groups_are_hidden_too(tmp_path: Path) -> None:
    book, sheet = book_of([["a", "b", "c", "d"], [1, 2, 3, 4], [5, 6, 7, 8]])
    sheet.row_dimensions.group(3, 3, hidden=True)
    sheet.column_dimensions.group("B", "C", hidden=True)
    ((rows, columns),) = notes_of(tmp_path, book)
    assert rows.startswith("row 3 of the sheet is hidden")
    assert columns == "2 columns of the sheet (B, C) are hidden and read all the same"


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_sheet_that_is_hidden_is_told(tmp_path: Path, state: str) -> None:
    book, _ = book_of(REGIONS)
    other = book.create_sheet("old")
    other.append(["a", 1])
    other.sheet_state = state
    assert notes_of(tmp_path, book) == [[], ["the whole sheet is hidden in the workbook, and became a file all the same"]]


def changed(folder: Path, rows: list[list[Any]], old: str, new: str, part: str = "sheet1") -> None:
    """A workbook in which a part says something else."""
    book, _ = book_of(rows)
    book.save(folder / "as_written.xlsx")
    with zipfile.ZipFile(folder / "as_written.xlsx") as source, zipfile.ZipFile(folder / "b.xlsx", "w") as out:
        for info in source.infolist():
            text = source.read(info)
            out.writestr(info.filename, re.sub(old, new, text.decode()).encode() if part in info.filename else text)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (r'(<row r="2".*?</row>)(<row r="3".*?</row>)', r"\2\1", "sheet-order"),
        ("3", "2", "sheet-order"),
        (r"(<c r=\"A3\".*?</c>)(<c r=\"B3\".*?</c>)", r"\2\1", "sheet-order"),
        ('"B3"', '"A3"', "sheet-order"),
        ('"B3"', '"B7"', "sheet-order"),
    ],
)
def test_a_sheet_whose_rows_or_cells_are_out_of_order_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    changed(tmp_path, [["a", "b"], [11, 11], [11, 11]], old, new)
    with pytest.raises(ProblemError) as told:
        unpack(tmp_path, "b.xlsx", "out", lambda what, done, whole: None)
    assert told.value.problems[0].code == code
    assert not list((tmp_path / "out").iterdir())


def test_a_cell_whose_text_is_not_there_is_told(tmp_path: Path) -> None:
    changed(tmp_path, [["a", "b"], [1, 2]], '<c r="B1" t="inlineStr">.*?</c>', '<c r="B1" t="s"><v>9</v></c>')
    with pytest.raises(ProblemError) as told:
        unpack(tmp_path, "b.xlsx", "out", lambda what, done, whole: None)
    assert told.value.problems[0].code == "zip-broken" and not list((tmp_path / "out").iterdir())


def test_rows_and_cells_that_do_not_say_their_places_are_read_in_order(tmp_path: Path) -> None:
    changed(tmp_path, [["a", "b"], [1, 2], [3, 4]], r'<(row|c) r="\w+"', r"<\1")
    unpack(tmp_path, "b.xlsx", "out", lambda what, done, whole: None)
    assert (tmp_path / "out" / "b.csv").read_text() == "a,b\n1,2\n3,4\n"


def test_the_stricter_form_of_a_workbook_is_named_with_its_way_out(tmp_path: Path) -> None:
    changed(tmp_path, [["a"], [1]], "schemas.openxmlformats.org/spreadsheetml/2006", "purl.oclc.org/ooxml/spreadsheetml", ".xml")
    with pytest.raises(ProblemError, match="Strict Open XML"):
        unpack(tmp_path, "b.xlsx", "out", lambda what, done, whole: None)


def test_errors_of_excel_are_counted(tmp_path: Path) -> None:
    book, _ = book_of([["a", "b"], [1, "#DIV/0!"], ["#N/A", 2]])
    ((note,),) = notes_of(tmp_path, book)
    assert note.startswith("2 cells hold errors of Excel instead of a value (#DIV/0! in cell B2)")


def test_numbers_that_have_lost_digits_are_told(tmp_path: Path) -> None:
    book, _ = book_of([["card", "n"], [4111111111111110, 1e15], [999999999999999, 2.5], ["4111111111111111", 1e-20]])
    ((note,),) = notes_of(tmp_path, book)
    assert note.startswith("2 cells hold numbers of more than 15 digits (cell A2)")
