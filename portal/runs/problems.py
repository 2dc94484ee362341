"""Stored problems (dicts) as the executor's `Problem`s, whole or for readers who may not see data."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from executor.problems import Problem

_NAMES = {field.name for field in fields(Problem)}


def problem_of(stored: dict[str, Any]) -> Problem:
    """A Problem from what is stored; unknown keys (of a newer executor) are left out."""
    known = {name: value for name, value in stored.items() if name in _NAMES}
    return Problem(**{"code": "failed", "message": "The run failed."} | known)


def hidden(problem: Problem) -> Problem:
    """The same without anything that may be a value of the data: also not in the sentence, which may quote what was found."""
    shown = problem.without_data()
    quoted = [text for text in (problem.found, problem.value) if text and text in shown.message]
    if not quoted:
        return shown
    where = f"The stage “{problem.stage}”" if problem.stage else "The run"
    return replace(shown, message=f"{where} failed; the reason may show data, so people with the role Data viewer see it.")


def without_data(stored: dict[str, Any]) -> dict[str, Any]:
    return hidden(problem_of(stored)).as_dict()
