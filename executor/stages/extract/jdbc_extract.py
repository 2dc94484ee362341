from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.connections.base import DATABASE
from executor.databases.engine import table_problems
from executor.problems import Problem
from executor.stages.base import DECIDES, READS, StageContext
from executor.stages.database_kinds import OfDatabase, WithDatabaseSQL
from executor.stages.file_kinds import one_of
from executor.stages.kinds import ConnectionName, Extract, ViewName, connection_field, stage_field, tell_unused

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOST_PARTS = 64
"""Connections at once."""
METADATA = "columns come from the database with their types; a schema would change nothing"


class JDBCExtract(OfDatabase, WithDatabaseSQL, Extract):
    """Reads a table of a database, or what a query in the database's own SQL answers. It only reads, and every value as it is: what Spark
    cannot hold stops the run and is named."""

    sentence: ClassVar[str] = "Reads {connection} as {outputView}."
    example: ClassVar[dict[str, Any]] = {
        "type": "JDBCExtract",
        "name": "orders",
        "connection": "shop",
        "tableName": "orders",
        "outputView": "orders",
    }

    type: Literal["JDBCExtract"] = "JDBCExtract"
    connection: ConnectionName = connection_field(READS, DATABASE, "The database it reads from, by the name it has in each environment.")
    table_name: str | None = stage_field(
        "tableName", "Table", "A table or view, such as orders or shop.orders, instead of SQL.", "table", default=None, max_length=400
    )
    partition_column: str | None = stage_field(
        "partitionColumn",
        "Read in parts by",
        "A column of numbers, days or moments: as many parts as “Partitions” says are read at once, each over its own connection.",
        "text",
        default=None,
        advanced=True,
        max_length=200,
    )
    num_partitions: int | None = stage_field(
        "numPartitions",
        "Partitions",
        f"Into how many parts Spark splits the rows; with “Read in parts by”, how many are read at once, at most {MOST_PARTS}.",
        "number",
        default=None,
        advanced=True,
        ge=1,
        le=100_000,
    )
    watermark_column: str | None = stage_field(
        "watermarkColumn",
        "Only what is new by",
        "A column that only grows, such as a number or the moment of a change: each run reads the rows above the highest value that the "
        "last published run has read. Rows without a value, or with a lower one that come later, are not read. So loads behind it append "
        "or merge: to replace all rows would leave these alone.",
        "text",
        default=None,
        max_length=200,
    )
    predicates: list[str] = stage_field(
        "predicates",
        "Conditions",
        "Conditions in the database's SQL: the rows of each are a part of their own. A row for which two of them hold is an error.",
        "list",
        default=[],
        advanced=True,
        max_length=MOST_PARTS,
    )
    fetchsize: int | None = stage_field(
        "fetchsize",
        "Rows at a time",
        "How many rows the driver gets from the database at a time.",
        "number",
        default=None,
        advanced=True,
        ge=1,
        le=1_000_000,
    )
    contiguous_index: bool = stage_field(
        "contiguousIndex", "Number the rows", "Rows of a database have no number.", "switch", default=True, advanced=True,
        marks={"unused": "rows of a database have no number"},
    )  # fmt: skip
    schema_uri: str | None = stage_field(
        "schemaURI",
        "Schema",
        "Arc's description of columns.",
        "uri",
        default=None,
        advanced=True,
        marks={"does": DECIDES, "unused": METADATA},
    )
    schema_view: ViewName | None = stage_field(
        "schemaView", "Schema view", "The same as rows of a view.", "text", default=None, advanced=True, marks={"unused": METADATA}
    )

    @classmethod
    def foreign_problems(cls, words: Mapping[str, Any]) -> list[Problem]:
        return super().foreign_problems(words) or table_problems(words.get("tableName"))

    def asks(self) -> object:
        if not self.watermark_column:
            return None
        query = self.table_name, self.sql, self.input_uri, sorted(self.sql_params.items())
        return self.connection, query, self.watermark_column.casefold(), self.predicates

    def problems(self) -> list[Problem]:
        found = super().problems()
        given = [name for name, value in (("tableName", self.table_name), ("sql", self.sql), ("inputURI", self.input_uri)) if value]
        if not given:
            words = "It is not said what to read."
            found.append(
                Problem(code="one-of", field="tableName", message=words, expected="a table or SQL", fix="Name a table, or write SQL.")
            )
        if len(given) > 1:
            found.append(one_of(given))
        if self.partition_column and self.predicates:
            found.append(one_of(["partitionColumn", "predicates"]))
        if self.partition_column and (self.num_partitions or 0) > MOST_PARTS:
            found.append(
                Problem(
                    code="too-many-parts",
                    field="numPartitions",
                    message="Each part is a connection of its own.",
                    found=str(self.num_partitions),
                    expected=f"at most {MOST_PARTS}",
                    fix="Read fewer parts at once.",
                )
            )
        return found

    def make_view(self, frame: DataFrame, context: StageContext) -> None:
        if not self.partition_column or self.partition_by:
            super().make_view(frame, context)
            return
        tell_unused(self, context)
        context.register(self.output_view, frame, persist=self.persist)

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.database_reading import frame_of

        self.make_view(frame_of(self, spark, context), context)
