"""Ringing at other processes through Redis. Nothing depends on it: whoever is not reached finds its work in the database a little later."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.conf import settings
from kombu.exceptions import KombuError

log = logging.getLogger(__name__)

UNREACHABLE = (KombuError, redis.RedisError, OSError)


def ring(task: str, argument: str) -> bool:
    """Sends a Celery message that carries one id. False when the broker cannot be reached."""
    from portal.celery import app

    try:
        app.send_task(task, args=[argument], retry=False)
    except UNREACHABLE as error:
        log.warning("The broker cannot be reached; %s %s waits for the scheduler (%s).", task, argument, error)
        return False
    return True


def channel_of(run_id: object) -> str:
    """Redis channel on which a run's new log lines are hinted at."""
    return f"sluice:run:{run_id}"


class Hints:
    """Tells listeners that a run has something new. A failure is forgotten: listeners also look by themselves every second."""

    def __init__(self) -> None:
        self._client: Any = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)

    def publish(self, run_id: object, last_seq: int) -> None:
        try:
            self._client.publish(channel_of(run_id), last_seq)
        except UNREACHABLE:
            self._client.close()

    def close(self) -> None:
        self._client.close()
