"""What a run has noted beside its outputs: the answer to "was it published?" when nobody was left to hear it."""

from __future__ import annotations

from executor import event_lines
from executor.events import RunFinished
from executor.files import receipts
from portal.runs import launcher
from portal.runs.models import Run


def executor_id(run: Run) -> str:
    """The name that an executor knows this attempt by. A later attempt stages its output elsewhere, so that a frozen earlier one cannot
    mix its files in."""
    return str(run.pk) if run.fence <= 1 else f"{run.pk}-{run.fence}"


def receipt_of(run: Run) -> RunFinished | None:
    """The result of the run's last attempt, if its outputs became visible."""
    line = receipts.read(launcher.lake_folder(run.environment), executor_id(run))
    if line is None:
        return None
    try:
        event = event_lines.read(line).event
    except event_lines.NotAnEvent:
        return None
    return event if isinstance(event, RunFinished) else None


def forget(run: Run) -> None:
    """The end of the run is in the database: the note has done its work."""
    receipts.remove(launcher.lake_folder(run.environment), executor_id(run))
