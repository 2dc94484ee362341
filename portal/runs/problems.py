"""Stored problems (dicts) as the executor's `Problem`s."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from executor.problems import Problem

_NAMES = {field.name for field in fields(Problem)}


def problem_of(stored: dict[str, Any]) -> Problem:
    """A Problem from what is stored; unknown keys (of a newer executor) are left out."""
    known = {name: value for name, value in stored.items() if name in _NAMES}
    return Problem(**{"code": "failed", "message": "The run failed."} | known)


def without_data(stored: dict[str, Any]) -> dict[str, Any]:
    """The same for readers who may not see data."""
    return problem_of(stored).without_data().as_dict()
