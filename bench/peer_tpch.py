"""The peer: the 22 queries of TPC-H as a plain PySpark script, with the SQL of bench/tpch.sql.

    spark-submit … bench/peer_tpch.py TABLES RESULTS
Both are addresses of folders; each result is written as Parquet.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pyspark.sql import SparkSession

TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")


def queries() -> dict[str, str]:
    """Name → SQL."""
    parts = re.split(r"(?m)^-- (q\d\d)\n", Path(__file__).with_name("tpch.sql").read_text(encoding="utf-8"))
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


def main(tables: str, results: str) -> None:
    spark = SparkSession.builder.appName("tpch").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    print("first stage", flush=True)
    for table in TABLES:
        spark.read.parquet(f"{tables}/{table}.parquet").createOrReplaceTempView(table)
    for name, sql in queries().items():
        spark.sql(sql).write.mode("overwrite").parquet(f"{results}/{name}")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
