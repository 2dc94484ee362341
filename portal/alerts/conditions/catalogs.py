"""What people are told about catalogs: that what a run has published is not registered there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from portal.accounts.models import Role
from portal.alerts.conditions.base import Condition, Told
from portal.alerts.models import FAILED
from portal.catalogs.models import Registration

TRIES_IN_SILENCE = 3
"""What a busy service refuses is tried again before anybody is told."""


class NotRegistered(Condition):
    """The run is not harmed: its outputs are published, and other programs do not know of it."""

    event, word, rule_event, subject_type = "not_registered", "not in the catalog", FAILED, "registration"

    def __init__(self, registration: Registration) -> None:
        self.subject = self.registration = registration
        self.environment = registration.place.environment
        self.project, self.job = self.environment.project, registration.place.owner

    @staticmethod
    def is_due(registration: Registration) -> bool:
        return registration.state == "failed" and (registration.is_given_up or registration.tries >= TRIES_IN_SILENCE)

    @property
    def occasion(self) -> str:
        return self.registration.failing_since.isoformat() if self.registration.failing_since else ""

    @property
    def title(self) -> str:
        one = self.registration
        return f"{one.place.uri} is not registered as it is in {one.connection.name} ({self.environment.name})"

    def lines(self) -> list[str]:
        problem: dict[str, Any] = self.registration.problem or {}
        again = "It is tried again by itself." if self.registration.next_try_at else "It is not tried again before the next publish."
        return [
            f"Why: {problem.get('message', 'nobody knows')}",
            f"What to do: {problem.get('fix') or 'register it again.'}",
            f"What the run has published stays as it is; Athena and others that read the catalog see it as it was registered. {again}",
        ]

    @property
    def page(self) -> str:
        place = self.registration.place
        return f"{reverse('catalog:place', args=[self.project.slug, self.environment.name])}?{urlencode({'uri': place.uri})}#catalogs"

    def people(self) -> Iterator[Told]:
        if self.job is not None:
            yield Told(self.job.owner, f"you own {self.job.name}")
        yield from self.holders(Role.OPERATOR)
        yield from self.holders(Role.ENVIRONMENT_ADMIN)
