"""SQL Server has nothing that keeps a query from changing rows: none is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.connections.sqlserver import SQLServer
from executor.databases import ENGINES
from executor.databases.engine import AS_IT_IS, Column
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

SHOP = {"kind": "sqlserver", "settings": SQLServer.example, "secrets": SQLServer.example_secrets}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"sql": "SELECT 1 AS a) q; DELETE FROM orders; --"}, "sql"),
        ({"tableName": "orders", "predicates": ["1 = 1); DROP TABLE a; --"]}, "predicates"),
    ],
)
def test_a_text_of_ones_own_is_not_sent_there(spark_process: SparkProcess, tmp_path: Path, asked: dict[str, Any], field: str) -> None:
    read = {"type": "JDBCExtract", "name": "read", "connection": "shop", "outputView": "rows", **asked}
    outcome = run_here(spark_process, [read], tmp_path, connections={"shop": SHOP})
    assert (outcome.problem["code"], outcome.problem["field"]) == ("database-query-refused", field)


def test_days_are_asked_for_as_text() -> None:
    """Java's old dates, as which a driver gives them, have no 10th of October 1582."""
    engine = ENGINES["sqlserver"]
    assert engine.read(Column("d", "date")).as_type == "DATE" and engine.read(Column("n", "tinyint")) == AS_IT_IS
