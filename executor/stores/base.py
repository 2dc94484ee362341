"""What every store of data can do, wherever it is: tell what is there, bring it to hand, say whether it is still so; take outputs, make
them visible in one step, put an earlier one back.

A place is written from the store's root, as documents write it: `raw/flights.csv`, a folder, or a pattern. Names that begin with `.` or `_`
are seen by nobody. Whoever looks at files, reads or writes them does that with files of this machine: a store elsewhere copies what is
read, as it was found, and takes what was staged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from executor.files.delta_commit import StagedTable
from executor.files.delta_vacuum import DataFile, Plan, Wish
from executor.files.publish import Output
from executor.files.readings import Reading
from executor.problems import Problem

State = tuple[tuple[str, Any, int], ...]
"""(name, stamp, bytes) of each file: equal states mean that nothing was changed."""
Commit = Callable[[Sequence[dict[str, Any]]], None]
"""Is told the facts of all outputs right before they are final. What it raises takes all of them back."""
MOST_ENTRIES = 1_000
"""Of one folder, for whoever browses."""


@dataclass(frozen=True)
class Entry:
    """What lies in a folder. `size` (bytes) and `changed` (seconds since 1970): of a file."""

    name: str
    is_folder: bool
    size: int | None = None
    changed: float | None = None


@dataclass(frozen=True)
class Level:
    """What lies in one folder, by name; `more`: there is more than MOST_ENTRIES; `is_delta`: it is a Delta table."""

    entries: tuple[Entry, ...] = ()
    more: bool = False
    is_delta: bool = False

    @staticmethod
    def of(found: Iterable[Entry], *, more: bool = False, is_delta: bool = False) -> Level:
        """`found` may be too many, or the same twice."""
        every = sorted({entry.name: entry for entry in found}.values(), key=lambda entry: entry.name)
        return Level(tuple(every[:MOST_ENTRIES]), more or len(every) > MOST_ENTRIES, is_delta)


@dataclass(frozen=True)
class AtHand:
    """What a run reads. `path`: on this machine, as Spark takes it, and perhaps a pattern; `state`: what stood for the content when it was
    like that, to be compared with the store's `state` later."""

    path: str
    state: State


Tell = Callable[[str, int, int], None]
"""Told while files are sent: the root's name, how many are there, and of how many."""


def untold(root: str, done: int, total: int) -> None:
    """Where nobody waits for it."""


class StoreOutputs(Protocol):
    """The outputs of one run in a store, staged on this machine."""

    @property
    def outputs(self) -> list[Output]:
        """In the order in which they were staged."""
        ...

    @property
    def behind(self) -> list[Problem]:
        """Told after `publish`: lists of files for other programs that could not be made as what is published."""
        ...

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        """A fresh path to write to in place of `place`, which the document calls `uri`. Raises ProblemError."""
        ...

    def stage_table_at(
        self, place: str, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None
    ) -> StagedTable:
        """See `executor.files.publish.Publisher.stage_table`."""
        ...

    def readable(self, path: Path, uri: str) -> Path | None:
        """See `executor.files.publish.Publisher.readable`."""
        ...

    def send(self, tell: Tell = untold) -> None:
        """Brings what is staged to where it will be published, and tells how far it is. Nobody sees it there. Raises ProblemError."""
        ...

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        """Makes all of them visible, or none; gives their facts, in order. Raises ProblemError."""
        ...

    def discard(self) -> None:
        """Removes what was staged and not published. Never raises."""
        ...


class Store(Protocol):
    """One root. `place`: from its root; `uri`: as the document calls it."""

    name: str

    def path(self, place: str, field: str) -> Path:
        """Where it is, or would be, on this machine. Raises ProblemError when it leads out of the root."""
        ...

    def read(self, place: str, uri: str, field: str) -> AtHand:
        """Raises ProblemError when nothing is there, or it cannot be read."""
        ...

    def state(self, place: str) -> State:
        """What stands for the content now. Raises ProblemError, OSError."""
        ...

    def entries(self, folder: str) -> Level:
        """What readers see in one folder, itself and no deeper; "": in the root. Nothing where there is none. Raises ProblemError."""
        ...

    def table_log(self, place: str, uri: str, field: str, back: int | None = None) -> Path:
        """The folder of a Delta table on this machine with its log; its data files need not be there. `back`: of so many versions before
        the present one all can be told at least; None: of all that there are. Raises ProblemError."""
        ...

    def bring_version(self, place: str, uri: str, version: int, *, may_note: bool) -> Reading | None:
        """Brings the files of a version to hand, beside the log that `read` or `table_log` has brought. `may_note`: whether it may be noted
        there that they are being read; what is given stands for that. Raises ProblemError where they are gone."""
        ...

    def table_files(self, place: str) -> Mapping[str, DataFile]:
        """The data files in a table's folder, of all versions, by their path in it. Raises ProblemError."""
        ...

    def target(self, place: str, *, whole: bool) -> Path:
        """Where an output is, or would be, on this machine, with what it says of itself; `whole`: with all of its files. Raises
        ProblemError."""
        ...

    def outputs(self, run_id: str, places: Mapping[str, bool] | None, keep: int) -> StoreOutputs:
        """For one run. `places`: what is its job's own to replace, see `executor.files.publish.Publisher`."""
        ...

    def foreign(self, place: str) -> str | None:
        """The first thing at a place that no load writes; None where there is none. Raises ProblemError."""
        ...

    def put_back(self, place: str, kept_id: str, uri: str, by: str = "") -> dict[str, Any]:
        """Makes an earlier output the present one, in one step; what was there is kept in its place. `by`: who asks for it. Gives
        `current`, the facts of what is there now, and `kept`, those of the earlier ones. Raises ProblemError, OSError."""
        ...

    def clean_up(self, place: str, uri: str, wish: Wish, *, only_look: bool = False) -> Plan:
        """Removes what a Delta table needs no longer, see `executor.files.delta_vacuum`; `only_look`: tells what that would be. Raises
        ProblemError, OSError."""
        ...

    def clear_after(self, run_id: str, places: Sequence[str], *, is_published: bool) -> None:
        """Ends what a run has begun to publish that is known to live no longer, and removes what it had staged at these places. Raises
        ProblemError."""
        ...
