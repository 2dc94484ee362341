"""Whether the texts of a column are numbers or dates that come out of order when they are compared letter by letter, as text is.

“9” comes after “10”, “02/01/2024” before “05/12/2019”. Numbers with as many digits before the decimal sign, ISO dates, names and codes
(leading zeros) come out right, or as meant.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_OF_THEM = 0.9
"""From which share of a column's texts on they are taken for numbers, or for dates."""
MOST_DIGITS = 18

_SHAPE = "_sluice_value_0"
"""What `executor/gate/TextShape.java` says of each text."""
TEXT, NUMBER, SIGNED, PLAIN, DATE, UNORDERED = (1 << bit for bit in range(6))
_WIDTH = f"(shiftright({_SHAPE}, 8) & 255)"
_DECIMALS = f"(shiftright({_SHAPE}, 16) & 255)"
_MARK = f"shiftright({_SHAPE}, 32)"


def _rows(bit: int) -> str:
    return f"count_if(({_SHAPE} & {bit}L) <> 0)"


def _of(bit: int, value: str) -> str:
    return f"IF(({_SHAPE} & {bit}L) <> 0, {value}, NULL)"


TEXT_COUNTS = (
    *map(_rows, (TEXT, NUMBER, SIGNED, PLAIN, DATE, UNORDERED)),
    f"min({_of(NUMBER, _WIDTH)})",
    f"max({_of(NUMBER, _WIDTH)})",
    f"max({_of(NUMBER, _DECIMALS)})",
    f"min({_of(TEXT, _MARK)})",
    f"max({_of(TEXT, _MARK)})",
)
"""What is counted of a column: texts; of them numbers, those with a minus or an exponent, those that CAST takes, dates and times, those
that letters put out of order; fewest and most digits before the decimal sign, most behind it; two marks that differ where texts do."""


def in_order(numbers: Sequence[int]) -> tuple[str, int] | None:
    """(kind, rows) of a column that comes out of order."""
    texts, count, signed, _, dates, unordered, fewest, most, _, one, other = numbers
    if one == other:
        return None
    if count >= texts * MOST_OF_THEM and (fewest != most or signed > 1):
        return "numbers-by-letters", count
    if dates >= texts * MOST_OF_THEM and unordered:
        return "dates-by-letters", dates
    return None


def cast_to(numbers: Sequence[int]) -> str | None:
    """The type that all texts of the column can be cast to so that they are compared as numbers."""
    texts, _, _, plain, _, _, _, most, decimals, _, _ = numbers
    if plain != texts or most + decimals > MOST_DIGITS:
        return None
    return f"DECIMAL({most + decimals}, {decimals})" if decimals else "BIGINT"
