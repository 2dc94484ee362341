from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.stages.base import StageContext
from executor.stages.file_kinds import FileLoad

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class JSONLoad(FileLoad):
    """Writes a view as text files with one JSON object per line. A value that is null is left out of its object."""

    icon: ClassVar[str] = "file-code"
    example: ClassVar[dict[str, Any]] = {
        "type": "JSONLoad",
        "name": "save_json",
        "inputView": "daily_delays",
        "outputURI": "export/daily_delays_json",
    }

    type: Literal["JSONLoad"] = "JSONLoad"

    def reader(self) -> dict[str, Any]:
        return {"type": "JSONExtract", "multiLine": False}

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.writing import write_files

        write_files(self, context, lambda writer, path: writer.json(path))
