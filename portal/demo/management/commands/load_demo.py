"""`manage.py load_demo [--run]`: the demo's people, projects, data, jobs and pipeline; what is there is left as it is."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from portal.accounts.models import Project, User
from portal.demo import content, first_run, flights
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.promotions.actions import request_promotion
from portal.promotions.models import Promotion

MAIN_JOB = "daily_delays"


class Command(BaseCommand):
    help = "Loads the demo's projects; with --run, runs its main job and shows the result."
    requires_system_checks: list[str] = []  # they would load every page, which this program never shows

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", action="store_true", help=f"run {MAIN_JOB} in dev and show the result")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False, soft_wrap=True)
        try:
            project = load(console)
            if options["run"]:
                run(console, project)
        except PortalError as error:
            problems = [problem.get("message", "") for problem in error.problems]
            said = dict.fromkeys([error.message, *problems, error.fix])  # often the first problem is the message
            raise CommandError(" ".join(filter(None, said))) from None


def load(console: Console) -> Project:
    """The project of the flights. Idempotent: a second call finds everything there."""
    begun = time.monotonic()
    project, new = load_sample(content.FLIGHTS)
    size = sum(flights.put_into(environment) for environment in Environment.objects.filter(project=project))
    took = f"{time.monotonic() - begun:.1f} s"
    console.print(f"Demo project “{project.name}”: {size / 1e6:.0f} MB of flights and weather, {told(new)} ({took})")
    lake, new = load_sample(content.LAKE)
    console.print(f"Demo project “{lake.name}”: {told(new)}")
    return project


def load_sample(sample: content.Sample) -> tuple[Project, list[str]]:
    """The project, with the files and jobs of examples/; and the names of what is new."""
    project = content.load_people_and_project(sample)
    for environment in Environment.objects.filter(project=project):
        content.put_raw_files(environment, sample)
    ana = User.objects.get(username="ana")
    return project, content.load_jobs(project, ana, sample) + content.load_pipelines(project, ana, sample)


def told(new: list[str]) -> str:
    return f"new: {', '.join(new)}" if new else "all of it was there"


def run(console: Console, project: Project) -> None:
    """The first run and its result; the first time, Ana then asks to have the job in test, so that Pat has something to decide."""
    ana = User.objects.get(username="ana")
    job = Job.objects.get(project=project, name=MAIN_JOB)
    done = first_run.run_and_show(console, job, Environment.objects.get(project=project, name=content.ENVIRONMENTS[0]), ana)
    first_run.show_result(console, done)
    if done.version is not None and not Promotion.objects.filter(job=job).exists():
        request_promotion(actor=ana, version=done.version, message="The daily figures, for test")
    people = [person.username for person in content.PEOPLE]
    first_run.show_where(console, done, sorted(User.objects.filter(username__in=people), key=lambda user: people.index(user.username)))
