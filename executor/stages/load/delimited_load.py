from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.stages.base import Stage, StageContext
from executor.stages.file_kinds import Delimited, FileLoad

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class DelimitedLoad(Delimited, FileLoad):
    """Writes a view as text files with one row per line and a sign between the values (CSV), for spreadsheets and other programs."""

    icon: ClassVar[str] = "file-type-csv"
    example: ClassVar[dict[str, Any]] = {
        "type": "DelimitedLoad",
        "name": "save_csv",
        "inputView": "daily_delays",
        "outputURI": "export/daily_delays_csv",
        "header": True,
        "numPartitions": 1,
    }

    type: Literal["DelimitedLoad"] = "DelimitedLoad"

    def reader(self) -> dict[str, Any]:
        return {"type": "DelimitedExtract"} | self.model_dump(by_alias=True, include=set(Delimited.model_fields) - set(Stage.model_fields))

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.writing import NESTED, write_files

        options = self.format_options()
        if self.quote == "None":
            options |= {"quote": "", "escapeQuotes": "false"}
        keep_blanks = {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}
        write_files(self, context, lambda writer, path: writer.options(**options, **keep_blanks).csv(path), unsupported=NESTED)
