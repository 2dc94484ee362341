"""What the worker does for alerts. Sending is the scheduler's: a receiver that does not answer must not keep a worker from runs."""

from __future__ import annotations

from celery import shared_task

from portal.alerts import raising


@shared_task(name="portal.alerts.tasks.run_ended")
def run_ended(run_id: str) -> None:
    raising.run_ended(run_id)


@shared_task(name="portal.alerts.tasks.pipeline_run_changed")
def pipeline_run_changed(pipeline_run_id: str) -> None:
    raising.pipeline_run_changed(pipeline_run_id)


@shared_task(name="portal.alerts.tasks.schedule_changed")
def schedule_changed(schedule_id: str) -> None:
    raising.schedule_changed(schedule_id)


@shared_task(name="portal.alerts.tasks.promotion_changed")
def promotion_changed(promotion_id: str) -> None:
    raising.promotion_changed(promotion_id)
