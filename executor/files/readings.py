"""Which versions of tables are being read just now, so that nobody removes their files.

<lake>/.sluice-reading/<id>     {"table", "version"}; held by the process that reads, as long as it lives
<table>/_delta_log              held, as everybody may, by who may write no note in the lake; nobody knows which version that is
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from executor.files.delta_log import LOG

FOLDER = ".sluice-reading"
_LONGEST = 10_000


@dataclass
class Reading:
    """One version of a table that is read until `close`."""

    _release: Callable[[], None]
    _note: str = ""

    def close(self) -> None:
        with suppress(OSError):
            if self._note:
                os.unlink(self._note)
                os.rmdir(os.path.dirname(self._note))
        self._release()


def begin(lake: Path, table: Path, version: int) -> Reading:
    """Call it before the log is asked whether the version can still be read: whoever cleans up says so there before it looks here. Raises
    OSError."""
    try:
        note = _opened(lake / FOLDER)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        return _without_note(table)
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        json.dump({"table": str(table.relative_to(lake)), "version": version}, note)
        note.flush()
    except BaseException:
        note.close()
        raise
    return Reading(note.close, note.name)


def _without_note(table: Path) -> Reading:
    folder = os.open(table / LOG, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
    except BaseException:
        os.close(folder)
        raise
    return Reading(lambda: os.close(folder))


def is_read_without_note(table: Path) -> bool:
    """Whether a version of the table is read by somebody who could not say which."""
    folder = os.open(table / LOG, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def _opened(folder: Path) -> IO[str]:
    """A fresh note, in a folder that another reader may just be removing because it was the last one there."""
    for _ in range(100):
        folder.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            return (folder / uuid.uuid4().hex).open("w")
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def versions_read(lake: Path, table: Path) -> set[int]:
    """Of a table. What processes left that live no longer is removed."""
    return {version for place, version in _readings(lake) if place == str(table.relative_to(lake))}


def _readings(lake: Path) -> Iterator[tuple[str, int]]:
    with suppress(OSError):
        for note in (lake / FOLDER).iterdir():
            with suppress(OSError), note.open("r") as file:
                if _is_free(file):
                    note.unlink()
                    continue
                with suppress(ValueError, KeyError, TypeError):
                    said = json.loads(file.read(_LONGEST))
                    yield str(said["table"]), int(said["version"])


def _is_free(file: IO[str]) -> bool:
    """Whether nobody holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
