"""Schedulers and workers that act on one pipeline at the same moment. See tests/scheduler for two processes on SQLite."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from portal.pipelines import progress, ticks
from portal.pipelines.actions import create_pipeline, run_pipeline, save_schedule
from portal.pipelines.models import PipelineRun, Schedule
from portal.runs.models import Run
from tests.factories import make_job, make_person, make_project, make_version
from tests.pipelines.ends import end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]
"""On SQLite: tests/scheduler/test_two_schedulers.py"""
THREADS = 8


def at_once(work: Callable[[], object]) -> list[BaseException]:
    barrier, failures = threading.Barrier(THREADS), []

    def one() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def prepared(pipelines: int):
    project = make_project()
    olu = make_person("olu", project, "operator", "author")
    for name in ("load_flights", "load_weather", "daily_delays"):
        make_version(make_job(project, olu, name), live_in=("test",))
    after = {"load_flights": [], "load_weather": [], "daily_delays": ["load_flights", "load_weather"]}
    made = [create_pipeline(actor=olu, project=project, name=f"pipeline_{number}", after=after) for number in range(pipelines)]
    return olu, project.environments.get(name="test"), made


def test_eight_schedulers_start_each_tick_once() -> None:
    olu, environment, pipelines = prepared(5)
    for pipeline in pipelines:
        save_schedule(actor=olu, pipeline=pipeline, environment=environment, cron="0 0 1 1 *", timezone_name="UTC")
    Schedule.objects.update(next_due_at=timezone.now() - timedelta(seconds=1))
    assert at_once(ticks.start_due) == []
    assert PipelineRun.objects.count() == 5 and PipelineRun.objects.filter(state="running").count() == 5
    assert Run.objects.count() == 10


def test_a_job_that_waits_for_two_starts_once_when_both_end_together() -> None:
    olu, environment, (pipeline,) = prepared(1)
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=environment)
    end(run, "load_flights", told=False)
    end(run, "load_weather", told=False)
    assert at_once(lambda: progress.advance(run.pk)) == []
    assert Run.objects.filter(job__name="daily_delays").count() == 1
