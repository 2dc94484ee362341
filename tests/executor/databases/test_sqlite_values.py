"""Any value may stand in any column of SQLite: what Spark's casts would take loosely is told, and nothing of it is cut off."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

AS_IT_IS = [
    ("DATE", "2024-02-29", "2024-02-29"), ("DATE", "2024-02-29 00:00:00.000", "2024-02-29"), ("DATE", "1582-10-10", "1582-10-10"),
    ("DATETIME", "2024-02-29 10:11:12.123456", "2024-02-29 10:11:12.123456"), ("DATETIME", "2024-02-29T10:11", "2024-02-29 10:11:00"),
    ("TIMESTAMP", "2024-02-29", "2024-02-29 00:00:00"), ("TIMESTAMP", "2024-02-29 10:11:12.1234560", "2024-02-29 10:11:12.123456"),
    ("DECIMAL(10,2)", 1.23, "1.23"), ("DECIMAL(10,2)", "1.5", "1.50"), ("DECIMAL(18,0)", 900719925474099301, "900719925474099301"),
    ("DECIMAL(10,2)", -0.1, "-0.10"), ("REAL", 0.1, "0.1"), ("DOUBLE", 1e300, "1.0E300"), ("REAL", 9e999, "Infinity"),
    ("BOOLEAN", 1, "true"), ("INTEGER", -9223372036854775808, "-9223372036854775808"), ("DATE", None, None), ("DECIMAL(9,1)", None, None),
]  # fmt: skip
REFUSED = [
    ("DATE", "2024-02-29 10:11:12"), ("DATE", "2024"), ("DATE", "2024-02"), ("DATE", "2024-02-29 later"), ("DATE", "2024-2-9T"),
    ("DATE", 1700000000), ("DATETIME", "2024-02-29T10:11:12Z"), ("DATETIME", "2024-02-29 10:11:12+02:00"), ("DATETIME", "2024"),
    ("TIMESTAMP", "2024-02-29 10:11:12.1234567"), ("TIMESTAMP", "2024-02-29 10:11:12 Europe/Berlin"),
    ("DECIMAL(10,2)", 1.239), ("DECIMAL(10,2)", "1.005"), ("DECIMAL(4,0)", 0.5), ("DECIMAL(4,2)", 12345), ("DECIMAL(10,2)", "n/a"),
    ("REAL", "12f"), ("REAL", "0x1p3"), ("DOUBLE", "1d"), ("INTEGER", 1.7), ("INTEGER", "1.0x"), ("BOOLEAN", 2), ("BOOLEAN", "maybe"),
]  # fmt: skip


def test_values_come_as_they_are_or_not_at_all(spark_process: SparkProcess, tmp_path: Path) -> None:
    columns = [*((kind, value) for kind, value, _ in AS_IT_IS), *REFUSED]
    with sqlite3.connect(tmp_path / "odd.db") as made:
        for number, (kind, value) in enumerate(columns):
            made.execute(f"CREATE TABLE t{number} (v {kind})")
            made.execute(f"INSERT INTO t{number} VALUES (?)", [value])
    made.close()
    reads = [read(number) for number in range(len(AS_IT_IS))]
    texts = [f"SELECT {number} AS n, CAST(v AS STRING) AS v FROM v{number}" for number in range(len(AS_IT_IS))]
    whole = {"type": "SQLTransform", "name": "all", "sql": " UNION ALL ".join(texts), "outputView": "whole"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "whole", "outputURI": "out"}
    outcome = run_here(spark_process, [*reads, whole, save], tmp_path, connections=CONNECTIONS)
    assert outcome.result.startswith("succeeded"), outcome.events[-2:]
    told = sorted(map(tuple, spark_process.session.read.parquet(str(tmp_path / "out")).collect()))
    assert [value for _, value in told] == [expected for _, _, expected in AS_IT_IS]
    taken = []
    for number, one in enumerate(REFUSED, len(AS_IT_IS)):
        outcome = run_here(spark_process, [read(number), save | {"inputView": f"v{number}"}], tmp_path, connections=CONNECTIONS)
        if outcome.result != "failed" or outcome.problem["code"] != "value-not-typed":
            taken.append((one, outcome.result))
    assert taken == []


CONNECTIONS = {"odd": {"kind": "sqlite", "settings": {"file": "odd.db"}, "secrets": {}}}


def read(number: int) -> dict[str, Any]:
    return {"type": "JDBCExtract", "name": f"read{number}", "connection": "odd", "tableName": f"t{number}", "outputView": f"v{number}"}
