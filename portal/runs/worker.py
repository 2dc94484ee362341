"""What a worker does when it is rung: it has RUN_CONCURRENCY places, and while one is free it takes waiting runs, the oldest first.

The database is the queue; messages only say "look now". So a lost message, a doubled one or fifty of them change nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection

from portal.runs import leases
from portal.runs.models import Run
from portal.runs.scratch import cleaner
from portal.runs.supervisor import Supervisor
from portal.runs.warm_pool import WarmPool

log = logging.getLogger(__name__)

stopping = threading.Event()
"""Set when somebody shuts this worker down: what runs goes back to the queue, and nothing new is taken."""
_places = threading.BoundedSemaphore(settings.RUN_CONCURRENCY)
_at_work: set[uuid.UUID] = set()
pool = WarmPool(lambda: not _at_work and not stopping.is_set())


def work(run_id: str) -> None:
    """Takes the named run if it is waiting and a place is free, then every other waiting run; returns when there is nothing to do."""
    wanted: str | None = run_id
    while not stopping.is_set() and _places.acquire(blocking=False):
        try:
            cleaner.wake()
            if wanted:
                _work_on_one(wanted)
                wanted = None
            while _work_on_one(None):
                pass
        finally:
            _places.release()
        if not Run.objects.startable().exists():  # else somebody rang between our last look and the release
            return


def _work_on_one(wanted: str | None) -> bool:
    """Claims one run and brings it to its end. False when there was none to claim."""
    run = _claimed(wanted)
    if run is None:
        return False
    log.info("Run %s (%s in %s) starts, attempt %s.", run.pk, run.job.name, run.environment.name, run.fence)
    _at_work.add(run.pk)
    try:
        Supervisor(run, stopping, pool.take).work()
    finally:
        _at_work.discard(run.pk)
    pool.keep(run.environment)
    run.refresh_from_db()
    log.info("Run %s is %s.", run.pk, run.state)
    connection.close()
    return True


def start_ahead() -> None:
    """Keeps an executor for the environment of the last run, if there has been one."""
    last = Run.objects.select_related("environment__compute", "environment__project").order_by("-created_at").first()
    if last:
        pool.keep(last.environment)
    connection.close()


def _claimed(wanted: str | None) -> Run | None:
    """The wanted run if it is waiting; when none is wanted, the oldest one that can be had."""
    if stopping.is_set():
        return None
    runs = Run.objects.select_related("job", "version", "environment__compute", "environment__project", "requested_by")
    try:
        candidates = runs.filter(pk=wanted) if wanted else runs.startable()[:10]
    except ValidationError:
        return None
    return next((run for run in candidates if leases.claim(run, _name())), None)


def _name() -> str:
    """Tells one holder from another: machine, process and a mark of this very claim."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
