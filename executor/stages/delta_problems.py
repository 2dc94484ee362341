"""What Delta refuses, in plain words. Needs pyspark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.errors import PySparkException

from executor.problems import Foreign, Problem, ProblemError

REPLACE_MISMATCH = "DELTA_REPLACE_WHERE_MISMATCH"


@contextmanager
def told(stage: Any, uri: str, rules: Mapping[str, str] | None = None) -> Iterator[None]:
    """Errors of Delta's own that are raised inside, as problems of the stage; all others go on as they are. `rules`: those of the stage."""
    try:
        yield
    except Exception as error:
        text = _text_of(error)
        name = next((found for found in re.findall(r"\[?(DELTA_[A-Z_]+)", text)), None)
        words = _WORDS.get(name or "")
        if name is None or (words is None and not isinstance(error, PySparkException) and "DELTA_" not in text):
            raise
        raise ProblemError(words(stage, uri, text, rules or {}) if words else _other(stage, name, text)) from error


def _text_of(error: BaseException) -> str:
    """The message of what was raised, and of what caused it in Java."""
    found, java = [str(error)], getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while java is not None and len(found) < 20:
        found.append(str(java.getMessage()))
        java = java.getCause()
    return "\n".join(found)


def _broken(stage: Any, uri: str, text: str, rules: Mapping[str, str]) -> Problem:
    found = re.search(r"DELTA_VIOLATE_CONSTRAINT_WITH_VALUES[^C]*CHECK constraint (\w+)", text) or re.search(
        r"CHECK constraint (\w+)", text
    )
    name = found[1] if found else ""
    rule = next((rule for one, rule in rules.items() if one.lower() == name.lower()), None)
    return Problem(
        code="table-rule-broken",
        field="constraints" if rule else "inputView",
        message=f"“{stage.name}”: at least one row breaks the rule “{name}” of the table “{uri}”.",
        expected=rule,
        detail=Foreign(text[:1000]),
        fix="Look for such rows in a stage before (WHERE NOT …, or where a value is missing), and correct or leave them out.",
    )


def _no_value(stage: Any, uri: str, text: str, rules: Mapping[str, str]) -> Problem:
    found = re.search(r"NOT NULL constraint violated for column: ([^\n.]+)", text)
    return Problem(
        code="table-rule-broken",
        field="inputView",
        message=f"“{stage.name}”: a row has no value in a column in which the table “{uri}” wants one.",
        data_column=found[1] if found else None,
        detail=Foreign(text[:1000]),
        fix="Fill the column in a stage before, or leave such rows out.",
    )


def _replaced(stage: Any, uri: str, text: str, rules: Mapping[str, str]) -> Problem:
    return Problem(
        code="replace-where",
        field="replaceWhere",
        message=f"“{stage.name}”: the view has rows for which “Replace only where” is not true, so they would replace nothing.",
        expected=stage.replaces,
        detail=Foreign(text[:1000]),
        fix="Keep only such rows in a stage before (WHERE …), or correct the condition.",
    )


def _other(stage: Any, name: str, text: str) -> Problem:
    return Problem(
        code="table-refuses",
        field="outputURI",
        message=f"“{stage.name}”: the table does not take this.",
        found=name,
        detail=Foreign(text[:1000]),
        fix="Look at the technical words, and at the table's history.",
    )


_WORDS: dict[str, Callable[[Any, str, str, Mapping[str, str]], Problem]] = {
    "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES": _broken,
    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED": _no_value,
    REPLACE_MISMATCH: _replaced,
}
