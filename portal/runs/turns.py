"""Whose turn it is: waiting runs by project in turn, in a project by person in turn, of a person the oldest first.

Whoever has fewest runs at work comes first, then whoever was served longest ago. So sixty runs of one person delay another by one run
and not by sixty. One person also has at most PERSON_RUNS at work, so that a place is left while those take long; runs that a schedule
started are nobody's and are not counted. See docs/decisions/shares.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Max, Window
from django.db.models.functions import RowNumber

from portal.runs.models import Run, RunQuerySet, Trigger, database_now
from portal.runs.states import HELD_STATES

REMEMBERED = timedelta(hours=1)
"""Whoever was served before that counts as not served."""
COUNTED = 500
"""Waiting runs that are looked at to say how many come first."""
Person = tuple[int, int | None]
"""A project and who asked there; None where a schedule did, or nobody."""


def in_turn(waiting: RunQuerySet, most: int, *, within_shares: bool = True) -> list[UUID]:
    """The ids of at most `most` of the waiting runs, in the order in which they are to be taken. `within_shares`: without those
    of people who have as many at work as one may have."""
    order = _Order(_at_work(), _served(), settings.PERSON_RUNS if within_shares else None)
    each = [F("project"), F("requested_by"), F("trigger")]
    nth = Window(RowNumber(), partition_by=each, order_by=[F("queued_at").asc(), F("pk").asc()])
    rows: Any = waiting.order_by().annotate(nth=nth).filter(nth__lte=most).order_by("queued_at", "pk")
    for pk, project, asked_by, trigger in rows.values_list("pk", "project", "requested_by", "trigger"):
        order.add(pk, _person(project, asked_by, trigger))
    return order.first(most)


def has_its_share(run: Run) -> bool:
    """Whether the person who asked for this run has as many others at work as one may have."""
    if _person(run.project_id, run.requested_by_id, run.trigger)[1] is None:
        return False
    others = (
        Run.objects.filter(state__in=HELD_STATES, requested_by=run.requested_by_id).exclude(trigger=Trigger.SCHEDULE).exclude(pk=run.pk)
    )
    return others.count() >= settings.PERSON_RUNS


def runs_before(run: Run) -> int:
    """How many of the waiting runs are to be taken before this one, as things stand."""
    order = in_turn(Run.objects.waiting(), COUNTED, within_shares=False)
    return order.index(run.pk) if run.pk in order else len(order)


def _person(project: int, person: int | None, trigger: str) -> Person:
    return project, None if trigger == Trigger.SCHEDULE else person


def _at_work() -> list[Person]:
    held = Run.objects.filter(state__in=HELD_STATES).order_by().values_list("project", "requested_by", "trigger")
    return [_person(project, asked_by, trigger) for project, asked_by, trigger in held]


def _served() -> dict[Person, float]:
    recent = Run.objects.filter(started_at__gte=database_now() - REMEMBERED).order_by()
    found: dict[Person, float] = {}
    rows: Any = recent.values("project", "requested_by", "trigger").annotate(last=Max("started_at"))
    for project, asked_by, trigger, last in rows.values_list("project", "requested_by", "trigger", "last"):
        person = _person(project, asked_by, trigger)
        found[person] = max(found.get(person, 0.0), last.timestamp())
    return found


class _Order:
    """Takes one run after the other, as if each were started."""

    def __init__(self, at_work: Iterable[Person], served: dict[Person, float], share: int | None) -> None:
        self._queues: dict[Person, deque[UUID]] = defaultdict(deque)
        self._of_project: Counter[int] = Counter()
        self._of_person: Counter[Person] = Counter()
        self._everywhere: Counter[int | None] = Counter()
        self._share = share
        for who in at_work:
            self._count(who)
        self._last_of_person = dict(served)
        self._last_of_project: dict[int, float] = defaultdict(float)
        for (project, _), last in served.items():
            self._last_of_project[project] = max(self._last_of_project[project], last)

    def add(self, pk: UUID, who: Person) -> None:
        """The oldest first."""
        self._queues[who].append(pk)

    def first(self, most: int) -> list[UUID]:
        """The first runs in turn."""
        found: list[UUID] = []
        later = max([*self._last_of_person.values(), 0.0])
        while len(found) < most and (who := self._next()) is not None:
            later += 1
            self._last_of_person[who] = self._last_of_project[who[0]] = later
            self._count(who)
            found.append(self._queues[who].popleft())
        return found

    def _next(self) -> Person | None:
        may = [who for who, queue in self._queues.items() if queue and not self._is_at_its_share(who[1])]
        return min(may, key=self._before, default=None)  # of equals the one whose run waits longest

    def _before(self, who: Person) -> tuple[int, float, int, float]:
        project = who[0]
        return self._of_project[project], self._last_of_project[project], self._of_person[who], self._last_of_person.get(who, 0.0)

    def _is_at_its_share(self, person: int | None) -> bool:
        return self._share is not None and person is not None and self._everywhere[person] >= self._share

    def _count(self, who: Person) -> None:
        self._of_project[who[0]] += 1
        self._of_person[who] += 1
        self._everywhere[who[1]] += 1
