"""What can be said of an SQL text without understanding it: which parts are code, strings, names and comments, and
whether it is fit to be given to a parser at all. Pure Python, linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from executor.problems import Problem

MAX_LENGTH = 100_000
MAX_NESTING = 100
MAX_TYPE_NESTING = 50
MAX_COMMENT_NESTING = 20
MAX_CHAIN = 50
"""Arrows or signs that follow each other, as in `x -> y -> …` and `- - - 1`."""

CODE, STRING, RAW_STRING, NAME, COMMENT = "code", "string", "raw string", "name", "comment"

_OPENING = re.compile(r"(?i:\b[rR](?=['\"]))?['\"]|`|--|/\*(?!\+)")
_ENDINGS = {
    "'": re.compile(r"(?:[^'\\]|\\.)*('|$)", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*("|$)', re.DOTALL),
    "r'": re.compile(r"[^']*('|$)"),
    'r"': re.compile(r'[^"]*("|$)'),
    "`": re.compile(r"(?:[^`]|``)*(`|$)"),
    "--": re.compile(r"[^\n]*"),
}
_COMMENT_MARK = re.compile(r"/\*|\*/")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_STEPS = re.compile(r"[(\[]|[)\]]|(?i:\bcase\b)|(?i:\bend\b)")
_TYPE_STEPS = re.compile(r"(?i:\b(?:array|map|struct)\s*<)|[<>]")
_CHAIN = re.compile(r"->|(?i:\bnot\b(?=\s+not\b))|[-+~!](?=\s*[-+~!])|[,()\[\];]")
_WORD = re.compile(r"[\s;]*([A-Za-z]+)\b")
COMMANDS = frozenset(
    ("ADD", "ALTER", "ANALYZE", "CACHE", "CALL", "CLEAR", "COMMENT", "CREATE", "DECLARE", "DELETE", "DESC", "DESCRIBE", "DROP")
    + ("EXPLAIN", "INSERT", "LIST", "LOAD", "MERGE", "MSCK", "REFRESH", "RESET", "SET", "SHOW", "TRUNCATE", "UNCACHE", "UPDATE", "USE")
)
"""First words of statements that are no queries. No query can begin with one of them."""
COMMAND_WORDS = {
    "code": "sql-command",
    "message": "This is a command. A stage may only hold a query, which reads and does not change anything.",
    "expected": "SELECT …",
    "fix": "Use a load stage to write, an extract stage to read.",
}
_LEFT_OVER = re.compile(r"\$\{[^}\n]{0,40}\}?")


@dataclass(frozen=True)
class Span:
    """A part of an SQL text: `text[start:end]` with its marks (quotes, comment signs). `closed` is false when the end is missing."""

    kind: str
    start: int
    end: int
    closed: bool = True
    levels: int = 1
    """Of comments inside comments."""


def spans(text: str) -> Iterator[Span]:
    """The parts of `text`, in order and without gaps."""
    position = 0
    while position < len(text):
        opening = _OPENING.search(text, position)
        start = opening.start() if opening else len(text)
        if start > position:
            yield Span(CODE, position, start)
        if not opening:
            return
        part = _quoted(text, opening)
        yield part
        position = part.end


def _quoted(text: str, opening: re.Match[str]) -> Span:
    mark = opening.group().lower()
    if mark == "/*":
        return _bracketed_comment(text, opening.start())
    ending = _ENDINGS[mark].match(text, opening.end())
    end = ending.end() if ending else len(text)
    if mark == "--":
        return Span(COMMENT, opening.start(), end)
    kind = NAME if mark == "`" else RAW_STRING if mark[0] == "r" else STRING
    return Span(kind, opening.start(), end, closed=bool(ending and ending.group(1)))


def _bracketed_comment(text: str, start: int) -> Span:
    depth = deepest = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        deepest = max(deepest, depth)
        if depth == 0:
            return Span(COMMENT, start, mark.end(), levels=deepest)
    return Span(COMMENT, start, len(text), closed=False, levels=deepest)


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a position, both counted from 1."""
    line_start = text.rfind("\n", 0, position) + 1
    return text.count("\n", 0, position) + 1, position - line_start + 1


def position(text: str, line: int, column: int) -> int:
    """The other way round: where line and column (from 1) are in the text."""
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1


def sql_problems(text: str, field: str = "sql") -> list[Problem]:
    """Why `text` is not fit for a parser: empty, too long, control characters, something unclosed, a command, too deeply nested,
    several statements, or a parameter that nobody filled. Empty when it is fit."""
    if len(text) > MAX_LENGTH:
        return [_too_long(text, field)]
    control = _CONTROL.search(text)
    if control:
        return [_control_character(text, control, field)]
    parts = list(spans(text))
    unclosed = next((part for part in parts if not part.closed), None)
    if unclosed:
        return [_unclosed(text, unclosed, field)]
    code = [part for part in parts if part.kind != COMMENT]
    if not any(part.kind != CODE or text[part.start : part.end].strip(" \t\r\n;") for part in code):
        return [_empty(field)]
    return [
        *_command(text, code, field),
        *_nesting(text, parts, field),
        *_second_statement(text, code, field),
        *_left_over(text, parts, field),
    ]


def _too_long(text: str, field: str) -> Problem:
    return Problem(
        code="sql-too-long",
        field=field,
        message="The SQL is too long.",
        found=f"{len(text):,} characters",
        expected=f"at most {MAX_LENGTH:,}",
        fix="Split it into several stages.",
    )


def _control_character(text: str, sign: re.Match[str], field: str) -> Problem:
    return _at(
        text,
        sign.start(),
        field,
        "sql-control-character",
        "The SQL holds a character that cannot be shown.",
        found=f"U+{ord(sign.group()):04X}",
        fix="Delete it; it often comes with text pasted from elsewhere.",
    )


def _unclosed(text: str, part: Span, field: str) -> Problem:
    return _at(
        text,
        part.start,
        field,
        "sql-unclosed",
        f"A {part.kind} begins here and does not end.",
        found=text[part.start : part.start + 20],
        fix=f"Add the closing {_closing(text, part)}.",
    )


def _empty(field: str) -> Problem:
    return Problem(
        code="sql-empty",
        field=field,
        message="There is no SQL here.",
        expected="one query",
        fix="Write a query, for instance SELECT * FROM a_view.",
    )


def statement_start(text: str) -> str:
    """The beginning of the statement, without what stands before it, for `found`."""
    start = next((part.start for part in spans(text) if part.kind != COMMENT and text[part.start : part.end].strip()), 0)
    return text[start:].strip()[:40].splitlines()[0]


def _command(text: str, code: list[Span], field: str) -> list[Problem]:
    """A command is known by its first word, so that it is told without Spark. What this misses, the parse finds."""
    first = next((part for part in code if text[part.start : part.end].strip()), None)
    word = _WORD.match(text, first.start) if first and first.kind == CODE else None
    if not word or word.group(1).upper() not in COMMANDS:
        return []
    return [_at(text, word.start(1), field, **COMMAND_WORDS, found=statement_start(text))]


def _closing(text: str, part: Span) -> str:
    if part.kind == COMMENT:
        return "*/"
    return text[part.start + 1] if part.kind == RAW_STRING else text[part.start]


def _nesting(text: str, parts: list[Span], field: str) -> list[Problem]:
    """What keeps a parser busy for long: the time it takes grows faster than the depth."""
    depth = types = chain = 0
    for part in parts:
        if part.kind == COMMENT and part.levels > MAX_COMMENT_NESTING:
            return [_too_deep(text, part.start, field, f"more than {MAX_COMMENT_NESTING} comments in each other")]
        if part.kind != CODE:
            continue
        for step in _STEPS.finditer(text, part.start, part.end):
            depth += 1 if step.group().lower() in ("(", "[", "case") else -1
            if depth > MAX_NESTING:
                return [_too_deep(text, step.start(), field, f"more than {MAX_NESTING} levels of parentheses or CASE")]
        for step in _TYPE_STEPS.finditer(text, part.start, part.end):
            types = types + 1 if len(step.group()) > 1 else max(0, types - 1) if step.group() == ">" else types
            if types > MAX_TYPE_NESTING:
                return [_too_deep(text, step.start(), field, f"more than {MAX_TYPE_NESTING} types in each other")]
        for step in _CHAIN.finditer(text, part.start, part.end):
            chain = 0 if step.group() in ",()[];" else chain + 1
            if chain > MAX_CHAIN:
                return [_too_deep(text, step.start(), field, f"more than {MAX_CHAIN} arrows or signs one after the other")]
    return []


def _too_deep(text: str, position: int, field: str, found: str) -> Problem:
    fix = "Move inner parts into stages of their own."
    return _at(text, position, field, "sql-too-deep", "The SQL is nested too deeply.", found=found, expected="less", fix=fix)


def _second_statement(text: str, code: list[Span], field: str) -> list[Problem]:
    first_end: int | None = None
    for part in code:
        for sign in re.finditer(r"\S", text[part.start : part.end]) if part.kind == CODE else (re.match(r"", ""),):
            at = part.start + (sign.start() if sign else 0)
            if part.kind == CODE and text[at] == ";":
                first_end = at if first_end is None else first_end
            elif first_end is not None:
                return [
                    _at(
                        text,
                        at,
                        field,
                        "sql-two-statements",
                        "There is more than one statement here.",
                        found=_counted(text, at),
                        expected="one query",
                        fix="Put each into a stage of its own; a later one reads the view of an earlier one by its name.",
                    )
                ]
    return []


def _counted(text: str, at: int) -> str:
    """How many statements there are, and how the second begins."""
    import sqlparse

    count = len(sqlparse.split(text))
    return f"{count if count > 1 else 2} statements; the second: {text[at : at + 30].splitlines()[0]}"


def _left_over(text: str, parts: list[Span], field: str) -> list[Problem]:
    if "${" not in text:
        return []
    sign = _LEFT_OVER.search(text)
    start, found = (sign.start(), sign.group()) if sign else (text.index("${"), "${")
    return [
        _at(
            text,
            start,
            field,
            "sql-left-over",
            "A parameter was not filled in.",
            found=found,
            expected="${name} of a parameter that the job declares",
            fix="Declare the parameter or correct its name.",
        )
    ]


def _at(text: str, position: int, field: str, code: str, message: str, *, found: str, fix: str, expected: str | None = None) -> Problem:
    line, column = place(text, position)
    return Problem(code=code, message=message, field=field, line=line, column=column, found=found, expected=expected, fix=fix)
