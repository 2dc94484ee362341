from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.connections.base import DATABASE
from executor.plain import counted
from executor.problems import Problem
from executor.stages.base import ACTS, StageContext
from executor.stages.database_kinds import OfDatabase, WithDatabaseSQL
from executor.stages.kinds import ConnectionName, Execute, connection_field, stage_field, tell_unused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class JDBCExecute(OfDatabase, WithDatabaseSQL, Execute):
    """Says something to a database in its own SQL: make a table, delete rows, call a procedure. It is done when its turn comes, and nothing
    that goes wrong later takes it back; but in a SQLite file it is done in a copy, and seen when the run publishes."""

    sentence: ClassVar[str] = "Says something to {connection}."
    example: ClassVar[dict[str, Any]] = {
        "type": "JDBCExecute",
        "name": "forget_old_orders",
        "connection": "shop",
        "sql": "DELETE FROM orders\nWHERE day < '2014-01-01'",
    }

    type: Literal["JDBCExecute"] = "JDBCExecute"
    connection: ConnectionName = connection_field(ACTS, DATABASE, "The database it speaks to, by the name it has in each environment.")
    transaction: bool = stage_field(
        "transaction",
        "All or nothing",
        "On: what it changes is seen at once, or not at all. Off: for what databases do outside of transactions only, such as VACUUM.",
        "switch",
        default=True,
        advanced=True,
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.sql is None and not self.input_uri:
            found.append(Problem(code="one-of", field="sql", message="There is no SQL.", expected="a statement", fix="Write it."))
        return found

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.database_reading import text_of, way_to

        tell_unused(self, context)
        way = way_to(context, spark, self.connection, acts=True)
        text = text_of(self, context)
        session = way.open(way.engine.begin_writing(), reads=False)
        if self.transaction:
            session.begin()
        changed = session.execute(text)
        if self.transaction:
            session.commit()
        context.detail(rows_changed=changed)
        context.log(
            f"{counted(changed, 'row was', 'rows were')} changed in “{self.connection}”." if changed else f"Done in “{self.connection}”."
        )
        way.close()
