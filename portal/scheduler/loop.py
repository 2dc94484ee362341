"""One loop that calls each tick in its own interval. A tick that fails is told about and called again; the others are not disturbed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import close_old_connections, connection, connections

log = logging.getLogger("sluice.scheduler")

QUIET_FOR = 60.0  # seconds in which the same failure is not told again


@dataclass
class Tick:
    """Work to be done every `seconds`. `done` gives a readable line from what `call` returned when there is something to tell."""

    name: str
    seconds: float
    call: Callable[[], object]
    due_at: float = 0.0
    failed_at: float = field(default=-QUIET_FOR)
    failing: bool = False


class Loop:
    """Runs until `stop` is called, which may happen in a signal handler: the tick under way is finished first."""

    def __init__(self, ticks: Sequence[Tick]) -> None:
        self.ticks = list(ticks)
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self.run_due(time.monotonic())
            wait = min(tick.due_at for tick in self.ticks) - time.monotonic()
            self._stopping.wait(max(wait, 0.01))
        connections.close_all()

    def run_due(self, now: float) -> None:
        """Calls every tick whose time has come."""
        close_old_connections()
        for tick in self.ticks:
            if tick.due_at <= now and not self._stopping.is_set():
                self._call(tick, now)
                tick.due_at = time.monotonic() + tick.seconds

    def _call(self, tick: Tick, now: float) -> None:
        try:
            tick.call()
        except Exception as error:  # noqa: BLE001  one tick's failure must not end the others
            self._tell_failure(tick, error, now)
        else:
            if tick.failing:
                log.info("%s: works again", tick.name)
            tick.failing = False

    def _tell_failure(self, tick: Tick, error: Exception, now: float) -> None:
        if not tick.failing or now - tick.failed_at >= QUIET_FOR:
            log.error("%s failed: %s: %s", tick.name, type(error).__name__, error, exc_info=not tick.failing)
            tick.failed_at = now
        tick.failing = True
        connection.close()  # a broken connection is opened anew at the next tick
