"""A share for everyone: nobody waits behind sixty runs of somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from portal.runs import leases
from portal.runs.models import Run, Trigger, database_now
from portal.runs.run_page import waiting_sentence
from portal.runs.turns import in_turn
from tests import factories

if TYPE_CHECKING:
    from portal.jobs.models import JobVersion

pytestmark = pytest.mark.django_db(transaction=True)  # a worker closes its connection


@pytest.fixture
def version_of() -> Callable[[str, str], JobVersion]:
    """`version_of("weather", "bob")`: a job of that person in that project."""
    made: dict[tuple[str, str], JobVersion] = {}
    projects: dict[str, Any] = {}
    people: dict[str, Any] = {}

    def make(project: str, person: str) -> JobVersion:
        if project not in projects:
            projects[project] = factories.make_project(project, compute=factories.make_compute(project))
        if person not in people:
            people[person] = factories.make_person(person, projects[project], "author")
        if (project, person) not in made:
            job = factories.make_job(projects[project], people[person], f"job_{person}", runs_at_once=100)
            made[project, person] = factories.make_version(job, live_in=("dev",))
        return made[project, person]

    return make


@pytest.fixture
def waits(version_of: Callable[..., JobVersion]) -> Callable[..., Run]:
    def make(project: str, person: str, state: str = "queued", **fields: Any) -> Run:
        version = version_of(project, person)
        return factories.make_run(version, version.job.project.environments.get(name="dev"), state, **fields)

    return make


def names(runs: list[Any]) -> list[str]:
    found = Run.objects.select_related("project", "requested_by").in_bulk(runs)
    return [f"{found[pk].project.slug} {found[pk].requested_by.username}" for pk in runs]


def test_projects_come_in_turn_then_people_then_age(waits: Callable[..., Run], settings: Any) -> None:
    settings.PERSON_RUNS = 100
    for age in range(60, 0, -1):
        waits("flights", "ana", minutes_ago=age + 10)
    waits("flights", "bob", minutes_ago=3)
    waits("weather", "cem", minutes_ago=2)
    waits("weather", "cem", minutes_ago=1)
    turns = names(in_turn(Run.objects.waiting(), 6))
    assert turns == ["flights ana", "weather cem", "flights bob", "weather cem", "flights ana", "flights ana"]


def test_who_has_runs_at_work_comes_later(waits: Callable[..., Run], settings: Any) -> None:
    settings.PERSON_RUNS = 100
    waits("flights", "ana", "running")
    waits("flights", "ana", minutes_ago=9)
    waits("flights", "bob", minutes_ago=5)
    waits("weather", "cem", minutes_ago=1)
    assert names(in_turn(Run.objects.waiting(), 9)) == ["weather cem", "flights bob", "flights ana"]


def test_with_one_place_the_turns_alternate(waits: Callable[..., Run], settings: Any) -> None:
    """Nobody has anything at work when the next one is chosen: whoever was served last waits."""
    settings.PERSON_RUNS = 100
    for age in range(9, 5, -1):
        waits("flights", "ana", minutes_ago=age)
        waits("weather", "cem", minutes_ago=1)
    served = []
    for _ in range(6):
        pk = in_turn(Run.objects.waiting(), 1)[0]
        served += names([pk])
        Run.objects.filter(pk=pk).update(state="succeeded", started_at=database_now(), finished_at=database_now())
    assert served == ["flights ana", "weather cem"] * 3


def test_one_person_holds_no_more_than_a_share(waits: Callable[..., Run], settings: Any) -> None:
    settings.PERSON_RUNS = 2
    waits("flights", "ana", "running")
    waits("weather", "ana", "running")
    mine, other = waits("flights", "ana", minutes_ago=9), waits("flights", "bob")
    assert in_turn(Run.objects.waiting(), 9) == [other.pk]
    assert leases.claim(mine, "worker") is None
    assert "one person has at most 2 at work" in waiting_sentence(mine)
    assert leases.claim(other, "worker")


def test_what_a_schedule_starts_is_nobodys_share(waits: Callable[..., Run], settings: Any) -> None:
    settings.PERSON_RUNS = 1
    waits("flights", "ana", "running", trigger=Trigger.SCHEDULE)
    mine = waits("flights", "ana")
    assert in_turn(Run.objects.waiting(), 9) == [mine.pk]
    assert leases.claim(mine, "worker")
    scheduled = waits("flights", "ana", trigger=Trigger.SCHEDULE)
    assert in_turn(Run.objects.waiting(), 9) == [scheduled.pk]
    assert leases.claim(scheduled, "worker")


def test_how_many_come_first_is_counted_in_turns(waits: Callable[..., Run], settings: Any) -> None:
    settings.RUN_CONCURRENCY, settings.PERSON_RUNS = 1, 1
    waits("flights", "dan", "running")
    for age in range(60, 0, -1):
        waits("flights", "ana", minutes_ago=age + 10)
    assert "It waits for a free place: 1 run is working." in waiting_sentence(waits("weather", "cem"))
    assert "and 2 wait before it" in waiting_sentence(waits("flights", "bob"))


def test_the_worker_serves_everybody_in_turn(waits: Callable[..., Run], work: Callable[[Run], Run], settings: Any) -> None:
    settings.PERSON_RUNS = 1
    runs = [waits("flights", "ana", parameters={"behaviour": "succeed"}) for _ in range(3)]
    last = waits("weather", "cem", parameters={"behaviour": "succeed"})
    work(runs[2])
    order = Run.objects.order_by("started_at")
    assert [run.pk for run in order][:2] == [runs[0].pk, last.pk]
    assert {run.state for run in order} == {"succeeded"}


def test_the_question_costs_the_same_however_many_wait(waits: Callable[..., Run], django_assert_max_num_queries: Any) -> None:
    for _ in range(15):
        waits("flights", "ana")
    with django_assert_max_num_queries(4):  # at work, the database's clock, served, waiting
        in_turn(Run.objects.waiting(), 10)
