"""Work that means nothing, done while nobody waits: it loads and compiles what nearly every job needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

VIEW = "sluice_warm_up"


def warm_up_queries(spark: Any) -> None:
    """A small query: enough for a preview session, which its person may use any moment."""
    spark.range(100).selectExpr("id % 7 AS a", "cast(id AS string) AS b").groupBy("a").count().orderBy("a").limit(5).collect()


def warm_up_job(spark: Any, scratch: Path, is_enough: Callable[[], bool] = lambda: False) -> None:
    """Reads and writes each format, joins, groups, sorts and windows. Leaves no view and no setting behind, only files below `scratch`.
    `is_enough` is asked between the steps: whoever waits is worth more than a warmer start."""
    (scratch / "warm_up.csv").write_text("origin,delay,day\nJFK,12,2013-01-01\nEWR,,2013-01-02\n")
    frame = spark.read.csv(str(scratch / "warm_up.csv"), header=True)
    frame.createOrReplaceTempView(VIEW)
    steps: list[Callable[[], None]] = [partial(_query, spark)]
    steps += [partial(_write_and_read, frame, scratch, form) for form in ("parquet", "json", "csv")]
    steps.append(_import_parquet)
    try:
        for step in steps:
            if is_enough():
                return
            step()
    finally:
        spark.catalog.dropTempView(VIEW)


def _import_parquet() -> None:
    """What reads the footers of Parquet files takes a third of a second to load."""
    import pyarrow.parquet  # noqa: F401


def _query(spark: Any) -> None:
    from executor.gate.sql_gate import Gate

    sql = (
        f"WITH d AS (SELECT origin, CAST(delay AS INT) delay, to_date(day) day FROM {VIEW}) "  # noqa: S608 - our own words
        "SELECT day, a.origin, count(*) n, avg(a.delay) mean, "
        "round(max(b.delay), 2) worst, row_number() OVER (PARTITION BY day ORDER BY a.origin) r FROM d a LEFT JOIN d b USING (day) "
        "WHERE a.delay IS NULL OR upper(a.origin) LIKE '%K' GROUP BY day, a.origin ORDER BY day LIMIT 10"
    )
    Gate(spark).check(sql, [VIEW])
    spark.sql(sql).collect()


def _write_and_read(frame: Any, scratch: Path, form: str) -> None:
    frame.write.format(form).save(str(scratch / f"warm_up_{form}"))
    frame.sparkSession.read.format(form).load(str(scratch / f"warm_up_{form}")).count()
