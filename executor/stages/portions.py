"""Pieces of an input that Spark reads in different ways, put together as one frame. Needs pyspark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame

from executor.files.folder import DataFile


@dataclass(frozen=True)
class Portion:
    """Files that Spark reads in one way. `frame`: as read, `columns`: what of it the stage's view has (None: all), `added`: internal
    columns for the end. `cuts`: for files that hold more than their rows, how many rows come before the data, and how many are data.
    `rows`: how many there are, where that is known before they are read. `is_by_lines`: each line of a file is one row, but for
    `names` lines of names at its beginning, and those of blanks alone (`executor.files.lines_in_parts`)."""

    frame: DataFrame
    files: Sequence[DataFile] = ()
    columns: Sequence[Column] | None = None
    added: Sequence[Column] = ()
    cuts: Mapping[DataFile, tuple[int, int]] = field(default_factory=dict)
    rows: int | None = None
    is_by_lines: bool = False
    names: int = 0
