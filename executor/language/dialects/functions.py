"""Functions of other databases: the same under another name, with other arguments, or as another piece of SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from executor.language.dialects.dates import DATES, NOW
from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.patterns import quoted
from executor.language.dialects.templates import BY_TEMPLATE
from executor.language.dialects.tokens import NUMBER, TEXT, Call, Query

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
    "GETUTCDATE": "current_timestamp",
    "GETDATE": "current_timestamp",
    "SYSDATETIME": "current_timestamp",
    "SYSTIMESTAMP": "current_timestamp",
    "TO_JSON_STRING": "to_json",
    "ARRAY_LENGTH": "size",
    "ARRAY_TO_STRING": "array_join",
    "SAFE_CAST": "try_cast",
    "STDEV": "stddev",
    "STDEVP": "stddev_pop",
    "VAR": "var_samp",
    "VARP": "var_pop",
    "AVERAGE": "avg",
    "GEN_RANDOM_UUID": "uuid",
    "GENERATE_UUID": "uuid",
    "NCHAR": "char",
    "DATEFROMPARTS": "make_date",
    "IFF": "if",
    "COUNT_BIG": "count",
    "OREPLACE": "replace",
    "OTRANSLATE": "translate",
    "CHARACTERS": "length",
    "INDEX": "instr",
    "UNICODE": "ascii",
    "CHOOSE": "elt",
    "JSON_VALUE": "get_json_object",
    "JSON_QUERY": "get_json_object",
    "JSON_EXTRACT_SCALAR": "get_json_object",
    "JSON_EXTRACT": "get_json_object",
}
"""Called with the same arguments in the same order."""
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
            text = "current_date()" if counts_days else "current_timestamp()"
            yield hint(query, index, index + 1, text, f"“{token.text}” is Oracle's or SQL Server's word for now.")


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


def _stuff(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) == 4:
        text, start, length, new = (query.argument(call, number) for number in range(4))
        yield from _whole(query, call, f"overlay({text} PLACING {new} FROM {start} FOR {length})", "“stuff” is SQL Server's.")


def _format(query: Query, call: Call) -> Iterator[Hint]:
    """FORMAT(x, 'N2') and FORMAT(d, 'yyyy-MM-dd') of SQL Server, FORMAT(x, 2) of MySQL, FORMAT('%d', x) of PostgreSQL and BigQuery."""
    if call.arguments and query.kind(call.arguments[0][0]) == TEXT and "%" in query.argument(call, 0):
        yield hint(query, call.first, call.first + 1, "format_string", "“format” is PostgreSQL's and BigQuery's.", "Write format_string(…)")
        return
    if len(call.arguments) != 2:
        return
    value, form = query.argument(call, 0), query.argument(call, 1)
    digits = re.fullmatch(r"'[NnFf](\d)'|(\d)", form)
    if digits:
        yield from _whole(query, call, f"format_number({value}, {digits[1] or digits[2]})", "“format” is SQL Server's or MySQL's.")
    elif re.fullmatch(r"'[^'0#%]*[yMdHhms][^'0#%]*'", form) and len(form) > 3:
        yield from _whole(query, call, f"date_format({value}, {form})", "“format” is SQL Server's.")


def _generate_series(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) in (2, 3):
        numbers = ", ".join(query.argument(call, number) for number in range(len(call.arguments)))
        yield from _whole(query, call, f"explode(sequence({numbers}))", "“generate_series” is PostgreSQL's.")


def _regexp_replace(query: Query, call: Call) -> Iterator[Hint]:
    if len(call.arguments) == 4 and query.argument(call, 3).lower() == "'g'":
        given = ", ".join(query.argument(call, number) for number in range(3))
        yield from _whole(query, call, f"regexp_replace({given})", "Spark replaces every place; the 'g' is PostgreSQL's.")


def _string_agg(query: Query, call: Call) -> Iterator[Hint]:
    """The order inside, as PostgreSQL has it; without a separator, which is a comma in BigQuery and nothing in Spark."""
    if len(call.arguments) == 1 and not any(query.word(place) == "ORDER" for place in range(call.first, call.last)):
        words = "Without a separator, Spark joins the texts with nothing between them; BigQuery writes a comma."
        text = f"{query.tokens[call.first].text}({query.argument(call, 0)}, ',')"
        yield from _whole(query, call, text, words, is_wrong=False)
    order = next(
        (place for place in range(call.first + 2, call.last) if query.word(place) == "ORDER" and query.word(place + 1) == "BY"), None
    )
    if order and len(call.arguments) >= 2 and query.word(call.last + 1) != "WITHIN":
        text = f"string_agg({query.text(call.first + 2, order)}) WITHIN GROUP ({query.text(order, call.last)})"
        yield from _whole(query, call, text, "The order of joined texts stands in WITHIN GROUP.")


def _group_concat(query: Query, call: Call) -> Iterator[Hint]:
    start, end = call.first + 2, call.last
    words = {query.word(place): place for place in range(start, end) if query.word(place) in ("SEPARATOR", "ORDER")}
    separator = query.text(words["SEPARATOR"] + 1, end) if "SEPARATOR" in words else "','"
    end = words.get("SEPARATOR", end)
    order = f" WITHIN GROUP ({query.text(words['ORDER'], end)})" if "ORDER" in words else ""
    value = query.text(start, words.get("ORDER", end))
    yield from _whole(query, call, f"string_agg({value}, {separator}){order}", "“group_concat” is MySQL's.")


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
        text = f"{function}({value}, {quoted(STYLES[given[2]])})" if function else text
    length = re.search(r"\(\s*(\d+)\s*\)", kind) if wanted == "STRING" else None
    text = f"left({text}, {length[1]})" if length else text
    yield from _whole(query, call, text, "“convert” is SQL Server's or MySQL's.")


def _patindex(query: Query, call: Call) -> Iterator[Hint]:
    """PATINDEX('%text%', x) of SQL Server."""
    found = re.fullmatch(r"'%([^%_\[\]\\]+)%'", query.argument(call, 0)) if len(call.arguments) == 2 else None
    fix = "" if found else "Write regexp_instr(text, pattern), with a regular expression."
    text = f"locate('{found[1]}', {query.argument(call, 1)})" if found else None
    yield hint(query, call.first, call.last + 1, text, "“patindex” is SQL Server's.", fix)


def _field(query: Query, call: Call) -> Iterator[Hint]:
    """FIELD(x, 'a', 'b') of MySQL: which of them x is."""
    if len(call.arguments) > 1:
        words = ", ".join(query.argument(call, number) for number in range(1, len(call.arguments)))
        yield from _whole(query, call, f"coalesce(array_position(array({words}), {query.argument(call, 0)}), 0)", "“field” is MySQL's.")


def _array_agg(query: Query, call: Call) -> Iterator[Hint]:
    if any(query.word(place) == "ORDER" and query.word(place + 1) == "BY" for place in range(call.first + 2, call.last)):
        fix = "Write sort_array(array_agg(…)), or transform(sort_array(array_agg(struct(order, value))), pair -> pair.value)."
        yield hint(query, call.first, call.last + 1, None, "Spark has no order inside of array_agg.", fix)


def _ratio_to_report(query: Query, call: Call) -> Iterator[Hint]:
    """RATIO_TO_REPORT(x) OVER (…) of Oracle and Snowflake."""
    if len(call.arguments) == 1 and query.word(call.last + 1) == "OVER" and query.word(call.last + 2) == "(":
        end, value = query.closing(call.last + 2) + 1, query.argument(call, 0)
        if end <= len(query.tokens):
            text = f"({value} / sum({value}) {query.text(call.last + 1, end)})"
            yield hint(query, call.first, end, text, "“ratio_to_report” is Oracle's and Snowflake's.")


_BY_NAME: dict[str, Callable[[Query, Call], Iterator[Hint]]] = (
    DATES
    | BY_TEMPLATE
    | {
        "ISNULL": _isnull,
        "CHARINDEX": _charindex,
        "INSTR": _instr,
        "GROUP_CONCAT": _group_concat,
        "STUFF": _stuff,
        "FORMAT": _format,
        "GENERATE_SERIES": _generate_series,
        "REGEXP_REPLACE": _regexp_replace,
        "STRING_AGG": _string_agg,
        "CONVERT": _convert,
        "TRY_CONVERT": _convert,
        "PATINDEX": _patindex,
        "FIELD": _field,
        "ARRAY_AGG": _array_agg,
        "RATIO_TO_REPORT": _ratio_to_report,
    }
)
