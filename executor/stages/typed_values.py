"""Text to values, by the rules of a schema column: one SQL expression for each column type, no Python per row.

Every function takes an SQL expression of the text (null where there is no value) and answers with one of the value, null where the
text does not fit. SQL text rather than column objects: a schema of twenty columns is then one call to Spark, not thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from executor.language import date_patterns
from executor.language.number_patterns import number_pattern
from executor.language.parameters import escaped
from executor.language.schema import (
    AnyColumn,
    BinaryColumn,
    BooleanColumn,
    Clock,
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

EXPONENT = r"^[+-]?[0-9]*\.?[0-9]*[eE]\+[0-9]+$"
PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
MIDDLE = "decimal(38,10)"
"""Holds every 64-bit number with decimals, on the way from a patterned text to a whole number."""


def quoted(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + escaped(text, "'") + "'"


def value_of(column: AnyColumn, text: str, session_zone: str) -> str:
    """The value of `text` in `column`. Timestamps without a zone are read in the column's own."""
    if isinstance(column, TimestampColumn):
        return _coalesce(_timestamp_by(column, pattern, text, session_zone) for pattern in column.formatters)
    return _BY_TYPE[type(column)](column, text)


def failure_text(column: AnyColumn, text: str) -> str:
    """Arc's words for a text that does not fit."""
    if isinstance(column, StringColumn):
        return f"concat_ws(' ', {', '.join(f'IF({broken}, {words}, NULL)' for broken, words in _string_rules(column, text)) or 'NULL'})"
    ending = quoted(f"' to {_wanted(column)}")
    return f"concat('Unable to convert \\'', {text}, {ending})"


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


def _coalesce(choices: Iterable[str]) -> str:
    found = list(choices)
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def is_one_of(text: str, words: list[str]) -> str:
    """Whether `text` is one of `words`."""
    return f"{text} IN ({', '.join(map(quoted, words))})" if words else "false"


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
        whole = quoted(rf"\A(?:{column.regex})\z")
        words = quoted(f"' does not match regex '{column.regex}'.")
        rules.append((f"NOT rlike({text}, {whole})", f"concat('String \\'', {text}, {words})"))
    return rules


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
        return _by_patterns(column.formatters, text, lambda digits: _without_fraction(f"try_cast({digits} AS {MIDDLE})", column.spark_type))
    exact = f"CASE WHEN rlike({text}, {quoted(EXPONENT)}) THEN {_without_fraction(f'try_cast({text} AS {MIDDLE})', column.spark_type)} END"
    number = f"coalesce(try_cast({text} AS {column.spark_type}), {exact})"
    return number if column.trim else f"CASE WHEN {_has_no_blank_at_its_ends(text)} THEN {number} END"


def _has_no_blank_at_its_ends(text: str) -> str:
    """Spark's cast would cut blanks, Java's reading refuses them. Every sign up to the blank sorts before “!”."""
    return f"{text} >= '!' AND substring({text}, -1, 1) >= '!'"


def _without_fraction(number: str, kind: str) -> str:
    return f"IF({number} = floor({number}), try_cast({number} AS {kind}), NULL)"


def _double(column: DoubleColumn, text: str) -> str:
    if column.formatters:
        return _by_patterns(column.formatters, text, lambda digits: f"try_cast({digits} AS double)")
    number = f"try_cast({text} AS double)"
    return (
        f"CASE WHEN isnan({number}) AND trim({text}) <> 'NaN' THEN NULL WHEN abs({number}) = double('Infinity') THEN NULL ELSE {number} END"
    )


def _decimal(column: DecimalColumn, text: str) -> str:
    if column.formatters:
        return _by_patterns(column.formatters, text, lambda digits: f"try_cast({digits} AS {column.type_text()})")
    return f"CASE WHEN rlike({text}, {quoted(PLAIN_NUMBER)}) THEN try_cast({text} AS {column.type_text()}) END"


def _by_patterns(formatters: list[str], text: str, convert: Callable[[str], str]) -> str:
    """The number by the first pattern that fits the whole text."""
    return _coalesce(_by_pattern(pattern, text, convert) for pattern in formatters)


def _by_pattern(formatter: str, text: str, convert: Callable[[str], str]) -> str:
    pattern = number_pattern(formatter)
    plus, minus = quoted(pattern.positive), quoted(pattern.negative)
    digits = (
        f"replace(CASE WHEN rlike({text}, {plus}) THEN regexp_extract({text}, {plus}, 1)"
        f" WHEN rlike({text}, {minus}) THEN concat('-', regexp_extract({text}, {minus}, 1)) END, ',', '')"
    )
    return convert(digits if pattern.scale == 1 else f"string(try_cast({digits} AS decimal(30,10)) / {pattern.scale})")


# --- date and time ------------------------------------------------------------------------------------------------------


def _date(column: DateColumn, text: str) -> str:
    return _coalesce(f"date({_moment(column, pattern, text)})" for pattern in column.formatters)


def _time(column: TimeColumn, text: str) -> str:
    """ISO's spelling: seconds always, a fraction only where there is one."""
    moment = _coalesce(_moment(column, pattern, text) for pattern in column.formatters)
    fraction = f"rtrim('0', date_format({moment}, 'SSSSSS'))"
    return f"concat(date_format({moment}, 'HH:mm:ss'), IF({fraction} = '', '', concat('.', {fraction})))"


def _timestamp_by(column: TimestampColumn, pattern: str, text: str, session_zone: str) -> str:
    if pattern in (date_patterns.EPOCH_SECONDS, date_patterns.EPOCH_MILLIS):
        number = f"CASE WHEN rlike({text}, '^[0-9]{{{len(pattern)}}}$') THEN bigint({text}) END"
        return f"timestamp_seconds({number})" if pattern == date_patterns.EPOCH_SECONDS else f"timestamp_millis({number})"
    if column.time is not None:
        return _at_clock(column.time, column.timezone_id, _moment(column, pattern, text))
    if not date_patterns.has_clock(pattern):
        return "timestamp(NULL)"
    if date_patterns.has_zone(pattern) or column.timezone_id == session_zone:
        return _moment(column, pattern, text)
    zone = quoted(" " + column.timezone_id)
    moment = f"try_to_timestamp(concat({text}, {zone}), {quoted(date_patterns.spark_pattern(pattern) + ' VV')})"
    shown = f"from_utc_timestamp(to_utc_timestamp({moment}, {quoted(session_zone)}), {quoted(column.timezone_id)})"
    return _as_written(column, pattern, moment, shown, text)


def _at_clock(clock: Clock, zone: str, day: str) -> str:
    second = f"CAST({clock.second}.{clock.nano // 1000:06} AS decimal(16,6))"
    return f"try_make_timestamp(year({day}), month({day}), day({day}), {clock.hour}, {clock.minute}, {second}, {quoted(zone)})"


def _moment(column: Formatted, pattern: str, text: str) -> str:
    moment = f"try_to_timestamp({text}, {quoted(date_patterns.spark_pattern(pattern))})"
    return _as_written(column, pattern, moment, moment, text)


def _as_written(column: Formatted, pattern: str, moment: str, shown: str, text: str) -> str:
    """Spark reads names of months in any case; a case-sensitive column takes only the text that the pattern itself would write."""
    if not column.case_sensitive or not date_patterns.has_words(pattern):
        return moment
    return f"IF(date_format({shown}, {quoted(date_patterns.spark_pattern(pattern))}) = {text}, {moment}, NULL)"


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
