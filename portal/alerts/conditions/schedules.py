"""What people are told about schedules: that one has paused itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.accounts.models import Role
from portal.alerts.conditions.base import Condition, Told
from portal.alerts.models import FAILED
from portal.pipelines.models import Schedule


class OfSchedule(Condition):
    subject_type = "schedule"

    def __init__(self, schedule: Schedule) -> None:
        self.subject = self.schedule = schedule
        self.pipeline = self.its_pipeline = schedule.pipeline
        self.project, self.environment = schedule.pipeline.project, schedule.environment

    @property
    def page(self) -> str:
        pipeline = reverse("pipelines:pipeline", args=[self.project.slug, self.its_pipeline.name])
        return f"{pipeline}?environment={self.environment.name}#schedule"

    @property
    def jobs(self) -> set[int]:
        return set(self.its_pipeline.members.values_list("job_id", flat=True))


class Paused(OfSchedule):
    event, word, rule_event = "paused", "schedule paused itself", FAILED

    @property
    def occasion(self) -> str:
        return self.schedule.paused_at.isoformat() if self.schedule.paused_at else ""

    @property
    def title(self) -> str:
        return f"The schedule of {self.its_pipeline.name} in {self.environment.name} has paused itself"

    def lines(self) -> list[str]:
        return [
            f"Why: {self.schedule.paused_because}.",
            "Nothing is started until somebody resumes it.",
            f"What to do: open the pipeline and resume it. Who resumes it must be able to run {self.its_pipeline.name} in"
            f" {self.environment.name}; then it runs in their name.",
        ]

    def people(self) -> Iterator[Told]:
        """Everybody who could mend it: data just stops arriving, so rather one too many."""
        yield Told(self.its_pipeline.owner, f"you own the pipeline {self.its_pipeline.name}")
        yield Told(self.schedule.set_by, "it ran in your name")
        yield from self.holders(Role.OPERATOR)
        yield from self.holders(Role.ENVIRONMENT_ADMIN)

    @property
    def facts(self) -> dict[str, Any]:
        return {"paused_because": self.schedule.paused_because, "cron": self.schedule.cron, "timezone": self.schedule.timezone}
