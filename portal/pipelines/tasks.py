"""What the worker does for pipelines."""

from __future__ import annotations

from celery import shared_task

from portal.pipelines import progress


@shared_task(name="portal.pipelines.tasks.run_ended")
def run_ended(run_id: str) -> None:
    progress.run_ended(run_id)
