"""The states of a run and which may follow which."""

from __future__ import annotations

from django.db import models


class RunState(models.TextChoices):
    CREATED = "created", "created"
    QUEUED = "queued", "queued"
    STARTING = "starting", "starting"
    RUNNING = "running", "running"
    CANCELLING = "cancelling", "cancelling"
    SUCCEEDED = "succeeded", "succeeded"
    SUCCEEDED_WITH_WARNINGS = "succeeded_with_warnings", "succeeded with warnings"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    TIMED_OUT = "timed_out", "timed out"
    SKIPPED = "skipped", "skipped"


S = RunState
GOOD_STATES = frozenset({"succeeded", "succeeded_with_warnings"})
FINAL_STATES = GOOD_STATES | {"failed", "cancelled", "timed_out", "skipped"}
BAD_STATES = FINAL_STATES - GOOD_STATES
WAITING_STATES = frozenset({"created", "queued"})
HELD_STATES = frozenset({"starting", "running", "cancelling"})
"""States in which a worker holds a lease and a process may be alive."""
ACTIVE_STATES = WAITING_STATES | HELD_STATES

FOLLOWS: dict[str, frozenset[str]] = {
    S.CREATED: frozenset({S.QUEUED, S.CANCELLED, S.SKIPPED}),
    S.QUEUED: frozenset({S.STARTING, S.CANCELLED, S.FAILED}),
    S.STARTING: frozenset({S.RUNNING, S.CANCELLING, S.QUEUED, S.FAILED, S.TIMED_OUT}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.SUCCEEDED_WITH_WARNINGS, S.FAILED, S.TIMED_OUT, S.CANCELLING, S.QUEUED}),
    S.CANCELLING: frozenset({S.CANCELLED}),
} | {state: frozenset() for state in FINAL_STATES}
"""Which states may follow each state. Starting or running → queued is the next attempt of a run whose worker was lost."""
