from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.file_kinds import FileOrViewExtract

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
            parse = spark.read.options(multiLine="false").json
            frame = read_view(self, context, lambda lines: self._with_some_json(parse(lines)))
        else:
            columns = stage_schema(self, context)
            read = partial(self._read, schema=spark_schema(columns) if columns else None)
            frame = read_files(self, spark, context, read, sample=self._check)
        if CORRUPT in frame.columns:
            context.warn(self._not_all_json())
        self.make_view(frame, context)

    def _read(self, spark: SparkSession, path: str, options: dict[str, str], schema: StructType | None) -> DataFrame:
        reader = spark.read.options(multiLine=str(self.multi_line).lower(), **options)
        return self._with_some_json((reader.schema(schema) if schema else reader).json(path))

    def _check(self, files: list[Any], uri: str) -> None:
        from executor.files.inputs import check_one_document, check_text_files

        check_text_files(files, uri, binary_reader=self.type)
        if self.multi_line:
            check_one_document(files, uri)

    def _with_some_json(self, frame: DataFrame) -> DataFrame:
        """Records that are not JSON are kept in a column of their own; nothing but such records is an error."""
        if frame.columns != [CORRUPT]:
            return frame
        source = self.input_uri or self.input_view
        fix = "Check the data; for one object per line turn “One document per file” (multiLine) off."
        if not self.multi_line:
            fix = "Check the data; for one document over several lines turn “One document per file” (multiLine) on."
        raise ProblemError(
            Problem(code="input-format", field="inputURI", message=f"{source}: No record in it is JSON.", expected="JSON", fix=fix)
        )

    def _not_all_json(self) -> Problem:
        return Problem(
            code="input-records",
            field="inputURI",
            message=f"{self.input_uri or self.input_view}: Some records are not JSON. They are kept as text in the column {CORRUPT}.",
            fix=f"Look at the rows where {CORRUPT} is not null.",
        )
