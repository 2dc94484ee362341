"""All rules together: what a query says in another database's way. No Spark needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from executor.language import sql_text
from executor.language.dialects import clauses, quiet
from executor.language.dialects.counts import counts, moments_of_numbers
from executor.language.dialects.functions import functions, moments
from executor.language.dialects.hints import Hint, Rule, hint
from executor.language.dialects.literals import literals
from executor.language.dialects.patterns import patterns
from executor.language.dialects.signs import patterns_of_like, signs, typographic_quotes
from executor.language.dialects.tables import rows_of_lists
from executor.language.dialects.tokens import NAME, Query, TooMuch
from executor.language.dialects.types import types
from executor.problems import Problem

RULES: tuple[Rule, ...] = (
    clauses.outer_joins,
    clauses.top,
    clauses.limits,
    clauses.row_numbers,
    clauses.levels,
    clauses.small_things,
    clauses.brackets,
    clauses.double_quotes,
    clauses.joined_texts,
    clauses.nulls,
    clauses.last_values,
    clauses.joins,
    clauses.regular_expressions,
    rows_of_lists,
    functions,
    moments,
    typographic_quotes,
    counts,
    moments_of_numbers,
    signs,
    patterns_of_like,
    types,
    patterns,
    literals,
    quiet.lists,
    quiet.betweens,
    quiet.parts_of_texts,
    quiet.logarithms,
    quiet.firsts,
    quiet.sums_of_distinct,
)
MENDED = {
    "sql-syntax",
    "sql-not-allowed",
    "sql-unknown-function",
    "sql-function-refused",
    "wrong-arguments",
    "type-mismatch",
    "column-unknown",
    "unknown-view",
    "pattern-wrong",
    "spark-error",
    "sql-path",
    "value-not-typed",
}
"""Codes of problems that may come from another database's way of writing."""
LONGEST = 50_000


MOST, LONGEST_CHANGES = 100, 200_000
"""Hints on one text, and characters of their changes together."""


@lru_cache(maxsize=256)
def hints(sql: str) -> tuple[Hint, ...]:
    """The hints on the text, in its order; none where the text cannot be read at all. What is found is bounded, and so is the work:
    people see hints while they type, and the process that finds them answers everybody."""
    if len(sql) > LONGEST or any(not part.closed for part in sql_text.spans(sql)):
        return ()
    found: dict[Hint, None] = {}
    room = LONGEST_CHANGES
    try:
        for one in _found(Query(sql)):
            room -= len(one.text or "")
            if room < 0 or len(found) == MOST:
                break
            found[one] = None
    except TooMuch:
        pass  # what was found so far helps all the same
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


def _found(query: Query) -> Iterator[Hint]:
    for rule in RULES:
        yield from rule(query)


def advice(sql: str, field: str = "sql") -> list[Problem]:
    """The hints as problems, each with its change."""
    return [one.problem(sql, field) for one in hints(sql)]


def silent_mistakes(sql: str, columns: Iterable[str], field: str = "sql") -> list[Problem]:
    """What Spark takes in a query and does otherwise than anybody would mean it, so that a run comes out wrong and green. `columns`: of the
    views there are; a name in double quotes is a text, which is a mistake where it is one of them."""
    known = {name.casefold() for name in columns}
    found = [one for one in hints(sql) if one.is_silent and (one.column is None or one.column.casefold() in known)]
    return [replace(one, is_wrong=False).problem(sql, field) for one in found]


def mended(problem: Problem, sql: str) -> Problem:
    """A problem that Spark has with the query, in the words of the hint that explains it and with its change; else as it is."""
    if problem.code not in MENDED or problem.edit is not None:
        return problem
    wrong = [one for one in hints(sql) if one.is_wrong] or _of_sum(problem, sql) or _of_path(problem, sql)
    if not wrong:
        return _of_moment(problem)
    place = (problem.line or 1, problem.column or 1)
    nearest = next((one for one in reversed(wrong) if sql_text.place(sql, one.start) <= place), wrong[0])
    told = nearest.problem(sql, problem.field or "sql")
    return replace(told, stage_index=problem.stage_index, stage=problem.stage, stage_type=problem.stage_type, detail=problem.detail)


def _of_sum(problem: Problem, sql: str) -> list[Hint]:
    """Texts that are added, where Spark says that the types of a sum do not fit."""
    if problem.code != "type-mismatch" or problem.line is None or not _is_sum(problem.message) or not _has_text(problem):
        return []
    start = sql_text.position(sql, problem.line, problem.column or 1)
    return list(clauses.added_texts(Query(sql), start, len(sql)))


def _of_path(problem: Problem, sql: str) -> list[Hint]:
    """A view and its column in one pair of back-ticks, as BigQuery takes them; for Spark that is one name with a point in it."""
    if problem.code != "column-unknown" or problem.line is None:
        return []
    query, start = Query(sql), sql_text.position(sql, problem.line, problem.column or 1)
    names = {token.content.casefold() for token in query.tokens}
    for index, token in enumerate(query.tokens):
        view, _, column = token.content.partition(".")
        if token.kind == NAME and token.start == start and column and view.casefold() in names:
            return [hint(query, index, index + 1, f"`{view}`.`{column}`", "A view and its column stand in back-ticks of their own.")]
    return []


def _has_text(problem: Problem) -> bool:
    """Whether Spark's words say that a text is added."""
    return '"STRING"' in str(problem.detail or "")


def _of_moment(problem: Problem) -> Problem:
    """A number of days is added to a moment, as in Oracle."""
    detail = str(problem.detail or "")
    if problem.code == "type-mismatch" and '"TIMESTAMP"' in detail and '"INT"' in detail:
        return replace(problem, fix="A moment and a length of time are added: write + INTERVAL '1' DAY.")
    return problem


def _is_sum(message: str) -> bool:
    """Whether what Spark shows, as in “((a + 1) + b)”, is itself a sum; of “((a + 1) > b)” the types of the comparison do not fit."""
    depth = 0
    for sign in message.partition("“")[2]:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 1 and sign == "+":
            return True
    return False


def applied(sql: str, edit: dict[str, object] | None) -> str:
    """The text after a change."""
    return sql if edit is None else f"{sql[: int(str(edit['start']))]}{edit['text']}{sql[int(str(edit['end'])) :]}"
