from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.stages.base import StageContext
from executor.stages.kinds import Load, tell_unused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = 20


class ConsoleLoad(Load):
    """Shows the first rows of a view in the run's log. Good for a look while a job is being made; it writes no files."""

    icon: ClassVar[str] = "terminal"
    sentence: ClassVar[str] = "Shows the first rows of {inputView} in the log."
    format: ClassVar[str] = "console"
    example: ClassVar[dict[str, Any]] = {"type": "ConsoleLoad", "name": "show", "inputView": "daily_delays"}

    type: Literal["ConsoleLoad"] = "ConsoleLoad"
    output_mode: Literal["Append", "Complete", "Update"] = Field(
        default="Append",
        alias="outputMode",
        title="What is shown of endless input",
        description="Append: new rows. Complete: all rows again. Update: changed rows.",
        json_schema_extra={
            "widget": "choice",
            "advanced": True,
            "unused": "the mode is for endless (streaming) input; this job shows the rows once",
        },
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.showing import table_lines

        tell_unused(self, context)
        for line in table_lines(context.view(self.input_view), ROWS):
            context.log(line)
