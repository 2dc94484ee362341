"""Rows as lines of text. Needs pyspark."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

WIDTH = 50


def table_lines(frame: DataFrame, count: int) -> list[str]:
    """The first `count` rows, a header before them, and a last line when there are more. Long values are cut."""
    cut = [F.substring(F.col(f"`{name}`").cast("string"), 1, WIDTH + 1).alias(name) for name in frame.columns]
    rows = frame.select(*cut).limit(count + 1).collect()
    cells = [[_cell(value) for value in row] for row in rows[:count]]
    widths = [max(len(text) for text in column) for column in zip(frame.columns, *cells, strict=True)]
    lines = [" | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in [frame.columns, *cells]]
    more = [f"… only the first {count} rows are shown"] if len(rows) > count else []
    return [lines[0], "-+-".join("-" * width for width in widths), *lines[1:], *more]


def _cell(value: str | None) -> str:
    if value is None:
        return "∅"
    text = " ".join(value.split("\n"))
    return text[:WIDTH] + "…" if len(text) > WIDTH else text
