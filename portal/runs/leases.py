"""Who holds a run: claim, renew, publish, and what happens when a holder is lost. All by compare-and-set; every time is the database's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from executor.events import RunFinished
from executor.problems import Problem
from executor.stages import STAGE_TYPES
from executor.stages.base import ACTS
from portal.accounts.models import User
from portal.jobs.models import Job
from portal.runs import checks, published, published_tables, receipts, visible
from portal.runs.models import Attempt, OutboxMessage, Run, RunState, StageRun, StateChanged, database_now
from portal.runs.turns import has_its_share

GRACE = timedelta(seconds=5)
"""A lease is over this long before anybody else may take the run. Its holder has killed its own executor by then."""
EXECUTE = "portal.runs.tasks.execute"


class LeaseLost(Exception):
    """The run belongs to another attempt, or has ended: whoever still works on it must stop and write nothing."""


def claim(run: Run, worker: str) -> Attempt | None:
    """Takes a waiting run. None when somebody else was first (so 50 copies of one message start one attempt), when as many runs of its
    job work in its environment as may, or when the person who asked for it has as many at work as one may have."""
    if run.state != RunState.QUEUED:
        return None
    now, number = database_now(), run.fence + 1
    try:
        with transaction.atomic():
            job = Job.objects.select_for_update(of=("self",), no_key=True).get(pk=run.job_id)  # two workers count one after the other
            if Run.objects.beside(run).count() >= job.runs_at_once:
                return None
            lease = {"fence": number, "lease_owner": worker[:80], "lease_until": now + lasts()}
            if run.requested_by_id:  # two workers count one after the other
                User.objects.select_for_update(no_key=True).get(pk=run.requested_by_id)
            if has_its_share(run):
                return None
            run.move_to(RunState.STARTING, reason=f"attempt {number}", **lease)
            return Attempt.objects.create(run=run, number=number, worker=worker, started_at=now)
    except StateChanged:
        return None


def renew(run: Run) -> None:
    """Raises LeaseLost when the run is no longer this attempt's."""
    held = _held(run).update(lease_until=database_now() + lasts())
    if not held:
        raise LeaseLost


def grant_publishing(run: Run) -> bool:
    """May this attempt make its outputs visible? Only while the run is running, the attempt the current one, and nobody cancels.

    After a yes the run can no longer be cancelled, so that "published" and "succeeded" agree, and the places it writes are its job's.
    Raises Conflict when one of them belongs to somebody else by now, or somebody has gone back from the run's version.
    """
    now = database_now()
    with transaction.atomic():
        may = _held(run).filter(state=RunState.RUNNING, state_version=run.state_version, cancel_requested_at=None, lease_until__gt=now)
        granted = bool(may.update(publishing_since=now, state_version=run.state_version + 1))
        if granted:
            checks.require_not_withdrawn(run)
            published.claim(run)
    if granted:
        run.publishing_since, run.state_version = now, run.state_version + 1
    return granted


def close_attempt(run: Run, number: int, outcome: str, exit_code: int | None = None) -> None:
    """Notes how an attempt ended, and what its unfinished stages are now. In the caller's transaction."""
    now = database_now()
    run.attempts.filter(number=number).update(finished_at=now, outcome=outcome, exit_code=exit_code)
    stages = StageRun.objects.filter(run=run, attempt_number=number)
    stages.filter(state="waiting").update(state="not_reached")
    stages.filter(state="running").update(state="failed" if outcome in ("failed", "lost") else "cancelled", finished_at=now)


def give_back(run: Run, exit_code: int) -> None:
    """The holder stops before the run's end: the run waits again, and the attempt does not count against it; unless it has acted where
    nobody takes that back. Raises StateChanged."""
    with transaction.atomic():
        if begun := _acts_of(run).filter(started_at__isnull=False).values_list("name", flat=True).first():
            problem = _acted_problem(begun)
            run.move_to(RunState.FAILED, reason=problem["message"], problem=problem)
        else:
            run.move_to(RunState.QUEUED, reason="the worker was shut down", max_attempts=run.max_attempts + 1)
        close_attempt(run, run.fence, "lost", exit_code)


def hand_on(run: Run) -> str:
    """Gives a run whose worker is lost to the next one, or ends it; gives the new state. Raises StateChanged when its worker is back."""
    lost = run.fence
    with transaction.atomic():
        if run.state == RunState.CANCELLING:
            run.move_to(RunState.CANCELLED, reason="cancelled; the machine that ran it stopped answering meanwhile")
        elif result := _result_of(run) if run.publishing_since else None:
            reason = "its outputs were published; the machine that ran it stopped answering before it could say so"
            run.move_to(result.outcome, reason=reason, outputs=result.outputs, watermarks=result.watermarks)
        elif run.publishing_since or run.fence >= run.max_attempts:
            problem = _lost_problem(run)
            run.move_to(RunState.FAILED, reason=problem["message"], problem=problem)
        elif begun := _acts_of(run).values_list("name", flat=True).first():  # what it did last was not heard
            problem = _acted_problem(begun)
            run.move_to(RunState.FAILED, reason=problem["message"], problem=problem)
        else:
            run.move_to(RunState.QUEUED, reason="the machine that ran it stopped answering")
            OutboxMessage.add(EXECUTE, str(run.pk))
        close_attempt(run, lost, "lost")
        published.note(run)
        published_tables.note(run)
    if run.is_final:
        receipts.forget(run)
    return run.state


def _acts_of(run: Run) -> QuerySet[StageRun]:
    """The stages of this attempt that change something outside at their turn, which nobody takes back: tried again, they would do so
    twice."""
    acting = [name for name, kind in STAGE_TYPES.items() if ACTS in kind.connection_fields().values()]
    return StageRun.objects.filter(run=run, attempt_number=run.fence, type__in=acting).exclude(state="skipped")


def _acted_problem(stage: str) -> dict[str, Any]:
    return Problem(
        code="lost-after-acting",
        message=f"The machine that ran this was lost or shut down when the stage “{stage}” may have changed something in a database. "
        "The run is not tried again by itself, since that would be done twice. Nothing was published.",
        fix="Look in the database whether it has been done, then run it again.",
    ).as_dict()


def _result_of(run: Run) -> RunFinished | None:
    """What a lost run that might publish has published. None is final: should its machine wake up, it finds that it was given up."""
    result = receipts.receipt_of(run)
    return result if result or receipts.give_up(run) else receipts.receipt_of(run)


def _lost_problem(run: Run) -> dict[str, Any]:
    if run.publishing_since:
        why = Problem(
            code="lost-while-publishing",
            message="The machine that ran this stopped answering while the outputs were being made visible.",
            fix="Run it again.",
        )
    else:
        why = Problem(
            code="worker-lost",
            message="The machine that ran this stopped answering.",
            found=f"It was tried {'once' if run.fence == 1 else f'{run.fence} times'}.",
            fix="Run it again. If this happens twice, ask whoever runs the machine to look at the worker's log.",
        )
    return visible.told(run, why).as_dict()


def _held(run: Run) -> Any:
    return Run.objects.filter(pk=run.pk, fence=run.fence, lease_owner=run.lease_owner, finished_at=None).exclude(lease_owner="")


def lasts() -> timedelta:
    """How long a lease lasts that is not renewed."""
    return timedelta(seconds=settings.RUN_LEASE_SECONDS)
