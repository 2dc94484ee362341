"""What every store of data can do, wherever it is: list, tell what stands for the content, read, stage, publish, put back, discard.

A place is written from the store's root, as documents write it: `raw/flights.csv`, a folder, or a pattern. Names that begin with `.` or `_`
are seen by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from executor.files.publish import Output
from executor.problems import Problem

Snapshot = tuple[tuple[str, str, int], ...]
"""(place, stamp, bytes) of each file, in the order of places: equal snapshots mean that nothing was changed."""
Commit = Callable[[Sequence[dict[str, Any]]], None]
"""Is told the facts of all outputs right before they are final. What it raises takes all of them back."""


@dataclass(frozen=True)
class Found:
    """A file of a store. `address`: as Spark reads it; `stamp`: what stands for its content, another one after each change."""

    place: str
    address: str
    size: int
    stamp: str
    modified: float = 0
    """When it was changed, in seconds since 1970."""


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
    """What lies in one folder, by name; `more`: there is more than MOST_ENTRIES."""

    entries: tuple[Entry, ...] = ()
    more: bool = False

    @staticmethod
    def of(found: Iterable[Entry], *, more: bool = False) -> Level:
        """`found` may be too many, or the same twice."""
        every = sorted({entry.name: entry for entry in found}.values(), key=lambda entry: entry.name)
        return Level(tuple(every[:MOST_ENTRIES]), more or len(every) > MOST_ENTRIES)


@dataclass
class Staged:
    """What a load writes in a run, to be seen by nobody before it is published. `address`: where it writes, as Spark takes it."""

    place: str
    address: str
    save_mode: str
    stage_index: int
    stage: str
    facts: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)
    """What the output says of itself besides, for whoever appends to it or reads it (`executor.files.marks`)."""
    columns: str = ""
    """Its columns as SQL declares them, where it has no file that could name them."""


def snapshot_of(files: Sequence[Found]) -> Snapshot:
    """What a store's snapshot is made of."""
    return tuple((file.place, file.stamp, file.size) for file in files)


def changed_while_read(place: str) -> Problem:
    """A file is another one than was found, or gone."""
    return Problem(code="input-changed", field="inputURI", message=f"“{place}” was changed while it was read.", fix="Run it again.")


class Publisher(Protocol):
    """The outputs of one run in a store."""

    def stage(self, place: str, save_mode: str, stage_index: int, stage: str) -> Staged:
        """Where to write in place of `place`. Raises ProblemError when nothing may or can be written there."""
        ...

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        """Makes all outputs visible, each in one step, or none of them; gives their facts. Raises ProblemError."""
        ...

    def discard(self) -> None:
        """Removes what was staged and not published. Never raises."""
        ...


class Store(Protocol):
    """One root."""

    def files(self, place: str) -> list[Found]:
        """The files at a place (a file, a folder, a pattern), in the order of their places; none where there is nothing. Raises
        ProblemError."""
        ...

    def entries(self, folder: str) -> Level:
        """What readers see in one folder, itself and no deeper; "": in the root. Nothing where there is none. Raises ProblemError."""
        ...

    def snapshot(self, place: str) -> Snapshot:
        """The state of all files there. Raises ProblemError."""
        ...

    def open(self, file: Found) -> BinaryIO:
        """The bytes of a file as it was when it was found. Raises ProblemError where it is another one by now, or gone."""
        ...

    def publisher(self, run_id: str, keep: int) -> Publisher:
        """For one run. `keep`: how many earlier outputs stay of each place."""
        ...

    def kept(self, place: str) -> list[dict[str, Any]]:
        """`id` and facts of each earlier output of a place, the newest first."""
        ...

    def put_back(self, place: str, kept_id: str) -> dict[str, Any]:
        """Makes an earlier output the present one, in one step; what was there is kept in its place. Gives its facts. Raises
        ProblemError."""
        ...


# --- a root as a run works with it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtHand:
    """What a run reads. `path`: on this machine, as Spark takes it, and perhaps a pattern; `state`: what stood for the content when it was
    like that, to be compared with the root's `state` later."""

    path: str
    state: tuple[tuple[str, Any, int], ...]


class RootOutputs(Protocol):
    """The outputs of one run in a root, staged on this machine."""

    @property
    def outputs(self) -> list[Output]:
        """In the order in which they were staged."""
        ...

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        """A fresh path to write to in place of `place`, which the document calls `uri`. Raises ProblemError."""
        ...

    def readable(self, path: Path, uri: str) -> Path | None:
        """See `executor.files.publish.Publisher.readable`."""
        ...

    def send(self) -> None:
        """Brings what is staged to where it will be published. Nobody sees it there. Raises ProblemError."""
        ...

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        """Makes all of them visible, or none; gives their facts, in order. Raises ProblemError."""
        ...

    def discard(self) -> None:
        """Removes what was staged and not published. Never raises."""
        ...


class WorkingRoot(Protocol):
    """A root whose files are, or come, to hand on this machine. `place`: from the root; `uri`: as the document calls it."""

    name: str

    def path(self, place: str, field: str) -> Path:
        """Where it is, or would be, on this machine. Raises ProblemError when it leads out of the root."""
        ...

    def read(self, place: str, uri: str, field: str) -> AtHand:
        """Raises ProblemError when nothing is there, or it cannot be read."""
        ...

    def state(self, place: str) -> tuple[tuple[str, Any, int], ...]:
        """What stands for the content now. Raises ProblemError, OSError."""
        ...

    def target(self, place: str, *, whole: bool) -> Path:
        """Where an output is, or would be, on this machine, with what it says of itself; `whole`: with all of its files. Raises
        ProblemError."""
        ...

    def outputs(self, run_id: str, places: Mapping[str, bool] | None, keep: int) -> RootOutputs:
        """For one run. `places`: what is its job's own to replace, see `executor.files.publish.Publisher`."""
        ...

    def foreign(self, place: str) -> str | None:
        """The first thing at a place that no load writes; None where there is none. Raises ProblemError."""
        ...

    def put_back(self, place: str, kept_id: str, uri: str) -> dict[str, Any]:
        """Makes an earlier output the present one, in one step; what was there is kept in its place. Gives `current`, the facts of what is
        there now, and `kept`, those of the earlier ones. Raises ProblemError, OSError."""
        ...

    def clear_after(self, run_id: str, places: Sequence[str], *, is_published: bool) -> None:
        """Ends what a run has begun to publish that is known to live no longer, and removes what it had staged at these places. Raises
        ProblemError."""
        ...
