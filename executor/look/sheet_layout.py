"""What Excel shows of a sheet otherwise than its cells say: what it hides, and cells that are merged into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.look.proposal import short
from executor.look.shapes import shape_of
from executor.problems import Problem, ProblemError

MOST_LETTERS = 5
"""Columns that a note names."""
FIRST_ROWS, BELOW = 100, 3
"""Names of columns stand in one of the first rows; names of groups of them at most so many rows above."""


@dataclass
class Layout:
    """`width`, `last`: of what is filled. `rows`: numbers of filled rows that are hidden; `columns`: letters of such columns.
    `names`: of the first rows those with words alone, as names of columns are: row → its filled columns. `merged`: ranges by the number of
    their first row; `down`, `across`: those told."""

    width: int = 0
    last: int = 0
    names: dict[int, set[int]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    merged: dict[int, list[Any]] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)
    across: list[str] = field(default_factory=list)

    def take(self, number: int, row: Sequence[Any]) -> None:
        """Keeps which ranges that begin in this row have a value that others of their cells lack. Across columns, a title, a remark
        (alone in their rows) and names of groups (right above a row that has a word in each of the columns) are meant so."""
        for range_ in self.merged.get(number, ()):
            inside = range(range_.min_col - 1, range_.max_col)
            if range_.min_col > len(row) or row[range_.min_col - 1].value in (None, ""):
                continue
            if range_.max_row > range_.min_row:
                self.down.append(range_.coord)
            elif self._has_others(row, inside) and not self._is_of_names(number, range_):
                self.across.append(range_.coord)

    @staticmethod
    def _has_others(row: Sequence[Any], inside: range) -> bool:
        return any(cell.value not in (None, "") for index, cell in enumerate(row) if index not in inside)

    def _is_of_names(self, number: int, range_: Any) -> bool:
        columns = set(range(range_.min_col, range_.max_col + 1))
        return any(columns <= self.names.get(below, set()) for below in range(number + 1, number + 1 + BELOW))

    def notes(self, state: str) -> list[str]:
        """`state`: of the sheet, as the workbook has it."""
        notes = [_of_merged(self.down, "row"), _of_merged(self.across, "column")]
        if self.rows:
            count = len(self.rows)
            first = f"row {self.rows[0]:,}"
            which = f"{first} of the sheet is" if count == 1 else f"{count:,} rows of the sheet, the first is {first}, are"
            notes.append(
                f"{which} hidden, by a filter or by hand, and read all the same, so that sums differ from what Excel shows: "
                "delete in Excel what should not count, and bring the file again"
            )
        if self.columns:
            names = ", ".join(self.columns[:MOST_LETTERS]) + (", …" if len(self.columns) > MOST_LETTERS else "")
            count = len(self.columns)
            which = f"column {names} of the sheet is" if count == 1 else f"{count:,} columns of the sheet ({names}) are"
            notes.append(f"{which} hidden and read all the same")
        if state != "visible":
            notes.append("the whole sheet is hidden in the workbook, and became a file all the same")
        return [note for note in notes if note]


def layout_of(sheet: Any, most_rows: int, most_columns: int, tick: Callable[[], None]) -> Layout | None:
    """Of a sheet that openpyxl reads as a stream; None where it has more rows or columns than that. `tick` is called for each row. Raises
    ProblemError where rows or cells are not in order: as a stream, they would be lost."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet._reader import WorkSheetParser

    found, filled_columns, before = Layout(), set[int](), 0
    with sheet._get_source() as source:
        parser = WorkSheetParser(source, sheet._shared_strings, data_only=True)
        for number, row in parser.parse():
            if number > most_rows or (row and row[-1]["column"] > most_columns):
                return None
            _require_order(sheet.title, number, before, row)
            before = number
            filled = [cell["column"] for cell in row if cell["value"] not in (None, "")]
            is_hidden = _is_hidden(parser.row_dimensions.pop(str(number), {}), "ht")
            if filled:
                found.width, found.last = max(found.width, filled[-1]), max(found.last, number)
                filled_columns.update(filled)
                found.rows += [number] if is_hidden else []
                if number <= FIRST_ROWS and all(_is_word(cell["value"]) for cell in row if cell["value"] not in (None, "")):
                    found.names[number] = set(filled)
            tick()
    for one in parser.column_dimensions.values():
        if _is_hidden(one, "width"):
            inside = [index for index in sorted(filled_columns) if int(one["min"]) <= index <= int(one["max"])]
            found.columns += map(get_column_letter, inside)
    for range_ in parser.merged_cells.mergeCell if parser.merged_cells else ():
        found.merged.setdefault(range_.min_row, []).append(range_)
    return found


def _require_order(title: str, number: int, before: int, row: Sequence[dict[str, Any]]) -> None:
    """`number`: of the row as it says itself; `before`: of the one before it in the file."""
    columns = [cell["column"] for cell in row]
    is_in_order = number > before and all(cell["row"] == number for cell in row)
    if is_in_order and all(one < other for one, other in zip(columns, columns[1:], strict=False)):
        return
    message = f"The sheet “{title[:100]}” keeps its rows or cells out of order, or two at one place: row {number:,}, behind row {before:,}."
    fix = "Open the workbook in Excel or LibreOffice, save it, and bring that; or mend the program that writes it."
    raise ProblemError(Problem(code="sheet-order", message=message, row=number, fix=fix))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and shape_of(value.strip()) is None


def _is_hidden(dimension: dict[str, str], size: str) -> bool:
    return dimension.get("hidden") in ("1", "true") or dimension.get(size) in ("0", "0.0")


def _of_merged(ranges: list[str], part: str) -> str:
    if not ranges:
        return ""
    more = f" and in {len(ranges) - 1:,} other place{'s' if len(ranges) > 2 else ''}" if len(ranges) > 1 else ""
    return (
        f"cells {short(ranges[0], 30)}{more} are one in the sheet: the value stands in the first {part} only, the others are empty; "
        f"unmerge them in Excel, write the value into each {part} that it is meant for, and bring the file again"
    )
