"""The worker's door: a message names a run, and the run itself is read from the database."""

from __future__ import annotations

import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from portal.runs import worker


@shared_task(name="portal.runs.tasks.execute")
def execute(run_id: str) -> None:
    """Rings the worker. It takes this run if it is still waiting and a place is free, and goes on with the oldest waiting ones."""
    worker.work(run_id)


@worker_shutting_down.connect
def give_runs_back(**about: Any) -> None:
    """A worker that is told to stop does not make anybody wait for an hour-long run: another one takes it."""
    worker.stopping.set()
    worker.pool.close()


@worker_ready.connect
def start_ahead(**about: Any) -> None:
    """The first run after a start should not wait for Spark either."""
    threading.Thread(target=worker.give_signs, name="signs", daemon=True).start()
    worker.start_ahead()
