"""How the values of a delimited file's columns are written, by its first rows: enough to see that the next file of the same job is written
otherwise, where columns go by their places or a query reads text as it was written before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

EDITION = 2
"""Counted up when shapes get other words: what an earlier edition has noted is not compared with what a later one finds."""
WHOLE, POINT, COMMA = "whole numbers", "numbers with a decimal point", "numbers with a decimal comma"
DAY_FIRST, MONTH_FIRST, TEXT = "dates with the day first", "dates with the month first", "other text"
ISO, SLASHED, ZONED = "dates with the year first", "dates with the year last", "times with a zone"
_WHOLE = re.compile(r"[-+]?\d+")
_POINT = re.compile(r"[-+]?\d*\.\d+|[-+]?\d{1,3}(?:,\d{3})+\.\d+")
_COMMA = re.compile(r"[-+]?\d*,(?:\d{1,2}|\d{4,})|[-+]?\d{1,3}(?:\.\d{3})+,\d+")
_ISO = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[ T].*)?")
_ZONED = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[ T][\d:.,]+ ?(?:Z|UTC|[-+]\d{2}:?\d{2})")
_SLASHED = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})(?: .*)?")
NUMBERS, DATES = {WHOLE, POINT, COMMA}, {ISO, SLASHED, DAY_FIRST, MONTH_FIRST, ZONED}
_LAST_DAY = 12


def shapes_of(files: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> dict[str, str]:
    """Name → how its values are written; columns without values, or written in several ways, are left out. `files`: names and first rows
    of each."""
    found: dict[str, set[str]] = {}
    for names, rows in files:
        for name, cell in ((name, cell) for row in rows for name, cell in zip(names, row, strict=False)):
            if text := cell.strip().strip('"').strip():
                found.setdefault(name, set()).add(shape_of(text))
    told = {name: _together(shapes) for name, shapes in found.items()}
    return {name: shape for name, shape in told.items() if shape}


def shape_of(text: str) -> str:
    """How one value is written, without blanks and quotes at its ends."""
    for shape, pattern in ((WHOLE, _WHOLE), (POINT, _POINT), (COMMA, _COMMA), (ZONED, _ZONED), (ISO, _ISO)):
        if pattern.fullmatch(text):
            return shape
    date = _SLASHED.fullmatch(text)
    if date is None:
        return TEXT
    first, second = int(date.group(1)), int(date.group(2))
    return DAY_FIRST if first > _LAST_DAY else MONTH_FIRST if second > _LAST_DAY else SLASHED


def _together(shapes: set[str]) -> str:
    """Of several shapes the one that says more, as long as they go together."""
    for general, special in ((WHOLE, {POINT, COMMA}), (SLASHED, {DAY_FIRST, MONTH_FIRST})):
        if general in shapes and len(shapes & special) == 1:
            shapes = shapes - {general}
    return next(iter(shapes)) if len(shapes) == 1 else ""


def changed(before: Mapping[str, str], now: Mapping[str, str], *, by_place: bool) -> list[tuple[str, str, str]]:
    """(name, shape before, shape now) of columns that are written otherwise. `by_place`: columns have no names, so that other values may
    stand in a place altogether."""
    both = [(name, before[name], shape) for name, shape in now.items() if name in before and before[name] != shape]
    return [one for one in both if _matters(one[1], one[2], by_place=by_place)]


def _matters(before: str, now: str, *, by_place: bool) -> bool:
    for kinds, general in ((NUMBERS, WHOLE), (DATES, SLASHED)):
        if {before, now} <= kinds:
            return general not in (before, now)
    return by_place


def kind_of(text: str) -> str:
    """number, date or nothing: what a value is, however it is written."""
    shape = shape_of(text.strip())
    return "number" if shape in NUMBERS else "date" if shape in DATES else ""


def is_written_as(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether `cells` could be one more of these rows: as many values, one wherever all rows have one, numbers and dates where all rows
    have them. Of texts alone nobody can tell: that is no."""
    columns = list(zip(*[row for row in rows if len(row) == len(cells)], strict=True))
    if len(columns) < 2:
        return False
    kinds = [kind_of(column[0]) if len({kind_of(value) for value in column}) == 1 else "" for column in columns]
    is_filled = all(cell.strip() or not all(value.strip() for value in column) for cell, column in zip(cells, columns, strict=True))
    return is_filled and any(kinds) and all(kind in ("", kind_of(cell)) for cell, kind in zip(cells, kinds, strict=True))
