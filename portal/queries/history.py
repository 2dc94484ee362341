"""What a person has run, kept for that person: the text and how it ended, no row and no word of an error, which could quote one."""

from __future__ import annotations

import time
from typing import Any

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.queries.asking import Asked, Query
from portal.queries.models import Outcome, PastQuery

KEPT = 200
"""Queries of a person in an environment."""


def begin(user: User, environment: Environment, query: Query) -> PastQuery:
    """Notes that it is at work, and forgets the oldest."""
    past = PastQuery.objects.create(environment=environment, person=user, sql=query.sql, parameters=_plain(query))
    of_person = PastQuery.objects.filter(environment=environment, person=user)
    old = list(of_person.order_by("-created_at").values_list("pk", flat=True)[KEPT:])
    if old:
        of_person.filter(pk__in=old).delete()
    return past


class Kept:
    """One query's entry while it is at work; `take` hears the events of its answer, `end` writes down what became of it."""

    def __init__(self, past: PastQuery) -> None:
        self._past, self._began = past, time.monotonic()
        self._facts: dict[str, Any] = {"outcome": Outcome.STOPPED}

    def asked(self, found: Asked) -> None:
        self._facts["tables"] = [reading.uri for reading in found.readings]

    def take(self, event: dict[str, Any]) -> None:
        if event.get("event") == "rows":
            self._facts |= {"outcome": Outcome.DONE, "rows": len(event["rows"]), "is_complete": event.get("complete") is True}
        elif isinstance(event.get("problem"), dict):
            self._facts |= {"outcome": Outcome.FAILED, "problem": str(event["problem"].get("code", ""))[:80]}

    def end(self) -> None:
        took = round((time.monotonic() - self._began) * 1000)
        PastQuery.objects.filter(pk=self._past.pk).update(duration_ms=took, **self._facts)


def _plain(query: Query) -> dict[str, Any]:
    return {name: {"type": one["type"], "value": one.get("value")} for name, one in query.parameters.items()}
