"""A root in a folder of this machine, tried: what lies there, whether it may be read and written, and how much room is left.

Whether the folder may be a root at all was looked at outside already (`portal.environments.folders`)."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from executor.files import exchange, tree
from executor.files.lake import existing
from executor.plain import bytes_in_words, counted
from executor.problems import Problem, ProblemError
from executor.stores.folder import FolderStore
from executor.stores.roots import Roots
from executor.trials.trial import Stopped, Trial

MOST_OPENED = 20
"""Files that are opened to see whether they may be read."""
LITTLE_ROOM = 0.05
"""Of the whole disk."""
FEW_NAMES = 1_000
"""That the disk has room for."""
BLOCK = b"\0" * 4096
GIVE = "Have whoever runs the machine give Sluice's executors the right to"


def try_root(given: Mapping[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """{"root", "writes": whether jobs may write there} → `tested` with `works` and `steps`."""
    root = roots.named(str(given["root"]))
    if not isinstance(root, FolderStore) or root.is_own:
        raise ProblemError(Problem(code="no-folder-root", message="This root is no folder of this machine that could be tried."))
    steps: list[dict[str, Any]] = []
    trial = Trial(lambda event: steps.append(event) if event["event"] == "step" else None)
    works = True
    try:
        _read(trial, root)
        if given.get("writes"):
            _write(trial, root.folder)
        _room(trial, root.folder)
    except Stopped:
        works = False
    kept = ("name", "state", "words", "fix", "ms")
    return {"event": "tested", "works": works, "steps": [{name: step[name] for name in kept} for step in steps]}


def _read(trial: Trial, root: FolderStore) -> None:
    with trial.step("Read") as step, _in_words("Its folder may not be read.", f"{GIVE} read it."):
        os.scandir(root.folder).close()
        level = root.entries("")
        files = [one.name for one in level.entries if not one.is_folder]
        closed = [name for name in files[:MOST_OPENED] if not _may_be_read(root.folder, name)]
        said = _seen(len(files), len(level.entries) - len(files), more=level.more)
        if not closed:
            step.good(said)
        else:
            several = f"{len(closed)} of the first {min(len(files), MOST_OPENED)} files" if len(closed) > 1 else "One file"
            step.note(f"{said} {several} may not be read, such as “{closed[0]}”.", f"{GIVE} read what jobs are to read.")


def _seen(files: int, folders: int, *, more: bool) -> str:
    if not files and not folders:
        return "Nothing lies there yet."
    both = [counted(files, "file", "files"), counted(folders, "folder", "folders")]
    return f"{' and '.join(words for words in both if words[0] != '0')} seen{', and there are more' if more else ''}."


def _may_be_read(folder: Path, name: str) -> bool:
    with suppress(OSError, ProblemError):
        existing(folder, name, "uri")
        with os.fdopen(tree.open_below(folder, name), "rb") as file:
            file.read(1)
        return True
    return False


def _write(trial: Trial, folder: Path) -> None:
    """What a run does when it publishes, with two files that no reader sees."""
    mine = [folder / f".sluice-test-{secrets.token_hex(8)}" for _ in range(2)]
    refused = "Nothing may be written there.", f"{GIVE} write there, or let jobs only read."
    with trial.step("Write") as step, _in_words(*refused):
        try:
            for one in mine:
                with one.open("xb") as file:
                    file.write(BLOCK)
                    file.flush()
                    os.fsync(file.fileno())
            swaps = _swaps(*mine)
        finally:
            for one in mine:
                with suppress(FileNotFoundError):
                    one.unlink()
        if swaps:
            step.good("Files can be written and removed, and an output takes the place of the one before in a single step.")
        else:
            step.note(
                "Files can be written and removed. Its file system cannot exchange two of them in a single step.",
                "For a moment while a run publishes, who reads there without Sluice may find nothing.",
            )


def _swaps(one: Path, other: Path) -> bool:
    try:
        exchange.rename(one, other, exchange.RENAME_EXCHANGE)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise
        return False
    return True


def _room(trial: Trial, folder: Path) -> None:
    with trial.step("Room") as step, _in_words("How much room there is cannot be said.", "Ask whoever runs the machine."):
        found = os.statvfs(folder)
        free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        said = f"{bytes_in_words(free)} free of {bytes_in_words(whole)}."
        if found.f_files and found.f_favail < FEW_NAMES:
            step.note(f"{said} The disk takes only {found.f_favail:,} more files.", "Remove what is not needed, or ask for more room.")
        elif free < whole * LITTLE_ROOM:
            step.note(f"{said} That is little.", "Remove what is not needed, or ask for more room.")
        else:
            step.good(said)


@contextmanager
def _in_words(words: str, fix: str) -> Iterator[None]:
    """What the system refuses. Raises Stopped."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Stopped("The disk is full, or no more may be kept there.", "Remove what is not needed, or ask for more room.") from None
        raise Stopped(words, fix) from None
