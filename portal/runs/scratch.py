"""Folders on disk for the /tmp of executors. Whoever made one holds a lock on it, so a leftover can be told from a folder in use.

    <scratch>/<name>/       ours, with the lock: nothing inside a wall can change its rights, its age or its name
    <scratch>/<name>/tmp    the /tmp of one executor

They are removed beside the work, by a thread of their own: a folder that takes long, or cannot go at all, keeps no run waiting.
What cannot go is set aside and told (`set_aside`).
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from executor.files import tree
from portal.runs import sandbox

log = logging.getLogger(__name__)

YOUNG_SECONDS = 60
"""A folder so new may be one that is just being locked."""


class Scratch:
    """A folder that is in use until `remove`, or until this process ends. `path` is the /tmp in it."""

    def __init__(self, name: str) -> None:
        """`name` begins the folder's name, for people who look."""
        root = _root()
        root.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
        self._lock: int | None = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = self.folder / "tmp"
        try:
            sandbox.make_tmp(self.path)
        except OSError:  # a disk that is full
            self.remove()
            raise

    def remove(self) -> None:
        """Gives the folder up; it is removed soon. Calling it again does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            cleaner.wake(self.folder)


class Cleaner:
    """Removes folders that were given up, and those of processes that are gone, in a thread that ends with the process."""

    def __init__(self) -> None:
        self._given_up: list[Path] = []
        self._is_woken = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, *given_up: Path) -> None:
        """Lets it look now; returns at once."""
        with self._lock:
            self._given_up += given_up
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="cleaner", daemon=True)
                self._thread.start()
        self._is_woken.set()

    def look(self) -> None:
        """One round, in the caller's thread."""
        with self._lock:
            given_up, self._given_up = self._given_up, []
        for folder in given_up:
            _remove(folder)
        for folder in _leftovers():
            _remove(folder)

    def _work(self) -> None:
        while True:
            self._is_woken.wait()
            self._is_woken.clear()
            try:
                self.look()
            except OSError:
                log.exception("The folders of ended runs cannot be looked at.")


cleaner = Cleaner()


def set_aside() -> list[str]:
    """The names of folders that could not be removed and lie in run/aside; whoever runs the machine has to look at them."""
    folder = _aside()
    return sorted(tree.shown(entry.name) for entry in tree.Walk(folder, deepest=1, most=100, enter=lambda entry: False))


def _remove(folder: Path) -> None:
    try:
        tree.remove(folder)
    except tree.NotRemoved as error:
        log.error("%s It is set aside in %s.", error, _aside())  # noqa: TRY400 - the reason is in the sentence
        _put_aside(folder)


def _put_aside(folder: Path) -> None:
    _aside().mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.rename(folder, _aside() / folder.name)


def _leftovers() -> list[Path]:
    """Folders of processes that are gone: old enough, and nobody holds the lock."""
    found = []
    root = _root()
    for entry in tree.Walk(root, deepest=1, enter=lambda entry: False):
        folder = root / entry.name
        with suppress(OSError):  # somebody else removed it first
            if time.time() - folder.lstat().st_mtime > YOUNG_SECONDS and _is_unlocked(folder):
                found.append(folder)
    return found


def _is_unlocked(folder: Path) -> bool:
    lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _root() -> Path:
    return Path(settings.RUN_DIR) / "scratch"


def _aside() -> Path:
    return Path(settings.RUN_DIR) / "aside"
