"""Deadlines of work in the JVM that nothing interrupts: reading a query, analysing and planning it.

Spark's parser, analyser and optimizer look at no flag and cancel nothing. So when their time is over Spark itself is ended, which lets the
waiting call fail; the process ends with it, and the next request meets a fresh one.

Time is over when the clock and the JVM's own processors both say so: on a machine that is busy with other things, a query that only
waits for its turn is not blamed. Whatever it has used, `by_the_clock` seconds later it ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from executor.problems import Problem, ProblemError


class TookTooLong(ProblemError):
    """A deadline is over and Spark is gone: nothing else can be asked."""


def seconds_of(name: str, default: float) -> float:
    """A number of seconds from the environment; the default where it is missing or no positive number."""
    try:
        given = float(os.environ.get(name, default))
    except ValueError:
        return default
    return given if given > 0 else default


PARSE_SECONDS = seconds_of("SLUICE_PARSE_SECONDS", 5)
ANALYSIS_SECONDS = seconds_of("SLUICE_ANALYSIS_SECONDS", 60)
MOST_TIMES, MOST_WAITING_SECONDS = 6, 60.0
LOOK_SECONDS = 0.25
_spark: list[Popen[Any]] = []
_ended: list[Popen[Any]] = []


def watch_over(jvm: Popen[Any]) -> None:
    """`jvm` is what deadlines end; a process has one at a time."""
    _spark[:] = [jvm]


def has_ended(jvm: Popen[Any]) -> bool:
    """Whether a deadline killed it; known before the process is gone from the system."""
    return jvm in _ended


def by_the_clock(seconds: float) -> float:
    """Seconds after which work that may use the processors for `seconds` ends, however little of them it was given: somebody waits."""
    return min(seconds * MOST_TIMES, seconds + MOST_WAITING_SECONDS)


@contextmanager
def within(seconds: float, problem: Problem) -> Iterator[None]:
    """Ends Spark when the work inside takes longer; then TookTooLong with this problem is raised."""
    done, over = threading.Event(), threading.Event()
    before = _busy_seconds()

    def watch() -> None:
        latest = time.monotonic() + by_the_clock(seconds)
        is_done = done.wait(seconds)
        while not is_done and _busy_seconds() - before < seconds and time.monotonic() < latest:
            is_done = done.wait(LOOK_SECONDS)
        if not is_done:
            over.set()
            for jvm in _spark:
                _ended.append(jvm)
                jvm.kill()

    threading.Thread(target=watch, name="deadline", daemon=True).start()
    try:
        yield
    except Exception as error:
        if over.is_set():
            raise TookTooLong([problem]) from error
        raise
    finally:
        done.set()
    if over.is_set():
        raise TookTooLong([problem])


def _busy_seconds() -> float:
    """Processor time that the JVM has used."""
    try:
        fields = Path(f"/proc/{_spark[0].pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reading_too_long(field: str) -> Problem:
    """Of a query whose text alone keeps Spark busy."""
    return Problem(
        code="sql-parse-too-long",
        field=field,
        message=f"Spark could not read this query within {PARSE_SECONDS:g} seconds, so it was stopped.",
        expected=f"at most {PARSE_SECONDS:g} seconds",
        fix="Nest less: move inner parts into stages of their own.",
    )


def planning_too_long(field: str) -> Problem:
    """Of a query whose plan grows without end."""
    return Problem(
        code="sql-plan-too-long",
        field=field,
        message=f"Spark could not plan this query within {ANALYSIS_SECONDS:g} seconds, so it was stopped before any row was read.",
        expected=f"at most {ANALYSIS_SECONDS:g} seconds",
        fix="Make it smaller: fewer joins, fewer columns in CUBE and GROUPING SETS, no WITH that reads itself many times over.",
    )
