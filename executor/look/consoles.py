"""What the console of a database has printed: where its columns begin, which of its lines are no rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from executor.files.backslashes import GOES_ON, goes_on
from executor.files.consoles import COUNT, DASHES, FIX, is_ruler, is_upright
from executor.look.names import safe_names
from executor.look.proposal import Cut, Said

FIRST_LINES, FIRST_ROWS = 30, 1_000
_PLAIN = re.compile(r"[-=+ |]+")
_RUN = re.compile(rf"[{DASHES}]+")
_COUNT = re.compile(COUNT)


@dataclass(frozen=True)
class Printed:
    """A table as a console prints it. `cuts`: empty where its columns cannot be told by their places. `header`: the place of its names,
    from 0; `no_rows`: lines that are none, wherever they stand."""

    cuts: tuple[Cut, ...] = ()
    header: int = 0
    no_rows: tuple[str, ...] = ()


def printed(lines: Sequence[str]) -> Printed | None:
    """What was printed, by the first lines of a file; None where it is something else."""
    rows = [line.rstrip("\r\n") for line in lines]
    if any(is_upright([row]) for row in [row for row in rows if row.strip()][:2]):
        return Printed()
    at = next((place for place, row in enumerate(rows[:FIRST_LINES]) if place and is_ruler([row]) and _is_names(rows[place - 1])), None)
    if at is None:
        return None
    names, ruler = rows[at - 1], rows[at]
    places = [found.span() for found in _RUN.finditer(ruler)]
    no_rows = {names.rstrip(), *(row.rstrip() for row in rows if is_ruler([row]))}
    body = [row for row in rows[at + 1 :] if row.strip() and row.rstrip() not in no_rows and not _COUNT.match(row)]
    if len(places) < 2 and not any(_COUNT.match(row) for row in rows[at + 1 :]):
        return None
    if not _PLAIN.fullmatch(ruler) or ruler.startswith("|") or not all(_stands_below(row, ruler, places) for row in body):
        return Printed()
    titles = safe_names([names[begin:end].strip() for begin, end in places])
    is_closed = ruler.rstrip().endswith("+")
    last = len(places) - 1
    cuts = [
        Cut(name=title, begin=begin + 1, length=end - begin if number < last or is_closed else None)
        for number, (title, (begin, end)) in enumerate(zip(titles, places, strict=True))
    ]
    return Printed(tuple(cuts), at - 1, tuple(sorted(no_rows)))


def _is_names(row: str) -> bool:
    return bool(row.strip()) and not is_ruler([row])


def _stands_below(row: str, ruler: str, places: Sequence[tuple[int, int]]) -> bool:
    """Whether a row has what separates columns where the line of dashes has it, and no value that goes on in the next line."""
    for (_, end), (begin, _) in zip(places, places[1:], strict=False):
        between = row[end:begin]
        if between.strip(" |") or ("+" in ruler[end:begin]) != ("|" in between) or (row[end - 1 : end] == "+" and "+" in ruler):
            return False
    return True


def told(found: Printed | None) -> list[Said]:
    """What a person should know of it."""
    if found is None:
        return []
    message = "This is what the console of a database prints: it is made for eyes, and cuts or wraps what is long."
    how = (
        "The job cuts the lines where the dashes do, and leaves out lines of dashes, repeated names and the count of rows. "
        if found.cuts
        else "Take the lines out that are no rows: they would be read as such. "
    )
    return [Said(code="look-console", message=message, fix=how + FIX)]


def told_goes_on(separator: str, quote: str, lines: Sequence[str]) -> list[Said]:
    """Where a value goes on behind a backslash at its end, as MySQL writes into files without quotes."""
    for number, line in enumerate(lines[:FIRST_ROWS], 1):
        if quote and quote in line:
            return []
        if goes_on(line.rstrip("\r\n").split(separator)):
            message = (
                f"In line {number:,} a backslash stands before a separator or the line's end: the value goes on behind it, and is cut."
            )
            return [Said(code="look-goes-on", message=message, fix=GOES_ON, line=number)]
    return []
