"""What is said between the last stage of a run and its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from executor.event_writer import EventWriter
from executor.events import Publishing

SECONDS = 2.0
"""Between two lines about one step: people see that it goes on, and a log of many files stays one that can be read."""


class Progress:
    """Says the beginning and the end of each step, and from time to time how far it is."""

    def __init__(self, emit: EventWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._emit, self._clock = emit, clock
        self._said: tuple[str, str] | None = None
        self._said_at = 0.0

    def __call__(self, step: str, where: str = "", done: int = 0, total: int = 0) -> None:
        now, is_new = self._clock(), self._said != (step, where)
        if is_new or done == total or now - self._said_at >= SECONDS:
            self._said, self._said_at = (step, where), now
            self._emit(Publishing(step=step, where=where, done=done, total=total))
