"""Changes of the file of keys: whole or not at all, one at a time, so that whoever reads it meanwhile has every key."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.environments.keys import key_of, lines_of


def new_key() -> str:
    """Random signs that nobody guesses."""
    return secrets.token_urlsafe(48)


def add(path: Path, text: str) -> None:
    """From now on this key seals, and those before it still open."""
    _change(path, lambda lines: [text, *(line for line in lines if line != text)])


def take_out(path: Path, ids: set[str]) -> None:
    """The active one stays whatever is said."""
    _change(path, lambda lines: [line for number, line in enumerate(lines) if number == 0 or key_of(line).id not in ids])


def _change(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    with _alone(path.parent):
        about, beside = path.stat(), path.with_name(f"{path.name}.new")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in change(lines_of(path))))
            stream.flush()
            os.fsync(stream.fileno())
        if os.geteuid() == 0:
            os.chown(beside, about.st_uid, about.st_gid)  # Sluice may be another user than whoever gives the command
        beside.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)
