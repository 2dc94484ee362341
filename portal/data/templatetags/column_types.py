"""Types of columns in plain words, whoever noted them: a look at a file, a run, or Spark."""

from __future__ import annotations

from django import template

register = template.Library()
WORDS = {
    "string": "text",
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint", "long"), "whole number"),
    **dict.fromkeys(("float", "double"), "floating point"),
    "boolean": "yes / no",
    "timestamp": "date and time",
    "timestamp_ntz": "date and time",
    "time": "time of day",
    **dict.fromkeys(("struct", "array", "map"), "several values"),
}


@register.filter
def type_in_words(kind: str) -> str:
    """bigint → whole number, decimal(10,2) and decimal(10, 2) → decimal 10,2; what is no type that is known stays as it is."""
    name, _, inside = kind.partition("(")
    if name == "decimal":
        return f"decimal {inside.rstrip(')').replace(' ', '')}".strip()
    return WORDS.get(name.partition("<")[0].strip(), kind)
