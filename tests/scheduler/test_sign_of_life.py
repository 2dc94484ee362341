"""A scheduler that stands still is told on every page: nothing else would tell of anything then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from portal import health
from portal.accounts.models import User
from portal.runs import doorbell
from portal.scheduler import ticks
from tests.services import redis

pytestmark = [pytest.mark.services, pytest.mark.django_db]
TOLD = b"The scheduler does not answer"


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.RedisServer]:
    with redis.running() as server:
        settings.REDIS_URL = server.url
        doorbell._client.cache_clear()
        monkeypatch.setattr(health, "STARTED", health.STARTED - 2 * doorbell.SIGN_SECONDS)
        yield server
    doorbell._client.cache_clear()


@pytest.fixture
def home_of(browser_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch) -> Callable[[User], bytes]:
    def home(person: User) -> bytes:
        monkeypatch.setattr(health._remembered, "until", 0.0)
        return browser_of(person).get("/account").content

    return home


def test_a_scheduler_that_stands_still_is_told(server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes]) -> None:
    assert TOLD in home_of(ana)
    (sign,) = [tick for thread in ticks.all_ticks() for tick in thread if "sign of life" in tick.name]
    sign.call()
    assert TOLD not in home_of(ana)
    with Redis.from_url(server.url) as client:
        assert sign.seconds * 3 < client.ttl("sluice:alive:scheduler") <= doorbell.SIGN_SECONDS
        client.flushall()
    assert TOLD in home_of(ana)
    assert [part["name"] for part in Client().get("/readyz").json()["parts"] if not part["is_well"]].count("scheduler") == 1


def test_a_portal_that_has_just_started_waits_for_it(
    server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STARTED", health.time.time())
    assert TOLD not in home_of(ana)


def test_without_redis_that_is_told_and_nothing_of_the_scheduler(
    server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes]
) -> None:
    server.kill()
    page = home_of(ana)
    assert b"Redis does not answer" in page and TOLD not in page
