"""Spark's errors in the words of an analyst."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from executor.problems import Problem, ProblemError
from executor.stages import Stage


@contextmanager
def translated(*, sql: str | None = None, field: str = "sql", columns: Callable[[], list[str]] | None = None) -> Iterator[None]:
    """Turns whatever Spark raises inside into a ProblemError."""
    try:
        yield
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(Problem(code="spark-error", message=str(error).splitlines()[0][:300], detail=str(error)[:2000])) from error


def placed(problem: Problem, index: int, stage: Stage) -> Problem:
    """The problem with its stage named."""
    return replace(problem, stage_index=index, stage=stage.name, stage_type=stage.type)


def syntax_problem(condition: str, parameters: dict[str, str], sql: str, field: str, line: int | None, column: int | None) -> Problem:
    return Problem(code="sql-syntax", message=str(parameters), line=line, column=column, field=field)
