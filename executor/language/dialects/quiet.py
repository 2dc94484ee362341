"""What Spark takes without a word and answers otherwise than other databases do, or never: a missing value in a list, the ends of BETWEEN
turned round, the part of a text before its first sign, log of one number, the first of rows in no order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NUMBER, TEXT, Call, Query


def lists(query: Query) -> Iterator[Hint]:
    """`NOT IN ('a', NULL)` is true for no row; `IN ('a', NULL)` finds no row without a value."""
    for index in range(len(query.tokens)):
        if query.word(index) != "IN" or query.word(index + 1) != "(" or query.word(index + 2) in ("SELECT", "WITH", "("):
            continue
        end = query.closing(index + 1)
        listed = [place for place in range(index + 2, end) if query.word(place) == "NULL" and query.word(place + 1) in (",", ")")]
        if not listed or any(query.word(place) == "(" for place in range(index + 2, end)):
            continue
        is_not = query.word(index - 1) == "NOT"
        words = (
            "With NULL in its list NOT IN is true for no row at all."
            if is_not
            else "NULL in the list of an IN finds no row: a missing value equals nothing."
        )
        fix = "Take NULL out, and add AND … IS NOT NULL if such rows are to go." if is_not else "Take NULL out, and add OR … IS NULL."
        yield hint(query, index, end + 1, None, words, fix, is_wrong=False, is_silent=True)


def betweens(query: Query) -> Iterator[Hint]:
    """`BETWEEN 20 AND 10`, `BETWEEN '2024-12-31' AND '2024-01-01'`."""
    for index in range(len(query.tokens)):
        if query.word(index) != "BETWEEN":
            continue
        first = index + 1 + (query.word(index + 1) in ("DATE", "TIMESTAMP", "SYMMETRIC"))
        last = first + 2 + (query.word(first + 2) in ("DATE", "TIMESTAMP"))
        if query.word(first + 1) == "AND" and query.word(index + 1) != "SYMMETRIC" and _is_turned(query, first, last):
            low, high = query.text(index + 1, first + 1), query.text(first + 2, last + 1)
            words = "BETWEEN begins with the lower end: as it stands no row lies there."
            yield hint(query, index + 1, last + 1, f"{high} AND {low}", words, is_wrong=False, is_silent=True)


def _is_turned(query: Query, first: int, last: int) -> bool:
    kinds = {query.kind(first), query.kind(last)}
    if last >= len(query.tokens) or query.word(last + 1) in ("+", "-", "*", "/", "."):
        return False
    if kinds == {NUMBER}:
        return float(query.tokens[first].text) > float(query.tokens[last].text)
    days = [query.tokens[place].content for place in (first, last)]
    return kinds == {TEXT} and all(re.match(r"\d{4}-\d{2}-\d{2}", day) for day in days) and days[0] > days[1]


def parts_of_texts(query: Query) -> Iterator[Hint]:
    """`substring(x, 0, 2)`, `left(x, -1)`, `right(x, -1)`."""
    for call in query.calls:
        if call.name in ("SUBSTRING", "SUBSTR", "MID") and len(call.arguments) > 1 and query.argument(call, 1) == "0":
            start, end = call.arguments[1]
            words = (
                "Spark takes place 0 of a text for place 1. In PostgreSQL and SQL Server it is the place before, so that one sign less "
                "comes out; in MySQL nothing does."
            )
            yield hint(query, start, end, "1", words, is_wrong=False, is_silent=True)
        elif call.name in ("LEFT", "RIGHT") and len(call.arguments) == 2 and re.fullmatch(r"-\s*\d+", query.argument(call, 1)):
            text, signs = query.argument(call, 0), query.argument(call, 1).lstrip("- ")
            left = f"left({text}, greatest(length({text}) - {signs}, 0))"
            wanted = left if call.name == "LEFT" else f"substring({text}, {int(signs) + 1})"
            words = f"{call.name.lower()} with a number below 0 gives an empty text in Spark; in PostgreSQL all but {signs} signs."
            yield hint(query, call.first, call.last + 1, wanted, words, is_wrong=False, is_silent=True)


def logarithms(query: Query) -> Iterator[Hint]:
    """`log(x)`, which is that to the base 10 in PostgreSQL and Excel. Nothing in the values says which is meant, so runs are silent."""
    for call in query.calls:
        if call.name == "LOG" and len(call.arguments) == 1 and query.word(call.first - 1) != ".":
            words = "log of one number is the natural logarithm in Spark; in PostgreSQL and Excel it is that to the base 10."
            text = query.argument(call, 0)
            fix = f"Write ln({text}), or log10({text})."
            yield hint(query, call.first, call.last + 1, f"ln({text})", words, fix, is_wrong=False)


def firsts(query: Query) -> Iterator[Hint]:
    """`first_value(x) OVER (PARTITION BY k)`: of rows in no order any may be the first. Runs count windows of several values."""
    for call in query.calls:
        over = call.last + 1
        if call.name not in ("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE") or query.word(over) != "OVER" or query.word(over + 1) != "(":
            continue
        end = query.closing(over + 1)
        inside = [query.word(index) for index in range(over + 2, end)]
        is_named = len(inside) == 1  # OVER (w): a window that is defined elsewhere
        if "ORDER" not in inside and not is_named:
            words = f"{call.name.lower()} without ORDER BY takes any row of the window, and another one at the next run, perhaps."
            yield hint(query, call.first, end + 1, None, words, "Write ORDER BY in OVER (…).", is_wrong=False)


def sums_of_distinct(query: Query) -> Iterator[Hint]:
    """`sum(DISTINCT amount)`. A run counts what it leaves out."""
    for call in query.calls:
        if call.name in ("SUM", "AVG") and query.word(call.first + 2) == "DISTINCT":
            words = f"{call.name.lower()}(DISTINCT …) takes equal values once, also those of different rows: two orders of 10 make 10."
            fix = "Take DISTINCT out. Where a join repeats rows, add up before the join."
            yield hint(query, call.first, call.last + 1, _without_distinct(query, call), words, fix, is_wrong=False)


def _without_distinct(query: Query, call: Call) -> str:
    return f"{query.text(call.first, call.first + 2)}{query.text(call.first + 3, call.last + 1)}"
