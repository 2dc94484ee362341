"""Delimited text in a column of a view. Needs pyspark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession

from executor.files.delimited import TextRules
from executor.stages.base import StageContext
from executor.stages.delimited_frames import empty_options
from executor.stages.reading import read_view

if TYPE_CHECKING:
    from executor.stages.extract.delimited_extract import DelimitedExtract


def rows_of_view(stage: DelimitedExtract, rules: TextRules, spark: SparkSession, context: StageContext) -> DataFrame:
    """The rows that the stage finds in the text of its view."""
    options = {"sep": rules.separator, "quote": rules.quote, "escape": "\\" if rules.escape is None else rules.escape or "\x00"}
    options |= {"header": str(rules.header).lower(), "inferSchema": "false"} | empty_options(stage.null_value, stage.quoted_empty)
    return read_view(stage, context, lambda lines: spark.read.options(**options).csv(lines))
