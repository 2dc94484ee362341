"""Backslashes as PostgreSQL's COPY and MySQL write them into text: \\N for no value, \\t, \\n and \\\\ for signs that would end a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NO_VALUE, END = "\\N", "\\."
"""A value that is none, and the last line of a COPY within a dump."""
SIGNS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
"""What stands behind a backslash, and the sign that both mean together."""
_CODE = re.compile(r"\\[bfnrtv0\\]")
_TELLING = re.compile(r"\\[nrt\\]")
_OTHER = re.compile(r"[A-Za-z]:\\|\\\\\w|\w+\\\w+\\|[{\[]")
"""How paths and JSON begin, in which a backslash means something else."""


@dataclass(frozen=True)
class Codes:
    """Values with such codes: how many, and the first with its line. `is_sure`: values that are none are written as such databases do."""

    count: int
    line: int
    value: str
    is_sure: bool


def codes_in(rows: Iterable[tuple[int, Sequence[str]]], separator: str) -> Codes | None:
    """What speaks for such codes in rows (line and cells); None where any backslash there means something else."""
    count, first, is_sure, has_paths = 0, (0, ""), False, False
    for line, cells in rows:
        for cell in cells:
            if cell == END:
                continue
            if cell == NO_VALUE or (cell == "NULL" and separator == "\t"):
                is_sure = True
            elif "\\" in cell:
                if "\\" in _CODE.sub("", cell) or (cell[0] == cell[-1] == '"' and len(cell) > 1):
                    return None
                has_paths = has_paths or bool(_OTHER.match(cell) and "\\\\" not in cell[1:])
                if _TELLING.search(cell):
                    count += 1
                    first = first if count > 1 else (line, cell)
    if not count or (not is_sure and (has_paths or separator != "\t")):
        return None
    return Codes(count, *first, is_sure and not has_paths)


def goes_on(cells: Sequence[str]) -> bool:
    """Whether a value ends in a backslash of its own: before a separator or a line break that MySQL means to be part of it."""
    return any(cell.endswith("\\") and (len(cell) - len(cell.rstrip("\\"))) % 2 for cell in cells)


GOES_ON = (
    "Where a backslash stands before a separator or a line break, MySQL means that it is part of the value: export the table with "
    "mysql --batch, or with FIELDS ENCLOSED BY '\"' and without line breaks."
)


def may_hold_codes(text: str) -> bool:
    """Whether there are backslashes in the text, and all of them could be such codes: quick, as most texts have none."""
    return "\\" in text and bool(_TELLING.search(text)) and "\\" not in _CODE.sub("", text.replace(NO_VALUE, "").replace(END, ""))
