"""Columns of a text in which -999, 9999 and the like stand, as programs write where there is no value: a query that adds them is looked at
(`executor/running/stand_ins.py`); and those with words of databases for none. Most files have neither, and count nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

_PLACES = r"(?:[.,](?:9{1,2}|0{1,2}))?"
ONE = rf"-(?:9{{3,7}}{_PLACES}|32768|2147483648)|9{{4,8}}{_PLACES}|2147483647|-?1[.,]797693\d+[eE]\+?308|9[.,]9692\d+[eE]\+?36"
_CELL = re.compile(rf"\s*(?:{ONE})\s*")
_IN_TEXT = re.compile(rf"(?<![\w.-])(?:{ONE})(?![\w.])")
_NINES = re.compile("9999*")
_RARE = ("-32768", "2147483647", "-2147483648", "797693134", "9.96920")
MOST_ROWS = 20_000
NULL_WORDS = ("NULL", "\\N", "(null)")
_WORD = re.compile(r"(?<![^\s,;|\t\x01\"'])(?:NULL|\\N|\(null\))(?![^\s,;|\t\x01\"'])")


def may_hold_stand_ins(text: str) -> bool:
    """Whether one stands in the text as a value of its own."""
    if any(rare in text for rare in _RARE):
        return True
    return any(_IN_TEXT.match(text, max(nines.start() - 1, 0)) or _IN_TEXT.match(text, nines.start()) for nines in _NINES.finditer(text))


def may_hold_null_words(text: str) -> bool:
    """Whether a word of databases for no value stands in the text as a value of its own."""
    return any(word in text for word in NULL_WORDS) and bool(_WORD.search(text))


def is_stand_in(cell: str) -> bool:
    """Whether a value is such a number."""
    return cell[-1:].isdigit() and bool(_CELL.fullmatch(cell))


def is_null_word(cell: str) -> bool:
    """Whether a value is such a word."""
    return cell in NULL_WORDS


MARKS = {"standIns": (may_hold_stand_ins, is_stand_in), "nullWords": (may_hold_null_words, is_null_word)}
"""What a column is marked with → whether a text may hold such values at all, and whether a value is one."""


def columns_with(marks: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], names: Sequence[str]) -> dict[str, set[str]]:
    """Mark → the names of columns that hold such a value. `rows`: lines and values."""
    found: dict[str, set[int]] = {mark: set() for mark in marks}
    for _, cells in islice(rows, MOST_ROWS):
        for mark, places in found.items():
            is_one = MARKS[mark][1]
            places.update(place for place, cell in enumerate(cells) if place not in places and is_one(cell))
    return {mark: {names[place] for place in places if place < len(names)} for mark, places in found.items()}
