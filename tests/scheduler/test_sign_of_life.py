"""A scheduler or worker that stands still is told on every page: nothing else would tell of anything then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from portal import health
from portal.accounts.models import User
from portal.runs import doorbell, worker
from portal.scheduler import ticks
from tests.runs.stack import until
from tests.services import redis

pytestmark = [pytest.mark.services, pytest.mark.django_db]
TOLD = b"The scheduler does not answer"
NO_WORKER = b"No worker answers"


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
    page = home_of(ana)
    assert TOLD not in page and NO_WORKER in page and health.holds_runs()
    with Redis.from_url(server.url) as client:
        assert sign.seconds * 3 < client.ttl("sluice:alive:scheduler") <= doorbell.SIGN_SECONDS
        client.flushall()
    assert TOLD in home_of(ana)
    assert [part["name"] for part in Client().get("/readyz").json()["parts"] if not part["is_well"]].count("scheduler") == 1


def test_a_worker_that_is_there_says_so_until_it_ends(
    server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    monkeypatch.setattr(worker, "stopping", ends)
    signs = threading.Thread(target=worker.give_signs)
    signs.start()
    until(lambda: NO_WORKER not in home_of(ana), "the worker's sign")
    assert health.banner() and not health.holds_runs(), "a scheduler that is silent holds no run up"
    ends.set()
    signs.join(timeout=5)
    assert not signs.is_alive() and worker.SIGN_EVERY_SECONDS * 3 < doorbell.SIGN_SECONDS
    doorbell._client().flushall()
    assert NO_WORKER in home_of(ana)


def test_a_portal_that_has_just_started_waits_for_it(
    server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STARTED", health.time.time())
    page = home_of(ana)
    assert TOLD not in page and NO_WORKER not in page


def test_without_redis_that_is_told_and_nothing_of_the_scheduler(
    server: redis.RedisServer, ana: User, home_of: Callable[[User], bytes]
) -> None:
    server.kill()
    page = home_of(ana)
    assert b"Redis does not answer" in page and TOLD not in page and NO_WORKER not in page
