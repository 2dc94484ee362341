"""What every store of data can do, wherever it is: list, tell what stands for the content, read, stage, publish, put back, discard.

A place is written from the store's root, as documents write it: `raw/flights.csv`, a folder, or a pattern. Names that begin with `.` or `_`
are seen by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

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
