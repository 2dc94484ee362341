"""The order of a pipeline's jobs by what they read and write: proposed where nobody has said it, told where it is said otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from executor.language.places import meet
from portal.accounts.models import Project
from portal.jobs import places
from portal.pipelines import graph


@dataclass(frozen=True)
class Link:
    """`job` reads what `before` writes, at `place`."""

    job: str
    before: str
    place: str


@dataclass(frozen=True)
class Proposal:
    """`after`: the order with what is proposed; `added`: why. `against`: where a job that writes runs after one that reads what it writes,
    which so gets what was written the time before."""

    after: dict[str, list[str]]
    added: list[Link]
    against: list[Link]


def proposed(project: Project, after: Mapping[str, Sequence[str]]) -> Proposal:
    """For the jobs of `after`, in which no circle is. Of jobs that read from each other the first one stays first."""
    found = {name: list(befores) for name, befores in after.items()}
    added, against = [], []
    for link in _links(project, list(after)):
        if link.before in graph.all_before(found, link.job):
            continue
        if link.job in graph.all_before(found, link.before):
            against += [link] if link.job in graph.all_before(after, link.before) else []
            continue
        found[link.job].append(link.before)
        added.append(link)
    return Proposal(found, added, against)


def _links(project: Project, names: Sequence[str]) -> Iterator[Link]:
    """By the live versions in the lowest environment: what a pipeline runs. Of two jobs the first place that links them."""
    environment = project.environments.order_by("rank").first()
    uses = [use for use in places.uses_in(environment) if use.draft_of is None and use.job.name in names] if environment else []
    written = [use for use in uses if use.writes]
    known: set[tuple[str, str]] = set()
    for name in names:
        for read in (use for use in uses if not use.writes and use.job.name == name):
            for use in written:
                pair = name, use.job.name
                if use.job.name != name and pair not in known and meet(read.where, use.where):
                    known.add(pair)
                    yield Link(name, use.job.name, use.uri)
