"""Guided starts: what a new job may begin with. All but the empty one begin with a file of this project, whose page makes the stages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """`key` is its word in the form and in addresses; with `takes_file` the person chooses a file, and its look makes the stages."""

    key: str
    title: str
    words: str
    icon: str
    takes_file: bool = True


EMPTY = Start("empty", "Empty", "Add the stages yourself, one by one.", "plus", takes_file=False)
STARTS = [
    EMPTY,
    Start(
        "typed_parquet",
        "A file to typed Parquet",
        "Read a file, give its columns types, check and keep the rows.",
        "table-import",
    ),
    Start("daily_aggregate", "Daily aggregate", "Read a file, count and average by day, check the result, keep it.", "chart-bar"),
    Start(
        "quality_gate",
        "Quality gate",
        "Check a file by rules of your own; the run fails with your words when one is broken.",
        "shield-check",
    ),
]
START_BY_KEY = {start.key: start for start in STARTS}
