"""Laying SQL out, on a person's key press. A hint for people; Spark's own parser is the judge of every query."""

from __future__ import annotations

import re

from executor.language import sql_text
from portal.errors import PortalError

_PLACEHOLDER = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_STAND_IN = re.compile(r"\bsluice_parameter_([A-Za-z_][A-Za-z0-9_]*?)_x\b")


def formatted(text: str) -> str:
    """The query with one clause a line and indented lists; comments and ${parameters} stay.

    Raises PortalError when it cannot be read or is too long."""
    import sqlglot

    if not text.strip():
        return text
    if len(text) > sql_text.MAX_LENGTH:
        raise PortalError("The SQL is too long to be laid out.", code="sql-too-long", status=422)
    try:
        trees = sqlglot.parse(_PLACEHOLDER.sub(r"sluice_parameter_\1_x", text), read="spark")
        lines = [tree.sql(dialect="spark", pretty=True, max_text_width=100) for tree in trees if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PortalError(
            "This SQL cannot be laid out, because it cannot be read.",
            code="sql-not-readable",
            status=422,
            fix="Correct it first.",
            reason=_place(error),
        ) from None
    return _STAND_IN.sub(r"${\1}", ";\n".join(lines))


def _place(error: Exception) -> str:
    found = getattr(error, "errors", None) or [{}]
    line, column = found[0].get("line"), found[0].get("col")
    return f"line {line}:{column}" if line else ""
