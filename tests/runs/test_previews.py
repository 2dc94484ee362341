"""The preview service, with sessions that speak the contract but start no Spark."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from executor.connections import Endpoint
from portal.errors import PortalError
from portal.runs import measures, preview_client, preview_lease, preview_pool, preview_service
from portal.runs.launches import Equipment, Launch
from portal.runs.preview_lease import Key
from portal.runs.preview_pool import Pool
from portal.runs.preview_reach import Given, PreviewReach, Wanted
from portal.runs.preview_service import Service

SESSION = Path(__file__).with_name("fake_session.py")


@pytest.fixture
def pool(settings: Any) -> Pool:
    settings.PREVIEW_LEASES = 2
    return Pool(lambda environment, equipment: Launch([sys.executable, str(SESSION)], dict(os.environ), "/lake", "degraded"))


class Reaching(PreviewReach):
    """What a request wants and is given stands in the request itself: there is no database here."""

    def wanted(self, key: Key, message: Any) -> Wanted:
        hosts, most = [(message or {}).get(name, []) for name in ("wants", "most")]
        places = [tuple(Endpoint(host, 443) for host in some) for some in (hosts, most or hosts)]
        return Wanted(Equipment(places[0]), Equipment(places[1]))

    def given(self, key: Key, message: Any, holder: str) -> Given:
        return Given({"secrets": {}, **message.get("gives", {})}, frozenset(message.get("hides", ())))


def drafts_only_in_dev(environment: int) -> None:
    if environment != 1:
        raise PortalError("Nothing is previewed in prod.", code="preview-not-allowed")


@pytest.fixture
async def service(pool: Pool, settings: Any, tmp_path: Path) -> AsyncIterator[Pool]:
    """The service listens; gives its pool."""
    settings.PREVIEW_SOCKET = tmp_path / "previews.sock"
    server = await Service(pool, drafts_only_in_dev, Reaching()).listen(settings.PREVIEW_SOCKET)
    yield pool
    server.close()
    await pool.end_all()


async def ask(user: int = 1, job: int = 1, do: str = "ask", environment: int = 1, **message: Any) -> list[dict[str, Any]]:
    request = {
        "do": do,
        "user": user,
        "job": job,
        "environment": environment,
        "holder": f"person {user}",
        "message": {"request": "preview", **message},
    }
    return [event async for event in preview_client.request(request)]


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_session_ends_that_has_what_it_may_not_have_any_more(service: Pool) -> None:
    first = await ask(to=2)
    service._may_have = lambda environment, equipment: True
    await service.end_those_that_have_too_much()
    assert (await ask(to=2))[-1]["pid"] == first[-1]["pid"]
    service._may_have = lambda environment, equipment: False
    await service.end_those_that_have_too_much()
    assert service.leases == {}


async def test_one_session_serves_one_person_and_job_again_and_again(service: Pool) -> None:
    first, second = await ask(to=2), await ask(to=3)

    assert first[0]["event"] == "waiting"
    assert (first[-1]["event"], first[-1]["lake"], first[-1]["last"]) == ("rows", "/lake", True)
    assert first[-1]["pid"] == second[-1]["pid"]
    assert (await ask(job=2))[-1]["pid"] != first[-1]["pid"]


async def test_a_session_is_replaced_when_it_reaches_too_little_or_more_than_it_may(service: Pool) -> None:
    a, both = ["a.example.org"], ["a.example.org", "b.example.org"]
    alone = await ask()
    first = await ask(wants=a, most=both)
    assert first[-1]["pid"] != alone[-1]["pid"] and "network" not in alone[-1]
    assert (await ask(most=both))[-1]["pid"] == first[-1]["pid"]  # it has more than is wanted, and may
    second = await ask(wants=both)
    assert second[-1]["pid"] != first[-1]["pid"]
    third = await ask(wants=a)  # b is no place of the environment any more
    assert third[-1]["pid"] != second[-1]["pid"] and len(service.leases) == 1
    assert [str(one) for one in service.leases[Key(1, 1, 1)].equipment.endpoints] == ["a.example.org:443"]
    assert (await ask())[-1]["pid"] != third[-1]["pid"]


async def test_what_a_session_works_on_is_not_cut_off_for_another_place(service: Pool) -> None:
    working = asyncio.create_task(ask(seconds=1.5))
    await until(lambda: any(lease.is_busy for lease in service.leases.values()))
    events = await ask(wants=["a.example.org"])
    assert (await working)[-1]["event"] == "rows" and events[-1]["event"] == "rows"
    assert any("starts anew" in event.get("message", "") for event in events)


async def test_nobody_who_asks_names_a_root_or_a_connection_of_their_own(service: Pool) -> None:
    own = {"roots": {"x": {}}, "connections": {"x": {}}, "secrets": {"x": "y"}, "lake": "/", "parameters": {"year": 2013}}
    events = await ask(values=own, tells=True)
    assert events[-1]["told"] == {"parameters": {"year": 2013}, "secrets": {}, "lake": "/lake"}


async def test_no_answer_holds_what_a_connection_signs_in_with(service: Pool) -> None:
    secret = "s3cr/t+canary 77"
    given = {"connections": {"shop": {"secrets": {"password": secret}}}}
    events = await ask(gives=given, hides=[secret], tells=True)
    assert secret not in str(events) and "•••••" in str(events[-1]["told"])
    assert secret not in str(await ask(gives=given, tells=True))  # once told, always hidden


async def test_the_socket_is_for_its_own_user_alone(service: Pool, settings: Any) -> None:
    assert settings.PREVIEW_SOCKET.stat().st_mode & 0o777 == 0o600


async def test_a_warm_session_is_started_without_waiting_for_it(service: Pool) -> None:
    assert (await ask(do="warm"))[-1]["event"] == "warm"
    assert len(service.leases) == 1


async def test_who_comes_when_all_places_are_taken_is_told_and_gets_the_next_one(service: Pool) -> None:
    busy = [asyncio.create_task(ask(user=user, behaviour="wait", seconds=2)) for user in (1, 2)]
    await until(lambda: len(service.leases) == 2 and all(lease.is_busy for lease in service.leases.values()))
    preview_pool.SPARE_SECONDS, before = 0.1, preview_pool.SPARE_SECONDS
    try:
        events = await ask(user=3)
    finally:
        preview_pool.SPARE_SECONDS = before
    await asyncio.gather(*busy)

    assert events[0]["message"].startswith("2 people are previewing; you are next.")
    assert events[-1]["event"] == "rows"
    assert len(service.leases) == 2


async def test_a_person_gives_up_an_own_idle_session_before_waiting_for_others(service: Pool) -> None:
    await ask(user=1, job=1)
    await ask(user=2, job=1)

    events = await ask(user=1, job=2)

    assert events[-1]["event"] == "rows"
    assert set(service.leases) == {(1, 2, 1), (2, 1, 1)}


async def test_where_no_drafts_are_allowed_only_the_portal_itself_looks_and_in_a_session_of_its_own(service: Pool) -> None:
    looked = (await ask(do="look", environment=3))[-1]
    assert looked["event"] == "rows"
    for do in ("ask", "warm"):
        assert (await ask(do=do, environment=3))[-1]["problem"]["code"] == "preview-not-allowed"
    assert (await ask())[-1]["pid"] != looked["pid"]


async def test_cancel_ends_the_preview_and_keeps_the_session(service: Pool) -> None:
    first = (await ask())[-1]["pid"]
    asking = asyncio.create_task(ask(behaviour="wait", seconds=60))
    await until(lambda: service.leases[(1, 1, 1)].is_busy)

    await ask(do="cancel")

    assert (await asking)[-1]["event"] == "cancelled"
    assert (await ask())[-1]["pid"] == first


async def test_a_preview_cancelled_while_the_session_starts_leaves_the_session_to_the_next_one(
    service: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_START_SECONDS", "1")
    monkeypatch.setattr(preview_lease, "CANCEL_SECONDS", 0.1)
    asking = asyncio.create_task(ask(seconds=60))
    await until(lambda: (1, 1, 1) in service.leases and service.leases[(1, 1, 1)].is_busy)
    lease = service.leases[(1, 1, 1)]

    await ask(do="cancel")

    assert (await asking)[-1]["event"] == "cancelled"
    assert (await ask())[-1]["event"] == "rows"
    assert service.leases[(1, 1, 1)] is lease


async def test_a_session_that_does_not_listen_is_killed_and_the_next_preview_has_a_fresh_one(
    service: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_lease, "CANCEL_SECONDS", 0.5)
    first = (await ask())[-1]["pid"]
    asking = asyncio.create_task(ask(behaviour="deaf", seconds=60))
    await until(lambda: service.leases[(1, 1, 1)].is_busy)

    await ask(do="cancel")

    assert (await asking)[-1]["event"] == "cancelled"
    assert not Path(f"/proc/{first}").exists()
    assert (await ask())[-1]["pid"] != first


async def test_who_waits_for_a_preview_that_has_to_be_killed_gets_a_fresh_session(service: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_lease, "CANCEL_SECONDS", 0.5)
    asking = asyncio.create_task(ask(behaviour="deaf", seconds=60))
    await until(lambda: (1, 1, 1) in service.leases and service.leases[(1, 1, 1)].is_busy)
    waiting = asyncio.create_task(ask())
    await asyncio.sleep(0.2)

    await ask(do="cancel")

    assert (await asking)[-1]["event"] == "cancelled"
    assert (await waiting)[-1]["event"] == "rows"


async def test_a_session_that_dies_is_said_in_plain_words_and_replaced(service: Pool) -> None:
    first = (await ask())[-1]["pid"]

    died = await ask(behaviour="die")

    assert died[-1]["problem"]["message"].startswith("The preview session stopped")
    assert (await ask())[-1]["pid"] != first


async def test_a_session_that_says_it_is_over_is_not_asked_again_though_it_takes_its_time_to_end(service: Pool) -> None:
    """The next preview must not meet it and be told of a lack of memory."""
    first = (await ask())[-1]["pid"]

    lost = await ask(behaviour="lose Spark")

    assert lost[-1]["problem"]["code"] == "sql-plan-too-long"
    assert (await ask())[-1]["pid"] != first


async def test_who_goes_away_leaves_no_work_behind(service: Pool) -> None:
    await ask()
    request = {
        "do": "ask",
        "user": 1,
        "job": 1,
        "environment": 1,
        "holder": "x",
        "message": {"request": "preview", "behaviour": "wait", "seconds": 60},
    }
    events = preview_client.request(request)
    asking = asyncio.create_task(anext(events))  # type: ignore[arg-type]
    await until(lambda: service.leases[(1, 1, 1)].is_busy)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await until(lambda: not service.leases[(1, 1, 1)].is_busy)


async def test_idle_sessions_end(service: Pool, settings: Any) -> None:
    pid = (await ask())[-1]["pid"]
    settings.PREVIEW_IDLE_SECONDS = -1

    await service.end_idle()

    assert service.leases == {} and not Path(f"/proc/{pid}").exists()


async def test_a_service_that_is_down_is_said_in_plain_words(settings: Any, tmp_path: Path) -> None:
    settings.PREVIEW_SOCKET = tmp_path / "nobody.sock"

    assert (await ask())[-1]["problem"]["message"] == "The preview service does not answer."


async def test_a_session_that_may_not_start_says_why(service: Pool) -> None:
    def refuse(environment: int, equipment: Equipment) -> Launch:
        raise PortalError("prod is protected.", code="sandbox-missing", fix="Ask.")

    service._launch = refuse
    assert (await ask())[-1]["problem"] == {"code": "sandbox-missing", "message": "prod is protected.", "fix": "Ask."}


async def test_one_person_has_no_more_than_a_share_and_leaves_a_place_to_others(service: Pool, settings: Any) -> None:
    settings.PREVIEW_LEASES, settings.PERSON_PREVIEWS = 3, 2
    busy = [asyncio.create_task(ask(user=1, job=job, behaviour="wait", seconds=3)) for job in (1, 2)]
    await until(lambda: len(service.leases) == 2 and all(lease.is_busy for lease in service.leases.values()))
    third = asyncio.create_task(ask(user=1, job=3))
    await asyncio.sleep(0.1)

    other = await ask(user=2)

    assert other[-1]["event"] == "rows"
    assert not any("before you" in event.get("message", "") for event in other)
    assert not third.done()
    await asyncio.gather(*busy)
    told = await third
    assert "which is as many as one person may" in told[0]["message"]
    assert told[-1]["event"] == "rows"
    assert sum(key.user == 1 for key in service.leases) == 2


async def test_a_free_place_goes_to_who_has_fewest_sessions(service: Pool, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_pool, "SPARE_SECONDS", 0.1)
    settings.PREVIEW_LEASES, settings.PERSON_PREVIEWS = 2, 2
    busy = [asyncio.create_task(ask(user=user, job=1, behaviour="wait", seconds=2)) for user in (1, 2)]
    await until(lambda: len(service.leases) == 2 and all(lease.is_busy for lease in service.leases.values()))
    first, second = asyncio.create_task(ask(user=1, job=2)), asyncio.create_task(ask(user=3, job=1))
    assert (await second)[0]["message"].startswith("2 people are previewing; you are next.")
    await asyncio.gather(first, *busy)


async def test_a_preview_that_uses_too_much_is_ended_with_a_sentence(service: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.create_task(ask(behaviour="deaf", seconds=60))
    await until(lambda: any(lease.is_busy and lease.ready.is_set() for lease in service.leases.values()))
    (lease,) = service.leases.values()
    await lease.measure()
    assert lease.is_alive
    monkeypatch.setattr(measures, "use_of", lambda pid, most: measures.Use(processes=1, memory_mb=1_000_000, written=0))
    await lease.measure()
    problem = (await asked)[-1]["problem"]
    assert (problem["code"], "1,000,000 MB of memory" in problem["message"]) == ("limit-memory", True)
    monkeypatch.undo()
    assert (await ask())[-1]["event"] == "rows"


async def test_a_round_that_fails_keeps_no_later_one_from_coming() -> None:
    rounds = []

    async def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OSError("once")

    task = asyncio.create_task(preview_service._every(0.01, work))
    for _ in range(500):
        await asyncio.sleep(0.01)
        if len(rounds) > 2:
            break
    task.cancel()
    assert len(rounds) > 2
