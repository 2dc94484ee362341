from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.connections.base import DATABASE
from executor.databases.engine import table_problems
from executor.problems import Problem
from executor.stages.base import WRITES, StageContext
from executor.stages.database_kinds import OfDatabase
from executor.stages.kinds import ConnectionName, Load, NeedsAll, by_save_mode, connection_field, stage_field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

IN_ONE_STEP = "rows are replaced in one transaction, so that whoever reads sees the old ones or the new"


class JDBCLoad(OfDatabase, Load):
    """Writes a view into a table of a database. The rows wait in a table of their own until the run publishes; then they get into the table
    in one transaction: whoever reads sees all of them or none, and a run that fails or is killed changes nothing."""

    sentence: ClassVar[str] = "Writes {inputView} to {tableName} in {connection}."
    format: ClassVar[str] = "table"
    example: ClassVar[dict[str, Any]] = {
        "type": "JDBCLoad",
        "name": "save_to_shop",
        "connection": "shop",
        "inputView": "daily_delays",
        "tableName": "daily_delays",
    }

    type: Literal["JDBCLoad"] = "JDBCLoad"
    connection: ConnectionName = connection_field(WRITES, DATABASE, "The database it writes to, by the name it has in each environment.")
    table_name: str = stage_field(
        "tableName", "Table", "Such as daily_delays or shop.daily_delays. It is made where there is none.", "table", max_length=400
    )
    save_mode: Literal["Append", "ErrorIfExists", "Ignore", "Overwrite", "Merge"] = stage_field(
        "saveMode",
        "If rows are there",
        "Overwrite replaces all of them. Append adds. Merge replaces those with the same key and adds the others. ErrorIfExists stops the "
        "run, Ignore keeps what is there.",
        "choice",
        default="Overwrite",
    )
    merge_keys: list[str] = stage_field(
        "mergeKeys", "Key", "For Merge: the columns that tell which row is which.", "list", default=[], max_length=30
    )
    keep_before: bool = stage_field(
        "keepBefore",
        "Keep what was there",
        "So that it can be put back with one click, until the next publish. Overwrite then copies the rows that go into a table beside it; "
        "Append and Merge keep the rows that they add or change, and Append needs a primary key for it. It takes that room, and some time.",
        "switch",
        default=True,
        advanced=True,
    )
    batchsize: int = stage_field(
        "batchsize", "Rows at a time", "How many rows are sent at a time.", "number", default=1000, advanced=True, ge=1, le=100_000
    )
    num_partitions: int | None = stage_field(
        "numPartitions", "Connections", "How many connections write at once.", "number", default=None, advanced=True, ge=1, le=64
    )
    truncate: bool = stage_field(
        "truncate", "Truncate", "Empty the table before.", "switch", default=False, advanced=True, marks={"unused": IN_ONE_STEP}
    )
    isolation_level: str | None = stage_field(
        "isolationLevel", "Isolation", "What others may see.", "text", default=None, advanced=True, marks={"unused": IN_ONE_STEP}
    )
    create_table_options: str | None = stage_field(
        "createTableOptions", "Options of a new table", "What stands behind CREATE TABLE.", "text", default=None, advanced=True,
        marks={"unused": "make the table with a JDBCExecute where it needs more than columns"},
    )  # fmt: skip
    create_table_column_types: str | None = stage_field(
        "createTableColumnTypes", "Types of a new table", "Types of single columns.", "text", default=None, advanced=True,
        marks={"unused": "make the table with a JDBCExecute where its columns need other types"},
    )  # fmt: skip
    tablock: bool = stage_field(
        "tablock", "Lock the table", "While rows are written.", "switch", default=True, advanced=True, marks={"unused": IN_ONE_STEP}
    )

    @classmethod
    def foreign_problems(cls, words: Mapping[str, Any]) -> list[Problem]:
        return super().foreign_problems(words) or table_problems(words.get("tableName"))

    def problems(self) -> list[Problem]:
        found = super().problems()
        if (self.save_mode == "Merge") != bool(self.merge_keys):
            words = "Merge needs a key." if self.save_mode == "Merge" else "A key is for Merge only."
            found.append(
                Problem(code="merge-key", field="mergeKeys", message=words, fix="Name the columns of the key, or choose another way.")
            )
        return found

    def needs_all_rows(self) -> NeedsAll | None:
        return by_save_mode(self.save_mode, "Choose Append or Merge.")

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.database_writing import stage_rows

        stage_rows(self, spark, context)
