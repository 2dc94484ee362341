"""Days that are written in an order, or in a calendar, of which only a person can be sure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from executor.look.shapes import BLANKS, is_short_year_first

YEAR_FIRST = "years of two digits that seem to come first, as in 24-01-31: choose a date, and they are read so"
TURNED = (
    "days such as 2024-02-01, of which none is above the 12th, beside others that are: a spreadsheet has most likely turned day and month "
    "of the first. Bring them as they were before, or choose a date"
)
OTHER_CALENDAR = "years {}: days of another calendar, which meet none of this one"
FEWEST = 2
"""Different days of each writing."""
_NUMBERS = re.compile(r"\d+")


def is_year_first(texts: Iterable[str]) -> bool:
    """Whether all are days of three short numbers that can begin with the year, and the last number is met in more ways than the first:
    among days with the year behind it is the other way round. (31-12-05, 31-12-06, … can be both.)"""
    first, last = set(), set()
    for text in texts:
        plain = text.strip(BLANKS)
        if not plain[:1].isdigit():
            continue
        if not is_short_year_first(plain):
            return False
        numbers = _NUMBERS.findall(plain)
        first.add(numbers[0])
        last.add(numbers[2])
    return len(last) > len(first)


def are_turned(texts: Iterable[str]) -> bool:
    """Whether a spreadsheet has read the days that it could, and turned them, and left the others as they were: of 13/01/2024 and
    01/02/2024, where it took the month to be first, the second has become 2024-01-02."""
    iso, others = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for text in texts:
        numbers = tuple(_NUMBERS.findall(text)[:3])
        if len(numbers) == 3:
            (iso if len(numbers[0]) == 4 else others).add(numbers)
    if min(len(iso), len(others)) < FEWEST or any(int(numbers[2]) > 12 for numbers in iso):
        return False
    return all(int(numbers[0]) > 12 and len(numbers[2]) == 4 for numbers in others)


def of_other_calendar(first: str, last: str) -> str:
    """What to say of days between these, as they sort, whose years are those of Iran or of Thailand; nothing of others."""
    low, high = int(first[:4]), int(last[:4])
    is_other = (low >= 1300 and high < 1450) or (low >= 2480 and high < 2600)
    return OTHER_CALENDAR.format(low if low == high else f"{low}–{high}") if is_other else ""
