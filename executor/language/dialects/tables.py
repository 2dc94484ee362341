"""Lists and texts that become rows, as other databases write it behind FROM; names of columns in PIVOT."""

from __future__ import annotations

from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NAME, TEXT, WORD, Call, Query

CLAUSES = {"WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "JOIN", "CROSS", "LEFT", "INNER", "ON", "WITH", "SELECT", "QUALIFY"}


def rows_of_lists(query: Query) -> Iterator[Hint]:
    """FROM UNNEST(list) AS x of BigQuery and PostgreSQL, FROM STRING_SPLIT(text, ',') of SQL Server."""
    for call in query.calls:
        if call.name == "UNNEST":
            yield from _unnest(query, call)
        elif call.name == "STRING_SPLIT" and len(call.arguments) == 2 and query.word(call.first - 1) in ("FROM", "JOIN", ","):
            yield from _string_split(query, call)


def _unnest(query: Query, call: Call) -> Iterator[Hint]:
    before, text = query.word(call.first - 1), query.text(call.first + 2, call.last)
    words = "“unnest” is PostgreSQL's and BigQuery's."
    if before not in ("FROM", "JOIN", ","):
        yield hint(query, call.first, call.first + 1, "explode", words, "Write explode(…)")
        return
    name, end = _alias(query, call.last + 1)
    lateral = "" if before == "FROM" else "LATERAL "
    if query.word(end) == "(" or not name:  # the columns have names of their own, or none
        yield hint(query, call.first, call.first + 1, f"{lateral}explode", words, f"Write {lateral}explode(…)")
        return
    function, columns = "explode", name
    if query.words[end : end + 2] == ["WITH", "OFFSET"]:
        place, end = _alias(query, end + 2)
        function, columns = "posexplode", f"{place or 'offset'}, {name}"
    yield hint(query, call.first, end, f"{lateral}{function}({text}) AS {name}({columns})", words)


def _string_split(query: Query, call: Call) -> Iterator[Hint]:
    first, end = call.arguments[1]
    sign = query.tokens[first].content
    if end != first + 1 or query.kind(first) != TEXT or len(sign) != 1 or sign in "\\^[]'":
        return
    name, end = _alias(query, call.last + 1)
    lateral = "" if query.word(call.first - 1) == "FROM" else "LATERAL "
    text = f"{lateral}explode(split({query.argument(call, 0)}, '[{sign}]')) AS {name or 'parts'}(value)"
    yield hint(query, call.first, end, text, "“string_split” is SQL Server's.")


def _alias(query: Query, index: int) -> tuple[str, int]:
    """The name that stands there, with or without AS, and the index behind it; empty where there is none."""
    place = index + 1 if query.word(index) == "AS" else index
    is_name = query.kind(place) in (WORD, NAME) and query.word(place) not in CLAUSES
    return (query.tokens[place].text, place + 1) if is_name else ("", index)


def is_pivoted(query: Query, index: int) -> bool:
    """Whether the bracket at `index` names a value of PIVOT: … FOR column IN ([a], [b])."""
    depth = 0
    for place in range(index - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(query.word(place), 0)
        if depth < 0:
            return query.word(place - 1) == "IN" and query.word(place - 3) == "FOR"
    return False
