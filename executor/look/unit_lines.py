"""A line below the names that is no row: units (m/s, °C), or the names in other words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from executor.look.facts import NULL_WORDS
from executor.look.proposal import Said, short
from executor.look.shapes import shape_of

FEWEST_BELOW, MOST_BELOW = 3, 200
_UNIT = re.compile(r"[(\[].{1,20}[)\]]|[^\W\d_]{1,3}|.{0,8}[/°%²³µΩ‰].{0,8}")


def unit_places(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns in which the first row says a word, and all below hold numbers or days: of several, or with what looks like a unit.
    Nowhere in it is a number, nor a word for no value."""
    if len(rows) <= FEWEST_BELOW:
        return set()
    first, body = [cell.strip() for cell in rows[0]], rows[1 : MOST_BELOW + 1]
    if any(shape_of(cell) or cell in NULL_WORDS for cell in first):
        return set()
    places = {index for index, cell in enumerate(first) if cell and _is_of_values(body, index)}
    is_one = len(places) == 1 and all(_UNIT.fullmatch(cell) for cell in first if cell)
    return places if len(places) > 1 or is_one else set()


def _is_of_values(body: Sequence[Sequence[str]], index: int) -> bool:
    filled = [row[index].strip() for row in body if len(row) > index and row[index].strip() not in ("", *NULL_WORDS)]
    return len(filled) >= FEWEST_BELOW and all(map(shape_of, filled))


def told_units(line: int, cells: Sequence[str]) -> list[Said]:
    """What to say of such a line."""
    words = ", ".join(cell.strip() for cell in cells if cell.strip())
    message = f"Line {line:,} holds words where all below hold numbers or days: “{short(words, 60)}”. Units, or names, are no row."
    fix = (
        f"It does not fit, and is kept aside with such rows. If these are the names, write {line - 1} into “Lines before” (under “More”); "
        "else take the line out of the file, where it is made, to be rid of it."
    )
    return [Said(code="look-units", message=message, fix=fix, line=line)]
