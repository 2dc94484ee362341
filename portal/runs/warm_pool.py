"""Started executors that nobody has used: a run takes one, uses it once, and it is thrown away like any other.

A worker with nothing to do keeps one for each of the environments it worked for last, so that the next run there does not wait for
Spark. What an executor is started for (environment, data folder, compute profile, the places it may reach, what its Spark can reach) never
changes; a run that needs anything else starts its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError

from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import launcher
from portal.runs.launches import Equipment
from portal.runs.preview_reach import fresh_connection
from portal.runs.still_allowed import SECONDS, may_still_have

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SILENT_SECONDS = 20
"""One that waits says every 5 s that it is alive. One that does not is not trusted with a run; a false alarm costs only a cold start."""
NOTHING = Equipment()
MOST_DEATHS = 3
"""An executor that died so often while it waited, with no run in between, is not started again: it would never come up."""


class Key(NamedTuple):
    """What an executor was started for. `compute`: the figures of the environment's compute profile."""

    environment: int
    compute: tuple[int, ...]
    equipment: Equipment


@dataclass(eq=False)
class Waiting:
    """An executor that waits for a run."""

    key: Key
    executor: launcher.Executor
    since: float = field(default_factory=time.monotonic)

    @property
    def is_stale(self) -> bool:
        return time.monotonic() - self.since > settings.WARM_IDLE_SECONDS

    @property
    def is_well(self) -> bool:
        return self.executor.is_alive and self.executor.silent_seconds < SILENT_SECONDS


class WarmPool:
    """`is_idle` says whether the worker has nothing to do: starting Spark must not slow down a run."""

    def __init__(self, is_idle: Callable[[], bool]) -> None:
        self._is_idle = is_idle
        self._wanted: dict[Key, Environment] = {}
        self._waiting: list[Waiting] = []
        self._deaths: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked_at = 0.0

    def keep(self, environment: Environment, equipment: Equipment = NOTHING) -> None:
        """From now on one waits for this environment, started with this; the one used longest ago gives way."""
        key = key_of(environment, equipment)
        with self._lock:
            self._wanted.pop(key, None)
            self._wanted[key] = environment
            self._deaths.pop(key, None)
            while len(self._wanted) > settings.WARM_EXECUTORS:
                del self._wanted[next(iter(self._wanted))]
            if self._wanted and self._thread is None:
                # Executors die with the thread that started them, so it is one that never ends.
                self._thread = threading.Thread(target=self._look_after, name="warm-pool", daemon=True)
                self._thread.start()

    def take(self, environment: Environment, equipment: Equipment = NOTHING) -> launcher.Executor | None:
        """One that was started for exactly this, and is the caller's from now on; None when there is none. It may still be starting."""
        key = key_of(environment, equipment)
        with self._lock:
            fitting = next((waiting for waiting in self._waiting if waiting.key == key and waiting.is_well), None)
            if fitting is None:
                return None
            self._waiting.remove(fitting)
            return fitting.executor

    def close(self) -> None:
        """Ends those that wait; none is started any more."""
        with self._lock:
            self._wanted.clear()
        self.look()

    def look(self) -> None:
        """One round: ends what is not wanted any more, may not have what it was started with, has died, or has waited too long; starts what
        is missing, if the worker is idle."""
        self._forget_what_may_not_be()
        for waiting in self._unfit():
            waiting.executor.kill()
            waiting.executor.finish()
        if self._is_idle():
            with self._lock:
                here = {waiting.key for waiting in self._waiting}
                for key in self._wanted.keys() - here:
                    self._waiting.append(_started(self._wanted[key], key.equipment))

    def _forget_what_may_not_be(self) -> None:
        """A root or a connection was changed: the next run there starts its own."""
        if time.monotonic() - self._asked_at < SECONDS:
            return
        self._asked_at = time.monotonic()
        with self._lock:
            wanted = [key for key in self._wanted if key.equipment != NOTHING]
        gone = []
        if wanted:
            with fresh_connection():
                gone = [key for key in wanted if not may_still_have(key.environment, key.equipment)]
        with self._lock:
            for key in gone:
                self._wanted.pop(key, None)

    def _unfit(self) -> list[Waiting]:
        with self._lock:
            for waiting in self._waiting:
                if waiting.is_stale or (not waiting.is_well and self._has_died_too_often(waiting.key)):
                    self._wanted.pop(waiting.key, None)
            unfit = [one for one in self._waiting if one.key not in self._wanted or not one.is_well]
            self._waiting = [one for one in self._waiting if one not in unfit]
            return unfit

    def _has_died_too_often(self, key: Key) -> bool:
        self._deaths[key] += 1
        if self._deaths[key] < MOST_DEATHS:
            return False
        log.warning("Executors that are started ahead end before they are used; none is started until the next run there.")
        return True

    def _look_after(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look()
            except (PortalError, OSError, DatabaseError) as error:
                log.warning("No executor can be started ahead: %s", error)
                with self._lock:
                    self._wanted.clear()


def key_of(environment: Environment, equipment: Equipment) -> Key:
    """Two runs of one key can use each other's executors. One with places is for runs that may reach the very same."""
    return Key(environment.pk, tuple(launcher.compute_of(environment).values()), equipment)


def _started(environment: Environment, equipment: Equipment) -> Waiting:
    log.info("An executor for the next run in %s starts ahead.", environment.name)
    launch = launcher.for_run(environment, "ahead", warm=True, endpoints=equipment.endpoints, folders=equipment.folders)
    first = {"compute": launcher.compute_of(environment)} | ({"connectors": equipment.connectors} if equipment.connectors else {})
    return Waiting(key_of(environment, equipment), launcher.Executor(launch, first))
