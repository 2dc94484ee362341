"""A folder of this machine, or one that is mounted here. What it does, and why so, stands in `executor.files`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from executor.files import delta_vacuum, delta_versions, exchange, kept, lake, publish, readings
from executor.files.delta_commit import StagedTable
from executor.files.delta_log import LOG, Log
from executor.files.delta_vacuum import DataFile, Plan, Wish
from executor.files.readings import Reading
from executor.files.tree import FILE, FOLDER, TOO_MANY, Entry, Walk, is_plain_name
from executor.language.places import place_of, visible
from executor.language.roots import DEFAULT
from executor.problems import Problem, ProblemError
from executor.stores import base as stores
from executor.stores.base import AtHand, Level, State, Tell, untold

MOST_SEEN = 20_000
"""Names of one folder that are looked at for those that are shown."""


class FolderStore:
    """Everything is at hand."""

    def __init__(self, folder: Path, name: str = DEFAULT, *, own: Path | None = None) -> None:
        """`own`: the environment's own folder, where runs leave their receipts; None: it is this one."""
        self.folder, self.name = Path(os.path.realpath(folder)), name
        self.own = Path(os.path.realpath(own)) if own else self.folder

    @property
    def is_own(self) -> bool:
        """Whether it is the environment's own folder."""
        return self.own == self.folder

    def path(self, place: str, field: str) -> Path:
        return lake.resolve(self.folder, place, field)

    def read(self, place: str, uri: str, field: str) -> AtHand:
        path = lake.existing(self.folder, place, field, called=uri)
        return AtHand(path, lake.snapshot(path))

    def state(self, place: str) -> State:
        return lake.snapshot(visible(str(self.path(place, "inputURI"))))

    def entries(self, folder: str) -> Level:
        below = str(lake.resolve(self.folder, folder, "uri").relative_to(self.folder)) if folder else ""
        walk = Walk(self.folder, below=below, deepest=1, most=MOST_SEEN, enter=lambda entry: False)
        seen = [one for one in walk if one.kind in (FILE, FOLDER) and is_plain_name(one.name)]
        is_delta = bool(folder) and any(one.name == LOG and one.kind == FOLDER for one in seen)
        return Level.of((_entry(one) for one in seen if not one.is_hidden), more=TOO_MANY in walk.left_out, is_delta=is_delta)

    def table_log(self, place: str, uri: str, field: str, back: int | None = None) -> Path:
        return Path(lake.existing(self.folder, place, field, called=uri))

    def bring_version(self, place: str, uri: str, version: int, *, may_note: bool) -> Reading | None:
        """They are there already; those of an earlier version may be about to go, so it is noted first and then looked."""
        table = self.path(place, "inputURI")
        reading = readings.begin(self.folder, table, version) if may_note else None
        try:
            if version != (log := Log.of(table, uri)).latest:
                delta_versions.require_whole(log, version, lambda file: (table / file).is_file())
        except BaseException:
            if reading:
                reading.close()
            raise
        return reading

    def table_files(self, place: str) -> dict[str, DataFile]:
        walk = Walk(self.path(place, "uri"), enter=lambda entry: not entry.is_hidden)
        found = {one.path: DataFile(one.size, one.modified_ns / 1e9) for one in walk if one.kind == FILE and not one.is_hidden}
        if walk.left_out:
            raise ProblemError(_too_many(place))
        return found

    def target(self, place: str, *, whole: bool) -> Path:
        return self.path(place, "outputURI")

    def outputs(self, run_id: str, places: Mapping[str, bool] | None, keep: int) -> FolderOutputs:
        return FolderOutputs(run_id, self.folder, places=places, keep=keep, receipts_in=self.own)

    def foreign(self, place: str) -> str | None:
        return kept.foreign_content(self.path(place, "outputURI"))

    def put_back(self, place: str, kept_id: str, uri: str, by: str = "") -> dict[str, Any]:
        return kept.put_back(self.folder, self.path(place, "outputURI"), kept_id, uri, by)

    def clean_up(self, place: str, uri: str, wish: Wish, *, only_look: bool = False) -> Plan:
        table = self.table_log(place, uri, "uri")
        if only_look:
            return delta_vacuum.would_go(self.folder, Log.of(table, uri), wish, self.table_files(place))
        self.outputs("", None, 0).repair()
        return delta_vacuum.clean_up(self.folder, table, uri, wish, lambda: self.table_files(place))

    def clear_after(self, run_id: str, places: Sequence[str], *, is_published: bool) -> None:
        """All unfinished exchanges of the folder are ended, not only that of the run: a receipt says of each whether it has published."""
        outputs = self.outputs(run_id, None, 0)
        outputs.repair(is_published=is_published)
        if not self.is_own and exchange.is_open(self.folder, run_id):
            raise ProblemError(_not_ended(self.name))
        for parent in {place_of(place).rpartition("/")[0] for place in places}:
            staging = self.folder / parent / publish.STAGING
            if staging.is_dir() and staging.resolve().is_relative_to(self.folder.resolve()):
                publish.remove_leftovers(staging, self.folder)
                with suppress(OSError):  # a run that works stages there, too
                    staging.rmdir()


class FolderOutputs(publish.Publisher):
    """The outputs of one run in it. There are no lists of files for others: a folder has no address that they know."""

    @property
    def is_own(self) -> bool:
        """Whether they lie in the environment's own folder."""
        return self.receipts_in == self.lake

    @property
    def behind(self) -> list[Problem]:
        return []

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        return self.stage_output(uri, lake.resolve(self.lake, place, "outputURI"), save_mode, stage_index, stage)

    def stage_table_at(
        self, place: str, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None
    ) -> StagedTable:
        """See `executor.files.publish.Publisher.stage_table`."""
        target = lake.resolve(self.lake, place, "outputURI")
        return self.stage_table(uri, target, save_mode, stage_index, stage, appends=appends, label=label)

    def send(self, tell: Tell = untold) -> None:
        """It is there already."""


def _not_ended(root: str) -> Problem:
    return Problem(
        code="publishing-busy",
        message=f"What a run has begun to publish in the root “{root}” cannot be ended yet: somebody publishes there, or a file stays.",
        fix="Try again in a moment.",
    )


def _entry(one: Entry) -> stores.Entry:
    if one.kind == FOLDER:
        return stores.Entry(one.name, True)
    return stores.Entry(one.name, False, one.size, one.modified_ns / 1e9)


def _too_many(place: str) -> Problem:
    return Problem(
        code="table-not-listed",
        message=f"The files of “{place}” cannot all be listed: they are too many, nested too deep, or may not be looked at.",
        fix="Ask whoever runs the machine for the right to read all of it.",
    )
