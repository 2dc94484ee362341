"""A column for people: its range in words, how its values are spread, examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from executor.look.facts import Facts
from executor.look.misfits import fits
from executor.look.proposal import ColumnChoice, ProposedColumn, short
from executor.look.shapes import BLANKS, TRUE_MINUS, Moment, Number, decimal_of, moment_key, shape_of
from executor.look.types import Style, Typing, propose

BARS = 6
NUMBERS = ("integer", "long", "double", "decimal")


def column_of(index: int, raw: str, name: str, facts: Facts, style: Style, choice: ColumnChoice | None) -> tuple[ProposedColumn, Typing]:
    """The proposal for one column."""
    style = replace(style, decimal=choice.decimal) if choice and choice.decimal else style
    typing = propose(facts, style, choice.type if choice else None)
    name = choice.name if choice and choice.name else name
    words_for_null = sum(tally.rows for key, tally in facts.tallies.items() if isinstance(key, tuple) and key[1] in typing.null_words)
    nulls = facts.empty + facts.missing + words_for_null
    fitting = sum(tally.rows for key, tally in facts.tallies.items() if fits(key, typing))
    lowest, highest = _ends(facts, typing)
    return ProposedColumn(
        index=index,
        name=name,
        raw_name=raw,
        type=typing.schema(name),
        words=typing.why,
        sure=not typing.open,
        rows=facts.rows,
        fits=fitting + facts.empty + facts.missing,
        nulls=nulls,
        distinct=len(facts.values) if facts.has_all_values else None,
        lowest=lowest,
        highest=highest,
        range_words=_range(facts, typing, lowest, highest),
        samples=[short(sample, 60) for sample in facts.samples],
        histogram=_histogram(facts, typing),
    ), typing


def _ends(facts: Facts, typing: Typing) -> tuple[str | None, str | None]:
    """The least and the greatest of the values that fit, as text."""
    found: list[tuple[Any, str]] = []
    for key, tally in facts.tallies.items():
        if key not in typing.keys and typing.type != "string":
            continue
        if isinstance(key, Number) and typing.type in NUMBERS:
            found += [(_number(text, key, typing), text) for bounds in tally.bounds.values() for _, text in bounds]
        elif isinstance(key, Moment) and typing.type in ("date", "time", "timestamp"):
            found += tally.bounds.get(typing.order_of(key), [])
        elif typing.type == "string":
            found += [(text, text) for bounds in tally.bounds.values() for _, text in bounds]
    if not found:
        return None, None
    lowest, highest = min(found), max(found)
    if typing.type in ("date", "time", "timestamp"):
        return str(lowest[0]), str(highest[0])
    return short(lowest[1], 60), short(highest[1], 60)


def _number(text: str, key: Number, typing: Typing) -> Decimal:
    return decimal_of(text, typing.decimal)


def _range(facts: Facts, typing: Typing, lowest: str | None, highest: str | None) -> str:
    if not facts.full:
        return "always empty"
    common = facts.values.most_common(3)
    if typing.type == "boolean":
        return ", ".join(f"{value.strip()} {rows:,}" for value, rows in common)
    distinct = len(facts.values)
    if facts.has_all_values and distinct == 1 and facts.full > 1:
        return f"always {common[0][0].strip()[:40]}"
    if typing.type == "string":
        return f"{distinct:,} different" if facts.has_all_values else f"more than {distinct:,} different"
    if facts.has_all_values and distinct <= 3 and typing.type in ("integer", "long"):
        return f"{distinct} values: {', '.join(sorted((value.strip() for value in facts.values), key=lambda text: (len(text), text)))}"
    if typing.type in ("date", "timestamp"):
        return _days(lowest, highest)
    ends = f"{_short(lowest)} – {_short(highest)}"
    zeros = facts.values.get("0", 0)
    is_sign = typing.type in ("double", "decimal") and zeros >= 0.01 * facts.full
    return f"{ends} · 0 in {zeros:,}" if is_sign and facts.has_all_values else ends


def _days(lowest: str | None, highest: str | None) -> str:
    """1 – 31 Aug 2013, or both days whole."""
    if not lowest or not highest:
        return "?"
    first, last = date.fromisoformat(lowest[:10]), date.fromisoformat(highest[:10])
    if first == last:
        return f"{last.day} {last:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {last.day} {last:%b %Y}"
    return f"{first.day} {first:%b}{f' {first.year}' if first.year != last.year else ''} – {last.day} {last:%b %Y}"


def _short(text: str | None) -> str:
    if text is None:
        return "?"
    text = text.replace(TRUE_MINUS, "-")
    found = shape_of(text)
    if isinstance(found, Number) and found.form == "point" and len(text) > 10:
        return f"{float(text):,.2f}"
    if isinstance(found, Number) and found.form in ("whole", "point") and found.around == "#":
        whole, point, decimals = text.lstrip("+-").partition(".")
        return f"{'-' if text.startswith('-') else ''}{int(whole or 0):,}{point}{decimals}"
    return text


def _histogram(facts: Facts, typing: Typing) -> list[int]:
    """How many of a sample of values lie in each of BARS equal parts of their range, the fullest as 100."""
    numbers = sorted(number for text in facts.spread if (number := _place(text.strip(BLANKS), typing)) is not None)
    if len(numbers) < 2 or numbers[0] == numbers[-1]:
        return []
    width = (numbers[-1] - numbers[0]) / BARS
    bars = [0] * BARS
    for number in numbers:
        bars[min(BARS - 1, int((number - numbers[0]) / width))] += 1
    most = max(bars)
    return [round(100 * bar / most) if bar == 0 or 100 * bar / most >= 1 else 1 for bar in bars]


def _place(text: str, typing: Typing) -> float | None:
    """Where a value stands on a line; None when it does not fit."""
    if typing.type == "boolean":
        words = typing.options["trueValues"]
        return float(text in words)
    shape = shape_of(text)
    if shape is None or shape not in typing.keys:
        return None
    if isinstance(shape, Number) and typing.type in NUMBERS:
        return float(decimal_of(text, typing.decimal))
    if isinstance(shape, Moment) and shape.order:
        key = moment_key(text, typing.order_of(shape))
        year, month, day = int(key[:4]), int(key[5:7]), int(key[8:10])
        clock = key[11:].split(":")
        seconds = sum(float(part) * size for part, size in zip(clock, (3600, 60, 1), strict=False)) if clock[0] else 0
        return (year * 372 + month * 31 + day) * 86_400 + seconds
    return None
