"""What a rule finds: a piece of SQL that means something else, or nothing, in Spark, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from executor.language.dialects.tokens import Query
from executor.language.sql_text import place
from executor.problems import Problem


@dataclass(frozen=True)
class Hint:
    """`sql[start:end]` becomes `text` (None: it cannot be said in one change). `is_wrong`: Spark refuses it; else Spark takes it, and
    does something that is hardly meant. `is_silent`: where Spark takes it, other values or rows come out than anybody would mean, and
    nothing fails, so that runs tell it, too. `column`: only where there is a column of this name."""

    start: int
    end: int
    text: str | None
    message: str
    fix: str
    is_wrong: bool = True
    is_silent: bool = False
    column: str | None = None

    def problem(self, sql: str, field: str = "sql", **more: Any) -> Problem:
        """As a problem at its place in the field, with the change."""
        line, column = place(sql, self.start)
        edit: Any = None
        if self.text is not None:
            edit = {"start": self.start, "end": self.end, "text": self.text, "says": "Write it Spark's way"}
        words: dict[str, Any] = {"code": "other-database", "message": self.message, "found": _short(sql[self.start : self.end])}
        severity = None if self.is_wrong else "warning"
        return Problem(**words, field=field, line=line, column=column, fix=self.fix, edit=edit, severity=severity, **more)


Rule = Callable[[Query], Iterator[Hint]]


def hint(query: Query, start: int, end: int, text: str | None, message: str, fix: str = "", *, is_wrong: bool = True, **more: Any) -> Hint:
    """A hint on the tokens from `start` to the one before `end`. `more`: fields of a Hint."""
    written = f"Write {_short(text)}" if text else ""
    return Hint(query.tokens[start].start, query.tokens[end - 1].end, text, message, fix or written or "Take it out.", is_wrong, **more)


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 80 else one_line[:79] + "…"
