"""The NYC taxi job of examples/nyc-taxi: 7,623 rows of text, 20 typed columns, a check, 62 rows; from the start of the process to its end.

Arc 4.2 needed 12.9–14.3 s for it on a quiet machine of this kind; its jars are not published, so it does not run beside ours here. The
rows (green_tripdata_2013-08, public data of the city's TLC) come from the file that SLUICE_TAXI_FILE names, packed or not.
"""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from bench import programs
from bench.figures import Figure, Say, whole
from bench.programs import Moments

JOB = programs.ROOT / "examples" / "nyc-taxi" / "nyc_taxi.json"
TYPED, STORED = 7_623, 62


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
    require_right(programs.our_run(job, own))  # once unmeasured: files in the page cache
    found = []
    for turn in range(turns):
        found.append(programs.our_run(job, own))
        say(f"  turn {turn + 1} of {turns}: {found[-1].end:.2f} s, processor {found[-1].cpu:.1f} s")
    shutil.rmtree(own)
    return [whole("NYC taxi job, process start to end", "Arc 4.2: 13.3 s", "≤ 7.5 s", found, stages=found[-1].stages)]


def rows_file() -> Path | None:
    named = os.environ.get("SLUICE_TAXI_FILE")
    return Path(named) if named and Path(named).is_file() else None


def require_right(run: Moments) -> None:
    """Raises RuntimeError."""
    rows = {one["stage"]: one["rows"] for one in run.said if one["event"] == "stage_rows"}
    if (rows.get("type_trips"), rows.get("stored_and_sent_later")) != (TYPED, STORED):
        raise RuntimeError(f"{TYPED:,} rows and {STORED} of them were expected: {rows}")
