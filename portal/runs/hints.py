"""Listening for a run's new lines. Without Redis a listener simply looks every second."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from portal.runs.doorbell import PAUSE_SECONDS, UNREACHABLE, channel_of


class Listener:
    """`async with Listener(run_id) as listener: … await listener.wait(1.0)` returns early when something new is hinted at."""

    def __init__(self, run_id: object) -> None:
        self._channel = channel_of(run_id)
        self._client: Any = redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.5)
        self._hints: Any = None
        self._not_before = 0.0

    async def __aenter__(self) -> Self:
        await self._subscribe()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._drop()
        await self._client.aclose()

    async def wait(self, seconds: float) -> None:
        if self._hints is None and time.monotonic() >= self._not_before:
            await self._subscribe()
        if self._hints is None:
            await asyncio.sleep(seconds)
            return
        try:
            await self._hints.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except UNREACHABLE:
            await self._drop()
            await asyncio.sleep(seconds)

    async def _subscribe(self) -> None:
        hints = self._client.pubsub()
        try:
            await hints.subscribe(self._channel)
            self._hints = hints
        except UNREACHABLE:
            self._hints = hints
            await self._drop()

    async def _drop(self) -> None:
        hints, self._hints = self._hints, None
        self._not_before = time.monotonic() + PAUSE_SECONDS
        if hints is not None:
            try:
                await hints.aclose()
            except UNREACHABLE:
                return
