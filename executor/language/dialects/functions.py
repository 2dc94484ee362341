"""Functions of other databases: the same under another name, with other arguments, or as another piece of SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NUMBER, TEXT, WORD, Call, Query

RENAMED = {
    "IIF": "if",
    "STRPOS": "instr",
    "REPLICATE": "repeat",
    "MID": "substring",
    "DATALENGTH": "octet_length",
    "NEWID": "uuid",
    "SAFE_DIVIDE": "try_divide",
    "COUNTIF": "count_if",
    "REGEXP_CONTAINS": "regexp_like",
    "REGEXP_MATCHES": "regexp_like",
    "STUFF": "overlay",
    "GETUTCDATE": "current_timestamp",
    "GETDATE": "current_timestamp",
    "SYSDATETIME": "current_timestamp",
    "SYSTIMESTAMP": "current_timestamp",
    "TO_JSON_STRING": "to_json",
    "ARRAY_LENGTH": "size",
    "SAFE_CAST": "try_cast",
    "BOOL_OR": "bool_or",
}
"""Called with the same arguments in the same order."""
NOW = ("SYSDATE", "SYSTIMESTAMP", "GETDATE", "GETUTCDATE", "SYSDATETIME")
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
PLAIN_UNITS = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "DAYOFYEAR"}
STYLES = {
    "112": "yyyyMMdd",
    "23": "yyyy-MM-dd",
    "120": "yyyy-MM-dd HH:mm:ss",
    "101": "MM/dd/yyyy",
    "103": "dd/MM/yyyy",
    "104": "dd.MM.yyyy",
}
STYLES |= {"104": "dd.MM.yyyy", "105": "dd-MM-yyyy", "108": "HH:mm:ss", "126": "yyyy-MM-dd'T'HH:mm:ss", "121": "yyyy-MM-dd HH:mm:ss.SSS"}
"""SQL Server's numbers of date formats."""


def functions(query: Query) -> Iterator[Hint]:
    """Hints on calls."""
    for call in query.calls:
        if call.name in RENAMED:
            yield _renamed(query, call)
        elif call.name in _BY_NAME:
            yield from _BY_NAME[call.name](query, call)


def moments(query: Query) -> Iterator[Hint]:
    """SYSDATE and its like without parentheses."""
    for index, token in enumerate(query.tokens):
        if token.upper in NOW and query.word(index + 1) != "(" and query.word(index - 1) not in (".", "AS"):
            counts_days = query.word(index + 1) in ("+", "-") and query.kind(index + 2) == NUMBER
            text = "current_date()" if counts_days or _is_truncated(query, index) else "current_timestamp()"
            yield hint(query, index, index + 1, text, f"“{token.text}” is Oracle's or SQL Server's word for now.")


def _is_truncated(query: Query, index: int) -> bool:
    return query.word(index - 2) == "TRUNC" and query.word(index - 1) == "(" and query.word(index + 1) == ")"


def _renamed(query: Query, call: Call) -> Hint:
    name = RENAMED[call.name]
    return hint(
        query, call.first, call.first + 1, name, f"“{query.tokens[call.first].text}” has another name in Spark.", f"Write {name}(…)"
    )


def _whole(query: Query, call: Call, text: str, message: str, *, is_wrong: bool = True) -> Iterator[Hint]:
    yield hint(query, call.first, call.last + 1, text, message, is_wrong=is_wrong)


def _isnull(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) == 2:
        text = f"coalesce({query.argument(call, 0)}, {query.argument(call, 1)})"
        yield from _whole(query, call, text, "With two values, “isnull” is SQL Server's; Spark's has one and answers true or false.")


def _charindex(query: Query, call: Call) -> Iterator[Hint]:
    yield hint(query, call.first, call.first + 1, "locate", "“charindex” is SQL Server's.", "Write locate(…)")


def _instr(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) == 3 or (len(call.arguments) == 4 and query.argument(call, 3) == "1"):
        text = f"locate({query.argument(call, 1)}, {query.argument(call, 0)}, {query.argument(call, 2)})"
        yield from _whole(query, call, text, "“instr” takes two values in Spark; locate can begin at a place.")


def _group_concat(query: Query, call: Call) -> Iterator[Hint]:
    start, end = call.first + 2, call.last
    words = {query.word(place): place for place in range(start, end) if query.word(place) in ("SEPARATOR", "ORDER")}
    separator = query.text(words["SEPARATOR"] + 1, end) if "SEPARATOR" in words else "','"
    end = words.get("SEPARATOR", end)
    order = f" WITHIN GROUP ({query.text(words['ORDER'], end)})" if "ORDER" in words else ""
    value = query.text(start, words.get("ORDER", end))
    yield from _whole(query, call, f"string_agg({value}, {separator}){order}", "“group_concat” is MySQL's.")


def _dateadd(query: Query, call: Call) -> Iterator[Hint]:
    """DATEADD, DATEDIFF and DATE_TRUNC of SQL Server, Snowflake and BigQuery: the unit in short, in quotes, or at another place."""
    if len(call.arguments) != 3:
        return
    yield from _unit_hint(query, call, call.arguments[0])


def _unit_hint(query: Query, call: Call, argument: tuple[int, int]) -> Iterator[Hint]:
    first, end = argument
    token = query.tokens[first]
    unit = UNITS.get(token.content.upper())
    if end == first + 1 and unit and (token.kind == TEXT or token.upper not in PLAIN_UNITS):
        yield hint(query, first, end, unit, f"“{call.name.lower()}” names its unit as a plain word here.")


def _date_add(query: Query, call: Call) -> Iterator[Hint]:
    """MySQL's and BigQuery's DATE_ADD(d, INTERVAL 1 DAY)."""
    if len(call.arguments) == 2 and query.word(call.arguments[1][0]) == "INTERVAL":
        sign = "-" if call.name.endswith("SUB") else "+"
        text = f"({query.argument(call, 0)} {sign} {query.argument(call, 1)})"
        yield from _whole(query, call, text, "A length of time is added with + in Spark.")


def _date_trunc(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) != 2:
        return
    first, second = call.arguments
    if second[1] == second[0] + 1 and query.word(second[0]) in PLAIN_UNITS:
        text = f"date_trunc('{query.word(second[0])}', {query.argument(call, 0)})"
        yield from _whole(query, call, text, "“date_trunc” wants the unit first, as a text.")
    elif first[1] == first[0] + 1 and query.word(first[0]) in PLAIN_UNITS:
        yield hint(query, *first, f"'{query.word(first[0])}'", "“date_trunc” wants the unit as a text.")


def _datepart(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) != 2:
        return
    (first, end), unit = call.arguments[0], UNITS.get(query.tokens[call.arguments[0][0]].upper)
    if end == first + 1 and query.kind(first) == WORD and unit:
        yield from _whole(query, call, f"extract({unit} FROM {query.argument(call, 1)})", "“datepart” wants the unit as a text.")


def _datename(query: Query, call: Call) -> Iterator[Hint]:
    pattern = {"MONTH": "MMMM", "MM": "MMMM", "WEEKDAY": "EEEE", "DW": "EEEE", "DAY": "d", "YEAR": "yyyy"}
    if len(call.arguments) == 2 and (form := pattern.get(query.argument(call, 0).upper())):
        yield from _whole(query, call, f"date_format({query.argument(call, 1)}, '{form}')", "“datename” is SQL Server's.")


def _convert(query: Query, call: Call) -> Iterator[Hint]:
    """SQL Server's CONVERT(type, value, style) and MySQL's CONVERT(value, type)."""
    from executor.language.dialects.types import spark_type

    given = [query.argument(call, number) for number in range(len(call.arguments))]
    if len(given) not in (2, 3):
        return
    kind, value = (given[0], given[1]) if spark_type(given[0]) else (given[1], given[0])
    wanted = spark_type(kind)
    if wanted is None:
        return
    cast = "try_cast" if call.name.startswith("TRY") else "CAST"
    text = f"{cast}({value} AS {wanted})"
    if len(given) == 3 and given[2] in STYLES:
        function = {"STRING": "date_format", "DATE": "to_date", "TIMESTAMP": "to_timestamp"}.get(wanted)
        text = f"{function}({value}, {_quoted(STYLES[given[2]])})" if function else text
    yield from _whole(query, call, text, "“convert” is SQL Server's or MySQL's.")


def _quoted(pattern: str) -> str:
    return f'"{pattern}"' if "'" in pattern else f"'{pattern}'"


def _one_argument(text: str, message: str) -> Callable[[Query, Call], Iterator[Hint]]:
    def rule(query: Query, call: Call) -> Iterator[Hint]:
        if len(call.arguments) == 1:
            yield from _whole(query, call, text.format(query.argument(call, 0)), message)

    return rule


_BY_NAME: dict[str, Callable[[Query, Call], Iterator[Hint]]] = {
    "ISNULL": _isnull,
    "CHARINDEX": _charindex,
    "INSTR": _instr,
    "GROUP_CONCAT": _group_concat,
    "DATEADD": _dateadd,
    "DATEDIFF": _dateadd,
    "TIMESTAMPADD": _dateadd,
    "TIMESTAMPDIFF": _dateadd,
    "DATE_ADD": _date_add,
    "DATE_SUB": _date_add,
    "DATE_TRUNC": _date_trunc,
    "DATEPART": _datepart,
    "DATENAME": _datename,
    "CONVERT": _convert,
    "TRY_CONVERT": _convert,
    "TO_CHAR": _one_argument("CAST({} AS STRING)", "“to_char” needs a pattern in Spark."),
    "TO_VARCHAR": _one_argument("CAST({} AS STRING)", "“to_varchar” needs a pattern in Spark."),
    "TO_NUMBER": _one_argument("CAST({} AS DECIMAL(38, 10))", "“to_number” needs a pattern in Spark."),
    "ISNUMERIC": _one_argument("(try_cast({} AS DOUBLE) IS NOT NULL)", "“isnumeric” is SQL Server's."),
    "EOMONTH": _one_argument("last_day({})", "“eomonth” is SQL Server's."),
}
