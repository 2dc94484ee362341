"""How values are written for people: durations, counts, sizes, ids. Pure functions; the template filters call them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from executor.stages import STAGE_TYPES

NONE_YET = "—"


def duration(value: float | timedelta | None) -> str:
    """Seconds or a timedelta as people say it: 0.4 s, 39 s, 2 min 05 s, 1 h 03 min, 2 d 4 h."""
    if value is None:
        return NONE_YET
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def count(value: float | None) -> str:
    """336776 → 336,776; None → —."""
    if value is None:
        return NONE_YET
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def compact(value: float | None) -> str:
    """48,200,000 → 48.2 M. Below 10,000 the whole number."""
    if value is None:
        return NONE_YET
    if abs(value) < 10_000:
        return count(value)
    number, unit = _in_unit(value, ("k", "M", "G", "T"))
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"


def size(value: float | None) -> str:
    """Bytes, decimal units: 31 MB, 2.3 MB, 118 kB."""
    if value is None:
        return NONE_YET
    if value < 1000:
        return f"{int(value)} B"
    number, unit = _in_unit(value, ("kB", "MB", "GB", "TB"))
    return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"


def _in_unit(value: float, units: tuple[str, ...]) -> tuple[float, str]:
    """The number below 1,000, after rounding, and its unit; the last unit takes everything above."""
    for power, unit in enumerate(units, 1):
        number = value / 1000**power
        if abs(number) < 999.5:
            return number, unit
    return number, units[-1]


def short_id(value: object) -> str:
    """The first block of a UUID (or the first 8 characters of anything), enough to tell two apart on a page."""
    return str(value)[:8]


def short_sha(value: str | None) -> str:
    """4be1…90c2: begin and end of a hash, so that two can be compared by eye."""
    return f"{value[:4]}…{value[-4:]}" if value else NONE_YET


def moment_text(moment: datetime, form: str, now: datetime) -> str:
    """As the page will say it once its script has run, but by UTC's clock: of the same length, so that nothing moves then. The same rules
    as static/js/times.js. form: ago, clock, day, full."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    if form == "clock":
        return f"{moment:%H:%M}"
    if form == "full":
        return f"{moment.day} {moment:%b %Y, %H:%M:%S}"
    seconds = (now - moment).total_seconds()
    return _how_long(seconds) if form == "ago" and abs(seconds) < 6 * 3600 else _day_and_clock(moment, now)


def _how_long(seconds: float) -> str:
    minutes = round(abs(seconds) / 60)
    if abs(seconds) < 45:
        return "in a moment" if seconds < 0 else "just now"
    amount = f"{minutes} min" if minutes < 60 else f"{round(minutes / 60)} h"
    return f"in {amount}" if seconds < 0 else f"{amount} ago"


def _day_and_clock(moment: datetime, now: datetime) -> str:
    word = {0: "today", 1: "yesterday", -1: "tomorrow"}.get((now.date() - moment.date()).days)
    day = f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")
    return f"{word or day} {moment:%H:%M}"


def utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(number: int, one: str, many: str) -> str:
    """1 problem, 2 problems, 1,204 problems."""
    return f"{count(number)} {one if number == 1 else many}"


def place(problem: Mapping[str, Any]) -> str:
    """Where a problem is, from its dict; stages count from 1 for people, and fields have the names of the form."""
    index, stage, line, column = (problem.get(key) for key in ("stage_index", "stage", "line", "column"))
    parts = []
    if index is not None:
        parts.append(f"stage {index + 1}" + (f" “{stage}”" if stage else ""))
    if problem.get("field"):
        parts.append(_label(problem.get("stage_type"), str(problem["field"])))
    if line is not None:
        parts.append(f"line {line}" + (f":{column}" if column is not None else ""))
    if problem.get("row") is not None:
        parts.append(f"row {count(problem['row'])}")
    return " · ".join(parts)


def _label(stage_type: Any, field: str) -> str:
    """What the form calls a field of a stage; the field itself where it has none."""
    kind = STAGE_TYPES.get(stage_type)
    of_stage = kind.model_fields.values() if kind else ()
    return next((one.title for one in of_stage if one.title and one.alias == field), field)
