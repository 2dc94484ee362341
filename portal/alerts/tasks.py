"""What the worker does for alerts."""

from __future__ import annotations

from celery import shared_task

from portal.alerts import raising


@shared_task(name="portal.alerts.tasks.run_ended")
def run_ended(run_id: str) -> None:
    """Raises what is to be raised. The scheduler delivers it: a receiver that does not answer must not keep a worker from runs."""
    raising.run_ended(run_id)
