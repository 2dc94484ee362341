"""count(condition), which counts rows where the condition is false, too; and moments from numbers that are no seconds."""

from __future__ import annotations

from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NUMBER, TEXT, WORD, Call, Query

COMPARE = {"=", "<>", "!=", "<", ">", "<=", ">=", "AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"}
TESTS = {"CONTAINS", "STARTSWITH", "ENDSWITH", "ISNULL", "ISNOTNULL", "ISNAN", "RLIKE", "REGEXP_LIKE", "ARRAY_CONTAINS"}
"""Functions that say yes or no."""
NO_CONDITION = {"DISTINCT", "ALL", "SELECT", "WITH", "CASE", "::", "*"}
_FALSE_COUNTS = (
    "count counts each row in which there is a value, and false is one: rows for which the condition does not hold are counted, too."
)
LATEST, LAST_DAY = 16_725_225_600, range(253_402_214_400, 253_402_300_800)
"""Seconds since 1970: of the year 2500, and of the day 9999-12-31, which stands for “forever”."""
FINER = ((10**14, "millis", "milliseconds", 1000), (10**17, "micros", "microseconds", 1_000_000))
"""Below which number seconds since 1970 are rather milliseconds, microseconds; and how many of them make one second."""


def counts(query: Query) -> Iterator[Hint]:
    """`count(amount > 5)`, `count(CASE WHEN amount > 5 THEN 1 ELSE 0 END)`, `count(if(amount > 5, 1, 0))`."""
    for call in query.calls:
        if call.name != "COUNT" or len(call.arguments) != 1:
            continue
        start, end = call.arguments[0]
        if _is_condition(query, start, end):
            text = f"count_if({query.text(start, end)})"
            yield hint(query, call.first, call.last + 1, text, _FALSE_COUNTS, is_wrong=False, is_silent=True)
        elif value := _without_else(query, start, end):
            words = "count counts each row in which there is a value, and 0 is one: all rows are counted."
            yield hint(query, call.first, call.last + 1, f"count({value})", words, is_wrong=False, is_silent=True)


def moments_of_numbers(query: Query) -> Iterator[Hint]:
    """`CAST(1704067200000 AS TIMESTAMP)`: Spark takes numbers for seconds. Those of columns are counted as a run reads them."""
    for call in query.calls:
        start, end = call.arguments[0] if call.arguments else (0, 0)
        is_cast = call.name in ("CAST", "TRY_CAST") and query.words[start + 1 : end] == ["AS", "TIMESTAMP"]
        is_call = call.name in ("TIMESTAMP_SECONDS", "FROM_UNIXTIME", "TO_TIMESTAMP", "TIMESTAMP") and end == start + 1
        number = _whole(query, start) if is_cast or is_call else None
        if number is None or number <= LATEST or number in LAST_DAY:
            continue
        finer = next((one for one in FINER if number < one[0]), None)
        is_text = call.name == "FROM_UNIXTIME"
        text = (f"{number} div {finer[3]}" if is_text else f"timestamp_{finer[1]}({number})") if finer else None
        words = (
            f"Spark takes this number for seconds since 1970, which is beyond the year 2500. It is rather {finer[2] if finer else 'less'}."
        )
        place = (start, end) if is_text else (call.first, call.last + 1)
        yield hint(query, *place, text, words, "" if text else "Make seconds of it first.", is_wrong=False, is_silent=True)


def _is_condition(query: Query, start: int, end: int) -> bool:
    """Whether the tokens say yes or no. With `OR NULL` behind it, as people write it on purpose, no is no value."""
    while query.word(start) == "(" and query.closing(start) == end - 1:
        start, end = start + 1, end - 1
    if query.kind(start) == WORD and query.word(start) in TESTS and query.word(start + 1) == "(" and query.closing(start + 1) == end - 1:
        return True
    outer = list(_outer(query, start, end))
    words = [query.word(index) for index in outer]
    if NO_CONDITION & set(words):
        return False
    is_open = any(word == "NULL" and query.word(index - 1) not in ("IS", "NOT") for index, word in zip(outer, words, strict=True))
    is_arrow = any(word == ">" and query.word(index - 1) in ("-", ">") for index, word in zip(outer, words, strict=True))
    return not is_open and not is_arrow and ("IS" in words or bool(COMPARE & set(words)))


def _outer(query: Query, start: int, end: int) -> Iterator[int]:
    """The tokens that stand in no parentheses of their own."""
    depth = 0
    for index in range(start, end):
        word = query.word(index)
        depth -= word in (")", "]")
        if depth == 0:
            yield index
        depth += word in ("(", "[")


def _without_else(query: Query, start: int, end: int) -> str | None:
    """The one CASE or if() between the tokens, without the value that it gives otherwise; None where it has none that is written there."""
    if query.word(start) == "CASE" and query.word(end - 1) == "END" and query.words[start:end].count("CASE") == 1:
        is_else = query.word(end - 3) == "ELSE" and _is_value(query, end - 2)
        return f"{query.text(start, end - 3)} END" if is_else else None
    inner: Call | None = next((one for one in query.calls if (one.first, one.last + 1) == (start, end)), None)
    if inner and inner.name in ("IF", "IFF", "IIF") and len(inner.arguments) == 3:
        last, behind = inner.arguments[2]
        if behind == last + 1 and _is_value(query, last) and query.argument(inner, 1).upper() != "NULL":
            return f"if({query.argument(inner, 0)}, {query.argument(inner, 1)}, NULL)"
    return None


def _whole(query: Query, index: int) -> int | None:
    written = query.tokens[index].text
    return int(written) if query.kind(index) == NUMBER and written.isdecimal() and len(written) < 19 else None


def _is_value(query: Query, index: int) -> bool:
    return query.kind(index) in (NUMBER, TEXT) or query.word(index) in ("TRUE", "FALSE")
