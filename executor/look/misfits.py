"""Why a value does not fit its column, in plain words, and how it can be read all the same."""

from __future__ import annotations

import re
from datetime import date, timedelta

from executor.look.facts import TEXT, Facts, Key
from executor.look.proposal import Fix, Misfit, short
from executor.look.shapes import BLANKS, Moment, Number
from executor.look.types import Typing

NO_VALUE = Fix(label="Read as no value", value=None)
MOST = 50
LONGEST = 200
"""Signs of a value that does not fit."""


def misfits_of(facts: Facts, typing: Typing, name: str, index: int) -> tuple[list[Misfit], int]:
    """(some of them in the order of the file, how many there are)."""
    if typing.type == "string":
        return [], 0
    found, rows = [], 0
    for key, tally in facts.tallies.items():
        if fits(key, typing):
            continue
        rows += tally.rows
        for line, text in tally.examples:
            why, fix = reason(key, text.strip(BLANKS), typing, tally_rows(facts, typing))
            fix = fix if len(text) <= LONGEST else None  # what is not shown whole could not be found again
            found.append(Misfit(line=line, column=name, index=index, value=short(text, LONGEST), why=why, fix=fix))
    return sorted(found, key=lambda misfit: misfit.line)[:MOST], rows


def fits(key: Key, typing: Typing) -> bool:
    """Whether values of this key fit, or mean no value."""
    return typing.type == "string" or key in typing.keys or (isinstance(key, tuple) and key[1] in typing.null_words)


def tally_rows(facts: Facts, typing: Typing) -> int:
    """How many values fit by their shape."""
    return sum(tally.rows for key, tally in facts.tallies.items() if key in typing.keys)


def reason(key: Key, text: str, typing: Typing, others: int) -> tuple[str, Fix | None]:
    """Why it does not fit, and a way out."""
    if isinstance(key, Moment) and typing.type in ("date", "timestamp", "time"):
        return _of_moment(key, text, typing)
    if isinstance(key, Number) and typing.type in ("integer", "long", "double", "decimal"):
        return _of_number(key, text, typing, others)
    if isinstance(key, tuple):
        return f"“{key[1]}” is no {_word(typing)}.", NO_VALUE
    if key == TEXT and typing.type in ("integer", "long", "double", "decimal"):
        return "It is not a number.", NO_VALUE
    return f"It is no {_word(typing)}.", NO_VALUE


def _word(typing: Typing) -> str:
    words = {
        "date": "day",
        "timestamp": "day and time",
        "time": "time of day",
        "boolean": "yes or no",
        "integer": "whole number",
        "long": "whole number",
    }
    return words.get(typing.type, "number")


def _of_number(key: Number, text: str, typing: Typing, others: int) -> tuple[str, Fix | None]:
    if key.form == "too_large":
        return "It is larger than any number that can be kept.", NO_VALUE
    if key.zero_led:
        return "It begins with 0, as codes do.", Fix(label=f"Read as {text.lstrip('0') or '0'}", value=text.lstrip("0") or "0")
    if typing.type in ("integer", "long") and key.form in ("point", "comma", "commas", "points"):
        return "It has decimals; the column holds whole numbers.", NO_VALUE
    if key.form == "comma" and typing.decimal == ".":
        return f"A comma where the other {others:,} have a point.", Fix(
            label=f"Read as {text.replace(',', '.')}", value=text.replace(",", ".")
        )
    if key.form == "point" and typing.decimal == ",":
        return f"A point where the other {others:,} have a comma.", Fix(
            label=f"Read as {text.replace('.', ',')}", value=text.replace(".", ",")
        )
    if typing.type in ("integer", "long") and key.form == "whole":
        return "It has too many digits for the column.", NO_VALUE
    bare = re.sub(r"[^0-9.,-]", "", text)
    if "%" in key.around:
        return "It has a % sign, the others have none.", Fix(label=f"Read as {bare}", value=bare)
    if key.around != "#":
        return "It has signs that the others do not have.", Fix(label=f"Read as {bare}", value=bare)
    return "It is written in another way than the others.", NO_VALUE


def _of_moment(key: Moment, text: str, typing: Typing) -> tuple[str, Fix | None]:
    if "24:00" in key.wrong:
        return key.wrong, _next_day(text)
    if key.wrong:
        return key.wrong, NO_VALUE
    if typing.type == "timestamp" and key.kind == "date":
        pattern = typing.options["formatters"][0]
        gap = "T" if "'T'" in pattern else " "
        clock = "00:00:00" if "ss" in pattern else "00:00"
        return "It has no time of day.", Fix(label="Read as 00:00 of that day", value=f"{text}{gap}{clock}")
    if typing.type == "date" and key.kind == "timestamp":
        day = re.split(r"[T ]", text)[0]
        return "It has a time of day; the column holds days.", Fix(label=f"Read as {day}", value=day)
    if key.order in ("dmy", "mdy"):
        return "Day and month are the other way round.", NO_VALUE
    return f"It is no {_word(typing)} as the others are written.", NO_VALUE


def _next_day(text: str) -> Fix | None:
    """2013-08-09 24:00:00 is midnight of the day after."""
    found = re.match(r"(\d{4})-(\d{2})-(\d{2})([T ])24:00(:00)?$", text)
    if not found:
        return NO_VALUE
    try:
        after = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=1)
    except (ValueError, OverflowError):
        return NO_VALUE
    return Fix(label=f"Read as {after.day} {after:%b} 00:00", value=f"{after}{found[4]}00:00{found[5] or ''}")
