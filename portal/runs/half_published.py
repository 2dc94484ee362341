"""Outputs of a run that died while it published are taken back soon after its end, not only when the next run comes: until then a run that
failed would be seen to have published.

What lies in the lake is moved by a program behind the wall, as everywhere; the portal only sees that there is something to do.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings

from executor.files import exchange
from portal.environments.models import Environment
from portal.runs import preview_client, receipts

log = logging.getLogger(__name__)

NOBODY = 0
"""No person asks for it: it does not count among anybody's programs."""
ANSWER_SECONDS = 90


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


async def _asked(environment: int, executor_id: str) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await preview_client.answer_over_files("repair", user=NOBODY, environment=environment, values={"run_id": executor_id})
