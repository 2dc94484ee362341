"""An SQL text as tokens with their places, and calls of functions with their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from executor.language import sql_text

WORD, NUMBER, SIGN, TEXT, NAME = "word", "number", "sign", "text", "name"
_CODE = re.compile(r"(?P<word>[^\W\d]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>::|\|\||<>|!=|<=|>=|!~\*?|~\*?|\S)")


@dataclass(frozen=True)
class Token:
    """A word, number, sign, text in quotes or name in back-ticks: `sql[start:end]`. `is_double`: a text in double quotes."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind in (WORD, SIGN) else ""

    @property
    def is_double(self) -> bool:
        return self.kind == TEXT and self.text.startswith('"')

    @property
    def content(self) -> str:
        """What stands between the quotes."""
        return self.text[1:-1] if self.kind in (TEXT, NAME) else self.text


@dataclass(frozen=True)
class Call:
    """`name(arguments)`; each argument as the indexes of its first token and of the one behind its last."""

    name: str
    first: int
    last: int
    arguments: list[tuple[int, int]]


LOOKS, LOOKS_AT_EACH = 200_000, 50
"""How often words of one text may be looked at, in all and for each of its tokens: a person's query needs some 20 for each."""


class TooMuch(Exception):
    """The text makes the rules look at its words over and over."""


class Query:
    """One SQL text, read for its tokens."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = list(_tokens(sql))
        self.words = [token.upper for token in self.tokens]
        self._looks_left = LOOKS + LOOKS_AT_EACH * len(self.tokens)

    def word(self, index: int) -> str:
        """The token there in capital letters; empty where there is none, or no word or sign. Raises TooMuch when it was asked too often."""
        self._looks_left -= 1
        if self._looks_left < 0:
            raise TooMuch
        return self.words[index] if 0 <= index < len(self.words) else ""

    def kind(self, index: int) -> str:
        return self.tokens[index].kind if 0 <= index < len(self.tokens) else ""

    def count(self, index: int) -> int | None:
        """The whole number there; None where there is none, or one beyond all rows of the world."""
        token = self.tokens[index] if 0 <= index < len(self.tokens) else None
        whole = token.text.partition(".")[0] if token and token.kind == NUMBER else ""
        return int(whole) if 0 < len(whole) < 16 else None

    def text(self, start: int, end: int) -> str:
        """The text from token `start` to the one before `end`, as it is written."""
        return self.sql[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def argument(self, call: Call, number: int) -> str:
        return self.text(*call.arguments[number])

    def closing(self, index: int) -> int:
        """The index of the parenthesis that closes the one at `index`; the number of tokens where none does."""
        depth = 0
        for place in range(index, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.word(place), 0)
            if depth == 0:
                return place
        return len(self.tokens)

    def end_of_query(self, index: int) -> int:
        """The index behind the query that the token at `index` is in: a closing parenthesis, a set operator, or the end."""
        depth = 0
        for place in range(index, len(self.tokens)):
            word = self.word(place)
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth < 0 or (depth == 0 and word in ("UNION", "EXCEPT", "MINUS", "INTERSECT", ";")):
                return place
        return len(self.tokens)

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of a function, in the order of their names."""
        found = []
        for index, token in enumerate(self.tokens):
            if token.kind == WORD and self.word(index + 1) == "(" and self.word(index - 1) != ".":
                last = self.closing(index + 1)
                if last < len(self.tokens):
                    found.append(Call(token.upper, index, last, self._arguments(index + 2, last)))
        return found

    def _arguments(self, start: int, end: int) -> list[tuple[int, int]]:
        found, begin, depth = [], start, 0
        for place in range(start, end):
            word = self.word(place)
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(word, 0)
            if word == "," and depth == 0:
                found.append((begin, place))
                begin = place + 1
        return [*found, (begin, end)] if begin < end else found


def _tokens(sql: str) -> Iterator[Token]:
    for part in sql_text.spans(sql):
        if part.kind == sql_text.CODE:
            for found in _CODE.finditer(sql, part.start, part.end):
                yield Token(str(found.lastgroup), found.group(), found.start(), found.end())
        elif part.kind in (sql_text.STRING, sql_text.RAW_STRING):
            yield Token(TEXT, sql[part.start : part.end], part.start, part.end)
        elif part.kind == sql_text.NAME:
            yield Token(NAME, sql[part.start : part.end], part.start, part.end)
