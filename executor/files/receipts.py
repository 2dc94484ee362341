"""The note that a run leaves beside its outputs once they are visible: whoever loses the line that says so can still read it.

<lake>/.sluice-receipts/<run_id>.json     the run's result, one event line; the portal removes it when it has noted the end of the run

Or, in the same place, the mark that the run was given up: whoever is first stands, so a run that was told as failed cannot publish later,
when a frozen machine wakes.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from executor.files import exchange
from executor.problems import Problem, ProblemError

FOLDER = ".sluice-receipts"
LARGEST = 1_000_000
GIVEN_UP = "given up"
GIVEN_UP_FOR = 7 * 86_400
"""Seconds that such a mark stays: longer than any program sleeps that could wake and publish."""


def write(lake: Path, run_id: str, line: str) -> None:
    """Keeps the result. Raises ProblemError when the run was given up meanwhile, OSError when it cannot be kept: then nobody could tell
    later whether it has published, and it must not."""
    folder = lake / FOLDER
    folder.mkdir(exist_ok=True)
    fresh = folder / f"{run_id}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    try:
        exchange.rename(fresh, folder / f"{run_id}.json", exchange.RENAME_NOREPLACE)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        if error.errno != errno.EEXIST:
            raise
        raise ProblemError(
            Problem(
                code="run-given-up",
                message="This run gave no sign of life for so long that it was given up; what it had made visible was taken back.",
                fix="Run it again.",
            )
        ) from None


def read(lake: Path, run_id: str) -> str | None:
    """The result that a run has kept; None where there is none. Follows no link."""
    line = _content(lake, run_id)
    return None if line == GIVEN_UP else line


def give_up(lake: Path, run_id: str) -> bool:
    """Marks a run that never ended as given up, so that it can publish no more; False when it has published. Follows no link."""
    for _ in range(100):  # a folder that somebody else may just be removing because it is empty
        (lake / FOLDER).mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            return _marked(lake / FOLDER, run_id)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(lake / FOLDER))


def _marked(folder: Path, run_id: str) -> bool:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        mark = os.open(f"{run_id}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=place)
    except FileExistsError:
        return False
    finally:
        os.close(place)
    with os.fdopen(mark, "w") as file:
        file.write(GIVEN_UP)
    return True


def _content(lake: Path, run_id: str) -> str | None:
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
    that it is to be kept, not taken back. A mark that the run was given up stays for a while."""
    if exchange.is_open(lake, run_id) or _is_given_up_lately(lake, run_id):
        return
    for ending in ("json", "new"):
        with suppress(OSError):
            (lake / FOLDER / f"{run_id}.{ending}").unlink()
    with suppress(OSError):
        (lake / FOLDER).rmdir()


def _is_given_up_lately(lake: Path, run_id: str) -> bool:
    if _content(lake, run_id) not in (GIVEN_UP, ""):  # empty: somebody is just writing it
        return False
    with suppress(OSError):
        return time.time() - (lake / FOLDER / f"{run_id}.json").lstat().st_mtime < GIVEN_UP_FOR
    return False
