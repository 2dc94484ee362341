"""Documents for tests, and the one question tests ask of them."""

from __future__ import annotations

from typing import Any

from executor.document.job import check
from executor.problems import Problem


def sql_stage(name: str = "daily", sql: str = "SELECT 1 AS n", **more: Any) -> dict[str, Any]:
    return {"type": "SQLTransform", "name": name, "sql": sql, "outputView": more.pop("outputView", name), **more}


def document(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"stages": list(stages or [sql_stage()]), **more}


def only_problem(given: Any, **options: Any) -> Problem:
    """The one problem of a document; fails when there are more or none."""
    problems = check(given, **options)
    assert len(problems) == 1, [problem.message for problem in problems]
    return problems[0]


def codes(given: Any, **options: Any) -> list[str]:
    return [problem.code for problem in check(given, **options)]
