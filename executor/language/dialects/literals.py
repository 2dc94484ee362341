"""Texts in quotes that mean another thing to Spark: backslashes, regular expressions, separators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import TEXT, Query, Token

REGEX_WORDS = {"RLIKE", "REGEXP"}
REGEX_CALLS = {
    "REGEXP_LIKE", "REGEXP", "RLIKE", "REGEXP_REPLACE", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL", "REGEXP_SUBSTR", "REGEXP_COUNT",
    "REGEXP_INSTR", "SPLIT",
}  # fmt: skip
"""Their second argument is a regular expression."""
SIGNS_OF_PATTERNS = {".", "|", "*", "+", "?", "$", "(", ")", "{", "[", "||", "**", ".."}
_ALONE = re.compile(r"(?<!\\)(?:\\\\)*\\(?![\\])(.)", re.DOTALL)
"""A backslash that has no second one, and what it stands before."""


def literals(query: Query) -> Iterator[Hint]:
    """Hints on texts in quotes."""
    patterns = _patterns(query)
    for index, token in enumerate(query.tokens):
        if token.kind != TEXT or token.text[:1] not in "'\"" or "\\" not in token.content or query.word(index - 1) == "ESCAPE":
            continue
        signs = {found.group(1) for found in _ALONE.finditer(token.content)}
        is_lost = _is_lost_in_pattern(signs) if index in patterns else _is_lost(signs)
        if is_lost and index not in _behind_like(query):
            yield hint(query, index, index + 1, _kept(token), _WORDS, is_wrong=False, is_silent=True)
    yield from _separators(query)


_WORDS = "Spark takes a backslash in a text for a sign of its own and drops it: '\\d' is the letter d. Before the quote, r keeps it."


def _is_lost(signs: set[str]) -> bool:
    """Letters that mean nothing behind a backslash, so that it would be dropped; n, r, t and the like mean line breaks and tabs."""
    return any(sign.isalpha() and sign not in "nrtuUZ" for sign in signs)


def _is_lost_in_pattern(signs: set[str]) -> bool:
    """As well, what stands for itself in a regular expression only behind a backslash."""
    return any(sign in "dDwWsSbB" or not (sign.isalnum() or sign in "%_'\"") for sign in signs)


def _behind_like(query: Query) -> set[int]:
    """Patterns of LIKE have backslashes of their own."""
    return {index for index in range(len(query.tokens)) if query.word(index - 1) in ("LIKE", "ILIKE")}


def _kept(token: Token) -> str:
    """The text with every backslash as itself."""
    if "\\\\" in token.content or "'" in token.content or '"' in token.content:
        return token.text[0] + re.sub(r"(?<!\\)\\(?![\\'\"])", r"\\\\", token.content) + token.text[-1]
    return "r" + token.text


def _patterns(query: Query) -> set[int]:
    """Where regular expressions stand."""
    found = {index for index in range(len(query.tokens)) if query.word(index - 1) in REGEX_WORDS}
    for call in query.calls:
        if call.name in REGEX_CALLS and len(call.arguments) > 1:
            found |= set(range(*call.arguments[1]))
    return found


def _separators(query: Query) -> Iterator[Hint]:
    """split(x, '|'): any sign, as | is “or” with nothing on both sides. regexp_replace(x, '.', ''): all signs."""
    for call in query.calls:
        if call.name not in ("SPLIT", "REGEXP_REPLACE") or len(call.arguments) < 2:
            continue
        first, end = call.arguments[1]
        token = query.tokens[first]
        if end == first + 1 and token.kind == TEXT and token.text[:1] in "'\"" and token.content in SIGNS_OF_PATTERNS:
            text = "'" + "".join(f"[{sign}]" for sign in token.content) + "'"
            words = (
                f"“{call.name.lower()}” takes a regular expression: this sign means something else there, and is not what is looked for."
            )
            yield hint(query, first, end, text, words, is_wrong=False, is_silent=True)
