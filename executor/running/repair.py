"""`python -m executor repair`: takes back what a run left half published that died while it published. Starts no Spark.

One JSON object {"lake", "run_id"} on standard input, one event in answer: `repaired`, with `open`: whether that run's exchange is still
unfinished (somebody else publishes just now, or a file could not be moved).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from executor.files import exchange
from executor.files.publish import Publisher


def repair(given: dict[str, Any], folder: Path, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. All unfinished exchanges of the lake are ended, not only that of the run."""
    run_id = str(given["run_id"])
    Publisher(run_id, folder).repair()
    return {"event": "repaired", "open": exchange.is_open(folder, run_id)}
