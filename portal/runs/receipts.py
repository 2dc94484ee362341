"""What a run has noted beside its outputs: the answer to "was it published?" when nobody was left to hear it."""

from __future__ import annotations

import os
from itertools import islice
from uuid import UUID

from django.conf import settings

from executor import event_lines
from executor.events import RunFinished
from executor.files import exchange, receipts
from portal.runs import launcher, sandbox
from portal.runs.models import Attempt, Run


def executor_id(run: Run, number: int | None = None) -> str:
    """The name that an executor knows this attempt by (`number`: that one). A later attempt stages its output elsewhere, so that a frozen
    earlier one cannot mix its files in."""
    number = run.fence if number is None else number
    return str(run.pk) if number <= 1 else f"{run.pk}-{number}"


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


def give_up(run: Run) -> bool:
    """From now on the run's last attempt can publish no more, even if it only slept; False when it has published. Raises OSError when the
    lake cannot be written."""
    lake = launcher.lake_folder(run.environment)
    given_up = receipts.give_up(lake, executor_id(run))
    sandbox.give_to_executors(lake / receipts.FOLDER)
    return given_up


def forget_noted(most: int = 100) -> int:
    """Removes notes of runs whose end is in the database: a run that died while it published leaves one that could not go before its
    exchange was repaired. Gives how many went."""
    count = 0
    for folder in settings.LAKE_DIR.glob(f"*/*/{receipts.FOLDER}"):
        notes = (file for file in folder.glob("*") if file.suffix in (".json", ".new"))  # a crash leaves one that is not whole
        for file in islice(notes, most):
            if is_noted(file.stem) and not exchange.is_open(folder.parent, file.stem) and not _may_be_asked_for(file.stem):
                receipts.remove(folder.parent, file.stem)
                count += not os.path.lexists(file)
    return count


def is_noted(executor_id: str) -> bool:
    """Whether the run that an executor knew by this name has ended. Names that are not ours are left alone."""
    try:
        run_id = UUID(executor_id[:36])
    except ValueError:
        return False
    return Run.objects.filter(pk=run_id, finished_at__isnull=False).exists()


def _may_be_asked_for(executor_id: str) -> bool:
    """Whether the attempt may have left something in another root: whoever publishes there next asks the note whether it stays."""
    number = int(executor_id[37:]) if executor_id[37:].isdecimal() else 1
    return Attempt.objects.filter(run=UUID(executor_id[:36]), number=number, may_have_left=True).exists()


def forget(run: Run) -> None:
    """The end of the run is in the database: the note has done its work, unless it may be asked for."""
    if not _may_be_asked_for(executor_id(run)):
        receipts.remove(launcher.lake_folder(run.environment), executor_id(run))
