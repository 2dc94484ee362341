"""One icon, one tone and one word for each state, so that a state looks the same on every page and is never colour alone."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """icon: a Tabler icon of frontend/icons.txt; tone: ok, warn, bad, run or mut; word: what people read; spins: the icon turns."""

    icon: str
    tone: str
    word: str
    spins: bool = False


LOOKS: dict[str, Look] = {
    # runs, stages of runs
    "created": Look("circle-dashed", "mut", "created"),
    "queued": Look("clock-pause", "run", "queued"),
    "waiting": Look("clock-pause", "warn", "waiting"),
    "held": Look("hand-stop", "warn", "held"),
    "starting": Look("loader-2", "run", "starting", True),
    "running": Look("loader-2", "run", "running", True),
    "cancelling": Look("loader-2", "warn", "cancelling", True),
    "succeeded": Look("circle-check", "ok", "succeeded"),
    "succeeded_with_warnings": Look("alert-triangle", "warn", "succeeded with warnings"),
    "failed": Look("circle-x", "bad", "failed"),
    "cancelled": Look("ban", "mut", "cancelled"),
    "timed_out": Look("clock-x", "bad", "timed out"),
    "skipped": Look("player-skip-forward", "mut", "skipped"),
    "not_reached": Look("circle-dashed", "mut", "not reached"),
    # promotions
    "draft": Look("pencil", "mut", "draft"),
    "in_review": Look("message-dots", "warn", "in review"),
    "approved": Look("thumb-up", "ok", "approved"),
    "declined": Look("thumb-down", "bad", "declined"),
    "withdrawn": Look("arrow-back-up", "mut", "withdrawn"),
    "expired": Look("clock-x", "mut", "expired"),
    "live": Look("circle-check", "ok", "live"),
    "was_live": Look("history", "mut", "was live"),
    "rolled_back": Look("arrow-back-up", "mut", "rolled back"),
    # alerts and their deliveries
    "open": Look("bell-ringing", "bad", "open"),
    "acknowledged": Look("eye", "warn", "acknowledged"),
    "resolved": Look("check", "ok", "resolved"),
    "note": Look("info-circle", "mut", "for information"),
    "delivered": Look("check", "ok", "delivered"),
    "given_up": Look("alert-triangle", "bad", "given up"),
    # checks, schedules, tokens, health
    "passed": Look("check", "ok", "passed"),
    "warning": Look("alert-triangle", "warn", "warning"),
    "paused": Look("player-pause", "mut", "paused"),
    "active": Look("circle-check", "ok", "active"),
    "revoked": Look("ban", "mut", "revoked"),
    "healthy": Look("heart-rate-monitor", "ok", "healthy"),
    "late": Look("clock-x", "warn", "late"),
    "refused": Look("shield-x", "bad", "refused"),
}


def look(state: object) -> Look:
    """The look of a state; a state nobody described is shown by its own word."""
    key = str(getattr(state, "value", state))
    return LOOKS.get(key) or Look("point", "mut", key.replace("_", " "))
