"""The peer: one MERGE into a Delta table, as a plain PySpark script.

    spark-submit … bench/peer_merge.py TABLE CHANGES
`TABLE`: the table's folder; `CHANGES`: Parquet files. With "make ROWS CHANGED NEW" behind them, they are made.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

MERGE = """
MERGE INTO delta.`{table}` AS target USING changes AS source ON target.id = source.id
WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
"""


def main(table: str, changes: str, *make: str) -> None:
    spark = SparkSession.builder.appName("merge").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    print("first stage", flush=True)
    if make:
        write(spark, table, changes, *map(int, make[1:]))
    else:
        spark.read.parquet(changes).createOrReplaceTempView("changes")
        spark.sql(MERGE.format(table=table))
    spark.stop()


def write(spark: SparkSession, table: str, changes: str, rows: int, changed: int, new: int) -> None:
    """A table in ten files, and changes of rows in all of them, with new rows behind."""
    spark.range(0, rows, 1, 10).selectExpr(*values("id", 1)).write.format("delta").save(table)
    ids = f"IF(id < {changed}, id * {rows // changed}, {rows} + id - {changed})"
    spark.range(0, changed + new, 1, 2).selectExpr(*values(ids, 2)).write.parquet(changes)


def values(ids: str, seed: int) -> list[str]:
    """An id, three numbers, a text, a day."""
    return [
        f"{ids} AS id",
        f"(hash({ids}, {seed}) & 1023) AS a",
        f"(xxhash64({ids}, {seed}) & 1048575) AS b",
        f"CAST((hash({ids}, {seed}) & 65535) / 100 AS DECIMAL(12,2)) AS c",
        f"concat('note ', hex(xxhash64({ids}, {seed}))) AS note",
        f"date_add(DATE '2020-01-01', CAST(({ids}) % 1000 AS INT)) AS day",
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
