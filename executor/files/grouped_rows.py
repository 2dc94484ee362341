"""What tables that people read leave to the eye, and a query gets wrong: rows that sum up others, under a name such as “All” in one of
the columns, and groups whose name stands in the first of their rows only."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from executor.files.total_words import ALL, AMBIGUOUS, STATISTIC, TOTAL

Rows = Sequence[Sequence[str]]
MOST_COLUMNS = 60
FEWEST_OTHERS = 2
NEARLY_ALL = 0.9
NEAR = 0.005
"""How far the sum of what may be totals may lie from that of the others, as a share of it: they are rounded."""
FEWEST_SUMMED, MOST_REMARKS = 3, 3
DIGITS_ALONE, DIGITS_TOGETHER = 4, 3
"""Digits of a number that is the sum of all others by hardly any chance: where one column says so, and where several do or a row is called
by no word."""
FEWEST_EMPTY, SHARE_EMPTY = 2, 0.25
_MIDDLES: tuple[Callable[[Sequence[float]], float], ...] = (fmean, median)
_NUMBER = re.compile(r"[-+(]?[\d.,'\u00a0\u202f ]*\d[)%-]?")
_DECIMAL = re.compile(r"[-+]?(?:\d{1,3}(?:[.,]\d{3})*|\d*)[.,]\d+")


@dataclass(frozen=True)
class Totals:
    """`words`: what the cells of the column say (as written, without blanks around); `rows`: which rows do, from 0."""

    column: int
    words: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Groups:
    """A column of whose `rows` cells `empty` are so below a value."""

    column: int
    empty: int
    rows: int


def totals(rows: Rows, width: int) -> list[Totals]:
    """Columns that name parts, and in some rows all of them together."""
    columns = [[cells[index].strip() if index < len(cells) else "" for cells in rows] for index in range(min(width, MOST_COLUMNS))]
    numbers = [index for index, values in enumerate(columns) if _are_numbers(values)]
    found = []
    for index, values in enumerate(columns):
        distinct = set(values) - {""} if index in numbers or not _is_nearly_full(values) else set(values)
        words = {value for value in distinct if TOTAL.fullmatch(value) and not AMBIGUOUS.fullmatch(value)}
        maybe = {value for value in distinct - words if not value or ALL.fullmatch(value) or TOTAL.fullmatch(value)}
        if "" in maybe and any(_name_each(columns[other], is_number=other in numbers) for other in range(len(columns)) if other != index):
            maybe.discard("")
        measures = [columns[number] for number in numbers if number != index]
        statistics = {value for value in distinct - words - maybe if STATISTIC.fullmatch(value)}
        if not statistics or not _describe(values, words | maybe, statistics, measures):
            statistics = set()
        measures = [["" if value in statistics else cell for value, cell in zip(values, some, strict=True)] for some in measures]
        if maybe and any(_add_up(values, maybe, measure) for measure in measures):
            words |= maybe
        words |= statistics
        if words and measures and _name_parts(values, words):
            which = tuple(number for number, value in enumerate(values) if value in words)
            found.append(Totals(index, tuple(sorted(words)), which))
    return found


def is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell.strip()))


def without_remarks(rows: Rows) -> Rows:
    """The rows up to the last one with a number, where no more than a few stand behind it, as a date or a source does below a table."""
    for count in range(min(MOST_REMARKS, len(rows)) + 1):
        kept = rows[: len(rows) - count]
        if kept and any(map(is_number, kept[-1])):
            return kept
    return rows


def summed_up(rows: Rows, width: int) -> list[int]:
    """The columns in which the last row holds just the sum of all others, whatever it is called; none where that may be chance. `rows`:
    without remarks behind them."""
    if len(rows) <= FEWEST_SUMMED:
        return []
    found, digits = [], 0
    for index in range(min(width, MOST_COLUMNS)):
        last = rows[-1][index].strip() if index < len(rows[-1]) else ""
        above = [cells[index].strip() for cells in rows[:-1] if index < len(cells)]
        if not is_number(last) or not _are_numbers(above):
            continue
        whole, parts = _number(last), [_number(cell) for cell in above]
        if sum(part != 0 for part in parts) >= FEWEST_SUMMED and _is_same(whole, sum(parts)) and not _doubles(parts):
            found.append(index)
            digits = max(digits, len(re.sub(r"\D", "", last).lstrip("0")))
    label = next((cell.strip() for cell in rows[-1] if cell.strip() and not is_number(cell)), "")
    enough = DIGITS_ALONE if len(found) == 1 and re.search(r"\w", label) else DIGITS_TOGETHER
    return found if digits >= enough else []


def _doubles(parts: Sequence[float]) -> bool:
    """Whether each is the sum of all before it: 1, 1, 2, 4, 8."""
    return len(parts) > FEWEST_SUMMED and all(_is_same(parts[place], sum(parts[:place])) for place in (-1, -2))


def groups(rows: Rows, width: int) -> list[Groups]:
    """The first columns of a table, behind such as number its rows, that have a value in the first row of each group alone."""
    columns = [[cells[index].strip() if index < len(cells) else "" for cells in rows] for index in range(min(width, MOST_COLUMNS))]
    is_full = [sum(map(bool, values)) >= NEARLY_ALL * len(rows) for values in columns]
    found: list[Groups] = []
    for index, values in enumerate(columns):
        if not found and all(values) and len(set(values)) == len(values):
            continue
        behind = [other for other in range(index + 1, len(columns)) if is_full[other]]
        is_named = index == len(found) or any(not _are_numbers(columns[other]) for other in behind)
        if not _is_of_groups(values) or not behind or not is_named:
            break
        found.append(Groups(index, values.count(""), len(values)))
    return found


def _is_nearly_full(values: Sequence[str]) -> bool:
    """Whether so few rows name nothing that these may be totals."""
    return len(values) > FEWEST_OTHERS and values.count("") <= (1 - NEARLY_ALL) * len(values) + 1


def _are_numbers(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return bool(filled) and sum(map(is_number, filled)) >= NEARLY_ALL * len(filled)


def _name_parts(values: Sequence[str], words: set[str]) -> bool:
    """Whether most of the cells name something else, and several things."""
    others = [value for value in values if value and value not in words]
    return len(set(others)) >= FEWEST_OTHERS and 2 * len(others) >= sum(bool(value) or "" in words for value in values)


def _name_each(values: Sequence[str], *, is_number: bool) -> bool:
    """Whether each row has a name, day or running number of its own here: then one that says nothing elsewhere is a row as all others."""
    if not all(values) or len(set(values)) < len(values) or any(TOTAL.fullmatch(value) for value in values):
        return False
    counted = [int(value) for value in values if value.isdecimal()]
    return not is_number or counted == list(range(counted[0] if counted else 0, (counted[0] if counted else 0) + len(values)))


def _add_up(values: Sequence[str], words: set[str], measure: Sequence[str]) -> bool:
    """Whether the rows with these words hold together what the others do, or one of them what those right above or below it do."""
    numbers = [_number(cell) for cell in measure]
    places = [index for index, value in enumerate(values) if value in words]
    parts = sum(number for value, number in zip(values, numbers, strict=True) if value not in words)
    if _is_near(sum(numbers[place] for place in places), parts):
        return True
    ends = [-1, *places, len(values)]
    for before, place, after in zip(ends, places, ends[2:], strict=False):
        around = (numbers[before + 1 : place], numbers[place + 1 : after])
        if any(len(some) >= FEWEST_OTHERS and _is_near(numbers[place], sum(some)) for some in around):
            return True
    return False


def _describe(values: Sequence[str], totals: set[str], words: set[str], measures: Sequence[Sequence[str]]) -> bool:
    """Whether one of the rows with these words holds the averages or the medians of all others, by digits that are no chance."""
    others = [place for place, value in enumerate(values) if value not in words | totals]
    if len(others) < FEWEST_SUMMED:
        return False
    for place in (place for place, value in enumerate(values) if value in words):
        digits = dict.fromkeys(_MIDDLES, 0)
        for measure in measures:
            parts = [_number(measure[other]) for other in others if is_number(measure[other])]
            shown = measure[place]
            for kind in _MIDDLES if is_number(shown) and len(set(parts)) > 1 else ():
                digits[kind] += len(re.sub(r"\D", "", shown).lstrip("0")) if _is_rounded(shown, kind(parts)) else 0
        if max(digits.values()) >= DIGITS_TOGETHER:
            return True
    return False


def _is_rounded(shown: str, exact: float) -> bool:
    """Whether it is the number that is shown, with as many decimals as that has."""
    return abs(_number(shown) - exact) <= 0.5001 * 10.0 ** -len(_digits(shown)[1])


def _is_same(whole: float, parts: float) -> bool:
    return bool(parts) and abs(whole - parts) <= 1e-9 * abs(parts)


def _is_near(whole: float, parts: float) -> bool:
    return bool(parts) and abs(whole - parts) <= NEAR * abs(parts)


def _number(text: str) -> float:
    """What digits most likely mean; 0 for what is none."""
    whole, decimals = _digits(text)
    number = float(f"{whole or '0'}.{decimals or '0'}")
    return -number if "-" in text or text.startswith("(") else number


def _digits(text: str) -> tuple[str, str]:
    """Those before and those behind the sign that most likely stands before decimals."""
    body = re.sub(r"[^\d.,]", "", text)
    sign = max(body.rfind("."), body.rfind(","))
    marks = [mark for mark in body if mark in ".,"]
    is_decimal = sign >= 0 and marks.count(body[sign]) == 1 and (len(body) - sign - 1 != 3 or len(marks) > 1)
    whole, decimals = (body[:sign], body[sign + 1 :]) if is_decimal else (body, "")
    return re.sub(r"\D", "", whole), re.sub(r"\D", "", decimals)


def _is_of_groups(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    empty = len(values) - len(filled)
    if not values or not values[0] or empty < max(FEWEST_EMPTY, SHARE_EMPTY * len(values)):
        return False
    if all(_DECIMAL.fullmatch(value) for value in filled):
        return False
    return all(one != other for one, other in zip(filled, filled[1:], strict=False))
