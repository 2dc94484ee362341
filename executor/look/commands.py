"""`look`, `list`, `survey` and others: one JSON object on the first line of standard input, JSON lines on standard output."""

from __future__ import annotations

import errno
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from executor.problems import Problem, ProblemError
from executor.stores.roots import Roots, roots_of

MAX_LINE = 4_000_000
DONE, NOT_RIGHT = 0, 1
TELL_SECONDS = 0.5
NAMED = ("uri", "document", "run_id", "kind", "connection")
"""What a program is about: one of these is among its values."""
Work = Callable[[dict[str, Any], Roots, Callable[[str, int, int], None]], dict[str, Any]]


def look(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """{"uri", "settings", "limit_bytes", "seconds"} → `looked` with the proposal."""
    from executor.look.looking import SECONDS
    from executor.look.looking import look as look_at

    limit, seconds = given.get("limit_bytes"), float(given.get("seconds", SECONDS))
    settings = given.get("settings") or {}
    proposal = look_at(roots, str(given["uri"]), settings, limit_bytes=int(limit) if limit else None, seconds=seconds, tell=tell)
    return {"event": "looked", "proposal": proposal.model_dump(by_alias=True, exclude_none=True)}


def list_folder(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """{"root", "folder"} → `listed` with `entries` (name, is_folder, size, changed), `more` and `is_delta`."""
    level = roots.named(str(given["root"])).entries(str(given.get("folder", "")))
    return {"event": "listed", "entries": [asdict(entry) for entry in level.entries], "more": level.more, "is_delta": level.is_delta}


def unpack(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """{"uri", "to", "limits": {"members", "bytes"}} → `unpacked` with the files that were written into the folder `to` of the
    environment's own folder, and what the packed one was like: `was`."""
    from executor.look.unpacking import unpack_at

    limits = {key: int(value) for key, value in (given.get("limits") or {}).items() if key in ("members", "bytes")}
    was, files = unpack_at(roots, str(given["uri"]), str(given.get("to", "")), tell, limits)
    return {"event": "unpacked", "files": files, "was": was}


def answer(work: Work) -> int:
    """Does `work` for the values on standard input; gives the exit code."""
    try:
        with roots_of(given := _values()) as roots:
            say(work(given, roots, _Teller()))
        return DONE
    except ProblemError as error:
        for problem in error.problems:
            say({"event": "problem", "problem": problem.as_dict()})
    except (MemoryError, RecursionError):
        say({"event": "problem", "problem": TOO_MUCH.as_dict()})
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        say({"event": "problem", "problem": DISK_FULL.as_dict()})
    return NOT_RIGHT


DISK_FULL = Problem(
    code="disk-full",
    message="The disk of the lake is full, so nothing was changed.",
    fix="Ask whoever runs the machine to free some space, then try again.",
)
TOO_MUCH = Problem(code="look-too-much", message="The file is too large or too deep to be looked at.", fix="Bring a smaller part of it.")


def _values() -> dict[str, Any]:
    try:
        given = json.loads(sys.stdin.readline(MAX_LINE))
    except ValueError:
        given = None
    if not isinstance(given, dict) or not any(
        isinstance(given.get(name), str) for name in ("uri", "document", "run_id", "kind", "connection")
    ):
        raise ProblemError(Problem(code="values-not-json", message="The values on standard input are not right.", expected='{"uri": …}'))
    return given


def say(event: dict[str, Any]) -> None:
    """One line of the answer."""
    sys.stdout.write(json.dumps(event, ensure_ascii=True, separators=(",", ":"), default=str) + "\n")
    sys.stdout.flush()


class _Teller:
    """Says how far the work is, now and then."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, what: str, done: int, whole: int) -> None:
        if time.monotonic() - self.last >= TELL_SECONDS:
            self.last = time.monotonic()
            say({"event": "progress", "what": what, "done": done, "of": whole})
