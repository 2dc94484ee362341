"""Names and texts as SQL takes them, whatever signs are in them. Every expression that is written as text quotes through these."""

from __future__ import annotations


def name_in_sql(name: str) -> str:
    """A column's name, as Spark's functions take it, too."""
    return "`" + name.replace("`", "``") + "`"


def text_in_sql(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + escaped(text, "'") + "'"


def escaped(text: str, quote: str) -> str:
    """`text` so that it can stand inside a quoted SQL string, where no part of it is taken for a parameter of the job."""
    return text.replace("\\", "\\\\").replace(quote, quote * 2).replace("${", "\\u0024{")
