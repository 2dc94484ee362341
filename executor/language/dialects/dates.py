"""Functions of dates in other databases: units, distances and parts. Spark takes some of them as they are, and counts otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.patterns import quoted, strftime_pattern
from executor.language.dialects.tokens import TEXT, WORD, Call, Query

UNITS = {
    short: unit
    for unit, names in {
        "YEAR": "YY YYYY YEAR YEARS",
        "QUARTER": "QQ Q QUARTER",
        "MONTH": "MM M MONTH MONTHS",
        "WEEK": "WK WW WEEK WEEKS",
        "DAY": "DD D DAY DAYS",
        "HOUR": "HH HOUR HOURS",
        "MINUTE": "MI N MINUTE MINUTES",
        "SECOND": "SS S SECOND SECONDS",
        "MILLISECOND": "MS",
    }.items()
    for short in names.split()
}
NOW = ("SYSDATE", "SYSTIMESTAMP", "GETDATE", "GETUTCDATE", "SYSDATETIME")
PLAIN_UNITS = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "DAYOFYEAR"}
_WHOLE = (
    "Spark counts whole units that have passed: from 31 January to 1 February it is 0 months. SQL Server, Snowflake, Redshift and BigQuery "
    "count how often the unit changes: there it is 1."
)


def _instead(query: Query, call: Call, text: str, message: str, **more: Any) -> Iterator[Hint]:
    yield hint(query, call.first, call.last + 1, text, message, **more)


def unit_of(query: Query, argument: tuple[int, int]) -> str | None:
    """The unit that a single word or text names."""
    first, end = argument
    return UNITS.get(query.tokens[first].content.upper()) if end == first + 1 else None


def _dateadd(query: Query, call: Call) -> Iterator[Hint]:
    """DATEADD(dd, 1, d) and DATEADD('day', 1, d): the unit in short or in quotes."""
    if len(call.arguments) != 3:
        return
    if begin := _begin_of_unit(query, call):
        yield from _instead(query, call, begin, "Days counted from 0 are SQL Server's way to the first day of a month, year …")
        return
    (first, end), unit = call.arguments[0], unit_of(query, call.arguments[0])
    token = query.tokens[first]
    if unit and (token.kind == TEXT or token.upper not in PLAIN_UNITS):
        yield hint(query, first, end, unit, f"“{call.name.lower()}” names its unit as a plain word here.")


def _begin_of_unit(query: Query, call: Call) -> str | None:
    """DATEADD(mm, DATEDIFF(mm, 0, d), 0), the first moment of a month; None for anything else."""
    inner = next((one for one in query.calls if one.first == call.arguments[1][0] and one.last + 1 == call.arguments[1][1]), None)
    if inner is None or inner.name != "DATEDIFF" or len(inner.arguments) != 3 or query.argument(call, 2) != "0":
        return None
    unit = unit_of(query, call.arguments[0])
    is_same = unit is not None and unit == unit_of(query, inner.arguments[0]) and query.argument(inner, 1) == "0"
    return f"date_trunc('{unit}', {query.argument(inner, 2)})" if is_same else None


def _datediff(query: Query, call: Call) -> Iterator[Hint]:
    """DATEDIFF(month, a, b) counts changes of the month elsewhere. BigQuery's DATE_DIFF(b, a, MONTH) has the unit behind."""
    if len(call.arguments) != 3:
        return
    is_behind = call.name != "DATEDIFF" and query.word(call.arguments[2][0]) in PLAIN_UNITS
    places = (2, 1, 0) if is_behind else (0, 1, 2)
    unit = unit_of(query, call.arguments[places[0]])
    early, late = query.argument(call, places[1]), query.argument(call, places[2])
    if unit is None or early.lower().startswith("date_trunc(") or "0" in (early, late):
        return
    token = query.tokens[call.arguments[places[0]][0]]
    is_theirs = token.kind == TEXT or token.upper not in PLAIN_UNITS or places[0] == 2
    text = f"datediff({unit}, date_trunc('{unit}', {early}), date_trunc('{unit}', {late}))"
    text = f"datediff({late}, {early})" if unit == "DAY" else text
    yield from _instead(query, call, text, _WHOLE, is_wrong=is_theirs)


def _timestamp_diff(query: Query, call: Call) -> Iterator[Hint]:
    """BigQuery's TIMESTAMP_DIFF(b, a, MINUTE), which counts whole units as Spark does."""
    if len(call.arguments) == 3 and (unit := unit_of(query, call.arguments[2])):
        text = f"timestampdiff({unit}, {query.argument(call, 1)}, {query.argument(call, 0)})"
        yield from _instead(query, call, text, "“timestamp_diff” is BigQuery's.")


def _date_add(query: Query, call: Call) -> Iterator[Hint]:
    """MySQL's and BigQuery's DATE_ADD(d, INTERVAL 1 DAY)."""
    if len(call.arguments) == 2 and query.word(call.arguments[1][0]) == "INTERVAL":
        sign = "-" if call.name.endswith("SUB") else "+"
        text = f"({query.argument(call, 0)} {sign} {query.argument(call, 1)})"
        yield from _instead(query, call, text, "A length of time is added with + in Spark.")


def _date_trunc(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) != 2:
        return
    first, second = call.arguments
    if second[1] == second[0] + 1 and query.word(second[0]) in PLAIN_UNITS:
        text = f"date_trunc('{query.word(second[0])}', {query.argument(call, 0)})"
        yield from _instead(query, call, text, "“date_trunc” wants the unit first, as a text.")
    elif first[1] == first[0] + 1 and query.word(first[0]) in PLAIN_UNITS:
        yield hint(query, *first, f"'{query.word(first[0])}'", "“date_trunc” wants the unit as a text.")


def _timestamp_trunc(query: Query, call: Call) -> Iterator[Hint]:
    """BigQuery's TIMESTAMP_TRUNC(ts, HOUR)."""
    if len(call.arguments) == 2 and (unit := unit_of(query, call.arguments[1])):
        yield from _instead(query, call, f"date_trunc('{unit}', {query.argument(call, 0)})", f"“{call.name.lower()}” is BigQuery's.")


def _add_days(query: Query, call: Call) -> Iterator[Hint]:
    """MySQL's ADDDATE(d, 5) and SUBDATE(d, INTERVAL 1 MONTH)."""
    if len(call.arguments) == 2 and query.word(call.arguments[1][0]) != "INTERVAL":
        name = "date_add" if call.name == "ADDDATE" else "date_sub"
        yield hint(query, call.first, call.first + 1, name, f"“{call.name.lower()}” is MySQL's.", f"Write {name}(…)")
        return
    sign = "-" if call.name == "SUBDATE" else "+"
    if len(call.arguments) == 2:
        yield from _instead(
            query, call, f"({query.argument(call, 0)} {sign} {query.argument(call, 1)})", f"“{call.name.lower()}” is MySQL's."
        )


def _trunc(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) == 1 and query.argument(call, 0).upper().removesuffix("()") in {*NOW, "CURRENT_DATE", "CURRENT_TIMESTAMP"}:
        yield from _instead(query, call, "current_date()", "“trunc” of now is Oracle's word for today.")
    elif len(call.arguments) == 1:
        words = "“trunc” of one value is Oracle's and PostgreSQL's, for days and for numbers."
        fix = "Write date(…) for a day, CAST(… AS BIGINT) for a whole number."
        yield hint(query, call.first, call.last + 1, None, words, fix)


def _datepart(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) != 2:
        return
    (first, end), value = call.arguments[0], query.argument(call, 1)
    name = query.tokens[first].content.upper()
    if end != first + 1:
        return
    if name == "EPOCH":
        yield from _instead(query, call, _EPOCH.format(value), "“EPOCH” is PostgreSQL's.")
    elif name == "DOW" and query.kind(first) == TEXT:
        yield from _instead(query, call, f"(dayofweek({value}) - 1)", _SUNDAY, is_wrong=False, is_silent=True)
    elif query.kind(first) == WORD and name in ("WEEKDAY", "DW"):
        yield from _instead(query, call, f"dayofweek({value})", "“datepart” wants the unit as a text.")
    elif query.kind(first) == WORD and name in PARTS:
        yield from _instead(query, call, PARTS[name].format(value), "“datepart” wants the unit as a text.")
    elif query.kind(first) == WORD and UNITS.get(name) == "WEEK" and call.name == "DATEPART":
        text = f"CAST(ceil((dayofyear({value}) + dayofweek(trunc({value}, 'YEAR')) - 1) / 7) AS INT)"
        yield from _instead(
            query, call, text, "SQL Server's weeks begin on Sunday, the first one with the year; Spark's are those of ISO 8601."
        )
    elif query.kind(first) == WORD and name in UNITS:
        yield from _instead(query, call, f"extract({UNITS[name]} FROM {value})", "“datepart” wants the unit as a text.")


PARTS = {
    "ISO_WEEK": "weekofyear({})",
    "ISOWK": "weekofyear({})",
    "ISOWW": "weekofyear({})",
    "ISOWEEK": "weekofyear({})",
    "DAYOFYEAR": "dayofyear({})",
    "DY": "dayofyear({})",
    "Y": "dayofyear({})",
    "ISODOW": "(weekday({}) + 1)",
    "ISOYEAR": "extract(YEAROFWEEK FROM {})",
}
"""Parts of a date under names of other databases."""
_EPOCH = "(unix_micros(CAST({} AS TIMESTAMP)) / 1000000.0)"
_SUNDAY = "Sunday is 1 in Spark, and 0 in PostgreSQL."


def _extract(query: Query, call: Call) -> Iterator[Hint]:
    """EXTRACT(EPOCH FROM ts) and EXTRACT(DOW FROM d) of PostgreSQL."""
    start = call.first + 2
    if query.word(start + 1) != "FROM":
        return
    value = query.text(start + 2, call.last)
    if query.word(start) == "EPOCH":
        yield from _instead(query, call, _EPOCH.format(value), "“EPOCH” is PostgreSQL's.")
    elif query.word(start) == "DOW":
        yield from _instead(query, call, f"(dayofweek({value}) - 1)", _SUNDAY, is_wrong=False, is_silent=True)
    elif query.word(start) == "DATE":
        yield from _instead(query, call, f"date({value})", "“DATE” is no part of a date in Spark.")
    elif query.word(start) in ("ISODOW", "ISOWEEK", "ISOYEAR"):
        yield from _instead(query, call, PARTS[query.word(start)].format(value), "The part has another name in Spark.")


def _datename(query: Query, call: Call) -> Iterator[Hint]:
    pattern = {"MONTH": "MMMM", "MM": "MMMM", "WEEKDAY": "EEEE", "DW": "EEEE", "DAY": "d", "YEAR": "yyyy"}
    if len(call.arguments) == 2 and (form := pattern.get(query.argument(call, 0).upper())):
        yield from _instead(query, call, f"date_format({query.argument(call, 1)}, '{form}')", "“datename” is SQL Server's.")


def _of_pattern(query: Query, call: Call) -> Iterator[Hint]:
    """BigQuery's FORMAT_DATE('%Y-%m', d) and PARSE_DATE('%d.%m.%Y', x)."""
    first, end = call.arguments[0] if len(call.arguments) == 2 else (0, 0)
    if end != first + 1 or query.kind(first) != TEXT:
        return
    kind, _, what = call.name.partition("_")
    function = "date_format" if kind == "FORMAT" else "to_date" if what == "DATE" else "to_timestamp"
    form = query.tokens[first].content
    text = f"{function}({query.argument(call, 1)}, {quoted(strftime_pattern(form))})"
    yield from _instead(query, call, text, f"“{call.name.lower()}” is BigQuery's.")


DATES: dict[str, Callable[[Query, Call], Iterator[Hint]]] = {
    "DATEADD": _dateadd,
    "TIMESTAMPADD": _dateadd,
    "TIMESTAMPDIFF": _dateadd,
    "DATEDIFF": _datediff,
    "DATE_DIFF": _datediff,
    "DATETIME_DIFF": _datediff,
    "TIMESTAMP_DIFF": _timestamp_diff,
    "DATE_ADD": _date_add,
    "DATE_SUB": _date_add,
    "DATE_TRUNC": _date_trunc,
    "TIMESTAMP_TRUNC": _timestamp_trunc,
    "DATETIME_TRUNC": _timestamp_trunc,
    "ADDDATE": _add_days,
    "SUBDATE": _add_days,
    "TRUNC": _trunc,
    "DATEPART": _datepart,
    "DATE_PART": _datepart,
    "EXTRACT": _extract,
    "DATENAME": _datename,
    "FORMAT_DATE": _of_pattern,
    "FORMAT_DATETIME": _of_pattern,
    "FORMAT_TIMESTAMP": _of_pattern,
    "PARSE_DATE": _of_pattern,
    "PARSE_DATETIME": _of_pattern,
    "PARSE_TIMESTAMP": _of_pattern,
}
