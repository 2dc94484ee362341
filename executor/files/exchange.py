"""Making several outputs visible as if it were one step, and taking that back: after an error at once, after a crash at the next start.

<lake>/.sluice-publishing/lock            held while a run publishes or somebody puts an output back: one at a time in a lake
<lake>/.sluice-publishing/<run_id>.json   what a run is about to exchange; whoever gets the lock and finds one has found a crash
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from executor.problems import Problem, ProblemError

FOLDER = ".sluice-publishing"
LOCK_SECONDS = 60
"""How long a run waits for another one that is publishing. An exchange takes a moment; an append to many files, some seconds."""
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


@dataclass(frozen=True)
class Step:
    """One output on its way: `staged` becomes `target`. What was there becomes `kept`, or stays at `staged` where nothing is kept.
    `inode`: device and number of what was staged, by which it is known again wherever it is."""

    target: Path
    staged: Path
    kept: Path | None
    inode: tuple[int, int]

    @classmethod
    def of(cls, staged: Path, target: Path, kept: Path | None) -> Step:
        state = os.lstat(staged)
        return cls(target, staged, kept, (state.st_dev, state.st_ino))

    def do(self) -> None:
        if not os.path.lexists(self.target):
            rename(self.staged, self.target, RENAME_NOREPLACE)
            return
        exchange(self.staged, self.target)
        if self.kept is not None:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            rename(self.staged, self.kept, RENAME_NOREPLACE)

    def undo(self) -> None:
        """As if it had not been done, wherever in the middle it was left. A second time does nothing."""
        aside = _aside(self.staged)
        if self._is_new(self.target):
            old = next((place for place in (self.kept, aside, self.staged) if place is not None and os.path.lexists(place)), None)
            if old is None:
                rename(self.target, self.staged, RENAME_NOREPLACE)
                return
            exchange(old, self.target)
            if old != self.staged:
                os.rename(old, self.staged)
        elif not os.path.lexists(self.target) and os.path.lexists(aside):
            os.rename(aside, self.target)

    def as_row(self, lake: Path) -> dict[str, Any]:
        """As it stands in a journal."""
        kept = str(self.kept.relative_to(lake)) if self.kept else None
        return {
            "target": str(self.target.relative_to(lake)),
            "staged": str(self.staged.relative_to(lake)),
            "kept": kept,
            "inode": self.inode,
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any], lake: Path) -> Step:
        return cls(
            lake / row["target"], lake / row["staged"], lake / row["kept"] if row["kept"] else None, (row["inode"][0], row["inode"][1])
        )

    def _is_new(self, path: Path) -> bool:
        with suppress(FileNotFoundError):
            state = os.lstat(path)
            return (state.st_dev, state.st_ino) == self.inode
        return False


class Reversible(Protocol):
    """One output that is made visible, and taken back. Both may be asked for again wherever they were left: `do` never twice."""

    def do(self) -> None: ...

    def undo(self) -> None:
        """Raises ProblemError where somebody else has built on it since, so that it stays."""
        ...

    def as_row(self, lake: Path) -> dict[str, Any]: ...


def all_or_nothing(lake: Path, run_id: str, steps: Sequence[Reversible], commit: Callable[[], None]) -> None:
    """Does every step, then `commit`. An error takes back what was done and is raised; a crash is repaired by `repair`."""
    journal = _write_journal(lake, run_id, steps)
    try:
        for step in steps:
            step.do()
        commit()
    except Exception as error:
        left = _undone(steps)
        journal.unlink()
        if left:
            raise ProblemError([*(error.problems if isinstance(error, ProblemError) else ()), *left]) from error
        raise
    journal.unlink()


def _undone(steps: Sequence[Reversible]) -> list[Problem]:
    """Takes back all; gives what could not be."""
    left: list[Problem] = []
    for step in reversed(steps):
        try:
            step.undo()
        except ProblemError as problem:
            left += problem.problems
    return left


def repair(lake: Path, is_done: Callable[[str], bool], tell: Callable[[Problem], None] | None = None) -> list[str]:
    """Takes back what runs left half exchanged that died while they published; keeps it where `is_done(run_id)` says that all of it was.
    Gives the ids of the runs that were taken back. To be called with the lock held. `tell`: is told what could not be taken back; without
    anybody to hear that, it is tried again by whoever comes next."""
    taken_back = []
    for journal in sorted((lake / FOLDER).glob("*.json")):
        run_id = journal.stem
        if not is_done(run_id):
            left = _undone(_read_journal(lake, journal))
            if left and tell is None:
                continue
            for problem in left:
                tell(problem) if tell else None
            taken_back.append(run_id)
        journal.unlink()
    return taken_back


def is_open(lake: Path, run_id: str) -> bool:
    """Whether a run has begun to publish and neither ended that nor was repaired."""
    return (lake / FOLDER / f"{run_id}.json").exists()


@contextmanager
def locked(lake: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Nobody else publishes in this lake meanwhile. Raises ProblemError when somebody does for longer than `seconds`."""
    folder = lake / FOLDER
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        end = time.monotonic() + seconds
        while not _taken(lock.fileno()):
            if time.monotonic() >= end:
                raise ProblemError(
                    Problem(code="publishing-busy", message="Another run is publishing in this environment.", fix="Try again in a moment.")
                )
            time.sleep(0.05)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_journal(lake: Path, run_id: str, steps: Sequence[Reversible]) -> Path:
    """On disk before the first exchange."""
    path = lake / FOLDER / f"{run_id}.json"
    fresh = path.with_suffix(".new")
    rows = [step.as_row(lake) for step in steps]
    with fresh.open("w") as file:
        json.dump(rows, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return path


def _read_journal(lake: Path, path: Path) -> list[Reversible]:
    from executor.files.delta_steps import NewTableStep, TableStep

    kinds: dict[str, Any] = {"table": TableStep, "new-table": NewTableStep}
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return [kinds.get(row.get("kind", ""), Step).of_row(row, lake) for row in rows]


# --- renaming ---------------------------------------------------------------------------------------------------------------


def exchange(one: Path, other: Path) -> None:
    """Swaps two paths in one step; where the file system cannot, in three quick ones."""
    try:
        rename(one, other, RENAME_EXCHANGE)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise
        aside = _aside(one)
        os.rename(other, aside)
        os.rename(one, other)
        os.rename(aside, one)


def rename(source: Path, target: Path, flags: int) -> None:
    """renameat2, which Python does not offer."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags) == 0:
        return
    code = ctypes.get_errno()
    if flags == RENAME_NOREPLACE and code in (errno.ENOSYS, errno.EINVAL):
        os.rename(source, target)
        return
    raise OSError(code, os.strerror(code), str(target))


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".aside")
