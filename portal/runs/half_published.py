"""Outputs of a run that died while it published are taken back soon after its end, not only when the next run comes: until then a run that
failed would be seen to have published. What a run had staged that was killed before that is removed as soon: it may be what fills the disk,
and on a full disk no next run comes so far.

What lies in the lake is moved by a program behind the wall, as everywhere; the portal only sees that there is something to do.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from executor.files import exchange
from executor.files.publish import STAGING
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import launcher, preview_client, published, receipts
from portal.runs.models import Attempt, Run
from portal.runs.states import BAD_STATES, GOOD_STATES

log = logging.getLogger(__name__)

NOBODY = 0
"""No person asks for it: it does not count among anybody's programs."""
ANSWER_SECONDS = 90
LOOK_BACK, AT_ONCE = timedelta(hours=1), 100


def take_back() -> int:
    """Has every exchange ended that a run left unfinished whose end is known. Gives how many there were; one that cannot be ended now
    is tried again at the next call."""
    count = 0
    for folder in sorted(settings.LAKE_DIR.glob(f"*/*/{exchange.FOLDER}")):
        for journal in sorted(folder.glob("*.json")):
            if receipts.is_noted(journal.stem):
                count += 1
                _end(folder.parent, journal.stem)
                break  # one program ends all of them
    return count


def _end(lake: Path, executor_id: str) -> None:
    environment = Environment.objects.filter(project__slug=lake.parent.name, name=lake.name).first()
    if environment is None:
        return
    answer = async_to_sync(_asked)(environment.pk, executor_id)
    if answer.get("event") == preview_client.ANSWERS["repair"] and not answer.get("open"):
        log.info("%s died while it published: what it had begun there is ended.", executor_id)
    else:
        log.warning("%s died while it published, and what it left cannot be ended yet: %s", executor_id, answer.get("problem") or answer)


def remove_staged(now: datetime | None = None) -> int:
    """Has removed what runs have staged that ended badly in the last hour. Gives how many runs there were; what cannot be removed now is
    tried again at the next call."""
    since = (now or timezone.now()) - LOOK_BACK
    ended = Run.objects.filter(state__in=BAD_STATES, finished_at__gt=since, fence__gt=0).select_related("environment__project")
    count = 0
    for run in ended.order_by("-finished_at")[:AT_ONCE]:
        if places := _staged(run):
            count += 1
            answer = async_to_sync(_asked)(run.environment_id, receipts.executor_id(run), staged=places)
            log.info("What %s had staged is removed: %s", run.pk, answer.get("event") == preview_client.ANSWERS["repair"])
    return count


def end_elsewhere() -> int:
    """Has ended or taken back what attempts have left in roots on other machines whose program did not come to its end; there the portal
    cannot look for itself. Gives how many there were; what cannot be ended now is tried again at the next call."""
    left = Attempt.objects.filter(may_have_left=True, finished_at__isnull=False).select_related("run__environment__project", "run__job")
    count = 0
    for attempt in left.order_by("finished_at")[:AT_ONCE]:
        count += 1
        run, was_last = attempt.run, attempt.number == attempt.run.fence
        about = {"staged": published.elsewhere(run), "published": was_last and run.state in GOOD_STATES}
        answer = async_to_sync(_asked)(run.environment_id, receipts.executor_id(run, attempt.number), **about)
        if answer.get("event") == preview_client.ANSWERS["repair"]:
            Attempt.objects.filter(pk=attempt.pk).update(may_have_left=False)
        else:
            log.warning("What attempt %s of %s left elsewhere cannot be ended yet: %s", attempt.number, run.pk, answer.get("problem"))
    return count


def _staged(run: Run) -> list[str]:
    """Places in the environment's folder beside which something of the run's is staged still."""
    lake = launcher.lake_folder(run.environment)
    try:
        places = published.outputs_of(run)
    except PortalError:
        return []
    return [uri for uri in places if os.path.lexists(lake / uri.rstrip("/").rpartition("/")[0] / STAGING / receipts.executor_id(run))]


async def _asked(environment: int, executor_id: str, **more: Any) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        values = {"run_id": executor_id, **more}
        return await preview_client.answer_over_files("repair", user=NOBODY, environment=environment, values=values)
