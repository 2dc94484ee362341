"""`python -m executor repair`: takes back what a run left half published that died while it published, and removes what runs left that
were killed before. Starts no Spark.

One JSON object {"lake", "run_id", "staged"} on standard input; `staged`, which may be left out: folders of the lake, from its top, in which
that run had staged its outputs. One event in answer: `repaired`, with `open`: whether that run's exchange is still unfinished (somebody
else publishes just now, or a file could not be moved).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from executor.files import exchange
from executor.files.publish import STAGING, Publisher, remove_leftovers


def repair(given: dict[str, Any], folder: Path, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. All unfinished exchanges of the lake are ended, not only that of the run."""
    run_id = str(given["run_id"])
    Publisher(run_id, folder).repair()
    for parent in given.get("staged", ()):
        staging = folder / str(parent) / STAGING
        if staging.is_dir() and staging.resolve().is_relative_to(folder.resolve()):
            remove_leftovers(staging, folder)
            with suppress(OSError):  # a run that works stages there, too
                staging.rmdir()
    return {"event": "repaired", "open": exchange.is_open(folder, run_id)}
