"""How much an executor uses, and whether that is more than one run or preview may: memory, processes, disk, files.

Measured from outside, since control groups are not to be had everywhere: the tree of its processes each time `look` is called, its
folders in a thread of their own. The kernel's own limits (`portal.runs.sandbox`) stop what grows faster than anybody looks.
See docs/decisions/limits.md.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from executor.files.tree import Walk
from executor.problems import Problem
from portal.runs import groups
from portal.runs.groups import Found, Group

DISK_SECONDS = 3.0
"""Between two looks at the folders; longer where a look itself takes long."""
LOOK_SECONDS = 2.0
"""The longest a look at a folder may take."""
MB = 1024**2
DISK_NEARLY_FULL = "disk-nearly-full"
"""The code of a problem that no single run or file is to blame for."""
FIX = "Let it do less at a time: filter earlier, make fewer files, look at the joins."


@dataclass(frozen=True)
class Use:
    """What a tree of processes uses now: threads and processes, resident memory (MB), bytes written to disks so far."""

    processes: int
    memory_mb: int
    written: int


class Meter:
    """Measures one executor. `pid`: its outermost process. `tmp`, `lake`: its /tmp if that is on disk, its lake if it may write."""

    def __init__(
        self,
        pid: int,
        memory_mb: int,
        tmp: Path | None,
        lake: Path | None,
        *,
        beside_mb: int | None = None,
        group: Group | None = None,
        folders: Sequence[Path] = (),
    ) -> None:
        """`memory_mb`: Spark's heap, 0 without Spark; `beside_mb`: memory beside it. `group`: where the kernel limits it, if it does.
        `folders`: where else it may write."""
        self._pid, self._tmp, self._group = pid, tmp, group
        self._written_to = [*([lake] if lake else []), *folders]
        self._heap_mb, self._beside_mb = memory_mb, settings.RUN_EXTRA_MEMORY_MB if beside_mb is None else beside_mb
        self._memory_mb = self._heap_mb + self._beside_mb
        self._since = time.time()
        self._written = 0
        self._on_disk: Problem | None = None
        self._stopped = threading.Event()
        if tmp or self._written_to:
            threading.Thread(target=self._watch_disk, name=f"measures-{pid}", daemon=True).start()

    def look(self) -> Problem | None:
        """What is used beyond its limit; None while all is well."""
        use = use_of(self._pid, settings.RUN_PROCESSES + 1)
        self._written = max(self._written, use.written)
        if use.memory_mb > self._memory_mb:
            return self._too_much_memory(f"{use.memory_mb:,} MB of memory")
        if told := self.told_by_the_kernel():
            return told
        if use.processes > settings.RUN_PROCESSES:
            return _excess("processes", f"more than {settings.RUN_PROCESSES:,} processes and threads", f"{settings.RUN_PROCESSES:,}")
        if self._written > settings.RUN_WRITES_MB * MB:
            return _excess("writes", f"{self._written // MB:,} MB written to disk", f"{settings.RUN_WRITES_MB:,} MB")
        return self._on_disk

    def told_by_the_kernel(self) -> Problem | None:
        """What the kernel has refused or ended; known also when every process is gone."""
        found = self._group.found() if self._group else Found()
        if found.killed:
            return self._too_much_memory(f"more than {self._memory_mb:,} MB of memory")
        if found.refused:
            return _excess("processes", f"more than {settings.RUN_PROCESSES:,} processes and threads", f"{settings.RUN_PROCESSES:,}")
        return None

    def _too_much_memory(self, found: str) -> Problem:
        if not self._heap_mb:
            return _excess("memory", found, f"{self._memory_mb:,} MB")
        heap = f"{self._heap_mb:,} MB for Spark and {self._beside_mb:,} MB beside it"
        return _excess("memory", found, heap, "Or ask for a larger compute profile.")

    def stop(self) -> None:
        """Ends the thread that looks at folders."""
        self._stopped.set()

    def _watch_disk(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            begun = time.monotonic()
            self._on_disk = self._on_disk or self._look_at_disk()
            pause = max(DISK_SECONDS, 10 * (time.monotonic() - begun))

    def _look_at_disk(self) -> Problem | None:
        files = 0
        if self._tmp:
            files, size = new_since(self._tmp, 0.0, settings.RUN_FILES + 1)
            if size > settings.RUN_TMP_MB * MB:
                return _excess("tmp", f"{size // MB:,} MB of temporary files", f"{settings.RUN_TMP_MB:,} MB")
        for folder in self._written_to:
            files += new_since(folder, self._since, settings.RUN_FILES + 1)[0]
        if files > settings.RUN_FILES:
            return _excess("files", f"more than {settings.RUN_FILES:,} files", f"{settings.RUN_FILES:,}")
        return self._disk_is_nearly_full()

    def _disk_is_nearly_full(self) -> Problem | None:
        for folder in (self._tmp, *self._written_to):
            with suppress(OSError):
                if folder and (disk := os.statvfs(folder)).f_bavail * disk.f_frsize < settings.KEEP_FREE_MB * MB:
                    return Problem(
                        code=DISK_NEARLY_FULL,
                        message="The disk is nearly full, so what writes there is stopped: nothing else could be saved either.",
                        expected=f"at least {settings.KEEP_FREE_MB:,} MB free",
                        fix="Ask whoever runs the machine to free some space, then try again.",
                    )
        return None


def use_of(pid: int, most: int) -> Use:
    """What `pid` and all its descendants use; not more than about `most` of them are looked at."""
    processes = memory = written = 0
    waiting = [pid]
    while waiting and processes < most:
        one = waiting.pop()
        status = _fields(f"/proc/{one}/status")
        processes += max(1, status.get("Threads", 1))
        memory += sum(status.get(name, 0) for name in ("RssAnon", "RssShmem", "VmSwap"))
        written += _fields(f"/proc/{one}/io").get("write_bytes", 0)
        waiting += _children(one)
    return Use(processes, memory // 1024, written)


def new_since(folder: Path, since: float, most: int) -> tuple[int, int]:
    """How many files and folders were made or changed in `folder` since then (the kernel's own time, which nobody can set), and the
    bytes they take on disk. Counts to about `most`, and for 2 seconds."""
    walk = _Counting(folder, since, most)
    return walk.files, walk.bytes


class _Counting(Walk):
    def __init__(self, folder: Path, since: float, most: int) -> None:
        super().__init__(folder, deepest=200, seconds=LOOK_SECONDS)
        self.files = self.bytes = 0
        self._since, self._most_new = since, most
        for _ in self:
            if self.files > self._most_new:
                break

    def _meet(self, folder: int, name: str, state: os.stat_result) -> None:
        if state.st_ctime > self._since:
            self.files += 1
            self.bytes += state.st_blocks * 512


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def _fields(file: str) -> dict[str, int]:
    """The numbers of a file of /proc, by name; nothing when the process is gone or may not be looked at."""
    found = {}
    with suppress(OSError):
        for line in Path(file).read_text().splitlines():
            name, _, value = line.partition(":")
            number = value.split(maxsplit=1)[0] if value.strip() else ""
            if number.isdecimal():
                found[name] = int(number)
    return found


def _excess(what: str, found: str, most: str, more: str = "") -> Problem:
    return Problem(
        code=f"limit-{what}",
        message=f"It used more than one run or preview may, and was stopped: {found}.",
        found=found,
        expected=f"at most {most}",
        fix=f"{FIX} {more}".strip(),
    )


def in_force() -> list[tuple[str, str, str]]:
    """What one run or preview may use on this machine: what, how much, and who holds it to that. For people who run Sluice."""
    ended = "Spark is ended; where the machine is busy, up to a minute later"
    outside, kernel = "measured twice a second; what is over it is ended", "the kernel refuses more"
    group = groups.status()
    in_group = f"{outside}; also a control group of the kernel" if group.folders else outside
    return [
        ("Control groups", "in force" if group.folders else "not in force", group.why or ", ".join(map(str, group.folders))),
        ("Memory", f"Spark's heap (compute profile) and {settings.RUN_EXTRA_MEMORY_MB:,} MB", in_group),
        ("Memory of a program that looks at or unpacks a file", f"{settings.FILES_MEMORY_MB:,} MB", in_group),
        ("Processes and threads", f"{settings.RUN_PROCESSES:,}", f"{in_group}; the kernel limits its user, too"),
        ("Temporary files of a run", f"{settings.RUN_TMP_MB:,} MB on disk", "measured every few seconds"),
        ("Temporary files of a preview", f"{settings.PREVIEW_TMP_MB:,} MB of memory", kernel),
        ("Shared memory (/dev/shm)", f"{settings.RUN_SHM_MB:,} MB", kernel),
        ("Written to disk", f"{settings.RUN_WRITES_MB:,} MB in all", outside),
        ("New files", f"{settings.RUN_FILES:,}", "measured every few seconds"),
        ("Free on the disk", f"at least {settings.KEEP_FREE_MB:,} MB, or runs that write end", "measured every few seconds"),
        ("Reading a query", f"{settings.PARSE_SECONDS} seconds", ended),
        ("Analysing and planning a query", f"{settings.ANALYSIS_SECONDS} seconds", ended),
        ("Runs of one person at a time", f"{settings.PERSON_RUNS:,}", "later ones wait"),
        ("Previews of one person at a time", f"{settings.PERSON_PREVIEWS:,} of {settings.PREVIEW_LEASES:,}", "later ones wait"),
    ]
