"""Queries that answer with one row: the outcome of a check, the text of a message. Needs pyspark."""

from __future__ import annotations

from typing import Any, NoReturn

from pyspark.sql import DataFrame, Row

from executor.language import json_text
from executor.problems import Problem, ProblemError

EXAMPLES = {
    1: "SELECT concat(count(*), ' rows') AS message FROM a_view",
    2: "SELECT count(*) = 0 AS outcome, concat(count(*), ' bad rows') AS message FROM a_view WHERE …",
}
"""A query of the right shape, by its number of columns."""


def only_row(stage_type: str, frame: DataFrame, columns: dict[str, str]) -> Row:
    """The single row of `frame`, whose columns have the types of `columns` (name to Spark's word) in that order.
    Raises ProblemError in Arc's words when the answer has another shape, or a null where there must be none."""
    types = [field.dataType.simpleString() for field in frame.schema.fields]
    rows = frame.limit(2).collect()
    if types != list(columns.values()) and _nulls_for(rows, types, columns):
        _refuse(stage_type, columns, _null_words(rows[0]))
    if len(rows) != 1 or types != list(columns.values()):
        count = frame.count() if len(rows) > 1 else len(rows)
        _refuse(stage_type, columns, f"{count} rows of type [{', '.join(types)}]")
    if rows[0][0] is None:
        _refuse(stage_type, columns, _null_words(rows[0]))
    return rows[0]


def _nulls_for(rows: list[Row], types: list[str], columns: dict[str, str]) -> bool:
    """Whether the only difference is that a bare NULL has no type of its own."""
    fits = len(types) == len(columns) and all(found in (wanted, "void") for found, wanted in zip(types, columns.values(), strict=True))
    return fits and len(rows) == 1 and rows[0][0] is None


def _null_words(row: Row) -> str:
    return "[" + ", ".join("null" if value is None else "not null" for value in row) + "]"


def _refuse(stage_type: str, columns: dict[str, str], returned: str) -> NoReturn:
    signature = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
    raise ProblemError(
        Problem(
            code="answer-shape",
            field="sql",
            message=f"{stage_type} requires query to return 1 row with [{signature}] signature. Query returned {returned}.",
            found=returned,
            expected=f"1 row: {signature}",
            fix=f"For instance: {EXAMPLES[len(columns)]}",
        )
    )


def parsed_message(text: str | None) -> Any:
    """A message as JSON object or list of objects where it is one, else the text itself."""
    try:
        content = json_text.loads(text or "")
    except ValueError:
        return text
    is_objects = isinstance(content, list) and all(isinstance(item, dict) for item in content)
    return content if isinstance(content, dict) or is_objects else text
