"""What people are told about promotions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.accounts.models import Role, User
from portal.alerts.conditions.base import Condition, Told
from portal.alerts.conditions.runs import Cancelled, Failed, WellAgain, had_a_part, wanted_it
from portal.alerts.models import Alert, Notice
from portal.promotions import four_eyes
from portal.promotions.models import Promotion
from portal.runs.models import GOOD_STATES, Run
from portal.runs.problems import hidden


class OfPromotion(Condition):
    subject_type = "promotion"

    def __init__(self, promotion: Promotion) -> None:
        self.subject = self.promotion = promotion
        self.project, self.environment, self.job = promotion.job.project, promotion.to_environment, promotion.job
        self.what = f"{promotion.job.name} v{promotion.version.number}"

    @property
    def page(self) -> str:
        return reverse("promotions:promotion", args=[self.project.slug, self.promotion.pk])

    @property
    def facts(self) -> dict[str, Any]:
        return {"version": self.promotion.version.number, "sha256": self.promotion.sha256, "state": self.promotion.state}

    def askers(self) -> Iterator[Told]:
        yield from wanted_it(self.promotion)
        yield Told(self.promotion.job.owner, f"you own {self.promotion.job.name}")

    def decision(self) -> tuple[User | None, str]:
        """Who spoke last, and their note."""
        last = self.promotion.approvals.select_related("approver").last()
        return (last.approver, last.note) if last else (None, "")


class Asked(OfPromotion):
    """Open until it is decided, withdrawn or expired."""

    event, word = "asked", "approval asked for"

    @property
    def title(self) -> str:
        return f"{self.promotion.requested_by.shown_name} asks for approval: {self.what} → {self.environment.name}"

    def lines(self) -> list[str]:
        said = [f"“{self.promotion.message}”"] if self.promotion.message else []
        return [*said, f"It waits until {self.promotion.expires_at:%Y-%m-%d %H:%M} UTC, then it expires."]

    def people(self) -> Iterator[Told]:
        """Those who may say yes; where nobody may, raising falls back on the admins."""
        for told in self.holders(Role.APPROVER):
            if four_eyes.why_not(told.user, self.promotion) is None:
                yield told


class Declined(OfPromotion):
    event, word, is_note = "declined", "promotion declined", True

    @property
    def title(self) -> str:
        return f"{self.what} was declined for {self.environment.name}"

    def lines(self) -> list[str]:
        by, note = self.decision()
        return [f"{by.shown_name}: “{note}”" if by else "It was declined.", "Mend it, save a version and ask again."]

    def people(self) -> Iterator[Told]:
        return self.askers()


class Live(OfPromotion):
    event, word, is_note = "live", "went live", True

    @property
    def title(self) -> str:
        return f"{self.what} went live in {self.environment.name}"

    def lines(self) -> list[str]:
        by, note = self.decision()
        before = self.promotion.previous_version
        replaced = f" It replaces v{before.number}." if before else " No version was live there before."
        said = f"Approved by {by.shown_name}" + (f": “{note}”" if note else ".") if by else "It was approved."
        return [f"{said}{replaced}", f"Run it once in {self.environment.name} to see that it works there."]

    def people(self) -> Iterator[Told]:
        yield from self.askers()
        yield from self.holders(Role.OPERATOR)


ENDS_OF_A_RUN = [Failed.event, Cancelled.event, WellAgain.event]


class RunOnceEnded(OfPromotion):
    """The run that somebody asked for to see that it works there. Where it is told as a failed run, that tells everybody."""

    event, word, is_note = "run_once_ended", "first run ended", True

    @property
    def run(self) -> Run | None:
        return self.promotion.run_once

    @property
    def occasion(self) -> str:
        return str(self.promotion.run_once_id or "")

    @property
    def title(self) -> str:
        end = self.run.get_state_display() if self.run else "gone"
        return f"First run of {self.what} in {self.environment.name}: {end}"

    def lines(self) -> list[str]:
        run = self.run
        if run is None:
            return ["The run is gone."]
        by = run.requested_by.shown_name if run.requested_by else "Somebody"
        said = [f"{by} ran it once after it went live."]
        if run.problem:
            said.append(hidden(run.problem, run.document).message)
        if run.state not in GOOD_STATES:
            said.append("Look at the run; mend it, or roll back." if self.promotion.is_live_now else "It is not live there any more.")
        return said

    def people(self) -> Iterator[Told]:
        """Not who stopped it, and not who was told of this end already: as cancelled, or as what made a job well again."""
        run = self.run
        if run is None:
            return
        about_it = Alert.objects.about(run).filter(event__in=ENDS_OF_A_RUN)
        known = set(Notice.objects.filter(alert__in=about_it).values_list("user_id", flat=True)) | {run.cancel_requested_by_id}
        yield from (one for one in had_a_part(self.promotion) if one.user.pk not in known)


class RolledBack(OfPromotion):
    event, word, is_note = "rolled_back", "rolled back", True

    @property
    def title(self) -> str:
        return f"{self.promotion.job.name} was rolled back to v{self.promotion.version.number} in {self.environment.name}"

    def lines(self) -> list[str]:
        before = self.promotion.previous_version
        by = self.promotion.requested_by.shown_name
        said = [f"“{self.promotion.message}”"] if self.promotion.message else []
        return [f"{by} took back v{before.number}." if before else f"{by} did it.", *said]

    def people(self) -> Iterator[Told]:
        before, job = self.promotion.previous_version, self.promotion.job
        told = [Told(job.owner, f"you own {job.name}")]
        if before:
            told.append(Told(before.author, f"you wrote v{before.number}"))
        told += [*self.holders(Role.OPERATOR), *self.holders(Role.APPROVER, by_mail=False)]
        yield from (one for one in told if one.user != self.promotion.requested_by)


class Expired(OfPromotion):
    event, word, is_note = "expired", "promotion expired", True

    @property
    def title(self) -> str:
        return f"{self.what} → {self.environment.name} has expired: nobody decided in time"

    def lines(self) -> list[str]:
        return [f"It was asked for at {self.promotion.created_at:%Y-%m-%d %H:%M} UTC.", "Ask again, and tell an approver that it waits."]

    def people(self) -> Iterator[Told]:
        yield from self.askers()
        yield from self.holders(Role.APPROVER, by_mail=False)
