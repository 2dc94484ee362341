"""Texts whose columns stand below each other, with nothing between them but blanks: where the columns begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from executor.look.names import safe_names
from executor.look.proposal import Cut, Said

MOST_LINES, FEWEST_LINES = 1_000, 5
PADDED, SHARED = 0.8, 0.98
"""Shares of the lines that are filled up with blanks, and that have a blank where columns end."""
_FILLED = re.compile(r"\S {2,}\S")
_DECIMAL = re.compile(r"\d,\d")


def cuts_of(lines: Sequence[str], separator: str) -> list[Cut]:
    """The columns of lines that no sign separates; empty where it is none of these texts. `separator`: what else was found in it."""
    rows = [line.rstrip("\r\n") for line in lines[:MOST_LINES] if line.strip()]
    if len(rows) < FEWEST_LINES or _is_separated(rows, separator) or sum(bool(_FILLED.search(row)) for row in rows) < PADDED * len(rows):
        return []
    header = "" if re.search(r"\d", rows[0]) else rows[0]
    body = rows[1:] if header else rows
    width = sorted(len(row.rstrip()) for row in rows)[len(rows) // 2]  # what stands behind is part of a last text
    begins = sorted({0, *_after_gaps([row.ljust(width) for row in body], width), *_named(header, body)})
    if header:  # a blank inside of texts that happen to be alike has no name above what follows
        begins = [begin for begin, end in zip(begins, [*begins[1:], None], strict=True) if not begin or header[begin:end].strip()]
    if len(begins) < 2:
        return []
    ends = [*begins[1:], None]
    names = safe_names([header[begin:end].strip() for begin, end in zip(begins, ends, strict=True)])
    places = zip(names, begins, ends, strict=True)
    return [Cut(name=name, begin=begin + 1, length=end - begin if end is not None else None) for name, begin, end in places]


def told(cuts: Sequence[Cut]) -> list[Said]:
    """What a person should know of them."""
    if not cuts:
        return []
    *places, last = (str(cut.begin) for cut in cuts)
    message = "This looks like columns of fixed width: they stand below each other, and nothing separates them."
    fix = (
        "Each line is read as one text. The job cuts it with a query where columns seem to begin, "
        f"at the signs {', '.join(places)} and {last}: check them in the preview, correct them in the query, and give the "
        "columns their types behind it. Or choose a separator."
    )
    return [Said(code="look-fixed-width", message=message, fix=fix)]


def _is_separated(rows: Sequence[str], separator: str) -> bool:
    """Whether the sign does separate: in nearly all lines equally often, and not only as the comma of decimals."""
    if not separator or separator == " ":
        return False
    counts = [row.count(separator) for row in rows]
    usual = max(set(counts), key=counts.count)
    is_everywhere = usual > 0 and counts.count(usual) >= 0.9 * len(rows)
    return is_everywhere and not (separator == "," and all(len(_DECIMAL.findall(row)) == row.count(",") for row in rows))


def _after_gaps(body: Sequence[str], width: int) -> Iterator[int]:
    """Where something begins behind blanks that nearly all lines share."""
    most = (1 - SHARED) * len(body)
    is_blank = [sum(row[place] != " " for row in body) <= most for place in range(width)]
    for place in range(1, width):
        if is_blank[place - 1] and not is_blank[place] and not all(is_blank[:place]):
            yield place


def _named(header: str, body: Sequence[str]) -> Iterator[int]:
    """Where a name begins, and in the lines below it something else than before it: letters behind digits."""
    for found in re.finditer(r"(?<= )\S", header):
        place = found.start()
        changes = sum(len(row) > place and _kind(row[place - 1]) != _kind(row[place]) and row[place] != " " for row in body)
        if changes >= SHARED * len(body):
            yield place


def _kind(sign: str) -> str:
    return "digit" if sign.isdigit() else "letter" if sign.isalpha() else sign
