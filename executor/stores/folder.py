"""A folder of this machine, or one that is mounted here. What it does, and why so, stands in `executor.files`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from executor.files import kept, lake, publish
from executor.files.delta_commit import StagedTable
from executor.files.folder import place_of as files_of
from executor.files.tree import FILE, FOLDER, TOO_MANY, Entry, Walk, is_plain_name
from executor.language.places import place_of, visible
from executor.language.roots import DEFAULT
from executor.problems import ProblemError
from executor.stores import base as stores
from executor.stores.base import AtHand, Commit, Found, Level, Snapshot, Staged, changed_while_read, snapshot_of

MOST_SEEN = 20_000
"""Names of one folder that are looked at for those that are shown."""


class FolderStore:
    """One root."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def files(self, place: str) -> list[Found]:
        try:
            path = lake.existing(self.root, place)
            found = files_of(path, place).files
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
        return Found(path.relative_to(self.root).as_posix(), str(path), state.st_size, str(state.st_mtime_ns), state.st_mtime)


class FolderRoot:
    """The environment's own folder, as a run works with it: everything is at hand."""

    name = DEFAULT

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, place: str, field: str) -> Path:
        return lake.resolve(self.folder, place, field)

    def read(self, place: str, uri: str, field: str) -> AtHand:
        path = lake.existing(self.folder, place, field, called=uri)
        return AtHand(path, lake.snapshot(path))

    def state(self, place: str) -> lake.Snapshot:
        return lake.snapshot(visible(str(self.path(place, "inputURI"))))

    def target(self, place: str, *, whole: bool) -> Path:
        return self.path(place, "outputURI")

    def outputs(self, run_id: str, places: Mapping[str, bool] | None, keep: int) -> FolderOutputs:
        return FolderOutputs(self.folder, run_id, places, keep)

    def foreign(self, place: str) -> str | None:
        return kept.foreign_content(self.path(place, "outputURI"))

    def put_back(self, place: str, kept_id: str, uri: str) -> dict[str, Any]:
        return kept.put_back(self.folder, self.path(place, "outputURI"), kept_id, uri)

    def clear_after(self, run_id: str, places: Sequence[str], *, is_published: bool) -> None:
        """All unfinished exchanges of the folder are ended, not only that of the run: a receipt says of each whether it has published."""
        publish.Publisher(run_id, self.folder).repair()
        for parent in {place_of(place).rpartition("/")[0] for place in places}:
            staging = self.folder / parent / publish.STAGING
            if staging.is_dir() and staging.resolve().is_relative_to(self.folder.resolve()):
                publish.remove_leftovers(staging, self.folder)
                with suppress(OSError):  # a run that works stages there, too
                    staging.rmdir()


class FolderOutputs(publish.Publisher):
    """The outputs of one run in it."""

    def __init__(self, folder: Path, run_id: str, places: Mapping[str, bool] | None, keep: int) -> None:
        super().__init__(run_id, folder, places=places, keep=keep)

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        return self.stage_output(uri, lake.resolve(self.lake, place, "outputURI"), save_mode, stage_index, stage)

    def stage_table_at(
        self, place: str, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None
    ) -> StagedTable:
        """See `executor.files.publish.Publisher.stage_table`."""
        target = lake.resolve(self.lake, place, "outputURI")
        return self.stage_table(uri, target, save_mode, stage_index, stage, appends=appends, label=label)

    def send(self) -> None:
        """It is there already."""


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
