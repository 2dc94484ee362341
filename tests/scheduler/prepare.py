"""Fills a fresh home with pipelines whose schedules are due; run as a program of its own, in that home."""

from __future__ import annotations

import sys
from datetime import timedelta

import django


def main(count: int) -> None:
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    from portal.pipelines.actions import create_pipeline, save_schedule
    from portal.pipelines.models import Schedule
    from tests.factories import make_job, make_person, make_project, make_version

    project = make_project()
    olu = make_person("olu", project, "operator", "author")
    make_version(make_job(project, olu, "load_flights"), live_in=("test",))
    test = project.environments.get(name="test")
    for number in range(count):
        pipeline = create_pipeline(actor=olu, project=project, name=f"pipeline_{number}", after={"load_flights": []})
        save_schedule(actor=olu, pipeline=pipeline, environment=test, cron="0 0 1 1 *", timezone_name="UTC")
    Schedule.objects.update(next_due_at=timezone.now() - timedelta(seconds=1))


if __name__ == "__main__":
    main(int(sys.argv[1]))
