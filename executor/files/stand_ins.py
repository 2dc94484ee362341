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


def may_hold_null_words(text: str) -> bool:
    """Whether a word of databases for no value stands in the text as a value of its own."""
    return any(word in text for word in NULL_WORDS) and bool(_WORD.search(text))


def columns_with_null_words(rows: Iterable[tuple[int, Sequence[str]]], names: Sequence[str]) -> set[str]:
    """The names of columns that hold one."""
    found: set[int] = set()
    for _, cells in islice(rows, MOST_ROWS):
        found.update(place for place, cell in enumerate(cells) if cell in NULL_WORDS)
    return {names[place] for place in found if place < len(names)}


def may_hold_stand_ins(text: str) -> bool:
    """Whether one stands in the text as a value of its own."""
    if any(rare in text for rare in _RARE):
        return True
    return any(_IN_TEXT.match(text, max(nines.start() - 1, 0)) or _IN_TEXT.match(text, nines.start()) for nines in _NINES.finditer(text))


def columns_with_stand_ins(rows: Iterable[tuple[int, Sequence[str]]], names: Sequence[str]) -> set[str]:
    """The names of columns that hold one. `rows`: lines and values."""
    found: set[int] = set()
    for _, cells in islice(rows, MOST_ROWS):
        found.update(place for place, cell in enumerate(cells) if place not in found and cell[-1:].isdigit() and _CELL.fullmatch(cell))
    return {names[place] for place in found if place < len(names)}
