"""Java's patterns of date and time (`uuuu-MM-dd HH:mm`): which are right, and how Spark spells them."""

from __future__ import annotations

import re

EPOCH_SECONDS, EPOCH_MILLIS = "s" * 10, "s" * 13
_PARTS = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|\[|\]|[^A-Za-z'\[\]]+|'")
_KNOWN = "GuyDMLdaHhKkmsSVzOXxZ"
_LONGEST = {
    "y": 6,
    "u": 6,
    "M": 5,
    "L": 5,
    "d": 2,
    "D": 3,
    "E": 5,
    "a": 1,
    "H": 2,
    "h": 2,
    "K": 2,
    "k": 2,
    "m": 2,
    "s": 2,
    "S": 9,
    "V": 2,
    "z": 4,
    "O": 4,
    "X": 5,
    "x": 5,
    "Z": 5,
    "G": 5,
    "Q": 4,
    "q": 4,
    "n": 9,
}


def letters(pattern: str) -> list[str]:
    """The runs of letters of `pattern` outside quotes: `['uuuu', 'MM', 'dd']`."""
    return [part.group() for part in _PARTS.finditer(pattern) if part.group(1)]


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is not right, in plain words; None when it is."""
    if pattern in (EPOCH_SECONDS, EPOCH_MILLIS):
        return None
    if not pattern.strip():
        return "it is empty"
    if any(part.group() == "'" for part in _PARTS.finditer(pattern)):
        return "a quote is not closed"
    if pattern.count("[") != pattern.count("]"):
        return "a bracket is not closed"
    for run in letters(pattern):
        if run[0] not in _KNOWN:
            return f"the letter {run[0]} cannot be read" + (" (the day of the week follows from the date)" if run[0] == "E" else "")
        if len(run) > _LONGEST[run[0]]:
            return f"too many letters: {run}"
    return None


def day_problem(pattern: str) -> str | None:
    """Why values of `pattern` would not say a day; None when they do. Spark would fill in January, the first or 1970 in silence."""
    if pattern in (EPOCH_SECONDS, EPOCH_MILLIS):
        return None
    kinds = {run[0] for run in letters(pattern)}
    if kinds & set("dD") and not kinds & set("MLDQq"):
        return "it has a day but no month (MM; mm are minutes)" if "m" in kinds else "it has a day but no month (MM)"
    if {"D", "M"} <= kinds:
        return "DD counts the days of the year; days of a month are dd"
    return None if kinds & set("uyG") else "it has no year (uuuu)"


def clock_problem(pattern: str) -> str | None:
    """Why a time of day in `pattern` would be read as another; None when it would not."""
    if pattern in (EPOCH_SECONDS, EPOCH_MILLIS):
        return None
    order = [run[0] for run in letters(pattern)]
    if set(order) & set("hK") and "a" not in order:
        return "hh needs AM or PM (a); hours from 0 to 23 are HH"
    hour = next((place for place, letter in enumerate(order) if letter in "HhKk"), None)
    if hour is not None and "m" not in order and "M" in order[hour + 1 : hour + 2]:
        return "MM are months; minutes are mm"
    return "SS are fractions of a second; seconds are ss" if "S" in order and "s" not in order else None


def is_finer_than_kept(pattern: str) -> bool:
    """Whether values of `pattern` may have more than the six decimals of a second that Spark keeps."""
    return any(run[0] == "n" or (run[0] == "S" and len(run) > 6) for run in letters(pattern))


def without_offset(pattern: str) -> str | None:
    """`pattern` without the offset it ends with; None where it does not end with one."""
    found = re.search(r"\s*\[?[xXZ]+\]?$", pattern)
    return pattern[: found.start()] if found else None


def without_region(pattern: str) -> str | None:
    """`pattern` without the region it ends with (`VV`, also in brackets); None where it does not end with one."""
    found = re.search(r"\s*(?:'\['|\[)?VV(?:'\]'|\])?$", pattern)
    return pattern[: found.start()] if found else None


def spark_pattern(pattern: str) -> str:
    """`pattern` in Spark's spelling, where `y` is the year that Java calls `u`."""
    parts = _PARTS.finditer(pattern)
    return "".join(part.group().replace("u", "y") if part.group(1) == "u" else part.group() for part in parts)


def has_zone(pattern: str) -> bool:
    """Whether values of `pattern` carry their own zone or offset."""
    return any(run[0] in "VzOXxZ" for run in letters(pattern))


def has_short_year(pattern: str) -> bool:
    """Whether values of `pattern` carry the last two digits of a year only."""
    return any(run in ("yy", "uu") for run in letters(pattern))


def has_clock(pattern: str) -> bool:
    """Whether values of `pattern` carry a time of day."""
    return any(run[0] in "HhKk" for run in letters(pattern))


def has_words(pattern: str) -> bool:
    """Whether values of `pattern` hold words (Jan, AM), which may be written in several cases."""
    return any(run[0] in "aG" or (run[0] in "ML" and len(run) > 2) for run in letters(pattern))
