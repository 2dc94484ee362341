"""What should be known of a sheet that became a file: what was left out, and what of it may be no row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from executor.files.total_words import FOOTER
from executor.look.proposal import short
from executor.look.shapes import shape_of

FEWEST_ROWS = 3
"""Rows of several cells that make a table."""


class Below:
    """Looks for another table below empty rows of a sheet: a line of names where rows of several cells stood above."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._rows, self._is_after_gap, self._last = 0, False, ""

    def take_empty(self) -> None:
        self._is_after_gap = True

    def take(self, values: list[str], *, line: int) -> None:
        filled = [value for value in values if value]
        if self._is_after_gap and not self.notes and self._rows >= FEWEST_ROWS and len(filled) > 1 and not any(map(shape_of, filled)):
            names = short(", ".join(filled), 60)
            total = f", and the one before it, “{short(self._last, 20)}”, like a total" if FOOTER.match(self._last) else ""
            self.notes.append(
                f"line {line:,}, “{names}”, stands below empty rows and looks like the names of another table{total}: "
                "they are read as rows of the first; put each table on a sheet of its own"
            )
        self._rows += len(filled) > 1
        self._is_after_gap, self._last = False, filled[0]


EXACT_DIGITS = 15
"""Digits of a number that Excel keeps; of what has more the last ones are zeros."""


class Errors:
    """Cells whose formula gave an error (#N/A, #DIV/0!), days that no calendar has, and numbers that have lost digits."""

    def __init__(self) -> None:
        self._count, self._first = 0, ""
        self._long, self._first_long = 0, ""

    def take(self, row: Sequence[Any]) -> None:
        for cell in row:
            if cell.data_type == "e":
                self._count += 1
                self._first = self._first or f"{cell.value} in cell {cell.coordinate}"
            elif isinstance(cell.value, int | float) and abs(cell.value) >= 10**EXACT_DIGITS and cell.value % 1 == 0:
                self._long += 1
                self._first_long = self._first_long or cell.coordinate

    def notes(self) -> list[str]:
        notes = []
        if self._count:
            count = "1 cell holds an error" if self._count == 1 else f"{self._count:,} cells hold errors"
            notes.append(
                f"{count} of Excel instead of a value ({self._first}), and became that text: correct it in Excel, and bring the file again"
            )
        if self._long:
            count = "1 cell holds a number" if self._long == 1 else f"{self._long:,} cells hold numbers"
            notes.append(
                f"{count} of more than {EXACT_DIGITS} digits (cell {self._first_long}), of which Excel keeps {EXACT_DIGITS}: "
                "the last ones are not those of a card or an account; bring such codes as text"
            )
        return notes


_SHOWN_WITH = re.compile(r'\[\$([^\]-]+)[^\]]*\]|\[[^\]]*\]|"([^"]*)"|[_*\\].|([€£¥₹₽₩$%])')
_NO_UNIT = " -–()\u00a0"


class Units:
    """Currencies and units that a column of numbers shows by the formats of its cells, and of which a file has nothing."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], str] = {}
        self._cells: dict[int, dict[str, str]] = {}
        self._plain: dict[int, str] = {}
        """Below cells with %, the first with more than 1 and without it."""

    def take(self, row: Sequence[Any]) -> None:
        for index, cell in enumerate(row):
            if not isinstance(cell.value, int | float):
                continue
            style = index, cell._style_id
            if style not in self._known:
                self._known[style] = _unit(str(cell.number_format or ""))
            if unit := self._known[style]:
                self._cells.setdefault(index, {}).setdefault(unit, cell.coordinate)
            elif abs(cell.value) > 1 and "%" in self._cells.get(index, ()):
                self._plain.setdefault(index, cell.coordinate)

    def notes(self) -> list[str]:
        return [*self._of_percent(), *self._of_units()]

    def _of_percent(self) -> list[str]:
        return [
            f"numbers of one column are shown with % (cell {self._cells[index]['%']}) and without (cell {cell}): 12% is 0.12 in the file, "
            "and a 12 stays 12; write all of them in one way in Excel, and bring the file again"
            for index, cell in list(self._plain.items())[:1]
        ]

    def _of_units(self) -> list[str]:
        mixed = [cells for cells in self._cells.values() if len(cells) > 1]
        if not mixed:
            return []
        shown = " and ".join(f"{unit[:20]} (cell {cell})" for unit, cell in list(mixed[0].items())[:2])
        more = f", and {len(mixed) - 1:,} more columns are so" if len(mixed) > 1 else ""
        return [
            f"numbers of one column are shown with {shown}{more}: the sign is of the cell, and the file has the number alone, so that "
            "a sum adds both; write it into a column of its own in Excel, and bring the file again"
        ]


def _unit(number_format: str) -> str:
    """What stands beside the digits; nothing where it is only a minus or brackets."""
    parts = ("".join(found).strip(_NO_UNIT) for found in _SHOWN_WITH.findall(number_format.split(";")[0]))
    return " ".join(part for part in parts if part)


def left_out(empty: int, without: int) -> list[str]:
    notes = [f"{empty:,} empty {'row was' if empty == 1 else 'rows were'} left out"] if empty else []
    if without:
        have = "1 formula has no stored value and is" if without == 1 else f"{without:,} formulas have no stored value and are"
        notes.append(f"{have} empty: open the file in Excel and save it")
    return notes
