from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.stages.base import StageContext
from executor.stages.kinds import Transform, WithSQL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SQLTransform(WithSQL, Transform):
    """Makes a view with one SQL query over the views of earlier stages: choose, join, count, reshape."""

    icon: ClassVar[str] = "code"
    sentence: ClassVar[str] = "Makes {outputView} with a query."
    example: ClassVar[dict[str, Any]] = {
        "type": "SQLTransform",
        "name": "flights_by_origin",
        "sql": "SELECT origin, count(*) AS flights\nFROM flights\nGROUP BY origin",
        "outputView": "flights_by_origin",
    }

    type: Literal["SQLTransform"] = "SQLTransform"

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        self.make_view(self.query(context), context)
