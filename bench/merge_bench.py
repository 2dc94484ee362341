"""A Delta table of 10,000,000 rows gets 500,000 changed and 100,000 new ones: MergeLoad beside the same MERGE in a plain PySpark script."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from bench import programs
from bench.figures import Figure, Say, side_by_side, whole
from bench.programs import Moments

COMPUTE = {"cores": 2, "memory_mb": 3072, "shuffle_partitions": 4}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
ROWS, CHANGED, NEW = 10_000_000, 500_000, 100_000
TABLE, CHANGES, OURS, THEIRS = "raw/merge/table", "raw/merge/changes.parquet", "curated/merge", "peer/merge"


def merge(lake: Path, turns: int, say: Say) -> list[Figure]:
    say(f"a Delta table of {ROWS:,} rows gets {CHANGED:,} changed and {NEW:,} new ones: MergeLoad, and MERGE in a PySpark script")
    prepare(lake)

    def ours() -> Moments:
        fresh_table(lake, OURS)
        return programs.our_run(job(), lake, COMPUTE)

    def peer() -> Moments:
        fresh_table(lake, THEIRS)
        places = lake / THEIRS, lake / CHANGES
        return programs.peer_run("merge", *places, compute=COMPUTE, jars=programs.jars_for("delta"), settings=DELTA)

    mine, others = side_by_side(turns, ours, peer, say)
    require_same(lake)
    programs.cleared(lake / OURS, lake / THEIRS, lake / "raw" / "merge")
    return [
        whole("Delta merge into 10,000,000 rows, process start to end", "MERGE in PySpark", "≤ 1.05×", mine, others, stages=mine[-1].stages)
    ]


def job() -> dict[str, Any]:
    return {
        "stages": [
            {"type": "ParquetExtract", "name": "read", "inputURI": CHANGES, "outputView": "changes"},
            {"type": "MergeLoad", "name": "merge", "inputView": "changes", "outputURI": OURS, "keys": ["id"],
             "matched": "update", "notMatched": "insert"},
        ]
    }  # fmt: skip


def prepare(lake: Path) -> None:
    """The table as its first version, and the changes: an id, three numbers, a text, a day."""
    places = lake / TABLE, lake / CHANGES
    if not places[0].is_dir():
        programs.peer_run("merge", *places, "make", ROWS, CHANGED, NEW, compute=COMPUTE, jars=programs.jars_for("delta"), settings=DELTA)


def fresh_table(lake: Path, place: str) -> None:
    """The first version at a place, its files linked: no writer changes one."""
    programs.cleared(lake / place)
    (lake / place).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", str(lake / TABLE), str(lake / place)], check=True)


def require_same(lake: Path) -> None:
    """Both tables hold the same rows. Raises RuntimeError."""
    sums = [_sums(lake / place) for place in (OURS, THEIRS)]
    if sums[0] != sums[1] or sums[0][0] != ROWS + NEW:
        raise RuntimeError(f"our table is not the script's: {sums}")


def _sums(table: Path) -> tuple[Any, ...]:
    """Rows, and what each column adds up to, of the files that the table's log names."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from executor.files.delta_log import Log

    log = Log.of(table, "bench")
    found: list[Any] = [0] * 5
    for path, _ in log.state(is_ours=True).files:
        rows = pq.read_table(table / path)
        values = [rows.num_rows, *(pc.sum(rows[name]).as_py() for name in ("id", "a", "b", "c"))]
        found = [one + other for one, other in zip(found, values, strict=True)]
    return tuple(found)
