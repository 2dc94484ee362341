"""What people are told about messages that did not arrive."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from portal.accounts.models import Role
from portal.alerts.conditions.base import Condition, Told
from portal.alerts.models import Delivery


class Undelivered(Condition):
    """An address could not be reached for a day. Told in the portal; by mail only where it was not mail that failed."""

    event, word, subject_type = "undelivered", "message given up", "delivery"
    has_stand_ins = False

    def __init__(self, delivery: Delivery) -> None:
        self.subject = self.delivery = delivery
        self.project, self.environment = delivery.alert.project, delivery.alert.environment
        self.job, self.pipeline = delivery.alert.job, delivery.alert.pipeline

    @property
    def to(self) -> str:
        if self.delivery.channel:
            return f"The channel {self.delivery.channel.name}"
        return f"{self.delivery.recipient.shown_name}'s mail" if self.delivery.recipient else "A deleted channel"

    @property
    def title(self) -> str:
        return f"{self.to} cannot be reached"

    def lines(self) -> list[str]:
        return [
            f"“{self.delivery.alert.title}” was tried {self.delivery.attempts} times in a day and is given up.",
            f"Last reason: {self.delivery.last_error}",
            "What to do: mend the address, or send a test to see that it works again.",
        ]

    @property
    def page(self) -> str:
        return reverse("alerts:channels" if self.delivery.channel else "alerts:list", args=[self.project.slug])

    def people(self) -> Iterator[Told]:
        """Who looks after the environment; where nobody does, whoever has the message in their list."""
        by_mail = self.delivery.kind != "email"
        if self.delivery.recipient:
            yield Told(self.delivery.recipient, "it was for you", by_mail=False)
        look_after = [*self.holders(Role.OPERATOR, by_mail=by_mail), *self.holders(Role.ENVIRONMENT_ADMIN, by_mail=by_mail)]
        yield from look_after
        if not look_after:
            for notice in self.delivery.alert.notices.select_related("user"):
                yield Told(notice.user, f"nobody looks after {self.environment.name}", by_mail=by_mail)
