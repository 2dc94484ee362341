from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.stages.base import StageContext
from executor.stages.kinds import Execute, WithSQL, tell_unused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class LogExecute(WithSQL, Execute):
    """Writes one line into the run's log: the text that a query answers with. It never stops a run by what it says."""

    icon: ClassVar[str] = "message"
    sentence: ClassVar[str] = "Writes a line into the log."
    example: ClassVar[dict[str, Any]] = {
        "type": "LogExecute",
        "name": "say_how_many",
        "sql": "SELECT concat(count(*), ' days are ready') AS message\nFROM daily_delays",
    }

    type: Literal["LogExecute"] = "LogExecute"

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.one_row import only_row, parsed_message

        tell_unused(self, context)
        (message,) = only_row(self.type, self.query(context), {"message": "string"})
        context.detail(message=parsed_message(message))
        context.log(message)
