"""The demo's people, projects, environments, jobs, pipeline and schedule. Everything a person could do is done by the same actions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from portal.accounts.models import Membership, Project, Role, User
from portal.demo import flights
from portal.environments.models import ComputeProfile, Environment
from portal.jobs import actions as jobs
from portal.jobs.models import Job
from portal.pipelines import actions as pipelines
from portal.pipelines.models import Pipeline

EXAMPLES = settings.BASE_DIR / "examples"
ENVIRONMENTS = ("dev", "test", "prod")


@dataclass(frozen=True)
class Person:
    """`roles`: (role, environment or "" for all of them)."""

    username: str
    name: str
    about: str
    roles: tuple[tuple[Role, str], ...]


PEOPLE = (
    Person("ana", "Ana", "Author: writes jobs in dev", ((Role.AUTHOR, "dev"), (Role.DATA_VIEWER, "test"), (Role.VIEWER, ""))),
    Person(
        "pat", "Pat", "Approver: says what goes to test and prod", ((Role.APPROVER, "test"), (Role.APPROVER, "prod"), (Role.VIEWER, ""))
    ),
    Person("olu", "Olu", "Operator: runs and watches, everywhere", ((Role.OPERATOR, ""),)),
    Person("vic", "Vic", "Viewer: looks, and sees no data", ((Role.VIEWER, ""),)),
    Person("ada", "Ada", "Admin: people, environments, audit", ((Role.ENVIRONMENT_ADMIN, ""), (Role.AUDITOR, ""))),
)


@dataclass(frozen=True)
class Sample:
    """A project of the demo. `jobs`: folders of documents, below examples/; `pipelines`: the same of pipelines."""

    slug: str
    name: str
    description: str
    jobs: tuple[str, ...]
    pipelines: tuple[str, ...] = ()


FLIGHTS = Sample(
    "flights",
    "Flights",
    "Departures from New York in 2013: flights, weather, planes, airlines, airports",
    ("jobs",),
    ("pipelines",),
)
# By name it comes behind the flights, whose run the demo shows: who signs in sees that project first.
LAKE = Sample(
    "taxis-and-contacts",
    "Taxis and contacts",
    "Made-up contacts with their history in a Delta table, and trips of New York's green taxis",
    ("contacts", "nyc-taxi"),
)


@transaction.atomic
def load_people_and_project(sample: Sample) -> Project:
    """The people (no password: they sign in by one click, in demo mode only), the project and its three environments."""
    project, _ = Project.objects.get_or_create(slug=sample.slug, defaults={"name": sample.name, "description": sample.description})
    compute, _ = ComputeProfile.objects.get_or_create(name="small", defaults={"cores": 2, "memory_mb": 1024, "shuffle_partitions": 4})
    for rank, name in enumerate(ENVIRONMENTS):
        Environment.objects.get_or_create(
            project=project, name=name, defaults={"rank": rank, "allows_drafts": rank == 0, "compute": compute}
        )
    for person in PEOPLE:
        _load_person(person, project)
    Membership.objects.get_or_create(user=User.objects.get(username="ada"), project=None, environment="", role=Role.PLATFORM_ADMIN)
    return project


def _load_person(person: Person, project: Project) -> None:
    user, is_new = User.objects.get_or_create(
        username=person.username,
        defaults={"first_name": person.name, "email": f"{person.username}@flights.example", "about": person.about, "is_demo": True},
    )
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    for role, environment in person.roles:
        Membership.objects.get_or_create(user=user, project=project, environment=environment, role=role)


def put_raw_files(environment: Environment, sample: Sample) -> None:
    """Copies the files that the sample's jobs read and that are not there yet into the environment's lake."""
    folder = flights.raw_folder(environment)
    for path in (path for jobs_of in sample.jobs for path in (EXAMPLES / jobs_of / "raw").glob("*.csv")):
        if not (folder / path.name).exists():
            with path.open("rb") as content:
                flights.write_whole(content, folder / path.name)


def load_jobs(project: Project, author: User, sample: Sample) -> list[str]:
    """Makes the sample's jobs that are not there yet, as the author would; gives the names of the new ones."""
    new = _new_in(sample.jobs, set(Job.objects.filter(project=project).values_list("name", flat=True)))
    for path in new:
        _load_job(project, author, path)
    return [path.stem for path in new]


def _new_in(folders: tuple[str, ...], known: set[str]) -> list[Path]:
    paths = [path for folder in folders for path in sorted((EXAMPLES / folder).glob("*.json"))]
    return [path for path in paths if path.stem not in known]


@transaction.atomic
def _load_job(project: Project, author: User, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    description = str(json.loads(text).get("description", ""))
    job = jobs.create_job(actor=author, project=project, name=path.stem, description=description, tags=("demo",))
    jobs.save_version(actor=author, job=job, document=text, message="First version", base_version=None)


def load_pipelines(project: Project, author: User, sample: Sample) -> list[str]:
    """Makes the sample's pipelines that are not there yet, with their schedules in dev; gives the names of the new ones."""
    new = _new_in(sample.pipelines, set(Pipeline.objects.filter(project=project).values_list("name", flat=True)))
    for path in new:
        _load_pipeline(project, author, path.stem, json.loads(path.read_text(encoding="utf-8")))
    return [path.stem for path in new]


@transaction.atomic
def _load_pipeline(project: Project, author: User, name: str, content: dict[str, Any]) -> None:
    """`content`: description, after (job → the jobs it waits for), cron, timezone."""
    pipeline = pipelines.create_pipeline(
        actor=author, project=project, name=name, description=content["description"], after=content["after"]
    )
    environment = Environment.objects.get(project=project, name=ENVIRONMENTS[0])
    pipelines.save_schedule(
        actor=author, pipeline=pipeline, environment=environment, cron=content["cron"], timezone_name=content["timezone"]
    )
