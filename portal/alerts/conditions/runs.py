"""What people are told about runs of versions. Runs of drafts tell nobody: their author is watching."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.accounts.models import Role
from portal.alerts.conditions.base import DUTY, Condition, Told
from portal.alerts.models import FAILED, LATE
from portal.pipelines.models import PipelineRun
from portal.promotions.models import Promotion
from portal.runs.models import Run
from portal.runs.problems import hidden
from portal.ui import words
from portal.ui.words import duration


class OfRun(Condition):
    subject_type = "run"

    def __init__(self, run: Run) -> None:
        self.subject = self.run = run
        self.project, self.environment, self.job = run.project, run.environment, run.job
        place = PipelineRun.objects.filter(job_runs__run=run).select_related("pipeline__owner").first()
        self.pipeline_run = place
        self.pipeline = place.pipeline if place else None

    @property
    def page(self) -> str:
        return reverse("runs:run", args=[self.project.slug, self.run.pk])

    def people(self) -> Iterator[Told]:
        """Owners by mail; operators find it in their list (a channel brings it to their pager)."""
        yield from self.owners()
        yield from self.holders(Role.OPERATOR, by_mail=False)

    def owners(self) -> Iterator[Told]:
        yield Told(self.run.job.owner, f"you own {self.run.job.name}")
        if self.pipeline:
            yield Told(self.pipeline.owner, f"you own the pipeline {self.pipeline.name}")

    @property
    def facts(self) -> dict[str, Any]:
        version = self.run.version.number if self.run.version else None
        return {"version": version, "run_id": str(self.run.pk), "state": self.run.state}

    def about_run(self) -> str:
        version = f"version {self.run.version.number}" if self.run.version else "a draft"
        return f"It ran {version} in {self.environment.name}, started by {self._who()}."

    def _who(self) -> str:
        run = self.run
        if run.trigger in {"schedule", "pipeline"}:
            return f"the {run.trigger} {run.trigger_label}".strip()
        return run.requested_by.shown_name if run.requested_by else "the system"


def wanted_it(promotion: Promotion) -> Iterator[Told]:
    """Who asked for a promotion, and who wrote what it makes live."""
    yield Told(promotion.requested_by, "you asked for it")
    yield Told(promotion.version.author, f"you wrote v{promotion.version.number}")


def had_a_part(promotion: Promotion) -> Iterator[Told]:
    """The same, and who approved it, and ran it once then."""
    yield from wanted_it(promotion)
    for approval in promotion.approvals.select_related("approver").filter(decision="approve"):
        yield Told(approval.approver, "you approved it", DUTY)
    run = promotion.run_once
    if run is not None and run.requested_by:
        yield Told(run.requested_by, "you ran it")


def _what_now(promotion: Promotion) -> str:
    return ": mend it, or roll back." if promotion.is_live_now else ", where it is not live any more."


class Failed(OfRun):
    event, word, rule_event, only_by_rule = "failed", "failed", FAILED, True

    @property
    def title(self) -> str:
        return f"{self.run.job.name} {'ran out of time' if self.run.state == 'timed_out' else 'failed'} in {self.environment.name}"

    def lines(self) -> list[str]:
        return [*self._why(), self.about_run(), *self._first(), *self._waiting()]

    def people(self) -> Iterator[Told]:
        """Of the first run after it went live also all who had a part in that: this one message tells them."""
        yield from self.owners()
        for promotion in self._went_live():
            yield from had_a_part(promotion)
        yield from self.holders(Role.OPERATOR, by_mail=False)

    def _went_live(self) -> list[Promotion]:
        return list(Promotion.objects.filter(run_once=self.run).select_related("version__author", "requested_by", "run_once__requested_by"))

    def _first(self) -> list[str]:
        return [
            f"It was run once after v{one.version.number} went live in {self.environment.name}{_what_now(one)}" for one in self._went_live()
        ]

    def _why(self) -> list[str]:
        if not self.run.problem:
            return ["It ended without saying why; the log has what is known."]
        problem = hidden(self.run.problem, self.run.document)
        where = f"In {place}: " if (place := words.place(vars(problem))) else ""
        expected = f" Expected {problem.expected}." if problem.expected else ""
        return [f"{where}{problem.message}{expected}", *([f"What to do: {problem.fix}"] if problem.fix else [])]

    def _waiting(self) -> list[str]:
        if self.pipeline_run is None:
            return []
        held = self.pipeline_run.job_runs.filter(state="held").count()
        waits = f"; {held} of its jobs {'waits' if held == 1 else 'wait'} for it" if held else ""
        return [f"It is part of the pipeline {self.pipeline_run.pipeline.name}{waits}."]


class Late(OfRun):
    """`minutes`: the longest of the limits it has passed; `rule`: whose limit that is, for another rule may have the same."""

    event, word, rule_event, only_by_rule = "late", "late", LATE, True

    def __init__(self, run: Run, minutes: int, rule: int) -> None:
        super().__init__(run)
        self.minutes, self.rule = minutes, rule

    @classmethod
    def told(cls, run: Run, occasion: str) -> Late:
        """As it was told: before rules stood in it, an occasion was the minutes alone."""
        minutes, _, rule = occasion.partition(":")
        return cls(run, int(minutes), int(rule or 0))

    @property
    def occasion(self) -> str:
        return f"{self.minutes}:{self.rule}"

    @property
    def title(self) -> str:
        return f"{self.run.job.name} is late in {self.environment.name}"

    def lines(self) -> list[str]:
        asked = f"It was asked for at {self.run.created_at:%Y-%m-%d %H:%M} UTC and should be done {self.minutes} minutes later at most."
        if self.run.finished_at:
            now = f"It was done after {duration(self.run.finished_at - self.run.created_at)}."
        else:
            now = f"It is {self.run.get_state_display()} still."
        return [f"{asked} {now}", self.about_run()]

    @property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "minutes": self.minutes}


class NotTaken(OfRun):
    """It waits, and so does everything in its environment: no worker is there."""

    event, word, rule_event = "not_taken", "no worker", FAILED

    @property
    def title(self) -> str:
        return f"{self.run.job.name} waits in {self.environment.name}: no worker answers"

    def lines(self) -> list[str]:
        return [
            f"It was asked for at {self.run.created_at:%Y-%m-%d %H:%M} UTC by {self._who()}, and nothing runs in {self.environment.name}.",
            "What to do: tell whoever runs Sluice that no worker answers. What waits starts by itself when one is there.",
        ]

    def people(self) -> Iterator[Told]:
        yield from self.owners()
        yield from self.holders(Role.OPERATOR)


class Cancelled(OfRun):
    """Somebody stopped another's run."""

    event, word, is_note = "cancelled", "cancelled by somebody", True

    @property
    def title(self) -> str:
        by = self.run.cancel_requested_by
        return f"{by.shown_name if by else 'Somebody'} cancelled {self.run.job.name} in {self.environment.name}"

    def lines(self) -> list[str]:
        return [f"{self.about_run()} Nothing was published.", *self._pipeline()]

    def _pipeline(self) -> list[str]:
        return [f"It is part of the pipeline {self.pipeline.name}; what comes after it waits."] if self.pipeline else []

    def people(self) -> Iterator[Told]:
        run = self.run
        told = [Told(run.job.owner, f"you own {run.job.name}")]
        if self.pipeline:
            told.append(Told(self.pipeline.owner, f"you own the pipeline {self.pipeline.name}"))
        if run.requested_by:
            told.append(Told(run.requested_by, f"{self.pipeline.name} ran in your name" if self.pipeline else "you asked for the run"))
        yield from (one for one in told if one.user != run.cancel_requested_by)


class WellAgain(OfRun):
    """The first good run after trouble: it ends the alerts before it."""

    event, word, is_note = "well_again", "well again", True

    @property
    def title(self) -> str:
        return f"{self.run.job.name} runs well again in {self.environment.name}"

    def lines(self) -> list[str]:
        return [f"Resolved by run {self.run.short_id}.", self.about_run()]

    def people(self) -> Iterator[Told]:
        yield from ()  # resolving tells exactly those who were told of the trouble
