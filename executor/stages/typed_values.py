"""Text to values, by the rules of a schema column: one SQL expression for each column type, no Python per row.

Every function takes an SQL expression of the text (null where there is no value) and answers with one of the value, null where the
text does not fit. SQL text rather than column objects: a schema of twenty columns is then one call to Spark, not thousands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from executor.language import date_patterns
from executor.language.number_patterns import NO_DECIMALS, NumberPattern, number_pattern
from executor.language.quoting import text_in_sql
from executor.language.schema import (
    AnyColumn,
    BinaryColumn,
    BooleanColumn,
    Clock,
    Column,
    DateColumn,
    DecimalColumn,
    DoubleColumn,
    Formatted,
    IntegerColumn,
    LongColumn,
    NumberColumn,
    Scalar,
    StringColumn,
    TimeColumn,
    TimestampColumn,
)
from executor.value_kinds import YEARS_AHEAD

MIDDLE = "decimal(38,18)"
"""Holds every 64-bit number with decimals, on the way from a patterned text to a whole number."""
EPOCHS = (date_patterns.EPOCH_SECONDS, date_patterns.EPOCH_MILLIS)
REGION = r"\s*\[?([A-Za-z][A-Za-z0-9_+/-]*)\]?$"
"""The name of a region behind a time, as in 10:00 Europe/Berlin."""
OFFSET = r"\s*(Z|[+-][0-9]{2}(:?[0-9]{2}){0,2})$"
FIXED_ZONE = re.compile(r"Z|UTC|GMT|UT|Etc/.*|(UTC|GMT|UT)?[+-].*|Universal|Zulu|Greenwich|[A-Z]ST")
"""Zones whose clocks are never changed."""


def value_of(column: Scalar, text: str) -> str:
    """The value of `text` in `column`. Timestamps without a zone are read in the column's own."""
    if isinstance(column, TimestampColumn):
        return _coalesce(_timestamp_by(column, pattern, text) for pattern in column.formatters)
    return _BY_TYPE[type(column)](column, text)


def failure_text(column: Column, text: str) -> str:
    """Arc's words for a text that does not fit."""
    if isinstance(column, StringColumn):
        return f"concat_ws(' ', {', '.join(f'IF({broken}, {words}, NULL)' for broken, words in _string_rules(column, text)) or 'NULL'})"
    ending = text_in_sql(f"' to {_wanted(column)}")
    return f"concat('Unable to convert \\'', {text}, {ending})"


def _wanted(column: Column) -> str:
    if isinstance(column, BooleanColumn):
        return f"boolean using provided true values: {_list(column.true_values)} or false values: {_list(column.false_values)}"
    if isinstance(column, BinaryColumn):
        return f"binary using '{column.encoding}' decoding."
    if isinstance(column, DecimalColumn):
        return f"decimal({column.precision}, {column.scale}) using formatters {_list(column.formatters or [column.default_formatter])}"
    if isinstance(column, NumberColumn):
        return f"{column.type} using formatters {_list(column.formatters or [column.default_formatter])}"
    if isinstance(column, TimestampColumn):
        return f"timestamp using formatters {_list(column.formatters)} and timezone '{column.timezone_id}'"
    return f"{column.type} using formatters {_list(getattr(column, 'formatters', []))}"


def _list(words: list[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _coalesce(choices: Iterable[str]) -> str:
    found = list(choices)
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def is_one_of(text: str, words: list[str]) -> str:
    """Whether `text` is one of `words`."""
    return f"{text} IN ({', '.join(map(text_in_sql, words))})" if words else "false"


# --- text, boolean, binary ----------------------------------------------------------------------------------------------


def _string_rules(column: StringColumn, text: str) -> list[tuple[str, str]]:
    """For each rule of the column: when it is broken, and Arc's words for that."""
    told = f"concat('String \\'', {text}, '\\' (', length({text}), "
    rules = []
    if column.min_length is not None:
        rules.append((f"length({text}) < {column.min_length}", f"{told}' characters) is less than minLength ({column.min_length}).')"))
    if column.max_length is not None:
        rules.append((f"length({text}) > {column.max_length}", f"{told}' characters) is greater than maxLength ({column.max_length}).')"))
    if column.regex is not None:
        whole = text_in_sql(rf"\A(?:{column.regex})\z")
        words = text_in_sql(f"' does not match regex '{column.regex}'.")
        rules.append((f"NOT rlike({text}, {whole})", f"concat('String \\'', {text}, {words})"))
    return rules


def takes_all(column: AnyColumn) -> bool:
    """Whether every text is a value of the column, so that none need be looked for that is not."""
    return isinstance(column, StringColumn) and not _string_rules(column, "")


def _string(column: StringColumn, text: str) -> str:
    broken = [condition for condition, _ in _string_rules(column, text)]
    return f"IF({' OR '.join(broken)}, NULL, {text})" if broken else text


def _boolean(column: BooleanColumn, text: str) -> str:
    return f"CASE WHEN {is_one_of(text, column.true_values)} THEN true WHEN {is_one_of(text, column.false_values)} THEN false END"


def _binary(column: BinaryColumn, text: str) -> str:
    if column.encoding == "base64":
        return f"try_to_binary(translate({text}, '-_', '+/'), 'base64')"
    return f"CASE WHEN rlike({text}, '^([0-9A-Fa-f]{{2}})*$') THEN unhex({text}) END"


# --- numbers ------------------------------------------------------------------------------------------------------------


def _whole(column: IntegerColumn | LongColumn, text: str) -> str:
    if column.formatters:
        whole = partial(number_pattern, decimals=NO_DECIMALS)
        return _by_patterns(
            column.formatters, text, whole, lambda digits: _without_fraction(f"try_cast({digits} AS {MIDDLE})", column.spark_type)
        )
    return f"sluice_{column.type}({text})"


def _without_fraction(number: str, kind: str) -> str:
    return f"IF({number} = floor({number}), try_cast({number} AS {kind}), NULL)"


def _double(column: DoubleColumn, text: str) -> str:
    if column.formatters:
        return _by_patterns(column.formatters, text, number_pattern, lambda digits: f"try_cast({digits} AS double)")
    return f"sluice_double({text})"


def _decimal(column: DecimalColumn, text: str) -> str:
    """A number with more decimals than the column has does not fit: rounding would change it."""
    if column.formatters:
        kept = f"[0-9]{{0,{column.scale}}}0*"
        exact = partial(number_pattern, decimals=kept, exponent="[0-9]+")
        return _by_patterns(column.formatters, text, exact, lambda digits: f"try_cast({digits} AS {column.type_text()})")
    return f"sluice_decimal({text}, {column.precision}, {column.scale})"


Pattern = Callable[[str], NumberPattern]


def _by_patterns(formatters: list[str], text: str, pattern: Pattern, convert: Callable[[str], str]) -> str:
    """The number by the first pattern that fits the whole text."""
    return _coalesce(_by_pattern(pattern(formatter), text, convert) for formatter in formatters)


def _by_pattern(pattern: NumberPattern, text: str, convert: Callable[[str], str]) -> str:
    plus, minus = text_in_sql(pattern.positive), text_in_sql(pattern.negative)
    found = (
        f"CASE WHEN rlike({text}, {plus}) THEN regexp_extract({text}, {plus}, 1)"
        f" WHEN rlike({text}, {minus}) THEN concat('-', regexp_extract({text}, {minus}, 1)) END"
    )
    digits = f"translate({found}, {text_in_sql(pattern.point + pattern.groups)}, '.')"
    return convert(digits if pattern.scale == 1 else f"string(try_cast({digits} AS decimal(35,15)) / {pattern.scale})")


def is_inexact(column: AnyColumn, text: str, value: str) -> str | None:
    """When a floating-point column does not hold all digits of its text. Up to 15 digits it always does."""
    if not isinstance(column, DoubleColumn) or column.formatters:
        return None
    return f"sluice_is_inexact({text}, {value})"


def is_maybe_code(column: AnyColumn, text: str, value: str) -> str | None:
    """When digits, an E and digits, such as 1E5, become a decimal number: a code is written in the same way. Most tools
    write a power of ten with a point or a sign, as 1.0E5 or 1e+05."""
    if not isinstance(column, DecimalColumn):
        return None
    return f"({value} IS NOT NULL AND sluice_is_maybe_code({text}))"


# --- date and time ------------------------------------------------------------------------------------------------------


def _date(column: DateColumn, text: str) -> str:
    return _coalesce(f"date({_as_local(column, pattern, text)})" for pattern in column.formatters)


def _time(column: TimeColumn, text: str) -> str:
    """ISO's spelling: seconds always, a fraction only where there is one."""
    moment = _coalesce(_as_local(column, pattern, text) for pattern in column.formatters)
    fraction = f"rtrim('0', date_format({moment}, 'SSSSSS'))"
    return f"concat(date_format({moment}, 'HH:mm:ss'), IF({fraction} = '', '', concat('.', {fraction})))"


def _timestamp_by(column: TimestampColumn, pattern: str, text: str) -> str:
    if pattern in EPOCHS:
        number = f"CASE WHEN rlike({text}, '^[0-9]{{{len(pattern)}}}$') THEN bigint({text}) END"
        return f"timestamp_seconds({number})" if pattern == date_patterns.EPOCH_SECONDS else f"timestamp_millis({number})"
    if column.time is not None:
        return in_zone(column, _at_clock(column.time, _moment(column, pattern, text)))
    if not date_patterns.has_clock(pattern):
        return "timestamp(NULL)"
    moment = _moment(column, pattern, text)
    local = date_patterns.without_region(pattern)
    if local is not None:
        shown = _moment(column, local, f"regexp_replace({text}, {text_in_sql(REGION)}, '')")
        there = _shown_in(column, shown, _region(text))
        return f"CASE WHEN {moment} IS NULL THEN NULL WHEN {_region(text)} = '' THEN {moment} ELSE {there} END"
    return moment if date_patterns.has_zone(pattern) else in_zone(column, moment)


def _region(text: str) -> str:
    """The region that a text ends with; empty where it ends with none."""
    return f"regexp_extract({text}, {text_in_sql(REGION)}, 1)"


def _at_clock(clock: Clock, day: str) -> str:
    second = f"CAST({clock.second}.{clock.nano // 1000:06} AS decimal(16,6))"
    return f"try_make_timestamp(year({day}), month({day}), day({day}), {clock.hour}, {clock.minute}, {second}, 'UTC')"


def in_zone(column: TimestampColumn, shown: str) -> str:
    """The moment at which clocks in the column's zone showed `shown` (a time in UTC, which is the session's zone): null where they never
    did, since they were put forward; of the two where they were put back, the one the column says."""
    if FIXED_ZONE.fullmatch(column.timezone_id):
        return f"to_utc_timestamp({shown}, {text_in_sql(column.timezone_id)})" if column.timezone_id != "UTC" else shown
    return f"sluice_moment_in({shown}, {text_in_sql(column.timezone_id)}, {text_in_sql(column.repeated_time or 'first')})"


def _shown_in(column: TimestampColumn, shown: str, zone: str) -> str:
    """As `in_zone`, for a zone of any kind. `zone`: SQL."""
    first = f"to_utc_timestamp(x, {zone})"
    later = _later(first, "x", zone)
    chosen = {"second": f"coalesce({later}, {first})", "error": f"IF({later} IS NULL, {first}, NULL)"}.get(str(column.repeated_time), first)
    kept = f"CASE WHEN x IS NULL OR from_utc_timestamp({first}, {zone}) <> x THEN NULL ELSE {chosen} END"
    return f"transform(array({shown}), x -> {kept})[0]"


def _later(first: str, shown: str, zone: str) -> str:
    """The second moment at which clocks showed `shown`; null where there is none. Looked for only where the clocks were changed soon."""
    again = [
        f"WHEN from_utc_timestamp({first} + INTERVAL '{minutes}' MINUTE, {zone}) = {shown} THEN {first} + INTERVAL '{minutes}' MINUTE"
        for minutes in (60, 30, 120, 20, 40, 180)
    ]
    is_near = f"from_utc_timestamp({first} + INTERVAL '3' HOUR, {zone}) <> {shown} + INTERVAL '3' HOUR"
    return f"CASE WHEN {is_near} THEN CASE {' '.join(again)} END END"


def is_twice(column: AnyColumn, text: str, value: str) -> str | None:
    """When a value's time was shown twice by the clocks, for columns that do not say which of the two they mean."""
    if not isinstance(column, TimestampColumn) or column.repeated_time:
        return None
    found = [_twice_in_zone(column, text, value)] if not FIXED_ZONE.fullmatch(column.timezone_id) else []
    if any(date_patterns.without_region(pattern) is not None for pattern in column.formatters):
        found.append(f"CASE WHEN {_region(text)} <> '' THEN {_shown_again(value, _region(text))} ELSE false END")
    conditions = [one for one in found if one]
    return f"({' OR '.join(conditions)})" if conditions else None


def _twice_in_zone(column: TimestampColumn, text: str, value: str) -> str | None:
    """`is_twice` for texts that say no zone."""
    if all(pattern in EPOCHS or date_patterns.has_zone(pattern) for pattern in column.formatters):
        return None
    twice = f"sluice_is_shown_again({value}, {text_in_sql(column.timezone_id)})"
    said = [pattern for pattern in column.formatters if pattern in EPOCHS or date_patterns.has_zone(pattern)]
    is_said = " OR ".join(f"{_moment(column, pattern, text)} IS NOT NULL" for pattern in said if pattern not in EPOCHS)
    return f"({twice} AND NOT ({is_said}))" if is_said else twice


def _shown_again(value: str, zone: str) -> str:
    return f"({value} IS NOT NULL AND {_later(value, f'from_utc_timestamp({value}, {zone})', zone)} IS NOT NULL)"


def is_ahead(column: AnyColumn, text: str, value: str) -> str | None:
    """When a year of two digits gives a day far ahead, as 75 does for the year of a birth: such years are read as 20xx."""
    if not isinstance(column, TimestampColumn | DateColumn) or not any(map(date_patterns.has_short_year, column.formatters)):
        return None
    return f"({value} IS NOT NULL AND year({value}) > year(current_date()) + {YEARS_AHEAD} AND NOT rlike({text}, '[0-9]{{4}}'))"


def is_two_ways(column: AnyColumn, text: str, value: str) -> str | None:
    """When a text fits two formats of its column that read it otherwise: the day or the month first, a decimal point or a comma."""
    formats = list(getattr(column, "formatters", None) or [])
    others = [one for place, one in enumerate(formats) if any(_are_rivals(column, one, before) for before in formats[:place])]
    if not isinstance(column, Scalar) or not others:
        return None
    differs = " OR ".join(f"{value_of(column.model_copy(update={'formatters': [one]}), text)} <> {value}" for one in others)
    return f"coalesce({value} IS NOT NULL AND ({differs}), false)"


def _are_rivals(column: AnyColumn, one: str, other: str) -> bool:
    """Whether one text can fit both and mean two things: dates and times only where the parts come in another order."""
    if isinstance(column, NumberColumn):
        return one != other
    orders = [[run[0].replace("y", "u").replace("L", "M") for run in date_patterns.letters(pattern)] for pattern in (one, other)]
    return len(orders[0]) == len(orders[1]) and orders[0] != orders[1]


def is_too_fine(column: AnyColumn, text: str, value: str) -> str | None:
    """When a time has more than six decimals of a second, which is what is kept."""
    if not isinstance(column, TimestampColumn | TimeColumn) or not any(map(date_patterns.is_finer_than_kept, column.formatters)):
        return None
    return f"({value} IS NOT NULL AND rlike({text}, '[.,:][0-9]{{6}}[0-9]*[1-9]'))"


def _as_local(column: Formatted, pattern: str, text: str) -> str:
    """Date and clock as the text writes them, whatever offset or region it ends with: a day is a day where it was written."""
    region = date_patterns.without_region(pattern)
    local, ending = (region, REGION) if region is not None else (date_patterns.without_offset(pattern), OFFSET)
    if local is None:
        return _moment(column, pattern, text)
    bare = f"regexp_replace({text}, {text_in_sql(ending)}, '')"
    return f"IF({_moment(column, pattern, text)} IS NULL, NULL, {_moment(column, local, bare)})"


def _moment(column: Formatted, pattern: str, text: str) -> str:
    """Spark reads names of months in any case; a case-sensitive column takes only the text that the pattern itself would write."""
    spelt = text_in_sql(date_patterns.spark_pattern(pattern))
    moment = f"coalesce(sluice_moment({text}, {spelt}), try_to_timestamp({text}, {spelt}))"
    if not column.case_sensitive or not date_patterns.has_words(pattern):
        return moment
    return f"IF(date_format({moment}, {spelt}) = {text}, {moment}, NULL)"


_BY_TYPE: dict[type, Callable[[Any, str], str]] = {
    StringColumn: _string,
    BooleanColumn: _boolean,
    BinaryColumn: _binary,
    IntegerColumn: _whole,
    LongColumn: _whole,
    DoubleColumn: _double,
    DecimalColumn: _decimal,
    DateColumn: _date,
    TimeColumn: _time,
}
