"""TPC-H, scale factor 1: all tables and the 22 queries as one job, beside the same SQL in a PySpark script; in a folder, and on S3."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import programs, s3_server
from bench.figures import Figure, Say, side_by_side, whole
from bench.peer_tpch import TABLES, queries
from bench.programs import Moments, Reached

COMPUTE = {"cores": 2, "memory_mb": 3072, "shuffle_partitions": 4}
RAW, OURS, THEIRS = "raw/tpch", "curated/tpch", "peer/tpch"
GOAL = "≤ 1.03×"


def job() -> dict[str, Any]:
    """Every table extracted, every query a stage, every result loaded."""
    read = [{"type": "ParquetExtract", "name": f"read_{one}", "inputURI": f"{RAW}/{one}.parquet", "outputView": one} for one in TABLES]
    made: list[dict[str, Any]] = []
    for name, sql in queries().items():
        made.append({"type": "SQLTransform", "name": name, "sql": sql, "outputView": name})
        made.append(
            {"type": "ParquetLoad", "name": f"save_{name}", "inputView": name, "outputURI": f"{OURS}/{name}", "saveMode": "Overwrite"}
        )
    return {"stages": [*read, *made]}


def tables(lake: Path) -> Path:
    """All tables as Parquet, some 350 MB; made once."""
    folder = lake / RAW
    if not (folder / "lineitem.parquet").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        program = Path(sys.executable).with_name("tpchgen-cli")
        subprocess.run([program, "parquet", "--scale-factor", "1", "--output-dir", folder, "--quiet"], check=True)
    return folder


def in_a_folder(lake: Path, turns: int, say: Say) -> list[Figure]:
    say("TPC-H, scale factor 1, in a folder: one job of 52 stages, and a PySpark script of the same SQL")
    raw = tables(lake)

    def ours() -> Moments:
        programs.cleared(lake / OURS)
        return programs.our_run(job(), lake, COMPUTE)

    def peer() -> Moments:
        programs.cleared(lake / THEIRS)
        return programs.peer_run("tpch", raw, lake / THEIRS, compute=COMPUTE)

    mine, others = side_by_side(turns, ours, peer, say)
    require_same(lake / OURS, lake / THEIRS)
    programs.cleared(lake / OURS, lake / THEIRS)
    return [whole("TPC-H SF 1, folder, process start to end", "PySpark script", GOAL, mine, others, stages=mine[-1].stages)]


def on_s3(lake: Path, turns: int, say: Say) -> list[Figure]:
    say("TPC-H, scale factor 1, on S3: the same document, the same script")
    raw, jars = tables(lake), s3_server.jars_for_spark(say)
    with s3_server.running(say) as server:
        bucket = server.new_bucket()
        for table in sorted(raw.iterdir()):
            server.client.upload_file(str(table), bucket, f"{RAW}/{table.name}")
        reached = Reached(
            {"store": server.connection()},
            {"lake": {"connection": "store", "address": f"s3a://{bucket}/", "may_write": True}},
            [server.port],
        )

        def ours() -> Moments:
            server.clear(bucket, OURS)  # else the outputs of earlier turns are kept
            return programs.our_run(job(), lake, COMPUTE, reached)

        def peer() -> Moments:
            server.clear(bucket, THEIRS)
            places = f"s3a://{bucket}/{RAW}", f"s3a://{bucket}/{THEIRS}"
            return programs.peer_run("tpch", *places, compute=COMPUTE, jars=jars, settings=server.spark_settings())

        mine, others = side_by_side(turns, ours, peer, say)
        results = lake / "from-s3"
        for part in (OURS, THEIRS):
            server.fetch(bucket, part, results)
        require_same(results / OURS, results / THEIRS)
        programs.cleared(results)
    what = f"TPC-H SF 1, S3 ({server.title}), process start to end"
    return [whole(what, "PySpark script", GOAL, mine, others, stages=mine[-1].stages)]


def require_same(ours: Path, theirs: Path) -> None:
    """Both have written the same rows of each query, or the comparison means nothing. Raises RuntimeError."""
    import pyarrow.parquet as pq

    for name in queries():
        files = [sorted(folder.rglob("*.parquet")) for folder in (ours / name, theirs / name)]
        rows = [sorted((tuple(row.values()) for file in found for row in pq.read_table(file).to_pylist()), key=repr) for found in files]
        if not rows[1] or rows[0] != rows[1]:
            raise RuntimeError(f"{name}: {len(rows[0])} rows of ours are not the {len(rows[1])} rows of the script")
