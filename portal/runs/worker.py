"""What a worker does when it is rung: it has RUN_CONCURRENCY places, and while one is free it takes waiting runs, in turn (see `turns`).

The database is the queue; messages only say "look now". So a lost message, a doubled one or fifty of them change nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from portal.errors import PortalError
from portal.runs import doorbell, leases, needs
from portal.runs.models import Run, RunState, StateChanged
from portal.runs.scratch import cleaner
from portal.runs.supervisor import Supervisor
from portal.runs.turns import in_turn
from portal.runs.warm_pool import WarmPool

log = logging.getLogger(__name__)

stopping = threading.Event()
"""Set when somebody shuts this worker down: what runs goes back to the queue, and nothing new is taken."""
_places = threading.BoundedSemaphore(settings.RUN_CONCURRENCY)
_claiming = threading.Lock()
_at_work: set[uuid.UUID] = set()
SIGN_EVERY_SECONDS = 10
CLAIMED_AMONG = 10
"""Runs that are tried; other workers may take the first ones in the same moment."""
pool = WarmPool(lambda: not _at_work and not stopping.is_set())


def work(run_id: str) -> None:
    """Takes what waits, in turn, while a place is free; returns when there is nothing to do. `run_id` has no precedence."""
    while not stopping.is_set() and _places.acquire(blocking=False):
        try:
            cleaner.wake()
            while _work_on_one():
                pass
        finally:
            _places.release()
        if not in_turn(Run.objects.startable(), 1):  # else somebody rang between our last look and the release
            return


def _work_on_one() -> bool:
    """Claims one run and brings it to its end. False when there was none to claim."""
    run = _claimed()
    if run is None:
        return False
    log.info("Run %s (%s in %s) starts, attempt %s.", run.pk, run.job.name, run.environment.name, run.fence)
    _at_work.add(run.pk)
    supervisor = Supervisor(run, stopping, pool.take)
    try:
        supervisor.work()
    except Exception:
        log.exception("Run %s: the worker cannot go on with it.", run.pk)
        _give_up(run)
    finally:
        _at_work.discard(run.pk)
    if supervisor.equipment is not None:
        pool.keep(run.environment, supervisor.equipment)
    run.refresh_from_db()
    log.info("Run %s is %s.", run.pk, run.state)
    connection.close()
    return True


def _give_up(run: Run) -> None:
    """A fault of our own ends the attempt now: nobody waits until its lease is over to hear of it."""
    close_old_connections()
    with suppress(StateChanged, DatabaseError):  # then the sweeper finds it
        run.refresh_from_db()
        if not run.is_final and run.state != RunState.QUEUED:
            log.warning("Run %s is %s.", run.pk, leases.hand_on(run))


def give_signs() -> None:
    """Says that this worker lives, until it is shut down. In a thread of its own."""
    while True:
        doorbell.give_sign("worker")
        if stopping.wait(SIGN_EVERY_SECONDS):
            return


def start_ahead() -> None:
    """Keeps an executor for runs such as the last one, if there has been one."""
    last = Run.objects.select_related("environment__compute", "environment__project").order_by("-created_at").first()
    if last:
        with suppress(PortalError):  # what it used is gone, or no longer fits
            pool.keep(last.environment, needs.equipment_of(last))
    connection.close()


def _claimed() -> Run | None:
    """The first run in turn that can be had."""
    if stopping.is_set():
        return None
    runs = Run.objects.select_related("job", "version", "environment__compute", "environment__project", "requested_by")
    with _claiming:  # else two threads would take the same person's runs at once
        found = runs.in_bulk(order := in_turn(Run.objects.startable(), CLAIMED_AMONG))
        candidates = (found[pk] for pk in order if pk in found)
        return next((run for run in candidates if leases.claim(run, _name())), None)


def _name() -> str:
    """Tells one holder from another: machine, process and a mark of this very claim."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
