"""`manage.py find_credentials`: where passwords and keys stand in what was saved before that was refused. Never shows one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from executor.language import json_text
from executor.language.credentials import credential_problems
from portal.environments.models import Environment
from portal.environments.secrets import plain_credentials
from portal.jobs.models import Draft, JobVersion

FIX = (
    "Change each where it is valid. In a job, name a connection instead (the editor makes one from what stands there), or declare a "
    "parameter of the type secret and write ${its name}; in an environment, take the parameter out and set a secret of its name."
)


class Command(BaseCommand):
    help = "Lists versions, drafts and environments that hold a password or key for everybody to read."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(_found())
        for where, field in found:
            self.stdout.write(f"{where}: {field}")
        self.stdout.write(f"{len(found)} found. {FIX}" if found else "None found.")


def _found() -> Iterator[tuple[str, str]]:
    for version in JobVersion.objects.select_related("job__project").order_by("job", "number").iterator(100):
        yield from _fields(f"{version.job.project.slug} {version}", version.document)
    for draft in Draft.objects.select_related("job__project", "user").order_by("job", "user").iterator(100):
        yield from _fields(f"{draft.job.project.slug} {draft.job.name}, draft of {draft.user.username}", draft.document)
    for environment in Environment.objects.select_related("project").order_by("project", "rank"):
        for name in plain_credentials(environment.parameters):
            yield f"{environment.project.slug} {environment.name}", f"parameters.{name}"


def _fields(where: str, document: str) -> Iterator[tuple[str, str]]:
    try:
        problems = credential_problems(json_text.loads(document))
    except ValueError:
        return
    for problem in problems:
        yield where, problem.place
