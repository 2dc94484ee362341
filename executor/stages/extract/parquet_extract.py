from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.stages.base import READS, StageContext
from executor.stages.file_kinds import FileExtract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.files.columns import Columns
    from executor.files.folder import Place


class ParquetExtract(FileExtract):
    """Reads Parquet files, such as those that a ParquetLoad wrote. The columns keep their names and types; times of day become text,
    shapes (geometry, geography) their bytes (WKB)."""

    example: ClassVar[dict[str, Any]] = {
        "type": "ParquetExtract",
        "name": "daily_delays",
        "inputURI": "curated/daily_delays",
        "outputView": "daily_delays",
    }
    reads_parts: ClassVar[bool] = True

    type: Literal["ParquetExtract"] = "ParquetExtract"
    input_uri: str = Field(
        alias="inputURI",
        title="File",
        description="The file or folder to read, for instance curated/daily_delays. * stands for any text in a name.",
        json_schema_extra={"widget": "uri", "does": READS},
    )
    unreadable_columns: Literal["stop", "leave-out"] = Field(
        default="stop",
        alias="unreadableColumns",
        title="Columns that cannot be read",
        description="Spark has no values for a few types, such as decimals of more than 38 digits. stop: the run stops and names them. "
        "leave-out: the other columns are read, and the run says which were left out.",
        json_schema_extra={"widget": "choice", "advanced": True},
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.parquet_frame import frame_of

        frame, rows = frame_of(self, spark, context)
        self.make_view(frame, context)
        if rows is not None and not (self.persist or context.is_sampled):
            # The files say at their ends how many rows they hold. What is kept in memory is counted already.
            context.rows("out", rows, self.output_view)

    def columns_of(self, place: Place) -> Columns:
        from executor.look.footers import columns_by_footers

        return columns_by_footers(place)
