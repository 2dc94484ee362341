"""The list of runs: filters that live in the address, and cursor pages that stay quick at the end of a long history."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

from portal.accounts.models import Project
from portal.runs.models import FINAL_STATES, GOOD_STATES, Run, RunState, Trigger
from portal.runs.problems import hidden, problem_of

PAGE = 50
STATE_CHOICES = [("active", "not ended yet"), ("bad", "failed or timed out"), *((state.value, str(state.label)) for state in RunState)]


@dataclass(frozen=True)
class Filters:
    """What the address asks for; an empty text asks for everything."""

    job: str = ""
    state: str = ""
    environment: str = ""
    trigger: str = ""
    person: str = ""
    version: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        return cls(**{field.name: query.get(field.name, "").strip()[:100] for field in fields(cls)})

    @property
    def any(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def apply(self, runs: QuerySet[Run], with_data: QuerySet[Run]) -> QuerySet[Run]:
        """The runs that fit. Words of errors are looked for only in runs `with_data`: those whose data the person may see."""
        exact = {
            "job__name": self.job,
            "environment__name": self.environment,
            "trigger": self.trigger,
            "requested_by__username": self.person,
        }
        runs = runs.filter(**{name: value for name, value in exact.items() if value})
        if self.version.isdecimal():
            runs = runs.filter(version__number=int(self.version))
        return self._in_state(self._with_text(runs, with_data))

    def _in_state(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        if self.state == "active":
            return runs.exclude(state__in=FINAL_STATES)
        if self.state == "bad":
            return runs.filter(state__in=("failed", "timed_out"))
        return runs.filter(state=self.state) if self.state else runs

    def _with_text(self, runs: QuerySet[Run], with_data: QuerySet[Run]) -> QuerySet[Run]:
        """Text is looked for in the job's name, the error's words, the label of the trigger and the beginning of the id."""
        if not self.text:
            return runs
        in_error = Q(problem__message__icontains=self.text, pk__in=with_data.values("pk"))
        found = Q(job__name__icontains=self.text) | Q(trigger_label__icontains=self.text)
        return runs.filter(found | in_error | _id_begins(self.text))


def _id_begins(text: str) -> Q:
    """Runs whose id begins with these hexadecimal digits, as a range, which the primary key's index answers."""
    digits = text.replace("-", "").lower()
    if not digits or len(digits) > 32 or set(digits) - set("0123456789abcdef"):
        return Q(pk__in=[])
    return Q(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))


@dataclass(frozen=True)
class Page:
    """`newer` and `older` are cursors (ids of runs) or None."""

    runs: list[Run]
    newer: str | None
    older: str | None


def page_of(runs: QuerySet[Run], *, after: str = "", before: str = "") -> Page:
    """The newest runs; or those just older than `after`, or just newer than `before` (ids of runs)."""
    edge = _edge(runs, after or before)
    if edge is None:
        found = list(runs.order_by("-created_at", "-pk")[: PAGE + 1])
        return Page(found[:PAGE], None, _last_id(found))
    if after:
        found = list(runs.filter(_older_than(edge)).order_by("-created_at", "-pk")[: PAGE + 1])
        return Page(found[:PAGE], str(found[0].pk) if found else None, _last_id(found))
    found = list(runs.filter(_newer_than(edge)).order_by("created_at", "pk")[: PAGE + 1])
    shown = found[:PAGE][::-1]
    return Page(shown, str(shown[0].pk) if len(found) > PAGE else None, str(shown[-1].pk) if shown else None)


def reasons(runs: list[Run], with_data: QuerySet[Run]) -> dict[UUID, str]:
    """Run → the sentence of its problem, as this reader may see it, or that it wrote nothing."""
    seen = set(with_data.filter(pk__in=[run.pk for run in runs]).values_list("pk", flat=True))
    problems = {run.pk: run.problem for run in runs if run.problem}
    documents = dict(Run.objects.filter(pk__in=problems.keys() - seen).values_list("pk", "document"))
    told = {pk: problem_of(problem).told if pk in seen else hidden(problem, documents[pk]).message for pk, problem in problems.items()}
    return told | {run.pk: "It wrote nothing." for run in runs if run.state in GOOD_STATES and not run.outputs}


def _last_id(found: list[Run]) -> str | None:
    return str(found[PAGE - 1].pk) if len(found) > PAGE else None


def _edge(runs: QuerySet[Run], run_id: str) -> Run | None:
    try:
        return runs.filter(pk=UUID(run_id)).select_related(None).defer(None).first() if run_id else None
    except ValueError:
        return None


def _older_than(edge: Run) -> Q:
    return Q(created_at__lt=edge.created_at) | Q(created_at=edge.created_at, pk__lt=edge.pk)


def _newer_than(edge: Run) -> Q:
    return Q(created_at__gt=edge.created_at) | Q(created_at=edge.created_at, pk__gt=edge.pk)


@dataclass(frozen=True)
class Menu:
    """One filter with its values: (value, text, chosen)."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


def menus(project: Project, filters: Filters) -> list[Menu]:
    people = project.runs.exclude(requested_by=None).order_by().values_list("requested_by__username", "requested_by__first_name").distinct()
    names = project.jobs.order_by("name").values_list("name", flat=True)
    choices = {
        "job": [(name, name) for name in names],
        "state": STATE_CHOICES,
        "environment": [(name, name) for name in project.environments.values_list("name", flat=True)],
        "trigger": [(trigger.value, str(trigger.label)) for trigger in Trigger],
        "person": sorted((username, first or username) for username, first in people),
    }
    return [
        Menu(name, name.capitalize(), [(value, text, value == getattr(filters, name)) for value, text in options])
        for name, options in choices.items()
    ]


def recent(project_runs: QuerySet[Run], jobs: list[str], length: int = 14) -> dict[str, list[dict[str, Any]]]:
    """Job name → its last runs, the newest last: what the mini bars of a job list show."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in jobs:
        rows = project_runs.filter(job__name=name).order_by("-created_at").only("id", "state", "started_at", "finished_at")[:length]
        found[name] = [{"id": str(run.pk), "state": run.state, "duration_s": run.duration_seconds} for run in reversed(rows)]
    return found
