"""The peer: rows between Parquet files and a table of a database, as a plain PySpark script.

    spark-submit … bench/peer_jdbc.py read|write|append URL DRIVER TABLE FILES
With "rows" behind FILES that many rows are made as Parquet files.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

FETCHED = {"fetchsize": "2000"}
"""The driver of PostgreSQL holds all rows in memory else; with it plain Spark is at its quickest."""


def main(what: str, url: str, driver: str, table: str, files: str, *rows: str) -> None:
    spark = SparkSession.builder.appName("jdbc").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    print("first stage", flush=True)
    options = {"url": url, "driver": driver, "dbtable": table} | FETCHED
    if rows:
        spark.range(0, int(rows[0]), 1, 2).selectExpr(*values()).write.parquet(files)
    elif what == "read":
        spark.read.format("jdbc").options(**options).load().write.mode("overwrite").parquet(files)
    else:
        mode = "append" if what == "append" else "overwrite"
        spark.read.parquet(files).write.format("jdbc").options(**options).mode(mode).save()
    spark.stop()


def values() -> list[str]:
    """Ten columns of the usual types."""
    return [
        "id",
        "CAST(hash(id) & 1023 AS INT) AS quantity",
        "CAST((hash(id, 1) & 1048575) / 100 AS DECIMAL(12,2)) AS price",
        "(xxhash64(id) & 1048575) / 7.0D AS weight",
        "concat('customer ', hex(hash(id, 2))) AS customer",
        "concat('a note about the order ', hex(xxhash64(id, 3))) AS note",
        "element_at(array('new', 'paid', 'sent', 'back'), CAST(id % 4 + 1 AS INT)) AS state",
        "date_add(DATE '2020-01-01', CAST(id % 1000 AS INT)) AS day",
        "timestamp_seconds(1600000000 + id * 37) AS moment",
        "id % 3 = 0 AS is_gift",
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
