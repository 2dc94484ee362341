"""Who may approve a promotion: never somebody who wrote any of it or asked for it."""

from __future__ import annotations

from portal.accounts.models import User
from portal.accounts.policy import can
from portal.audit.actions import origin
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import JobVersion
from portal.promotions.models import Approval, Promotion


def versions_brought(promotion: Promotion) -> list[JobVersion]:
    """The version, every version since the one live in the target now (their changes go live with it), and what it was restored from."""
    live = promotion.previous_version.number if promotion.previous_version else 0
    last = promotion.version.number
    since = promotion.job.versions.filter(number__gt=live, number__lte=last).select_related("author", "restored_from__author")
    restored = [version.restored_from for version in since if version.restored_from]
    return [promotion.version, *since, *restored]


def authors_of(promotion: Promotion) -> set[User]:
    return {version.author for version in versions_brought(promotion)}


def why_not(user: User, promotion: Promotion) -> PortalError | None:
    """Why this person may not decide on it, ready to be raised or shown; None when they may."""
    if origin.get().token_prefix:
        return PortalError(
            "An approval cannot be given with an API token.",
            code="approval-by-token",
            status=403,
            fix="Sign in and approve it on its page.",
        )
    if not can(user, "approve_promotion", promotion):
        return NotAllowed("approve_promotion", promotion)
    if not promotion.is_waiting:
        word = "expired" if promotion.state == "waiting" else promotion.state
        return PortalError(f"This promotion is {word}; there is nothing to decide any more.", code="already-decided", status=409)
    if user in authors_of(promotion):
        return PortalError("You wrote (part of) what would go live. Somebody else has to approve it.", code="own-version", status=403)
    if user == promotion.requested_by:
        return PortalError("You asked for this promotion. Somebody else has to approve it.", code="own-request", status=403)
    if promotion.approvals.filter(approver=user).exists():
        return PortalError("You have decided on this promotion already.", code="decided-twice", status=409)
    return None


def valid_approvals(promotion: Promotion) -> list[Approval]:
    """Approvals of exactly these bytes by people who may still approve: who has lost the right has lost the unused approval."""
    given = promotion.approvals.filter(decision="approve", sha256=promotion.sha256).select_related("approver")
    return [approval for approval in given if can(approval.approver, "approve_promotion", promotion)]
