"""Logs of runs that ended some time ago lie in the object store: a database is for what changes, and logs are most of what there is.

`portal.runs.log_text` reads them wherever they are.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from portal.jobs import storage
from portal.runs.log_lines import line_of_failure
from portal.runs.models import FINAL_STATES, LogSegment, Run, database_now

log = logging.getLogger(__name__)

PIECE = 1024**2
"""Characters of log in one object, or those of one segment where it alone has more."""
RUNS_AT_ONCE = 20


def move_old() -> int:
    """Moves logs of runs that ended long enough ago; gives how many. Where the store does not answer they stay where they are."""
    before = database_now() - timedelta(hours=settings.LOGS_IN_DATABASE_HOURS)
    here = LogSegment.objects.filter(sha256="", run__state__in=FINAL_STATES, run__finished_at__lt=before)
    moved = 0
    for run_id in here.order_by().values_list("run_id", flat=True).distinct()[:RUNS_AT_ONCE]:
        try:
            move(run_id)
        except storage.StoreDown as error:
            log.warning("Logs stay in the database for now: %s", error)
            break
        moved += 1
    return moved


def move(run_id: UUID) -> None:
    """Moves the log of a run that has ended. Killed at any moment each line is still in one place or the other. Raises StoreDown."""
    run = Run.objects.get(pk=run_id)
    Run.objects.filter(pk=run_id).update(failure_line=line_of_failure(run))  # is found by the database, which will not have the lines
    for piece in _pieces(run):
        data = gzip.compress("".join(segment.lines for segment in piece).encode(), mtime=0)
        sha256 = hashlib.sha256(data).hexdigest()
        storage.put(sha256, data)
        _exchange(piece, sha256)


def _pieces(run: Run) -> Iterator[list[LogSegment]]:
    """Segments of one attempt that follow one another, up to PIECE characters."""
    piece: list[LogSegment] = []
    size = 0
    for segment in run.log_segments.filter(sha256="").order_by("first_seq").iterator(chunk_size=50):
        follows = piece and piece[-1].last_seq + 1 == segment.first_seq and piece[-1].attempt_number == segment.attempt_number
        if piece and (not follows or size + len(segment.lines) > PIECE):
            yield piece
            piece, size = [], 0
        piece.append(segment)
        size += len(segment.lines)
    if piece:
        yield piece


def _exchange(piece: list[LogSegment], sha256: str) -> None:
    """Of two that move the same log at once, the second finds the rows gone and changes nothing."""
    with transaction.atomic():
        rows = LogSegment.objects.select_for_update().filter(pk__in=[segment.pk for segment in piece], sha256="")
        if len(rows) != len(piece):
            return
        rows.delete()
        LogSegment.objects.create(
            run_id=piece[0].run_id,
            attempt_number=piece[0].attempt_number,
            first_seq=piece[0].first_seq,
            last_seq=piece[-1].last_seq,
            sha256=sha256,
        )
