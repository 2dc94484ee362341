"""The way of a promotion as people see it: draft, checks, review, approved, live, verified."""

from __future__ import annotations

from typing import NamedTuple

from portal.promotions import four_eyes
from portal.promotions.candidate import Gate
from portal.promotions.gates import stopped
from portal.promotions.models import Promotion, PromotionState
from portal.runs.models import FINAL_STATES, GOOD_STATES, Run


class Step(NamedTuple):
    """`place`: done, now, stopped or later."""

    title: str
    place: str


STOPPED = {
    PromotionState.DECLINED: "Declined",
    PromotionState.WITHDRAWN: "Withdrawn",
    PromotionState.EXPIRED: "Expired",
}


def steps_of(promotion: Promotion, gates: list[Gate]) -> list[Step]:
    later = [Step(title, "later") for title in ("Approved", "Live", "Verified")]
    passed = sum(gate.verdict == "ok" for gate in gates)
    title = "Checks" if passed == len(gates) else f"Checks · {passed} of {len(gates)}"
    checks = Step(title, "stopped" if stopped(gates) else "done")
    begun = [Step("Draft", "done"), checks]
    if promotion.state == PromotionState.LIVE:
        return _live_steps(promotion)
    if promotion.state in STOPPED:
        return [*begun, Step(STOPPED[PromotionState(promotion.state)], "stopped"), *later]
    if not promotion.is_waiting:
        return [*begun, Step("Expired", "stopped"), *later]
    given, needed = len(four_eyes.valid_approvals(promotion)), promotion.to_environment.approvals_needed
    return [*begun, Step(f"Review · {given} of {needed}", "now"), *later]


def first_run(promotion: Promotion) -> Run | None:
    """The first run of these bytes in the target since they went live."""
    if promotion.decided_at is None:
        return None
    runs = Run.objects.filter(job=promotion.job, environment=promotion.to_environment, document_sha256=promotion.sha256)
    return runs.filter(created_at__gte=promotion.decided_at).order_by("created_at").first()


def _live_steps(promotion: Promotion) -> list[Step]:
    begun = ["Rolled back"] if promotion.is_roll_back else ["Draft", "Checks", "Review", "Approved"]
    run = first_run(promotion)
    if promotion.state_now == "was_live":
        verified = Step("Verified", "done" if run and run.state in GOOD_STATES else "later")
        return [*(Step(title, "done") for title in begun), Step("Was live", "stopped"), verified]
    if run is None:
        end = Step("Verified · waits for the first run", "now")
    elif run.state in GOOD_STATES:
        end = Step("Verified", "done")
    else:
        end = Step("First run did not succeed", "stopped") if run.state in FINAL_STATES else Step("First run is under way", "now")
    return [*(Step(title, "done") for title in begun), Step("Live", "done"), end]
