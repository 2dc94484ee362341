from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.stages.base import StageContext
from executor.stages.file_kinds import FileExtract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class ParquetExtract(FileExtract):
    """Reads Parquet files, such as those that a ParquetLoad wrote. The columns keep their names and types."""

    example: ClassVar[dict[str, Any]] = {
        "type": "ParquetExtract",
        "name": "daily_delays",
        "inputURI": "curated/daily_delays",
        "outputView": "daily_delays",
    }

    type: Literal["ParquetExtract"] = "ParquetExtract"
    input_uri: str = Field(
        alias="inputURI",
        title="File",
        description="The file or folder to read, for instance curated/daily_delays. * stands for any text in a name.",
        json_schema_extra={"widget": "uri"},
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.files.inputs import check_parquet
        from executor.stages.reading import read_files

        frame = read_files(self, spark, context, _read, sample=check_parquet)
        self.make_view(frame, context)
        if not (self.persist or context.is_sampled):
            # The files say at their ends how many rows they hold, so that counting reads no row. What is kept in memory is counted already.
            context.rows("out", frame.count(), self.output_view)


def _read(spark: SparkSession, path: str, options: dict[str, str]) -> DataFrame:
    return spark.read.options(mergeSchema="true", **options).parquet(path)
