"""Control groups: the kernel's own limits of memory and processes for a whole executor, where the machine lets us have them.

They are had where this process runs in a delegated group of version 2 (`Delegate=yes` of a systemd unit, a container that may write its
own group), or in the folders that SLUICE_CGROUP names, of either version. Where there are none, measures and limits of single processes
hold alone (docs/decisions/limits.md), and the system page says so.
"""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from django.conf import settings

MB = 1024**2
SPARE_PROCESSES = 16
"""The wall's own, beside those of the executor."""
ALL_HERE = "sluice-programs"
"""The group that Sluice's own programs move to: version 2 limits only groups that have no processes beside their groups."""
CONTROLLERS = ("memory", "pids")
PREFIX = "sluice-of-"
REMOVE_SECONDS = 10.0
_numbers = count(1)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """`folders`: where groups can be made, one for each hierarchy; none where they cannot, and `why` says why in one sentence."""

    folders: tuple[Path, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Found:
    """What the kernel had to do: processes ended for want of memory, and processes that could not be made."""

    killed: int = 0
    refused: int = 0


class Group:
    """The group of one executor: a folder in each hierarchy. Make it, start the executor with `entrances`, remove it at the end."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._last = Found()

    @classmethod
    def make(cls, *, memory_mb: int, processes: int) -> Group | None:
        """A fresh group with these limits; None where there are no groups. Raises OSError when the kernel refuses one all the same."""
        name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        parents = status().folders
        return cls.inside([parent / name for parent in parents], memory_mb=memory_mb, processes=processes) if parents else None

    @classmethod
    def inside(cls, folders: list[Path], *, memory_mb: int, processes: int) -> Group:
        group = cls(folders)
        try:
            for folder in folders:
                folder.mkdir()
            held = {name for folder in folders for name in _limit(folder, memory_mb, processes)}
            if not set(CONTROLLERS) <= held:
                raise OSError(errno.ENOTSUP, "The control group limits " + (" and ".join(sorted(held)) or "nothing"))
        except OSError:
            group.remove()
            raise
        return group

    @property
    def entrances(self) -> list[str]:
        """Files that take the id of the process that is to enter, with all it will start."""
        return [str(folder / "cgroup.procs") for folder in self._folders]

    def found(self) -> Found:
        """What the kernel had to do so far; after `remove`, until then."""
        killed = refused = 0
        for folder in self._folders:
            killed += _number(folder / "memory.events", "oom_kill") + _number(folder / "memory.oom_control", "oom_kill")
            refused += _number(folder / "pids.events", "max")
        self._last = Found(max(killed, self._last.killed), max(refused, self._last.refused))
        return self._last

    def remove(self) -> None:
        """Once every process of it has been killed; the last ones may take a moment. What stays is removed by whoever starts next."""
        self.found()
        if not self._is_removed():
            threading.Thread(target=self._remove_patiently, name="groups", daemon=True).start()

    def _remove_patiently(self) -> None:
        deadline = time.monotonic() + REMOVE_SECONDS
        while not self._is_removed() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _is_removed(self) -> bool:
        left = [folder for folder in self._folders if not _removed(folder)]
        return not left


def status() -> Status:
    """Whether groups can be made. Tries once, in this process, to start a program in one."""
    return _tried(settings.CGROUP)


@cache
def _tried(asked: str) -> Status:
    if asked == "off":
        return Status(why="Control groups are switched off (SLUICE_CGROUP).")
    found = _delegated() if asked == "auto" else Status(tuple(Path(name.strip()) for name in asked.split(",")))
    if not found.folders:
        return found
    _forget_old(found.folders)
    try:
        group = Group.inside([folder / f"{PREFIX}{os.getpid()}-trial" for folder in found.folders], memory_mb=64, processes=8)
    except OSError as error:
        return Status(why=f"No control group can be made ({error.strerror or error}).")
    try:
        tried = subprocess.run(entering(group, ["/bin/true"]), capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    finally:
        group.remove()
    return found if tried.returncode == 0 else Status(why=f"No program can enter a control group: {tried.stderr.strip()[:200]}")


def entering(group: Group | None, command: list[str]) -> list[str]:
    """`command`, begun in the group. One that cannot be entered starts nothing."""
    if group is None:
        return command
    enter = 'for way in $1; do echo $$ > "$way" || exit 125; done; shift; exec "$@"'
    return ["/bin/sh", "-c", enter, "sluice", " ".join(group.entrances), *command]


# --- version 2, delegated ---------------------------------------------------------------------------------------------------


def _delegated() -> Status:
    """The group of version 2 that this process is in, if it is ours to divide; made ready for groups below it."""
    own = own_group()
    if own is None:
        return Status(why="This machine has no control groups of version 2.")
    if missing := set(CONTROLLERS) - set(_words(own / "cgroup.controllers")):
        return Status(why=f"Control groups of version 2 cannot limit {' and '.join(sorted(missing))} here.")
    if not is_ours(own):
        return Status(why="The control group of this process is not delegated to it (Delegate=yes in its systemd unit).")
    try:
        prepare(own)
    except OSError as error:
        return Status(why=f"The control group of this process cannot be divided ({error.strerror}).")
    return Status((own,))


def own_group() -> Path | None:
    """The folder of the version 2 group that this process is in, or of the one above when it was moved by `prepare`."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    lines = [line.partition("::")[2] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    if not places or not lines:
        return None
    own = places[0] / lines[0].lstrip("/")
    return own.parent if own.name == ALL_HERE else own


def is_ours(own: Path) -> bool:
    """Whether the manager of this machine's groups has given us this one: it says so in an attribute, or it is all that a container has."""
    if not all(os.access(own / name, os.W_OK) for name in ("cgroup.procs", "cgroup.subtree_control")):
        return False
    for name in ("user.delegate", "trusted.delegate"):
        with suppress(OSError):
            if os.getxattr(own, name) == b"1":
                return True
    return os.path.ismount(own) and (own / "cgroup.type").exists()  # the machine's own root has no type


def prepare(own: Path, controllers: tuple[str, ...] = CONTROLLERS) -> None:
    """Moves the processes of the group to one below it, and lets groups below it be limited. Raises OSError when that cannot be."""
    (own / ALL_HERE).mkdir(exist_ok=True)
    for _ in range(20):
        for pid in _words(own / "cgroup.procs"):
            with suppress(ProcessLookupError):
                (own / ALL_HERE / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        if set(controllers) <= set(_words(own / "cgroup.subtree_control")):
            return
        time.sleep(0.05)  # somebody has started a process there meanwhile
    raise OSError(errno.EBUSY, "it does not let groups below it be limited")


# --- files of the kernel ----------------------------------------------------------------------------------------------------


def _limit(folder: Path, memory_mb: int, processes: int) -> set[str]:
    """Writes the limits that this hierarchy knows, of either version; gives which of memory and pids it holds now."""
    size = str(memory_mb * MB)
    wanted = [("memory.max", size), ("memory.swap.max", "0"), ("memory.oom.group", "1")]
    wanted += [("memory.limit_in_bytes", size), ("memory.memsw.limit_in_bytes", size), ("pids.max", str(processes + SPARE_PROCESSES))]
    held = set()
    for name, value in wanted:
        if (folder / name).exists():
            (folder / name).write_text(value)
            held.add(name.partition(".")[0])
    return held


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _forget_old(folders: tuple[Path, ...]) -> None:
    """Groups whose maker has died."""
    for folder in folders:
        for old in folder.glob(f"{PREFIX}*"):
            maker = old.name.removeprefix(PREFIX).partition("-")[0]
            if not Path(f"/proc/{maker}").exists() and not _removed(old):
                log.warning("The control group %s of an earlier program cannot be removed yet.", old)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _number(file: Path, name: str) -> int:
    """The number beside `name` in a file of names and numbers; 0 where there is none."""
    words = _words(file)
    return next((int(value) for key, value in zip(words[::2], words[1::2], strict=False) if key == name and value.isdecimal()), 0)
