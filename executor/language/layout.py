"""Lays out one SQL text: `python -m executor.language.layout`, from standard input to standard output.

A program of its own, because a text can keep a parser busy for any time, and a web process must not be kept busy. sqlparse moves white
space and nothing else; that is checked, since a layout that changed a word would change a number. Exit 1: the text cannot be laid out.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from executor.language.sql_text import CODE, COMMENT, NAME, spans

if TYPE_CHECKING:
    from sqlparse.sql import Token

_CLAUSE_WORDS = {"select", "distinct", "from", "where", "group", "by", "having", "order", "limit", "union", "all", "with", "as"} | {
    *("and", "or", "not", "in", "between", "like", "is", "null", "case", "when", "then", "else", "on", "join", "over", "partition")
}
_JOIN_WORDS = {"left", "right", "full", "inner", "outer", "cross", "natural", "semi", "anti", "join"}
"""What is written in capitals; a word that might as well be a column's name keeps its case, which becomes that of the result."""
_IN_CAPITALS = _CLAUSE_WORDS | _JOIN_WORDS | {"end"}
_STAND_IN = re.compile(r"[`']sluice_(\d+)[`']")
_LIST_OF_IN = re.compile(r"(?<=\bIN \()\s*([\w.+`'-]+(?:,\s*[\w.+`'-]+)*)\s*(?=\))")
_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def main() -> int:
    text = sys.stdin.read()
    done = laid_out(text)
    if done is None:
        return 1
    sys.stdout.write(done)
    return 0


def laid_out(text: str) -> str | None:
    """The same words on other lines, the words of clauses in capitals; None when sqlparse would not leave them as they are."""
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    plain, quoted = _with_stand_ins(text)
    try:
        done = sqlparse.format(_capitals(plain), reindent=True, indent_width=2, indent_columns=True).strip()
    except (SQLParseError, RecursionError):
        return None
    done = _LIST_OF_IN.sub(lambda found: re.sub(r",\s*", ", ", found[1]), _without_empty_lines(done))
    done = _STAND_IN.sub(lambda found: quoted[int(found[1])] if int(found[1]) < len(quoted) else found[0], done)
    return done if _words(done) == _words(text) else None


def _with_stand_ins(text: str) -> tuple[str, list[str]]:
    """`text` with a simple name for each text and name in quotes, whose rules sqlparse does not know in full, and what they stand for."""
    pieces, quoted = [], []
    for part in spans(text):
        piece = text[part.start : part.end]
        if part.kind not in (CODE, COMMENT):
            quoted.append(piece)
            mark = "`" if part.kind == NAME else "'"
            piece = f"{mark}sluice_{len(quoted) - 1}{mark}"
        pieces.append(piece)
    return "".join(pieces), quoted


def _capitals(text: str) -> str:
    return "".join(token.value.upper() if _is_of_a_clause(token) else token.value for token in _tokens(text))


def _tokens(text: str) -> list[Token]:
    import sqlparse

    return [token for statement in sqlparse.parse(text) for token in statement.flatten()]  # type: ignore[no-untyped-call]


def _is_of_a_clause(token: Token) -> bool:
    from sqlparse.sql import Case
    from sqlparse.tokens import Keyword

    if token.ttype not in Keyword:
        return False
    words = token.value.lower().split()
    is_join = words[-1] == "join" and _JOIN_WORDS.issuperset(words)
    return is_join or _CLAUSE_WORDS.issuperset(words) or (words == ["end"] and isinstance(token.parent, Case))


def _without_empty_lines(text: str) -> str:
    """sqlparse puts one behind each comment of a line."""
    pieces = [(part.kind, text[part.start : part.end]) for part in spans(text)]
    return "".join(_EMPTY_LINES.sub("\n", piece) if kind == CODE else piece for kind, piece in pieces)


def _words(text: str) -> list[str]:
    """Its words and signs in order, whatever lies between them; texts and comments are one word each, letter by letter."""
    found: list[str] = []
    for part in spans(text):
        piece = text[part.start : part.end]
        if part.kind == CODE:
            found += [word.lower() if word.lower() in _IN_CAPITALS else word for word in re.findall(r"\w+|[^\w\s]", piece)]
        else:
            found.append(piece.rstrip())
    return found


if __name__ == "__main__":
    sys.exit(main())
