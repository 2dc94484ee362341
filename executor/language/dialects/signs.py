"""Signs, words and patterns of other databases that stand between values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NAME, NUMBER, SIGN, TEXT, WORD, Query

VALUES = (WORD, NAME, NUMBER)
TYPED = {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "INTERVAL", "X", "B", "R", "N", "E", "AS", "SELECT", "DISTINCT"}
BEFORE_TEXTS = TYPED | {"LIKE", "ILIKE", "RLIKE", "REGEXP", "TO", "ESCAPE", "BY", "AND", "OR", "NOT", "IN", "IS", "THEN", "ELSE", "WHEN"}
BEFORE_TEXTS |= {
    "CASE",
    "BETWEEN",
    "ALL",
    "ANY",
    "SOME",
    "FROM",
    "WHERE",
    "ON",
    "HAVING",
    "DIV",
    "MOD",
    "FORMAT",
    "TITLE",
    "COLLATE",
    "ZONE",
}
"""Words behind which a text is a value."""


def signs(query: Query) -> Iterator[Hint]:
    """Hints on single signs and words."""
    for index, token in enumerate(query.tokens):
        word = token.upper
        if word == "@" and query.word(index - 1) != "@" and (query.kind(index + 1) == WORD or query.word(index + 1) == "@"):
            end = index + (3 if query.word(index + 1) == "@" else 2)
            fix = "Give the job a parameter, for instance day, and write ${day}."
            yield hint(query, index, min(end, len(query.tokens)), None, "Names with @ are variables of SQL Server and MySQL.", fix)
        elif word == "MOD" and query.kind(index - 1) in VALUES and query.kind(index + 1) in VALUES:
            yield hint(query, index, index + 1, "%", "“MOD” between two values is Teradata's and MySQL's.")
        elif word == "*" == query.word(index + 1) and query.kind(index - 1) in VALUES and query.kind(index + 2) in VALUES:
            text = f"power({query.tokens[index - 1].text}, {query.tokens[index + 2].text})"
            yield hint(query, index - 1, index + 3, text, "“**” is Teradata's and Oracle's.")
        elif word == "^" and _is_power(query, index):
            yield _power(query, index)
        elif [query.word(index + step) for step in range(3)] == ["-", ">", ">"] and query.kind(index + 3) == TEXT:
            fix = "Write get_json_object(…, '$.name')."
            yield hint(query, index, index + 4, None, "“->>” is PostgreSQL's and MySQL's.", fix)
        elif word == "SEL" and index == 0:
            yield hint(query, index, index + 1, "SELECT", "“SEL” is Teradata's.")
        elif word in ("FORMAT", "TITLE") and query.kind(index + 1) == TEXT and query.word(index + 2) == ")":
            fix = "Write date_format(…, 'yyyy-MM-dd') for a text, to_date(…, 'yyyy-MM-dd') for a day, AS for a heading."
            yield hint(query, index, index + 2, None, f"“{word}” behind a value is Teradata's, in a cast BigQuery's.", fix)
        elif word == "SAMPLE" and query.kind(index + 1) == NUMBER and query.kind(index - 1) in (WORD, NAME):
            yield hint(query, index, index + 2, f"TABLESAMPLE ({query.tokens[index + 1].text} ROWS)", "“SAMPLE” is Teradata's.")
        elif word == "REPLACE" and query.word(index - 1) == "*" and query.word(index + 1) == "(":
            fix = "Write * EXCEPT (column), … AS column."
            yield hint(query, index - 1, index + 1, None, "“* REPLACE” is BigQuery's, Snowflake's and DuckDB's.", fix)
        elif word == "AT" and query.words[index + 1 : index + 3] == ["TIME", "ZONE"]:
            yield hint(query, index, min(index + 4, len(query.tokens)), None, "“AT TIME ZONE” is PostgreSQL's and SQL Server's.", _AT_ZONE)
        elif token.kind == TEXT and _is_alias(query, index):
            yield hint(
                query, index, index + 1, f"AS `{token.content}`", "A name for a column stands in back-ticks in Spark, not in quotes."
            )


_AT_ZONE = (
    "Write from_utc_timestamp(time, 'Europe/Berlin') for what the clocks show there, to_utc_timestamp(…) for the moment of such a clock."
)


def _is_power(query: Query, index: int) -> bool:
    """Squares, cubes, powers of two and ten; other numbers may be bits."""
    if not 0 < index < len(query.tokens) - 1 or query.kind(index + 1) not in VALUES:
        return False
    before, after = query.tokens[index - 1].text, query.tokens[index + 1].text
    is_square = after in ("2", "3") and (query.kind(index - 1) in VALUES or before == ")")
    return is_square or before in ("2", "10")


def _power(query: Query, index: int) -> Hint:
    """`x ^ 2`: bits in Spark, where PostgreSQL and spreadsheets take it for a power."""
    is_single = query.kind(index - 1) in VALUES and query.word(index - 2) != "."
    text = f"power({query.tokens[index - 1].text}, {query.tokens[index + 1].text})" if is_single else None
    words = "“^” compares bits in Spark: 2 ^ 3 is 1. As a power it is PostgreSQL's and that of spreadsheets."
    fix = "" if text else "Write power(…, …)."
    return hint(query, index - 1 if text else index, index + 2, text, words, fix, is_wrong=False, is_silent=True)


_TYPOGRAPHIC = re.compile(r"[‘’‚‛]((?:[^‘’‚‛\n]|’(?=\w))*)[‘’‛](?!\w)|[“”„‟«»]([^“”„‟«»\n]*)[“”‟«»]")


def typographic_quotes(query: Query) -> Iterator[Hint]:
    """‘LAX’, “LAX” and „LAX“, as word processors and chats write quotes."""
    behind = 0
    for token in query.tokens:
        found = _TYPOGRAPHIC.match(query.sql, token.start) if token.start >= behind else None
        if found is None or token.kind != SIGN:
            continue
        behind = found.end()
        sign, content = ("'", found[1]) if found[1] is not None else ('"', found[2])
        if "'" in content or '"' in content or "`" in content:
            continue
        text = f"{sign}{content}{sign}"
        words = f"“{content[:40]}” stands in typographic quotes here, which SQL does not know."
        yield Hint(token.start, behind, text, words, f"Write {text[:80]} with plain quotes.")


def _is_alias(query: Query, index: int) -> bool:
    """`origin "Place"`: a text right behind a column or a call, before the next column or FROM."""
    before = query.word(index - 1)
    is_behind = query.kind(index - 1) == NAME or before == ")" or (query.kind(index - 1) == WORD and before not in BEFORE_TEXTS)
    if not is_behind or query.word(index + 1) not in (",", "FROM") or not re.fullmatch(r"\w[^`]*", query.tokens[index].content):
        return False
    depth = 0
    for place in range(index - 1, -1, -1):
        word = query.word(place)
        depth += {")": 1, "(": -1}.get(word, 0)
        if depth < 0:
            return False
        if depth == 0 and word in ("SELECT", "FROM", "BY", "WHERE", "SET"):
            return word == "SELECT"
    return False


_CLASS = re.compile(r"\[\^?(?:\w-\w|[^\]\s]{1,3})+?\]")


def patterns_of_like(query: Query) -> Iterator[Hint]:
    """LIKE '[A-F]%' of SQL Server, SIMILAR TO of PostgreSQL."""
    for index, token in enumerate(query.tokens):
        if token.kind != TEXT or token.text[:1] not in "'\"" or "\\" in token.content or query.word(index + 1) == "ESCAPE":
            continue
        if query.word(index - 1) == "LIKE" and (found := _CLASS.search(token.content)) and _is_class(found.group()):
            words = "Brackets stand for themselves in LIKE; in SQL Server they stand for one of the signs in them."
            yield hint(
                query, index - 1, index + 1, f"RLIKE '^{_regex(token.content, set('[]^-'))}$'", words, is_wrong=False, is_silent=True
            )
        elif query.words[index - 2 : index] == ["SIMILAR", "TO"]:
            text = f"RLIKE '^({_regex(token.content, set('[]^-|*+?{},()'))})$'"
            yield hint(query, index - 2, index + 1, text, "“SIMILAR TO” is PostgreSQL's.")


def _is_class(found: str) -> bool:
    """A range, a “not”, or a few signs: [INFO] is rather a word in brackets."""
    return "-" in found or "^" in found or len(found) <= 5


def _regex(pattern: str, kept: set[str]) -> str:
    """The pattern as a regular expression: % is any text, _ any sign, what is `kept` means the same in both."""
    known = {"%": "[\\\\s\\\\S]*", "_": "[\\\\s\\\\S]"}
    return "".join(known.get(sign) or (sign if sign in kept or sign.isalnum() or sign in " '" else f"[{sign}]") for sign in pattern)
