"""Says every few seconds that this process and its JVM are alive, so that whoever waits can tell a long query from a frozen process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from executor.events import Alive

BEAT_SECONDS = 5.0
STOPPED = ("T", "t")
"""Letters for a stopped process in /proc. A pause of the garbage collector or a loaded machine does not look like this."""


@contextmanager
def beating(emit: Callable[[Alive], None]) -> Iterator[None]:
    """While the block runs, `alive` is said every BEAT_SECONDS by a thread of its own."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(emit, over), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _beat(emit: Callable[[Alive], None], over: threading.Event) -> None:
    with suppress(OSError, ValueError):  # nobody listens any more
        while not over.wait(BEAT_SECONDS):
            if not any(_is_stopped(child) for child in _children()):
                emit(Alive())


def _children() -> list[str]:
    """Process ids of what this process has started: the JVM."""
    found: list[str] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += task.read_text().split()
    return found


def _is_stopped(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in STOPPED
