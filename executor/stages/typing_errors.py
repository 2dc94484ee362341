"""The error that a typing stage raises inside Spark, and its way back to a problem with row, column and value.

Spark tells only the text of an error that a query raises, so the text carries JSON behind a mark.
"""

from __future__ import annotations

import json
from typing import Any

from executor.problems import Problem

MARK = "sluice-typing:"


def raised(facts: dict[str, str], *, is_fixed: bool = True) -> str:
    """An SQL expression that fails with `facts` (stage, mode, errors, row, file, each as SQL). Where it `is_fixed` it names the task's
    number, which also keeps Spark from moving the check to another place in the query, or leaving it out."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in facts.items())
    part = ", 'part', spark_partition_id()" if is_fixed else ""
    return f"raise_error(concat('{MARK}', sluice_facts(named_struct({pairs}{part}))))"


def problem_from(text: str) -> Problem | None:
    """The problem in the text of a Spark error; None when a typing stage did not raise it."""
    start = text.find(MARK)
    if start < 0:
        return None
    try:
        facts, _ = json.JSONDecoder().raw_decode(text[start + len(MARK) :])
    except ValueError:
        return None
    first = facts["errors"][0]
    row, value = facts.get("row"), first.get("value")
    where = f"Row {row:,}" + (f" of “{facts['file']}”" if facts.get("file") else "") if row is not None else "A row"
    what = "has no value" if value is None else "has a value that does not fit"
    return Problem(
        code="value-missing" if value is None else "value-does-not-fit",
        stage=facts["stage"],
        stage_type="TypingTransform",
        field="schema",
        message=f"{where} {what} in the column “{first['field']}” (stage “{facts['stage']}”).",
        found="no value" if value is None else _short(value),
        expected=first["expected"],
        fix=_fix(facts["mode"], value),
        data_column=first["field"],
        value=value,
        row=row,
        detail=_arc_words(facts),
    )


def _fix(mode: str, value: str | None) -> str:
    if value is None:
        return "Correct the data, let the column be empty (nullable), or give a nullReplacementValue."
    general = "Correct the data, or add the text to the column's nullableValues when it means no value."
    return general if mode == "failfast" else general + " A nullable column would keep the row and tell the error in _errors."


def _short(value: str) -> str:
    return value if len(value) <= 80 else value[:80] + "…"


def _arc_words(facts: dict[str, Any]) -> str:
    if facts["mode"] == "failfast":
        errors = ", ".join(f"[{error['field']},{error['message']}]" for error in facts["errors"])
        return f"TypingTransform with failMode equal to 'failfast' cannot continue due to row with error(s): [{errors}]."
    first = facts["errors"][0]
    return f"TypingTransform with non-nullable column '{first['field']}' cannot continue due to error: {first['message']}."
