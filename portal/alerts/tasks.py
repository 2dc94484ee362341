"""What the worker does for alerts."""

from __future__ import annotations

from celery import shared_task

from portal.alerts import delivery, raising


@shared_task(name="portal.alerts.tasks.run_ended")
def run_ended(run_id: str) -> None:
    """Raises what is to be raised and tries to deliver it at once; the scheduler goes on with what did not arrive."""
    raising.run_ended(run_id)
    delivery.deliver_due()
