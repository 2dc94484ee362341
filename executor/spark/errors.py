"""Spark's errors in the words of an analyst, at their place in the SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from executor.databases.errors import problem_in
from executor.language import sql_text
from executor.language.dialects.advice import mended
from executor.problems import Foreign, Problem, ProblemError
from executor.spark.facts import Facts, facts_of
from executor.spark.origins import Origin, Origins, row_of
from executor.spark.sentence_table import TOO_MANY_PARTS
from executor.spark.sentences import Words, words_for
from executor.stages import Stage, typing_errors

KEYWORDS = ("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "DISTINCT", "WITH", "BETWEEN")
OF_ANY_QUERY = "number-too-large"
CLAUSES = ("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT")


@contextmanager
def translated(
    *,
    sql: str | None = None,
    field: str = "sql",
    columns: Callable[[], list[str]] | None = None,
    gone: Callable[[], Problem | None] | None = None,
    origins: Origins | None = None,
) -> Iterator[None]:
    """Turns whatever Spark raises inside into a ProblemError.

    `sql`: the text being run, to find the place in it. `columns`: names that may have been meant. `gone`: why the JVM has ended, None
    if it lives. `origins`: what earlier stages have asked for, to name the one that the cause belongs to.
    """
    try:
        yield
    except ProblemError:
        raise
    except Exception as error:
        problem = gone() if gone and _may_be_gone(error) else None
        known = columns() if columns and not problem else []
        raise ProblemError(problem or problem_of(error, sql=sql, field=field, columns=known, origins=origins)) from error


def problem_of(
    error: BaseException, *, sql: str | None = None, field: str = "sql", columns: list[str] | None = None, origins: Origins | None = None
) -> Problem:
    """`error` (of pyspark, py4j or Python) as a problem."""
    if problem := problem_in(error):
        return _at_stage(problem, origins.of_database() if origins else None)
    typing_problem = typing_errors.problem_from(str(error))
    if typing_problem:
        return _at_stage(typing_problem, (origins or Origins()).stages.get(typing_problem.stage or ""))
    facts = facts_of(error)
    words = words_for(facts, columns or [])
    where, spelled = words.pop("where", ""), words.pop("spelled", "")
    problem = Problem(**{**words, "detail": facts.detail})
    placed_problem = _of_file(problem, facts, origins) or _of_query(problem, facts, sql, field, origins)
    return _by_function(placed_problem, where, spelled, origins) if origins and facts.context.start is None else placed_problem


def _of_file(problem: Problem, facts: Facts, origins: Origins | None) -> Problem | None:
    """The problem at the stage that reads the file; None when it is about no file."""
    if origins is None or problem.field != "inputURI":
        return None
    record = facts.parameters.get("badRecord", Foreign("")).text
    origin, path = origins.of_file(facts.path), facts.path
    if problem.code == "input-record" and record and not path and (found := origins.holding(record)):
        origin, path = found
        problem = replace(problem, file=path.text.rsplit("/", 1)[-1])
    row = row_of(path, record, origin) if origin and problem.code == "input-record" else None
    return _at_stage(replace(problem, row=row), origin)


def _of_query(problem: Problem, facts: Facts, sql: str | None, field: str, origins: Origins | None) -> Problem:
    """The problem at the stage whose query holds the piece that Spark points to, and there at its line and column."""
    origin = origins.queries.get(facts.context.sql) if origins and facts.context.sql else None
    if origin:
        sql, field = facts.context.sql, origin.field
    line, column = _place(facts, sql)
    if line is not None:
        problem = replace(problem, field=field, line=line, column=column)
    elif sql is not None and facts.says(r"^[\w.]*AnalysisException"):  # Spark refused the query itself, before it read any data
        problem = replace(problem, field=field)
    told = mended(replace(problem, edit=None), sql) if sql else problem
    if told.code == problem.code:  # no other database's way of writing explains it
        told = replace(told, edit=problem.edit if line is not None else None)
    return _at_stage(told, origin)


def _by_function(problem: Problem, where: str, spelled: str, origins: Origins) -> Problem:
    """Where Spark names no place: the one query of the run in which a function stands that raises such an error, and the place of that
    function if it stands there once. `spelled`: how the same is written without a function. What any query may raise, the only one has."""
    if problem.stage_index is not None or problem.line is not None or not (where or problem.code == OF_ANY_QUERY):
        return problem
    called = re.compile(rf"(?i)(?<![\w.])(?:{where})(?=\s*\()|\b(?:{where})\b(?=\s+(?:r?'|\w))" + (f"|{spelled}" if spelled else ""))
    found = [(sql, origin, places) for sql, origin in origins.queries.items() if (places := _code_places(called, sql)) or not where]
    if len(found) != 1:
        return problem
    sql, origin, places = found[0]
    line, column = sql_text.place(sql, places[0]) if where and len(places) == 1 else (None, None)
    return _at_stage(replace(problem, field=origin.field, line=line, column=column), origin)


def _code_places(pattern: re.Pattern[str], sql: str) -> list[int]:
    """Where the pattern stands in an SQL text, outside of texts and comments."""
    code = [part for part in sql_text.spans(sql) if part.kind == sql_text.CODE]
    return [hit.start() for hit in pattern.finditer(sql) if any(part.start <= hit.start() < part.end for part in code)]


def _at_stage(problem: Problem, origin: Origin | None) -> Problem:
    return placed(problem, origin.index, origin.stage) if origin else problem


def placed(problem: Problem, index: int, stage: Stage) -> Problem:
    """The problem with its stage named, unless it names one itself."""
    if problem.stage_index is not None:
        return problem
    return replace(problem, stage_index=index, stage=stage.name, stage_type=stage.type)


def _may_be_gone(error: BaseException) -> bool:
    """Whether `error` is what Python meets when the other side of the connection is no longer there."""
    return isinstance(error, OSError) or type(error).__name__ in ("Py4JNetworkError", "Py4JError")


def _place(facts: Facts, sql: str | None) -> tuple[int | None, int | None]:
    """Line and column in `sql`, only when what Spark points to is really there."""
    start, fragment = facts.context.start, facts.context.fragment
    if sql is None or start is None or sql[start : start + len(fragment)] != fragment:
        return None, None
    return sql_text.place(sql, start)


# --- syntax -----------------------------------------------------------------------------------------------------------------


def syntax_problem(condition: str, parameters: dict[str, str], sql: str, field: str, line: int | None, column: int | None) -> Problem:
    """What Spark's parser could not read, at its place."""
    words: dict[str, Any] = {"code": "sql-syntax", "field": field, "line": line, "column": column}
    slip = _misspelt_keyword(sql, line, column) if line and column else None
    return Problem(**(words | _syntax_words(condition, parameters) | ({"fix": slip} if slip else {})))


def _misspelt_keyword(sql: str, line: int, column: int) -> str | None:
    """Spark stumbles one word after `FORM`, having taken it for a name: so look at the word before the place, and at the one there."""
    position = sql_text.position(sql, line, column)
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
    if condition.startswith("FAILED_TO_PARSE_TOO_COMPLEX"):
        return {"code": TOO_MANY_PARTS.code, "message": TOO_MANY_PARTS.message, "fix": TOO_MANY_PARTS.fix}
    if condition.startswith("PARSE_EMPTY_STATEMENT"):
        return {"code": "sql-empty", "message": "There is no SQL here.", "expected": "one query"}
    if condition.startswith("INVALID_IDENTIFIER"):
        name = parameters.get("ident", "")
        return {"message": f"The name “{name}” must stand in back-ticks.", "found": name, "fix": f"Write `{name}`."}
    if condition.startswith("INVALID_TYPED_LITERAL"):
        kind, value = parameters.get("valueType", "").strip('"'), parameters.get("value", "")
        form = {"DATE": "2024-12-31", "TIMESTAMP": "2024-12-31 23:59:59"}.get(kind)
        fix = f"Write {kind} '{form}', or {'to_date' if kind == 'DATE' else 'to_timestamp'}(…, pattern)." if form else "Correct the value."
        return {"message": f"{value} is no {kind} as SQL has it.", "found": value, "expected": form, "fix": fix}
    if condition.startswith("INVALID_NUMERIC_LITERAL_RANGE"):
        number, least, most = (parameters.get(name, "") for name in ("rawStrippedQualifier", "minValue", "maxValue"))
        words = {
            "message": f"The number {number} is too large or too small for its type.",
            "found": number,
            "expected": f"{least} to {most}",
        }
        return {**words, "fix": "Write it with fewer digits, or as a text."}
    if condition.startswith(("UNSUPPORTED_FEATURE", "INVALID_SQL_SYNTAX", "OPERATION_NOT_ALLOWED", "_LEGACY_ERROR")):
        return {"code": "sql-not-allowed", "message": "This form of SQL is not available here.", "fix": "Write one plain query."}
    return {"message": "The query cannot be understood.", "found": near or None, "detail": f"{condition} {parameters}"[:500]}


def _syntax_hint(near: str) -> str:
    if near.upper() in CLAUSES:
        return "Something is missing before it, or the clauses are not in the order FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT."
    return "Check the words before it: a comma, an operator or a closing quote is often missing."
