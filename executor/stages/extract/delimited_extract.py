from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.stages.base import StageContext
from executor.stages.file_kinds import Delimited, FileOrViewExtract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class DelimitedExtract(Delimited, FileOrViewExtract):
    """Reads text files with one row per line and a sign between the values (CSV). All columns are text; type them with TypingTransform."""

    example: ClassVar[dict[str, Any]] = {
        "type": "DelimitedExtract",
        "name": "flights",
        "inputURI": "raw/flights.csv",
        "header": True,
        "outputView": "flights",
    }

    type: Literal["DelimitedExtract"] = "DelimitedExtract"
    multi_line: bool = Field(
        default=False,
        alias="multiLine",
        title="Line breaks in values",
        description="On: a value in quotes may go over several lines. Large files are then read by one task.",
        json_schema_extra={"widget": "switch", "advanced": True},
    )
    escape: str = Field(
        default="\\",
        alias="escape",
        title="Escape sign",
        description="The sign that takes the next sign as it stands.",
        max_length=1,
        json_schema_extra={"widget": "text", "advanced": True},
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.reading import read_files, read_view

        if self.input_view:
            frame = read_view(self, context, lambda lines: spark.read.options(**self._options()).csv(lines))
        else:
            frame = read_files(self, spark, context, self._read, sample=self._check)
        self.make_view(frame, context)

    def _options(self) -> dict[str, str]:
        return self.format_options() | {"escape": self.escape or "\x00", "inferSchema": "false", "multiLine": str(self.multi_line).lower()}

    def _read(self, spark: SparkSession, path: str, options: dict[str, str]) -> DataFrame:
        """A row of another width than the first stops the reading; it is found in every row as long as no column is skipped."""
        strict = {"mode": "FAILFAST", "columnPruning": "false"}
        return spark.read.options(**self._options(), **strict, **options).csv(path)

    def _check(self, files: list[Any], uri: str) -> None:
        from executor.files.delimited import TextRules, check_widths
        from executor.files.inputs import check_text_files

        check_text_files(files, uri, binary_reader="DelimitedExtract")
        options = self.format_options()
        rules = TextRules(options["sep"], options["quote"], self.header, self.multi_line)
        for file in files[:20]:
            check_widths(file, uri, rules)
