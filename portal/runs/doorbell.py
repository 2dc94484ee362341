"""Ringing at other processes through Redis. Nothing depends on it: whoever is not reached finds its work in the database a little later."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import cache
from typing import Any

import redis
from django.conf import settings
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

UNREACHABLE = (KombuError, redis.RedisError, OSError)
PAUSE_SECONDS = 5
"""After a failure hints are left out for so long: a run must not wait for Redis again and again."""


def ring(task: str, argument: str) -> bool:
    """Sends a Celery message that carries one id. False when the broker cannot be reached."""
    from portal.celery import app

    try:
        _client().ping()  # Celery itself would try for seconds, and somebody is waiting for a page
        app.send_task(task, args=[argument], retry=False)
    except UNREACHABLE as error:
        log.warning("The broker cannot be reached; %s %s waits for the scheduler (%s).", task, argument, error)
        return False
    return True


def channel_of(run_id: object) -> str:
    """Redis channel on which a run's new log lines are hinted at."""
    return f"sluice:run:{run_id}"


@cache
def _client() -> Any:
    """A client that says at once when Redis is not there."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


class Hints:
    """Tells listeners that a run has something new. A failure is forgotten: listeners also look by themselves every second."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def publish(self, run_id: object, last_seq: int) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            _client().publish(channel_of(run_id), last_seq)
        except UNREACHABLE:
            self._not_before = time.monotonic() + PAUSE_SECONDS


# --- signs of life ----------------------------------------------------------------------------------------------------------

SIGN_SECONDS = 90
"""So long a sign of life lasts."""


def give_sign(program: str) -> None:
    """Says that the program is at work. Forgotten where Redis cannot be reached, which is told by itself."""
    with suppress(*UNREACHABLE):
        _client().set(f"sluice:alive:{program}", 1, ex=SIGN_SECONDS)


def is_silent(program: str) -> bool:
    """Whether the program has given no sign for SIGN_SECONDS. False where Redis cannot be asked."""
    try:
        return not _client().exists(f"sluice:alive:{program}")
    except UNREACHABLE:
        return False
