"""The note that a run leaves beside its outputs once they are visible: whoever loses the line that says so can still read it.

<lake>/.sluice-receipts/<run_id>.json     the run's result, one event line; the portal removes it when it has noted the end of the run
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from executor.files import exchange

FOLDER = ".sluice-receipts"
LARGEST = 1_000_000


def write(lake: Path, run_id: str, line: str) -> None:
    """Keeps the result. Never raises: the outputs are visible already, and the line itself is said as well."""
    with suppress(OSError):
        folder = lake / FOLDER
        folder.mkdir(exist_ok=True)
        fresh = folder / f"{run_id}.new"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / f"{run_id}.json")


def read(lake: Path, run_id: str) -> str | None:
    """The result that a run has kept; None where there is none. Follows no link."""
    try:
        descriptor = os.open(lake / FOLDER / f"{run_id}.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(LARGEST).decode("utf-8", "replace")
        except OSError:
            return None


def remove(lake: Path, run_id: str) -> None:
    """Forgets what a run has kept, and the folder with the last of them. Not while the run's exchange is unfinished: then the note says
    that it is to be kept, not taken back."""
    if exchange.is_open(lake, run_id):
        return
    for ending in ("json", "new"):
        with suppress(OSError):
            (lake / FOLDER / f"{run_id}.{ending}").unlink()
    with suppress(OSError):
        (lake / FOLDER).rmdir()
