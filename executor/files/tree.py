"""Walking, opening and removing folders whose content somebody else decides.

Nothing here follows a link, recurses, or builds a path from the top: every step goes through the descriptor of the folder it is in, so
names of any kind (also not UTF-8), paths longer than the system allows and folders nested ten thousand deep are all the same to it, and
a folder that is exchanged for a link meanwhile is not entered.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from heapq import nsmallest
from itertools import count, islice
from pathlib import Path

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"
DEEPEST = 64
"""Levels a walk goes down by default: data sets have a handful."""
MOST = 1_000_000
"""Entries a walk gives by default."""
TOO_DEEP, TOO_MANY, TOO_LONG, UNREADABLE = "too deep", "too many", "too long", "unreadable"
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_AT_ONCE = 1_000
_MOST_STUCK = 100


class NotRemoved(OSError):
    """Something is left of a folder that was to be removed. `left`: how many entries were met that cannot go; `why`: of the first."""

    def __init__(self, path: Path, left: int, why: str) -> None:
        super().__init__(f"{shown(str(path))} could not be removed: {why}")
        self.path, self.left, self.why = path, left, why


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing below a folder. `path`: relative to the folder, with `/`; a name that is not UTF-8 is kept in Python's escaped form
    (`shown` makes it fit for people). `size` in bytes; `modified_ns`: since 1970; `mode`: as the system has it."""

    path: str
    kind: str
    size: int
    modified_ns: int
    mode: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def depth(self) -> int:
        """1 for what lies in the folder itself."""
        return self.path.count("/") + 1

    @property
    def is_hidden(self) -> bool:
        """Whether readers of data leave it out, by its name."""
        return is_hidden(self.name)


def is_hidden(name: str) -> bool:
    """Whether readers of data leave out what has this name: `_` or `.` before it, or half a copy. `_year=2013` is a folder column."""
    return (name.startswith((".", "_")) and "=" not in name) or name.endswith("._COPYING_")


_LEFTOVERS = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"))


def is_leftover(name: str) -> bool:
    """Whether systems and programs put what has this name beside people's files: pictures of a folder, locks of an open workbook."""
    return name.casefold() in _LEFTOVERS or name.startswith(("~$", ".~lock.", "._")) or name in (".DS_Store", "__MACOSX")


class Walk:
    """The entries below `top`, a folder before what is in it, by name. Iterate once; then `left_out` says why some may be missing.

    `below`: a folder below `top` to walk instead, reached without following a link. `deepest`: levels to go down (1: only what lies in
    the folder itself). `most`: entries to give. `seconds`: after that it ends. `enter`: whether to go into a folder (default: all).
    A `top` that is a link, a file or nothing has no entries and is UNREADABLE.
    """

    def __init__(
        self,
        top: str | Path,
        *,
        below: str = "",
        deepest: int = DEEPEST,
        most: int = MOST,
        seconds: float | None = None,
        enter: Callable[[Entry], bool] = lambda entry: True,
    ) -> None:
        self.top, self.below, self.deepest, self.most, self._enter = top, below, deepest, most, enter
        self._end = None if seconds is None else time.monotonic() + seconds
        self.left_out: set[str] = set()

    def __iter__(self) -> Iterator[Entry]:
        levels: list[tuple[int, Iterator[Entry]]] = []
        try:
            self._start(levels)
            yield from self._entries(levels)
        finally:
            for folder, _ in levels:
                os.close(folder)

    def _start(self, levels: list[tuple[int, Iterator[Entry]]]) -> None:
        try:
            folder = open_below(self.top, self.below, _FOLDER_FLAGS) if self.below else os.open(self.top, _FOLDER_FLAGS)
        except OSError:
            self.left_out.add(UNREADABLE)
            return
        levels.append((folder, self._in_folder(folder, "")))

    def _entries(self, levels: list[tuple[int, Iterator[Entry]]]) -> Iterator[Entry]:
        given = 0
        while levels:
            folder, entries = levels[-1]
            entry = next(entries, None)
            if entry is None:
                os.close(levels.pop()[0])
                continue
            if given >= self.most or self._is_over():
                self.left_out.add(TOO_MANY if given >= self.most else TOO_LONG)
                return
            given += 1
            yield entry
            if entry.kind != FOLDER or not self._enter(entry):
                continue
            if len(levels) < self.deepest:
                self._go_down(levels, folder, entry.name, entry.path + "/")
            else:
                self.left_out.add(TOO_DEEP)

    def _go_down(self, levels: list[tuple[int, Iterator[Entry]]], above: int, name: str, prefix: str) -> None:
        try:
            folder = os.open(name, _FOLDER_FLAGS, dir_fd=above)
        except OSError:
            self.left_out.add(UNREADABLE)
            return
        levels.append((folder, self._in_folder(folder, prefix)))

    def _in_folder(self, folder: int, prefix: str) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as found:
                names = nsmallest(self.most + 1, (item.name for item in islice(found, MOST)))
        except OSError:
            self.left_out.add(UNREADABLE)
            return
        for name in names:
            with suppress(OSError):  # gone meanwhile
                state = os.stat(name, dir_fd=folder, follow_symlinks=False)
                self._meet(folder, name, state)
                yield Entry(prefix + name, kind_of(state.st_mode), state.st_size, state.st_mtime_ns, state.st_mode)

    def _meet(self, folder: int, name: str, state: os.stat_result) -> None:
        """For walks that change what they meet."""

    def _is_over(self) -> bool:
        return self._end is not None and time.monotonic() > self._end


class _Giving(Walk):
    owner = 0

    def _meet(self, folder: int, name: str, state: os.stat_result) -> None:
        if state.st_uid != self.owner and not stat.S_ISLNK(state.st_mode):
            os.chown(name, self.owner, self.owner, dir_fd=folder, follow_symlinks=False)


def give(top: str | Path, owner: int) -> None:
    """Makes `top` and everything in it belong to the user and group of this number, which only root may; links are left alone."""
    os.chown(top, owner, owner, follow_symlinks=False)
    walk = _Giving(top)
    walk.owner = owner
    for _ in walk:
        pass


def kind_of(mode: int) -> str:
    """FILE, FOLDER, LINK or OTHER (devices, pipes, sockets) for a mode of `stat`."""
    return FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else LINK if stat.S_ISLNK(mode) else OTHER


def open_below(top: str | Path, relative: str, flags: int = os.O_RDONLY) -> int:
    """A descriptor of what lies at `relative` below `top`, where no part is a link. Opens no pipe or device. Raises OSError; ValueError
    for a path that is empty or leads upwards."""
    parts = relative.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        raise ValueError(f"“{shown(relative)}” is not a path below a folder.")
    folder = os.open(top, _FOLDER_FLAGS)
    try:
        for part in parts[:-1]:
            folder, above = os.open(part, _FOLDER_FLAGS, dir_fd=folder), folder
            os.close(above)
        found = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o640, dir_fd=folder)
    finally:
        os.close(folder)
    if kind_of(os.fstat(found).st_mode) == OTHER:
        os.close(found)
        raise OSError(f"“{shown(relative)}” is neither a file nor a folder.")
    return found


def write_in(folder: int, name: str, text: str) -> None:
    """Writes a text into an open folder, in one step. Raises OSError."""
    fresh = f"{name}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(fresh, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)


def is_plain_name(name: str) -> bool:
    """Whether a name of the file system can be shown and sent: UTF-8 (no escaped bytes) and without control characters."""
    return not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000 for sign in name)


def shown(name: str) -> str:
    """A name or path of the file system for people: what cannot be shown stands as `\\xff`."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


# --- removing ---------------------------------------------------------------------------------------------------------------


def remove(path: str | Path) -> None:
    """Removes a file, a link itself, or a folder with all that is in it; nothing there is fine. Raises NotRemoved at the end when
    something could not go, after everything else has gone.

    Folders inside are lifted to the top one by one and emptied there, so depth costs nothing and two descriptors are enough."""
    path = Path(path)
    try:
        with suppress(IsADirectoryError):
            os.unlink(path)
            return
        _make_ours(None, os.fspath(path))
        top = os.open(path, _FOLDER_FLAGS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NotRemoved(path, 1, error.strerror or str(error)) from error
    try:
        stuck = _Removal(top).run()
    finally:
        os.close(top)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NotRemoved(path, max(1, len(stuck)), next(iter(stuck.values()), error.strerror or str(error))) from error


class _Removal:
    """Empties the folder behind the descriptor `top`."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._fresh = count()
        self._mark = os.urandom(4).hex()
        self._stuck: dict[str, str] = {}

    def run(self) -> dict[str, str]:
        """Gives what could not be removed, by name in the top folder, and why."""
        while len(self._stuck) < _MOST_STUCK:
            names = [name for name in _names(self._top, _AT_ONCE + len(self._stuck)) if name not in self._stuck]
            if not names:
                break
            for name in names:
                try:
                    self._remove(name)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self._stuck[name] = error.strerror or str(error)
        return self._stuck

    def _remove(self, name: str) -> None:
        if _unlink(self._top, name):
            return
        _make_ours(self._top, name)
        folder = os.open(name, _FOLDER_FLAGS, dir_fd=self._top)
        try:
            while names := _names(folder, _AT_ONCE):
                for inner in names:
                    if not _unlink(folder, inner):
                        self._lift(folder, inner)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=self._top)

    def _lift(self, folder: int, name: str) -> None:
        _make_ours(folder, name)  # moving a folder writes into it
        os.rename(name, f"{self._mark}-{next(self._fresh)}", src_dir_fd=folder, dst_dir_fd=self._top)


def _names(folder: int, most: int) -> list[str]:
    with os.scandir(folder) as found:
        return [item.name for item in islice(found, most)]


def _unlink(folder: int, name: str) -> bool:
    """False when it is a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True


def _make_ours(above: int | None, name: str) -> None:
    """Gives the owner every right to a folder, whose maker may have taken them away. Never through a link."""
    if not hasattr(os, "O_PATH"):
        return
    with suppress(PermissionError, FileNotFoundError):
        found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        try:
            mode = os.fstat(found).st_mode
            if stat.S_ISDIR(mode) and mode & 0o700 != 0o700:
                os.chmod(f"/proc/self/fd/{found}", 0o700)
        finally:
            os.close(found)
