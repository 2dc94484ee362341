from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.problems import Problem
from executor.stages.base import StageContext
from executor.stages.file_kinds import FileLoad

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


class ParquetLoad(FileLoad):
    """Writes a view as Parquet files: compact, typed, quick to read again. The best choice for data that other jobs use."""

    format: ClassVar[str] = "parquet"
    example: ClassVar[dict[str, Any]] = {
        "type": "ParquetLoad",
        "name": "save",
        "inputView": "daily_delays",
        "outputURI": "curated/daily_delays",
    }

    type: Literal["ParquetLoad"] = "ParquetLoad"

    def reader(self) -> dict[str, Any]:
        return {"type": "ParquetExtract"}

    def columns_without_rows(self) -> str | None:
        return "typed"

    def as_what_is_there(self, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
        from executor.stages.appending import as_parquet

        return as_parquet(self, context, frame, files)

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.writing import write_files

        write_files(self, context, lambda _, writer, path: writer.parquet(path), prepared=lambda frame: _told(frame, context))


def _told(frame: DataFrame, context: StageContext) -> DataFrame:
    """`frame`; intervals, of which other programs see only a whole number, are told."""
    names = [field.name for field in frame.schema.fields if "interval" in field.dataType.simpleString()]
    if names:
        listed = ", ".join(f"“{name}”" for name in names)
        words = f"Programs other than Spark read intervals in Parquet as whole numbers of microseconds or months: {listed}."
        fix = "Write what is meant as a number, for instance timestampdiff(SECOND, …, …), or as text."
        context.warn(Problem(code="interval-as-number", field="inputView", message=words, found=listed, fix=fix))
    return frame
