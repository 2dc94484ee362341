"""The NYC taxi job of examples/nyc-taxi: 7,623 rows of text, 20 typed columns, a check, 62 rows; from the start of the process to its end.

Arc 4.2 needed 12.9–14.3 s for it on a quiet machine; its jars are not published, so it does not run beside ours here. What runs beside
it is the same job by hand, which says how fast the machine is. The rows (green_tripdata_2013-08, public data of the city's TLC) come
from the file that SLUICE_TAXI_FILE names, packed or not.
"""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from bench import programs
from bench.executor_bench import same_rows
from bench.figures import Figure, Say, side_by_side, whole
from bench.programs import Moments

JOB = programs.ROOT / "examples" / "nyc-taxi" / "nyc_taxi.json"
TYPED, STORED = 7_623, 62
STORED_COLUMNS = ["vendor_id", "pickup_datetime", "dropoff_datetime", "trip_distance", "tip_amount", "total_amount", "payment_type"]


def taxi(lake: Path, turns: int, say: Say) -> list[Figure]:
    """Nothing where the rows are not there."""
    source = rows_file()
    if source is None:
        say("the NYC taxi job: left out, as its rows are not here (SLUICE_TAXI_FILE names their file)")
        return []
    say("the NYC taxi job, from the start of the process to its end")
    own = lake.with_name("taxi")
    (own / "raw").mkdir(parents=True)
    text = source.read_bytes()
    (own / "raw" / "green_tripdata_2013-08.csv").write_bytes(gzip.decompress(text) if source.suffix == ".gz" else text)
    job = programs.document(JOB)

    def ours() -> Moments:
        return programs.our_run(job, own)

    def peer() -> Moments:
        return programs.peer_run("nyc_taxi", own)

    require_right(ours())
    peer()  # once unmeasured: files in the page cache
    mine, others = side_by_side(turns, ours, peer, say)
    same_rows(own, "green_trips_stored", STORED_COLUMNS)
    shutil.rmtree(own)
    return [whole("NYC taxi job, process start to end", "spark-submit", "≤ 7.5 s (Arc 4.2: 13.3 s)", mine, others, stages=mine[-1].stages)]


def rows_file() -> Path | None:
    named = os.environ.get("SLUICE_TAXI_FILE")
    return Path(named) if named and Path(named).is_file() else None


def require_right(run: Moments) -> None:
    """Raises RuntimeError."""
    rows = {one["stage"]: one["rows"] for one in run.said if one["event"] == "stage_rows"}
    if (rows.get("type_trips"), rows.get("stored_and_sent_later")) != (TYPED, STORED):
        raise RuntimeError(f"{TYPED:,} rows and {STORED} of them were expected: {rows}")
