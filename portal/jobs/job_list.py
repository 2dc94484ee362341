"""The list of jobs: filters that live in the address, and the rows they leave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.http import QueryDict

from portal.accounts.models import Project, User
from portal.jobs.models import Job, JobQuerySet, LiveVersion

LAST_RUN = {
    "good": "succeeded",
    "failed": "failed",
    "active": "running or waiting",
    "never": "never run",
}
_STATES = {
    "good": ("succeeded", "succeeded_with_warnings"),
    "failed": ("failed", "timed_out"),
    "active": ("created", "queued", "starting", "running", "cancelling"),
}


@dataclass(frozen=True)
class Filters:
    """What the reader asked for. `owner` is a username, `last_run` a key of LAST_RUN."""

    words: str = ""
    owner: str = ""
    tag: str = ""
    last_run: str = ""
    archived: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> Filters:
        last_run = query.get("last_run", "")
        return cls(
            words=query.get("q", "").strip()[:200],
            owner=query.get("owner", "").strip(),
            tag=query.get("tag", "").strip().lower(),
            last_run=last_run if last_run in LAST_RUN else "",
            archived=query.get("archived") == "1",
        )

    @property
    def any(self) -> bool:
        return bool(self.words or self.owner or self.tag or self.last_run or self.archived)

    def apply(self, jobs: JobQuerySet) -> JobQuerySet:
        jobs = jobs.exclude(archived_at=None) if self.archived else jobs.open()
        jobs = jobs.mentioning(self.words) if self.words else jobs
        jobs = jobs.filter(owner__username=self.owner) if self.owner else jobs
        jobs = jobs.tagged(self.tag) if self.tag else jobs
        return self._by_last_run(jobs) if self.last_run else jobs

    def _by_last_run(self, jobs: JobQuerySet) -> JobQuerySet:
        if self.last_run == "never":
            return jobs.filter(runs=None)
        return jobs.last_run_in(_STATES[self.last_run])


@dataclass(frozen=True)
class LiveChip:
    """Which version is live in an environment, and how many versions behind the newest."""

    environment: str
    number: int
    behind: int


@dataclass(frozen=True)
class Choices:
    """What the filters offer: owners and tags that occur, the commonest tags first."""

    owners: list[User] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def for_list(jobs: JobQuerySet) -> JobQuerySet:
    """With all that a row shows, in three queries however many rows there are; the documents stay in the database."""
    live = LiveVersion.objects.select_related("environment", "version").defer("version__document").order_by("environment__rank")
    return (
        jobs.select_related("owner", "latest_version", "project")
        .defer("latest_version__document")
        .prefetch_related(Prefetch("live_versions", queryset=live))
    )


def live_chips(job: Job) -> list[LiveChip]:
    """One chip for each environment where a version is live, the lowest first. Needs `for_list`."""
    newest = job.latest_version.number if job.latest_version else 0
    return [LiveChip(live.environment.name, live.version.number, newest - live.version.number) for live in job.live_versions.all()]


def choices(project: Project) -> Choices:
    rows: Any = project.jobs.filter(archived_at=None).values_list("tags", flat=True)
    counted = Counter(tag for tags in rows for tag in tags)
    owners = User.objects.filter(pk__in=project.jobs.values("owner")).order_by("first_name", "username")
    return Choices(owners=list(owners), tags=[tag for tag, _ in counted.most_common(100)])
