"""Whether the texts of a column are numbers or dates that come out of order when they are compared letter by letter, as text is.

“9” comes after “10”, “02/01/2024” before “05/12/2019”; so does a text of the query that a column is compared with. Numbers with as many
digits before the decimal sign, ISO dates, names and codes (leading zeros) come out right, or as meant.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_OF_THEM = 0.9
"""From which share of a column's texts on they are taken for numbers, or for dates."""
HALF_OF_THEM = 0.5
"""The same where they cannot be codes: days that letters put out of order, numbers with decimals."""
MOST_DIGITS = 18

SHAPE = "_sluice_value_0"
"""What `executor/gate/TextShape.java` says of each text, in bits."""
_DATE, _UNORDERED, _NOT_PLAIN, _SIGNED, ZEROS, MANY_DIGITS, _DASHED, _SLASHED = 2, 53, 54, 55, 57, 58, 59, 60
_WIDTHS, _DECIMALS = range(3, 34), range(34, 53)


def texts_with(bit: int) -> str:
    """SQL that counts the texts of which this is true."""
    return f"count_if(({SHAPE} & {1 << bit}L) <> 0)"


TEXT_COUNTS = (f"sum(({SHAPE} & 1L) + shiftleft({SHAPE} & 2L, 31))", texts_with(_DATE), f"bit_or({SHAPE})")
"""What is counted of a column: texts and (32 bits higher) numbers, in one sum since each costs time in every row; dates and times; and
which of the bits any text has."""


def in_order(numbers: Sequence[int]) -> tuple[str, int] | None:
    """(kind, rows) of a column that comes out of order."""
    both, dates, bits = numbers
    texts, count = both & 0xFFFFFFFF, both >> 32
    if texts < 2:
        return None
    least = texts * (HALF_OF_THEM if has_decimals(bits) else MOST_OF_THEM)
    if count >= least and (len(_set(bits, _WIDTHS)) > 1 or bits >> _SIGNED & 1):
        return "numbers-by-letters", count
    if dates >= texts * HALF_OF_THEM and (bits >> _UNORDERED & 1 or (bits >> _DASHED & 1 and bits >> _SLASHED & 1)):
        return "dates-by-letters", dates
    return None


def called_text(numbers: Sequence[int]) -> tuple[str, int] | None:
    """The same of a column that a schema calls text: whole numbers are codes then, but no code is a day or has decimals. A proposal calls
    text what has too many other values, such as “open” among days, and nobody means them letter by letter."""
    found = in_order(numbers)
    return None if found and found[0] == "numbers-by-letters" and not has_decimals(numbers[2]) else found


def has_decimals(bits: int) -> bool:
    return any(_set(bits, _DECIMALS))


def cast_to(numbers: Sequence[int]) -> str | None:
    """The type that all texts of the column can be cast to so that they are compared as numbers."""
    _, _, bits = numbers
    width, decimals = max(_set(bits, _WIDTHS), default=0), max(_set(bits, _DECIMALS), default=0)
    if bits >> _NOT_PLAIN & 1 or width + decimals > MOST_DIGITS:
        return None
    return f"DECIMAL({width + decimals}, {decimals})" if decimals else "BIGINT"


def _set(bits: int, among: range) -> list[int]:
    """Which of these bits are set, from 0."""
    return [place for place, bit in enumerate(among) if bits >> bit & 1]
