"""Which tables lie behind a connection, for whoever names one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from executor.connections.base import DATABASE
from executor.document.places import connections_as_written
from executor.event_writer import EventWriter
from executor.problems import Problem, ProblemError
from executor.running.context import RunContext
from executor.running.reach import Reach
from executor.stages.base import READS
from executor.stages.database_reading import way_to

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def tables_behind(
    spark: SparkSession, document: Mapping[str, Any], environment: str | None, values: Mapping[str, Any], reach: Reach, emit: EventWriter
) -> list[str]:
    """The tables and views that one may read there, as documents write them, 1,000 at most: of the first connection that the document, in
    which the rest may be wrong, reads from. Raises ProblemError."""
    named = [one for one in connections_as_written(document, environment or "dev", values) if one.does == READS]
    if not named:
        raise ProblemError(Problem(code="request-wrong", field="connection", message="Choose a connection first.", expected="its name"))
    name = named[0].uri
    reach.connections.named(name, "connection", DATABASE)
    with closing(RunContext(spark, emit, environment=environment, reach=reach)) as context:
        return way_to(context, spark, name).tables()
