"""A folder of this machine, or one that is mounted here. What it does, and why so, stands in `executor.files`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

from executor.files import kept, lake, publish
from executor.files.folder import place_of
from executor.files.tree import FILE, FOLDER, TOO_MANY, Entry, Walk, is_plain_name
from executor.problems import ProblemError
from executor.stores import base as stores
from executor.stores.base import Commit, Found, Level, Snapshot, Staged, changed_while_read, snapshot_of

MOST_SEEN = 20_000
"""Names of one folder that are looked at for those that are shown."""


class FolderStore:
    """One root."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def files(self, place: str) -> list[Found]:
        try:
            path = lake.existing(self.root, place)
            found = place_of(path, place).files
        except ProblemError as error:
            if error.problems[0].code in ("input-missing", "input-hidden"):
                return []
            raise
        return sorted((self._found(file.path) for file in found), key=lambda file: file.place)

    def entries(self, folder: str) -> Level:
        below = str(lake.resolve(self.root, folder, "uri").relative_to(self.root)) if folder else ""
        walk = Walk(self.root, below=below, deepest=1, most=MOST_SEEN, enter=lambda entry: False)
        found = [_entry(one) for one in walk if one.kind in (FILE, FOLDER) and not one.is_hidden and is_plain_name(one.name)]
        return Level.of(found, more=TOO_MANY in walk.left_out)

    def snapshot(self, place: str) -> Snapshot:
        return snapshot_of(self.files(place))

    def open(self, file: Found) -> BinaryIO:
        path = Path(file.address)
        try:
            stream = path.open("rb")
        except OSError:
            raise ProblemError(changed_while_read(file.place)) from None
        now = os.fstat(stream.fileno())
        if (str(now.st_mtime_ns), now.st_size) != (file.stamp, file.size):
            stream.close()
            raise ProblemError(changed_while_read(file.place))
        return stream

    def publisher(self, run_id: str, keep: int) -> FolderPublisher:
        return FolderPublisher(self.root, run_id, keep)

    def kept(self, place: str) -> list[dict[str, Any]]:
        return kept.listing(lake.resolve(self.root, place, "outputURI"))

    def put_back(self, place: str, kept_id: str) -> dict[str, Any]:
        current: dict[str, Any] = kept.put_back(self.root, lake.resolve(self.root, place, "outputURI"), kept_id, place)["current"]
        return current

    def _found(self, path: Path) -> Found:
        state = path.stat()
        return Found(path.relative_to(self.root).as_posix(), str(path), state.st_size, str(state.st_mtime_ns))


def _entry(one: Entry) -> stores.Entry:
    if one.kind == FOLDER:
        return stores.Entry(one.name, True)
    return stores.Entry(one.name, False, one.size, one.modified_ns / 1e9)


class FolderPublisher:
    """The outputs of one run in a root."""

    def __init__(self, root: Path, run_id: str, keep: int) -> None:
        self.root = root
        self._publisher = publish.Publisher(run_id, root, keep=keep)

    def stage(self, place: str, save_mode: str, stage_index: int, stage: str) -> Staged:
        target = lake.resolve(self.root, place, "outputURI")
        staged = self._publisher.stage_output(place, target, save_mode, stage_index, stage)
        return Staged(place, str(staged), save_mode, stage_index, stage)

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        return self._publisher.publish(commit)

    def discard(self) -> None:
        self._publisher.discard()
