"""What was found in the values of all columns, of whatever format: how numbers and days are written, what means no value, whose clocks."""

from __future__ import annotations

from collections.abc import Sequence

from executor.language.date_patterns import has_zone
from executor.look.facts import Facts
from executor.look.proposal import Found, Settings
from executor.look.types import Style, Typing, with_usual_decimal

NUMBERS = ("integer", "long", "double", "decimal")


def style_of(settings: Settings, columns: Sequence[Facts], *, is_european: bool = False) -> Style:
    """What a person said of the values, and what the columns show beside."""
    null_words = tuple(settings.null_values) if settings.null_values is not None else None
    style = Style(decimal=settings.decimal, is_day_first=settings.day_first, time_zone=settings.time_zone or "UTC", null_words=null_words)
    return style if settings.decimal else with_usual_decimal(style, columns, is_european=is_european)


def found_in_values(settings: Settings, typings: Sequence[Typing], style: Style) -> list[Found]:
    """`typings`: of columns that are read as text."""
    numbers = [typing for typing in typings if typing.type in NUMBERS]
    moments = [typing for typing in typings if typing.type == "timestamp"]
    words = sorted({word for typing in typings for word in typing.null_words})
    return [
        *([_decimal(numbers, style)] if numbers else []),
        Found(setting="nullValues", value=words, shown=", ".join(["empty", *words]), words="means no value" if words else ""),
        *_order(typings),
        *([_zone(settings, moments, style)] if moments else []),
    ]


def _decimal(numbers: Sequence[Typing], style: Style) -> Found:
    is_open = any(typing.open == "decimal" for typing in numbers)
    sign = style.decimal or style.usual_decimal or style.likely_decimal
    return Found(setting="decimal", value=sign, shown="1.234,56" if sign == "," else "1,234.56", sure=not is_open)


def _order(typings: Sequence[Typing]) -> list[Found]:
    """Nothing where days can be read in one way only."""
    orders = {typing.order for typing in typings if typing.type in ("date", "timestamp")} & {"dmy", "mdy"}
    has_two = any(
        "d" in pattern and not pattern.startswith("uuuu") for typing in typings for pattern in typing.options.get("formatters", [])
    )
    if not orders or not has_two:
        return []
    first, is_open = "dmy" in orders, any(typing.open == "dayFirst" for typing in typings)
    return [Found(setting="dayFirst", value=first, shown="day first" if first else "month first", sure=not is_open)]


def _zone(settings: Settings, moments: Sequence[Typing], style: Style) -> Found:
    is_said = all(has_zone(pattern) for typing in moments for pattern in typing.options["formatters"])
    says_some = any(typing.zones[0] for typing in moments)
    silent = "some values say no zone: sure?" if says_some else "no zone in the file: sure?"
    words = "the values say their zone" if is_said else silent
    sure = is_said or settings.time_zone is not None
    return Found(setting="timeZone", value=style.time_zone, shown=style.time_zone, words=words, sure=sure)
