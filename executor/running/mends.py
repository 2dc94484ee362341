"""The one change in a query that mends what was found at a place of it, as a problem for the editor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from executor.language import sql_text
from executor.language.dialects.tokens import NAME, WORD, Query
from executor.problems import Problem

if TYPE_CHECKING:
    from executor.running.hazards import Place

LONGEST = 80
"""Characters of a place that are changed."""


def mended(place: Place, wanted: str | None, sql: str, field: str) -> dict[str, Any] | None:
    """`wanted`: the type that mends it when the value is cast to it, for numbers in order as text."""
    written = sql[place.start : place.stop + 1] if 0 <= place.start <= place.stop else ""
    if not written or len(written) > LONGEST:
        return None
    if place.kind in _MISSING:
        return _problem(place, sql, field, _kept(written, place.compared), _MISSING[place.kind])
    if place.kind == "places":
        return _problem(place, sql, field, _rounded(written, place.label), _PLACES)
    if place.kind == "nulls-first":
        is_alone = re.fullmatch(r"[\w.`]+(?:\s+asc)?", written, re.IGNORECASE)  # of windows Spark tells the place of the whole
        return _problem(place, sql, field, f"{written} NULLS LAST", _FIRST) if is_alone else None
    if wanted is None or not stands_at(place.label, sql, place.start, place.stop + 1):
        return None
    return _problem(place, sql, field, f"CAST({written} AS {wanted})", _LETTERS)


def stands_at(label: str, sql: str, start: int, end: int) -> bool:
    """Whether the text itself says that this column stands there, and nothing else: what Spark tells of places in an analysed query may be
    that of another text."""
    names = [part.strip("`") for part in re.findall(r"`[^`]+`|[^.`]+", label)]
    found = [token for token in Query(sql).tokens if token.end > start and token.start < end]
    if not found or (found[0].start, found[-1].end) != (start, end):
        return False
    parts = [token.content for token in found[::2]]
    is_path = all(token.text == "." for token in found[1::2]) and all(token.kind in (WORD, NAME) for token in found[::2])
    around = {sql[start - 1 : start], sql[end : end + 1]}
    return is_path and not around & {".", "`"} and [part.casefold() for part in parts][-len(names) :] == [name.casefold() for name in names]


_BEHIND = re.compile(r"not\s+(?:i?like|in|rlike|regexp|between)\b", re.IGNORECASE)
_MISSING = {
    "left-out": (
        "missing-left-out",
        "“{0}” leaves out the rows in which a value is missing.",
        "Write {1} if they are to be kept. AND … IS NOT NULL says that they are not.",
        "Keep them",
    ),
    "not-met": (
        "missing-not-met",
        "Rows in which a value is missing do not meet “{0}”.",
        "Write {1} if they are to meet it. AND … IS NOT NULL says that they are not.",
        "Let them meet it",
    ),
}
_PLACES = (
    "places-lost",
    "CAST cuts the places of “{0}”, and does not round: 3.7 becomes 3.",
    "Write {1} to round. floor(…) says that cutting is meant.",
    "Round it",
)
_FIRST = (
    "nulls-first",
    "Rows without a value come first in the order by “{0}”, which PostgreSQL and Oracle put last.",
    "Write {1}. NULLS FIRST says that they are meant to come first.",
    "Put them last",
)
_LETTERS = (
    "numbers-by-letters",
    "The numbers in “{0}” are compared as text: 10 comes before 9.",
    "Write {1}, or type the column. CAST(… AS STRING) says that it is meant.",
    "Compare as numbers",
)


def begins_at(place: Place, sql: str) -> int:
    """Where a condition begins: Spark says of `x NOT IN (…)` and `x NOT LIKE …` where NOT stands."""
    is_behind = place.kind in _MISSING and _BEHIND.match(sql, max(place.start, 0))
    before = re.search(r"[\w.`]+\s+$", sql[: place.start]) if is_behind else None
    return before.start() if before else place.start


def _name(name: str) -> str:
    """A pattern for a column as a query has it."""
    return rf"(?<![\w.`'])(?:[\w`]+\.)?`?{re.escape(name)}`?(?![\w`'])"


def _kept(written: str, compared: Sequence[str]) -> str | None:
    """The condition with the rows in which a value is missing."""
    if not all(compared):
        return None
    found = [one[0] for name in compared if (one := re.search(_name(name), written, re.IGNORECASE))]
    if len(compared) == 2 and (both := re.fullmatch(r"([\w.`]+)\s*(?:<>|!=)\s*([\w.`]+)", written)):
        return f"{both[1]} IS DISTINCT FROM {both[2]}"
    return f"({written} OR {found[0]} IS NULL)" if len(compared) == len(found) == 1 else None


def _rounded(cast: str, column: str) -> str | None:
    text, times = re.subn(_name(column), lambda found: f"round({found[0]})", cast, flags=re.IGNORECASE)
    return text if times == 1 else None


def _problem(place: Place, sql: str, field: str, text: str | None, words: tuple[str, str, str, str]) -> dict[str, Any] | None:
    if text is None:
        return None
    code, message, fix, says = words
    line, column = sql_text.place(sql, place.start)
    edit: Any = {"start": place.start, "end": place.stop + 1, "text": text, "says": says}
    return Problem(
        code=code,
        message=message.format(place.label, text),
        field=field,
        found=sql[place.start : place.stop + 1],
        line=line,
        column=column,
        severity="warning",
        edit=edit,
        fix=fix.format(place.label, text),
    ).as_dict()
