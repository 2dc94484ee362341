"""Asking for a look: the message to the preview service, its answer, and looks that were taken a moment ago."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from typing import Any

from django.conf import settings as django_settings
from pydantic import ValidationError

from executor.files.lake import resolve
from executor.look.proposal import Proposal
from executor.problems import Problem, ProblemError
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import preview_client

SECONDS = 15
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
    key = _key(environment, uri, settings)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    message = {
        "do": "files",
        "what": "look",
        "user": user.pk,
        "environment": environment.pk,
        "values": {"uri": uri, "settings": settings, "seconds": SECONDS},
    }
    proposal = await _answer(message)
    with _lock:
        _kept[key] = proposal
        while len(_kept) > REMEMBERED:
            _kept.popitem(last=False)
    return proposal


async def _answer(message: dict[str, Any]) -> Proposal:
    found: Proposal | None = None
    problem: dict[str, Any] | None = None
    async for event in preview_client.request(message):
        if event.get("event") == "looked":
            try:
                found = Proposal.model_validate(event.get("proposal"))
            except ValidationError:
                problem = None
        elif event.get("event") == "problem":
            problem = problem or event.get("problem")
    if found is None:
        problem = problem or {"message": "The file could not be looked at.", "fix": "Try again."}
        raise NotLookedAt(str(problem.get("message")), fix=problem.get("fix"), code=str(problem.get("code") or NotLookedAt.code))
    return found


def _key(environment: Environment, uri: str, settings: dict[str, Any]) -> str:
    """The same key means the same file, unchanged, looked at with the same settings."""
    lake = django_settings.LAKE_DIR / environment.project.slug / environment.name
    try:
        state = os.stat(resolve(lake, uri, "uri"))
        stamp = f"{state.st_ino}.{state.st_mtime_ns}.{state.st_size}"
    except ProblemError as error:
        raise refused(error.problems[0]) from None
    except (OSError, ValueError):
        stamp = "missing"
    return json.dumps([environment.pk, uri, stamp, settings], sort_keys=True)


def refused(problem: Problem) -> NotLookedAt:
    """A problem of the executor as a refusal."""
    return NotLookedAt(problem.message, fix=problem.fix, code=problem.code)
