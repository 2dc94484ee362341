"""Text to values, by the rules of a schema column: one Spark expression for each column type, no Python per row. Needs pyspark.

Every function takes the text (null where there is no value) and answers with the value, null where the text does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from executor import date_patterns
from executor.schema import (
    AnyColumn,
    BinaryColumn,
    BooleanColumn,
    DateColumn,
    DecimalColumn,
    DoubleColumn,
    Formatted,
    IntegerColumn,
    LongColumn,
    NumberColumn,
    StringColumn,
    TimeColumn,
    TimestampColumn,
)
from executor.number_patterns import number_pattern

EXPONENT = r"^[+-]?[0-9]*\.?[0-9]*[eE]\+[0-9]+$"
PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
MIDDLE = "decimal(38,10)"
"""Holds every 64-bit number with decimals, on the way from a patterned text to a whole number."""


def value_of(column: AnyColumn, text: Column, session_zone: str) -> Column:
    """The value of `text` in `column`. Timestamps without a zone are read in the column's own."""
    if isinstance(column, TimestampColumn):
        return _timestamp(column, text, session_zone)
    return _BY_TYPE[type(column)](column, text)


def failure_text(column: AnyColumn, text: Column) -> Column:
    """Arc's words for a text that does not fit."""
    if isinstance(column, StringColumn):
        return _string_failure(column, text)
    return F.concat(F.lit("Unable to convert '"), text, F.lit(f"' to {_wanted(column)}"))


def _wanted(column: AnyColumn) -> str:
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


# --- text, boolean, binary ----------------------------------------------------------------------------------------------


def _string_rules(column: StringColumn, text: Column) -> list[tuple[Column, Column]]:
    """For each rule of the column: when it is broken, and Arc's words for that."""
    size = F.length(text)
    told = F.concat(F.lit("String '"), text, F.lit("' ("), size.cast("string"), F.lit(" characters) is "))
    rules = []
    if column.min_length is not None:
        rules.append((size < column.min_length, F.concat(told, F.lit(f"less than minLength ({column.min_length})."))))
    if column.max_length is not None:
        rules.append((size > column.max_length, F.concat(told, F.lit(f"greater than maxLength ({column.max_length})."))))
    if column.regex is not None:
        broken = ~text.rlike(rf"\A(?:{column.regex})\z")
        rules.append((broken, F.concat(F.lit("String '"), text, F.lit(f"' does not match regex '{column.regex}'."))))
    return rules


def _string(column: StringColumn, text: Column) -> Column:
    broken = [condition for condition, _ in _string_rules(column, text)]
    return F.when(~reduce(Column.__or__, broken), text) if broken else text


def _string_failure(column: StringColumn, text: Column) -> Column:
    return F.concat_ws(" ", *[F.when(broken, words) for broken, words in _string_rules(column, text)])


def _boolean(column: BooleanColumn, text: Column) -> Column:
    return F.when(text.isin(column.true_values), True).when(text.isin(column.false_values), False)


def _binary(column: BinaryColumn, text: Column) -> Column:
    if column.encoding == "base64":
        return F.try_to_binary(F.translate(text, "-_", "+/"), F.lit("base64"))
    return F.when(text.rlike("^([0-9A-Fa-f]{2})*$"), F.unhex(text))


# --- numbers ------------------------------------------------------------------------------------------------------------


def _whole(column: IntegerColumn | LongColumn, text: Column) -> Column:
    if column.formatters:
        return _first(column.formatters, text, lambda digits: _without_fraction(digits.try_cast(MIDDLE), column.spark_type))
    exact = F.when(text.rlike(EXPONENT), _without_fraction(text.try_cast(MIDDLE), column.spark_type))
    number = F.coalesce(text.try_cast(column.spark_type), exact)
    return number if column.trim else F.when(_begins_and_ends_without_blank(text), number)


def _begins_and_ends_without_blank(text: Column) -> Column:
    """Spark's cast would cut blanks, Java's reading refuses them. Every sign up to the blank sorts before “!”."""
    return (text >= "!") & (F.substring(text, -1, 1) >= "!")


def _without_fraction(number: Column, kind: str) -> Column:
    return F.when(number == F.floor(number), number.try_cast(kind))


def _double(column: DoubleColumn, text: Column) -> Column:
    if column.formatters:
        return _first(column.formatters, text, lambda digits: digits.try_cast("double"))
    number = text.try_cast("double")
    spelled_nan = F.isnan(number) & (F.trim(text) != "NaN")
    return F.when(~(F.abs(number) == float("inf")) & ~spelled_nan, number)


def _decimal(column: DecimalColumn, text: Column) -> Column:
    if column.formatters:
        return _first(column.formatters, text, lambda digits: digits.try_cast(column.type_text()))
    return F.when(text.rlike(PLAIN_NUMBER), text.try_cast(column.type_text()))


def _first(formatters: list[str], text: Column, convert: Callable[[Column], Column]) -> Column:
    """The number by the first pattern that fits the whole text."""
    return F.coalesce(*[_by_pattern(pattern, text, convert) for pattern in formatters])


def _by_pattern(formatter: str, text: Column, convert: Callable[[Column], Column]) -> Column:
    pattern = number_pattern(formatter)
    plus = F.regexp_extract(text, pattern.positive, 1)
    minus = F.regexp_extract(text, pattern.negative, 1)
    digits = F.when(plus != "", plus).when(minus != "", F.concat(F.lit("-"), minus))
    digits = F.replace(digits, F.lit(","), F.lit(""))
    if pattern.scale > 1:
        digits = (digits.try_cast("decimal(30,10)") / pattern.scale).cast("string")
    return convert(digits)


# --- date and time ------------------------------------------------------------------------------------------------------


def _date(column: DateColumn, text: Column) -> Column:
    return F.coalesce(*[_moment(column, pattern, text).cast("date") for pattern in column.formatters])


def _time(column: TimeColumn, text: Column) -> Column:
    moment = F.coalesce(*[_moment(column, pattern, text) for pattern in column.formatters])
    fraction = F.rtrim(F.lit("0"), F.date_format(moment, "SSSSSS"))
    return F.concat(F.date_format(moment, "HH:mm:ss"), F.when(fraction != "", F.concat(F.lit("."), fraction)).otherwise(""))


def _timestamp(column: TimestampColumn, text: Column, session_zone: str) -> Column:
    return F.coalesce(*[_timestamp_by(column, pattern, text, session_zone) for pattern in column.formatters])


def _timestamp_by(column: TimestampColumn, pattern: str, text: Column, session_zone: str) -> Column:
    if pattern in (date_patterns.EPOCH_SECONDS, date_patterns.EPOCH_MILLIS):
        number = F.when(text.rlike(f"^[0-9]{{{len(pattern)}}}$"), text.try_cast("bigint"))
        return F.timestamp_seconds(number) if pattern == date_patterns.EPOCH_SECONDS else F.timestamp_millis(number)
    if column.time is not None:
        return _at_clock(column, _moment(column, pattern, text))
    if not date_patterns.has_clock(pattern):
        return F.lit(None).cast("timestamp")
    if date_patterns.has_zone(pattern) or column.timezone_id == session_zone:
        return _moment(column, pattern, text)
    zone = F.lit(" " + column.timezone_id)
    moment = F.try_to_timestamp(F.concat(text, zone), F.lit(date_patterns.spark_pattern(pattern) + " VV"))
    return _as_written(column, pattern, moment, F.from_utc_timestamp(F.to_utc_timestamp(moment, session_zone), column.timezone_id), text)


def _at_clock(column: TimestampColumn, day: Column) -> Column:
    clock = column.time
    assert clock is not None
    second = F.lit(f"{clock.second}.{clock.nano // 1000:06}").cast("decimal(16,6)")
    return F.try_make_timestamp(
        F.year(day), F.month(day), F.day(day), F.lit(clock.hour), F.lit(clock.minute), second, F.lit(column.timezone_id)
    )


def _moment(column: Formatted, pattern: str, text: Column) -> Column:
    moment = F.try_to_timestamp(text, F.lit(date_patterns.spark_pattern(pattern)))
    return _as_written(column, pattern, moment, moment, text)


def _as_written(column: Formatted, pattern: str, moment: Column, shown: Column, text: Column) -> Column:
    """Spark reads names of months in any case; a case-sensitive column takes only the text that the pattern itself would write."""
    if not column.case_sensitive or not date_patterns.has_words(pattern):
        return moment
    return F.when(F.date_format(shown, date_patterns.spark_pattern(pattern)) == text, moment)


_BY_TYPE: dict[type, Callable[[Any, Column], Column]] = {
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
