"""Folders on disk for the /tmp of executors. Whoever made one holds a lock on it, so a leftover can be told from a folder in use."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from django.conf import settings

YOUNG_SECONDS = 60
"""A folder so new may be one that is just being locked."""


class Scratch:
    """A folder that is in use until `remove`, or until this process ends."""

    def __init__(self, name: str) -> None:
        """`name` begins the folder's name, for people who look."""
        root = _root()
        root.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
        self._lock: int | None = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes the folder; calling it again does nothing."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def remove_leftovers() -> None:
    """Removes the folders of processes that are gone."""
    root = _root()
    for folder in root.iterdir() if root.is_dir() else ():
        try:
            if time.time() - folder.stat().st_mtime > YOUNG_SECONDS and _is_unlocked(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody else removed it first
            continue


def _is_unlocked(folder: Path) -> bool:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _root() -> Path:
    return Path(settings.RUN_DIR) / "scratch"
