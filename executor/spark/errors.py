"""Spark's errors in the words of an analyst, at their place in the SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from executor.language import sql_text
from executor.problems import Problem, ProblemError
from executor.spark.facts import Facts, facts_of
from executor.spark.sentences import Words, words_for
from executor.stages import Stage, typing_errors

KEYWORDS = ("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "DISTINCT", "WITH", "BETWEEN")
CLAUSES = ("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT")


@contextmanager
def translated(
    *,
    sql: str | None = None,
    field: str = "sql",
    columns: Callable[[], list[str]] | None = None,
    gone: Callable[[], Problem | None] | None = None,
) -> Iterator[None]:
    """Turns whatever Spark raises inside into a ProblemError.

    `sql`: the text being run, to find the place in it. `columns`: names that may have been meant. `gone`: why the JVM has ended, None
    if it lives.
    """
    try:
        yield
    except ProblemError:
        raise
    except Exception as error:
        problem = gone() if gone and _may_be_gone(error) else None
        raise ProblemError(problem or problem_of(error, sql=sql, field=field, columns=columns() if columns else [])) from error


def problem_of(error: BaseException, *, sql: str | None = None, field: str = "sql", columns: list[str] | None = None) -> Problem:
    """`error` (of pyspark, py4j or Python) as a problem."""
    typing_problem = typing_errors.problem_from(str(error))
    if typing_problem:
        return typing_problem
    facts = facts_of(error)
    words = words_for(facts, columns or [])
    line, column = _place(facts, sql)
    place = {"field": field, "line": line, "column": column} if line is not None else {"field": field} if _is_of_query(facts, sql) else {}
    return Problem(**{**words, **place, "detail": facts.detail})


def _is_of_query(facts: Facts, sql: str | None) -> bool:
    """Whether Spark refused the query itself, before it read any data."""
    return sql is not None and facts.message.split(":")[0].endswith("AnalysisException")


def placed(problem: Problem, index: int, stage: Stage) -> Problem:
    """The problem with its stage named."""
    return replace(problem, stage_index=index, stage=stage.name, stage_type=stage.type)


def _may_be_gone(error: BaseException) -> bool:
    """Whether `error` is what Python meets when the other side of the connection is no longer there."""
    return isinstance(error, OSError) or type(error).__name__ in ("Py4JNetworkError", "Py4JError")


def _place(facts: Facts, sql: str | None) -> tuple[int | None, int | None]:
    """Line and column in `sql`, only when what Spark points to is really there."""
    if sql is None or facts.start is None or sql[facts.start : facts.start + len(facts.fragment)] != facts.fragment:
        return None, None
    return sql_text.place(sql, facts.start)


# --- syntax -----------------------------------------------------------------------------------------------------------------


def syntax_problem(condition: str, parameters: dict[str, str], sql: str, field: str, line: int | None, column: int | None) -> Problem:
    """What Spark's parser could not read, at its place."""
    words: dict[str, Any] = {"code": "sql-syntax", "field": field, "line": line, "column": column}
    slip = _misspelt_keyword(sql, line, column) if line and column else None
    return Problem(**(words | _syntax_words(condition, parameters) | ({"fix": slip} if slip else {})))


def _misspelt_keyword(sql: str, line: int, column: int) -> str | None:
    """Spark stumbles one word after `FORM`, having taken it for a name: so look at the word before the place, and at the one there."""
    lines = sql.split("\n")
    position = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    before = re.findall(r"[A-Za-z_]+", sql[:position])[-1:]
    at = re.match(r"[A-Za-z_]+", sql[position:])
    for word in [*before, *([at.group()] if at else [])]:
        near = get_close_matches(word.upper(), KEYWORDS, n=1, cutoff=0.7)
        if near and word.upper() not in KEYWORDS:
            return f"Did you mean {near[0]} instead of “{word}”?"
    return None


def _syntax_words(condition: str, parameters: dict[str, str]) -> Words:
    near = parameters.get("error", "").strip("'")
    if condition.startswith("PARSE_SYNTAX_ERROR") and near in ("end of input", ""):
        return {
            "message": "The query ends too early.",
            "found": "the end of the text",
            "fix": "Complete it: a column, a view or a closing parenthesis is missing.",
        }
    if condition.startswith("PARSE_SYNTAX_ERROR"):
        return {"message": f"The query cannot be understood at “{near}”.", "found": near, "fix": _syntax_hint(near)}
    if condition.startswith("PARSE_EMPTY_STATEMENT"):
        return {"code": "sql-empty", "message": "There is no SQL here.", "expected": "one query"}
    if condition.startswith("INVALID_IDENTIFIER"):
        name = parameters.get("ident", "")
        return {"message": f"The name “{name}” must stand in back-ticks.", "found": name, "fix": f"Write `{name}`."}
    if condition.startswith(("UNSUPPORTED_FEATURE", "INVALID_SQL_SYNTAX", "OPERATION_NOT_ALLOWED", "_LEGACY_ERROR")):
        return {"code": "sql-not-allowed", "message": "This form of SQL is not available here.", "fix": "Write one plain query."}
    return {"message": "The query cannot be understood.", "found": near or None, "detail": f"{condition} {parameters}"[:500]}


def _syntax_hint(near: str) -> str:
    if near.upper() in CLAUSES:
        return "Something is missing before it, or the clauses are not in the order FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT."
    return "Check the words before it: a comma, an operator or a closing quote is often missing."
