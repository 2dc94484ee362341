"""Laying SQL out, on a person's key press. A hint for people; Spark's own parser is the judge of every query."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from django.conf import settings

from executor.language import sql_text
from portal.errors import PortalError

MEMORY = 1024**3
NOT_READABLE = {"sql-too-long", "sql-control-character", "sql-unclosed", "sql-too-deep"}
PROGRAM = ["-m", "executor.language.layout"]


def formatted(text: str) -> str:
    """The same words with one clause a line and indented lists; texts, comments and ${parameters} stay letter by letter.

    Raises PortalError when it cannot be read, is too long or nested too deeply, or takes more than PARSE_SECONDS of a processor."""
    if not text.strip():
        return text
    if found := next((problem for problem in sql_text.sql_problems(text) if problem.code in NOT_READABLE), None):
        raise PortalError(found.message, code=found.code, status=422, fix=found.fix)
    try:
        done = _laid_out(text)
    except subprocess.TimeoutExpired:
        raise _took_too_long() from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        raise _took_too_long()
    raise _not_readable("Lay it out by hand.")


def _laid_out(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *PROGRAM],
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=6 * settings.PARSE_SECONDS,  # by the clock: on a busy machine it may have to wait
        check=False,
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=_limit,  # noqa: PLW1509 - two calls of the kernel, nothing of ours
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (settings.PARSE_SECONDS, settings.PARSE_SECONDS))


def _took_too_long() -> PortalError:
    return _not_readable("Laying it out took too long. Make it shorter, or lay it out by hand.")


def _not_readable(fix: str) -> PortalError:
    return PortalError("This SQL cannot be laid out without changing it.", code="sql-not-readable", status=422, fix=fix)
