"""Asking for a look: the message to the preview service, its answer, and looks that were taken a moment ago."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from pydantic import ValidationError

from executor.files.lake import resolve
from executor.language.roots import located
from executor.look.proposal import Proposal
from executor.look.stages import Choices
from executor.problems import Problem, ProblemError
from portal.accounts import policy
from portal.accounts.models import User
from portal.data.table_rows import Reader, remember_look
from portal.environments.models import Environment
from portal.environments.reach import is_here, judged_by
from portal.errors import PortalError
from portal.looks.new_job import stages_for
from portal.runs import preview_client

SECONDS = 15
OTHER_ROOTS_SECONDS = 60
"""So long a look at a file of another root is good enough: whether it has changed only another look would tell."""
REMEMBERED = 40
"""Looks that are kept, so that “Create job” after a look does not look again. Gone with the process, and with any change of the file."""

_kept: OrderedDict[str, Proposal] = OrderedDict()
_lock = threading.Lock()


class NotLookedAt(PortalError):
    """The file cannot be looked at; its words are the look's own."""

    code = "look-failed"
    status = 422


async def look(user: User, environment: Environment, uri: str, settings: dict[str, Any]) -> Proposal:
    """The proposal for a file. Whoever calls has asked whether the person may see data here. Raises NotLookedAt."""
    key = await sync_to_async(_key)(environment, uri, settings)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    event = await ask(user, environment, "look", {"uri": uri, "settings": settings, "seconds": SECONDS})
    await sync_to_async(policy.require)(user, "view_data", environment)  # it may have been taken away while the file was read
    try:
        proposal = Proposal.model_validate(event.get("proposal"))
    except ValidationError:
        raise NotLookedAt("The file could not be looked at.", fix="Try again.") from None
    await sync_to_async(remember_look)(environment, uri, proposal)
    with _lock:
        _kept[key] = proposal
        while len(_kept) > REMEMBERED:
            _kept.popitem(last=False)
    return proposal


async def ask(user: User, environment: Environment, what: str, values: dict[str, Any]) -> dict[str, Any]:
    """Has a program over files do its work; gives its answer. Raises NotLookedAt with the program's own words."""
    event = await preview_client.answer_over_files(what, user=user.pk, environment=environment.pk, values=values)
    if event.get("event") == preview_client.ANSWERS[what]:
        return event
    problem = event.get("problem") or {}
    raise NotLookedAt(
        str(problem.get("message") or "The file could not be looked at."),
        fix=problem.get("fix") or "Try again.",
        code=str(problem.get("code") or NotLookedAt.code),
    )


async def reader_of_file(user: User, environment: Environment, uri: str) -> Reader:
    """The extract stage that a look proposes, and its names where each of its columns is one of the stage's. Raises PortalError."""
    proposal = await look(user, environment, uri, {})
    stage = stages_for(proposal, uri, Choices(name="table", with_load=False))[0]
    is_by_place = proposal.format == "delimited" and [column.index for column in proposal.columns] == list(range(len(proposal.columns)))
    return Reader(stage, [column.name for column in proposal.columns] if is_by_place else [], is_looked_at=True)


def _key(environment: Environment, uri: str, settings: dict[str, Any]) -> str:
    """The same key means the same file, unchanged, looked at with the same settings; in another root, a moment ago."""
    at = located(uri, judged_by(environment), "uri", environment=environment.name)
    if isinstance(at, Problem):
        raise refused(at)
    if not is_here(environment, at.root):
        return json.dumps([environment.pk, at.where, int(time.monotonic() // OTHER_ROOTS_SECONDS), settings], sort_keys=True)
    lake = django_settings.LAKE_DIR / environment.project.slug / environment.name
    try:
        state = os.stat(resolve(lake, at.place, "uri"))
        stamp = f"{state.st_ino}.{state.st_mtime_ns}.{state.st_size}"
    except ProblemError as error:
        raise refused(error.problems[0]) from None
    except (OSError, ValueError):
        stamp = "missing"
    return json.dumps([environment.pk, uri, stamp, settings], sort_keys=True)


def refused(problem: Problem) -> NotLookedAt:
    """A problem of the executor as a refusal."""
    return NotLookedAt(problem.message, fix=problem.fix, code=problem.code)
