"""Child processes that cannot outlive their parent, and the orphans they leave."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on, descendants whose parent died become children of this process (so that `end_orphans` can find them)."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(command: Sequence[str], *, env: dict[str, str], pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """Starts `command` in a session of its own, with output and errors in one pipe. It gets SIGTERM when this process dies."""
    return subprocess.Popen(  # noqa: S603 - our own programs, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )


def _die_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return prepare


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal to a child and to what it started in its group; nothing when they are gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def reap_orphans(known: set[int]) -> None:
    """Forgets adopted processes that have ended."""
    for pid in set(_children()) - known:
        _wait(pid)


def end_orphans(seconds: float = 5.0) -> None:
    """Kills every process that is still a child of this one, and those they leave behind."""
    deadline = time.monotonic() + seconds
    while (left := _children()) and time.monotonic() < deadline:
        for pid in left:
            _kill(pid)
        time.sleep(0.02)


def _children() -> list[int]:
    return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _wait(pid)


def _wait(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
