from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.kinds import FileOrViewExtract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

CORRUPT = "_corrupt_record"


class JSONExtract(FileOrViewExtract):
    """Reads JSON: one document per file (an object, or a list of objects), or one object per line."""

    example: ClassVar[dict[str, Any]] = {
        "type": "JSONExtract",
        "name": "airports",
        "inputURI": "raw/airports.json",
        "multiLine": False,
        "outputView": "airports",
    }

    type: Literal["JSONExtract"] = "JSONExtract"
    multi_line: bool = Field(
        default=True,
        alias="multiLine",
        title="One document per file",
        description="Off: every line is a document of its own.",
        json_schema_extra={"widget": "switch"},
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.reading import read_files, read_view, spark_schema, stage_schema

        if self.input_view:
            frame = read_view(self, context, spark.read.options(multiLine="false").json)
        else:
            columns = stage_schema(self, context)
            read = partial(self._read, schema=spark_schema(columns) if columns else None)
            frame = read_files(self, spark, context, read, sample=self._check)
        self.make_view(self._judged(frame, context), context)

    def _read(self, spark: SparkSession, path: str, options: dict[str, str], schema: StructType | None) -> DataFrame:
        reader = spark.read.options(multiLine=str(self.multi_line).lower(), **options)
        return (reader.schema(schema) if schema else reader).json(path)

    def _check(self, files: list[Any], uri: str) -> None:
        from executor.inputs import check_text_files

        check_text_files(files, uri, binary_reader=self.type)

    def _judged(self, frame: DataFrame, context: StageContext) -> DataFrame:
        """Records that are not JSON are kept in a column of their own, which the run says; nothing but such records is an error."""
        source = self.input_uri or self.input_view
        if CORRUPT not in frame.columns:
            return frame
        if not [name for name in frame.columns if name != CORRUPT and not frame.schema[name].metadata.get("internal")]:
            fix = (
                "Turn “One document per file” on."
                if not self.multi_line
                else "Check the file; for one object per line turn “One document per file” off."
            )
            raise ProblemError(
                Problem(code="input-format", field="inputURI", message=f"{source}: No record in it is JSON.", expected="JSON", fix=fix)
            )
        context.warn(
            Problem(
                code="input-records",
                field="inputURI",
                message=f"{source}: Some records are not JSON. They are kept as text in the column {CORRUPT}.",
                fix=f"Look at the rows where {CORRUPT} is not null.",
            )
        )
        return frame
