"""Which views a query reads, as well as can be told from its words alone. A hint for people, never a gate: the gate asks Spark.

A full SQL parser would know more, but takes as long to import as the whole check of a document may take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from executor.language import sql_text

_WORD = re.compile(r"[A-Za-z_0-9]+|[^\sA-Za-z_0-9]")
_ENDS_FROM = frozenset(
    [
        "select",
        "where",
        "group",
        "order",
        "having",
        "limit",
        "union",
        "except",
        "intersect",
        "minus",
        "window",
        "qualify",
        "sort",
        "cluster",
        "distribute",
        "set",
        "offset",
    ]
)
_BEGINS_QUERY = frozenset(["select", "with", "values", "from", "table"])
_BEFORE_QUERY = frozenset(["(", ")", "union", "except", "intersect", "minus", "all", "distinct"])
_FROM_IS_NO_CLAUSE = frozenset(["extract", "trim", "substring", "substr", "overlay", "position"])
_NOT_A_NAME = frozenset(["values", "lateral", "table", "select", "unnest", "identifier", "stream"])


@lru_cache(maxsize=4096)
def _views(sql: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names that are not defined inside the query, those that are), in order, each once."""
    words = [*_words(sql), "", "", ""]
    inner = set(_common_table_names(words))
    found: dict[str, str] = {}
    for name in _tables(words):
        found.setdefault(name.casefold(), name)
    return tuple(name for key, name in found.items() if key not in inner), tuple(name for key, name in found.items() if key in inner)


def views_read(sql: str) -> list[str]:
    """Names in FROM and JOIN that are not defined inside the query, in order, each once."""
    return list(_views(sql)[0])


def views_defined(sql: str) -> list[str]:
    """The others: names in FROM and JOIN that the query defines itself. `WITH a AS (SELECT * FROM a)` reads a view a all the same."""
    return list(_views(sql)[1])


def _words(sql: str) -> Iterator[str]:
    """Words, quoted names (with their back-ticks) and single signs; a string is one sign."""
    for part in sql_text.spans(sql):
        if part.kind == sql_text.CODE:
            yield from _WORD.findall(sql, part.start, part.end)
        elif part.kind != sql_text.COMMENT:
            yield sql[part.start : part.end] if part.kind == sql_text.NAME else "'"


def _common_table_names(words: list[str]) -> Iterator[str]:
    """The name before every `(query)`: name, columns in brackets, MAX RECURSION LEVEL and AS, of which the name alone must be there.

    Where it is no WITH clause the name is a sign or a word such as IN, which no view is called."""
    for place, word in enumerate(words[:-2]):
        if word == "(" and (words[place + 1].casefold() in _BEGINS_QUERY or words[place - 1].casefold() == "as"):
            start = place - 1
            if words[start].casefold() == "as":
                start -= 1
            if [part.casefold() for part in words[max(0, start - 3) : start]] == ["max", "recursion", "level"]:
                start -= 4
            if words[start] == ")":
                while start > 0 and words[start] != "(":
                    start -= 1
                start -= 1
            yield _name(words[max(0, start)]).casefold()


def _tables(words: list[str]) -> Iterator[str]:
    openers: list[str] = []
    listing = [False]
    for place, word in enumerate(words[:-2]):
        lower = word.casefold()
        if word == "(":
            openers.append(words[place - 1].casefold() if place else "")
            listing.append(False)
        elif word == ")" and openers:
            openers.pop()
            listing.pop()
        starts = lower == "join" or _is_from_clause(words, place, openers) or (word == "," and listing[-1]) or _is_table_query(words, place)
        if lower in _ENDS_FROM or lower == "view":
            listing[-1] = False
        if starts:
            listing[-1] = True
            if _is_view(words, place + 1):
                yield _name(words[place + 1])


def _is_from_clause(words: list[str], place: int, openers: list[str]) -> bool:
    if words[place].casefold() != "from":
        return False
    before = words[place - 1].casefold() if place else ""
    return before != "distinct" and not (openers and openers[-1] in _FROM_IS_NO_CLAUSE)


def _is_table_query(words: list[str], place: int) -> bool:
    """`TABLE flights`, which stands for SELECT * FROM flights."""
    return words[place].casefold() == "table" and (place == 0 or words[place - 1].casefold() in _BEFORE_QUERY)


def _is_view(words: list[str], place: int) -> bool:
    """A plain name: neither a function's, nor one of several parts, nor a word of the language."""
    word, after = words[place], words[place + 1]
    is_name = word.startswith("`") or (bool(word[:1].isalpha() or word[:1] == "_") and word.casefold() not in _NOT_A_NAME)
    return is_name and after not in ("(", ".")


def _name(word: str) -> str:
    return word[1:-1].replace("``", "`") if word.startswith("`") else word
