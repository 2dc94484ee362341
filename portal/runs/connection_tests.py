"""Tests of connections, in the preview service: names and ports are looked at here by the rules of what goes out, everything else by a
program behind the wall that reaches the connection's places and nothing else (`executor.trials`).

What is stored of a secret is opened here and nowhere else, and only for the place for which it was set. Nobody can use tests to look for
servers: they are few, and nothing is tried that the rules of connections would not let a run reach. See docs/decisions/connection-tests.md.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from executor.connections import Endpoint
from portal.environments import connections, sealing
from portal.environments.models import Connection, Environment
from portal.errors import PortalError
from portal.outgoing import addresses
from portal.runs import launcher
from portal.runs.launches import Launch
from portal.runs.preview_lease import LONGEST_LINE, said
from portal.runs.preview_reach import fresh_connection
from portal.runs.redaction import Redactor

log = logging.getLogger(__name__)
AT_ONCE = 4
MOST_A_MINUTE, MOST_AN_HOUR = 10, 60
"""Of one person."""
MOST_PLACES, MOST_ROOTS = 12, 10
"""What of one connection is tried."""
SECONDS, OUTSIDE_SECONDS = 60.0, 5.0
"""Of the whole program; of one name or port."""
BUSY = said("test-busy", "You are testing a connection already.", "Wait until that test has ended.")
TOO_MANY = said("too-many-tests", "You have tested connections very often just now.", "Try again in a few minutes.")
BROKEN = "The test stopped before it was done."
AGAIN = "Try again; if it stays so, tell whoever runs Sluice."


@dataclass(frozen=True)
class Prepared:
    """What one test needs. `given`: for the program's standard input and for nothing else."""

    environment: Environment
    places: list[Endpoint]
    given: Mapping[str, Any] = field(repr=False)


class ConnectionTests:
    """At most AT_ONCE of them work, one of each person."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._people: Counter[int] = Counter()
        self._asked: dict[int, deque[float]] = defaultdict(deque)

    async def answer(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """One event, the last: `tested` with its steps, or a problem. `request`: user, environment, kind, settings, roots, and either
        secrets (field → value) or the number of the stored connection whose secret it is. Closing the iteration ends the test."""
        user = int(request["user"])
        if self._people[user]:
            yield {**BUSY, "last": True}
            return
        if self._is_too_often(user):
            yield {**TOO_MANY, "last": True}
            return
        self._people[user] += 1
        try:
            async with self._places:
                yield {**await self._tested(request), "last": True}
        except PortalError as error:
            yield {**said(error.code, error.message, error.fix or ""), "last": True}
        finally:
            self._people[user] -= 1

    def _is_too_often(self, user: int) -> bool:
        asked, now = self._asked[user], time.monotonic()
        while asked and now - asked[0] > 3600:
            asked.popleft()
        if len(asked) >= MOST_AN_HOUR or sum(now - one < 60 for one in asked) >= MOST_A_MINUTE:
            return True
        asked.append(now)
        return False

    async def _tested(self, request: Mapping[str, Any]) -> dict[str, Any]:
        prepared = await asyncio.to_thread(_prepared, request)
        began = time.monotonic()
        steps = [step for place in prepared.places for step in await _outside(place)]
        if all(step["state"] != "bad" for step in steps):
            steps += await _inside(prepared)
        works = all(step["state"] != "bad" for step in steps)
        log.info("User %s tested %s in environment %s: %s", request["user"], _shown(prepared), prepared.environment.pk, works)
        shown: list[dict[str, Any]] = Redactor(prepared.given["secrets"].values()).json(steps, only_known=True)
        return {"event": "tested", "works": works, "steps": shown, "ms": round(1000 * (time.monotonic() - began))}


def _shown(prepared: Prepared) -> str:
    return ", ".join(map(str, prepared.places)) or "a file"


def _prepared(request: Mapping[str, Any]) -> Prepared:
    """Raises PortalError where the fields are not right, or the stored secret is not for this place."""
    try:
        with fresh_connection():
            environment = Environment.objects.select_related("project").get(pk=int(request["environment"]))
            kind, roots = str(request["kind"]), list(request.get("roots", []))[:MOST_ROOTS]
            if kind not in connections.kinds():
                raise PortalError("This kind of connection is not known or not allowed here.", code="kind-unknown")
            secrets = {str(name): str(value) for name, value in dict(request.get("secrets") or {}).items()}
            described = connections.read(kind, dict(request["settings"]), secrets)
            if described.needed_secrets() and not secrets:
                stored = Connection.objects.get(pk=int(request["stored"]), environment=environment)
                connections.require_same_sign_in(stored, described)
                secrets = dict(sealing.opened(stored, used_by=str(request["used_by"])))
            given = {"kind": kind, "settings": described.settings(), "secrets": secrets, "placed": roots}
            places = described.test_places([str(root["address"]) for root in roots])[:MOST_PLACES]
            return Prepared(environment, places, given)
    except (Environment.DoesNotExist, Connection.DoesNotExist, KeyError):
        raise PortalError("This connection is not there any more.", code="connection-unknown", status=404) from None


async def _outside(place: Endpoint) -> list[dict[str, Any]]:
    """The steps Name and Port of one place, by the rules for what a run may reach."""
    networks, began = [ipaddress.ip_network(text) for text in place.networks], time.monotonic()
    name, port = f"Name {place.host}", f"Port {place.port}"
    try:
        checking = asyncio.to_thread(addresses.checked_host, place.host, place.port, networks)
        found = await asyncio.wait_for(checking, OUTSIDE_SECONDS)
    except addresses.NotPublic:
        fix = "Write a public host; or name its network under “Private networks”, which an operator has to allow."
        return [_step(name, began, "bad", "It is no public address, and no network of this connection.", fix)]
    except (PortalError, TimeoutError):
        return [_step(name, began, "bad", "The name is not known.", "Look for a slip of the pen, or ask whoever runs the server.")]
    many = f"{len(found)} addresses" if len(found) > 1 else "one address"
    where = "public, or in a network that the connection names" if networks else "public"
    steps = [_step(name, began, "good", f"The name is known: {many}, {where}.")]
    began = time.monotonic()
    try:
        await _knocked(found[0], place.port)
    except TimeoutError:
        words = f"Nothing answers within {OUTSIDE_SECONDS:g} seconds."
        return [*steps, _step(port, began, "bad", words, "Look at the port; a firewall may keep this machine out.")]
    except OSError:
        return [*steps, _step(port, began, "bad", "Nobody listens there.", "Look at the port, and whether the server runs.")]
    return [*steps, _step(port, began, "good", "Something listens there.")]


async def _knocked(address: str, port: int) -> None:
    """Raises OSError (TimeoutError)."""
    _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), OUTSIDE_SECONDS)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _step(name: str, began: float, state: str, words: str, fix: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "words": words, "fix": fix, "ms": round(1000 * (time.monotonic() - began))}


async def _inside(prepared: Prepared) -> list[dict[str, Any]]:
    """The steps of the program behind the wall; where it stops before its end, the step that was going on is bad."""
    launch = await asyncio.to_thread(_launch, prepared)
    process = await launcher.process_of(
        launch, longest_line=LONGEST_LINE, errors=asyncio.subprocess.DEVNULL
    )  # drivers may print what they send
    heard = _Heard()
    try:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - they are pipes
        process.stdin.write((json.dumps({**prepared.given, "lake": launch.lake}) + "\n").encode())
        with suppress(TimeoutError, ValueError):
            async with asyncio.timeout(SECONDS):
                while line := await process.stdout.readline():
                    heard.event(json.loads(line))
        return heard.steps_to_the_end()
    finally:
        launcher.end(process)
        await process.wait()
        launch.clear()


class _Heard:
    """What the program has said so far."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self._going, self._began, self._is_done = "", time.monotonic(), False

    def event(self, event: Any) -> None:
        """Raises ValueError for what is none."""
        if not isinstance(event, dict):
            raise ValueError
        if event.get("event") == "step-begins":
            self._going, self._began = str(event["name"])[:200], time.monotonic()
        elif event.get("event") == "step":
            self.steps.append({name: event[name] for name in ("name", "state", "words", "fix", "ms")})
            self._going = ""
        elif event.get("event") == "tested":
            self._is_done = True

    def steps_to_the_end(self) -> list[dict[str, Any]]:
        if self._is_done:
            return self.steps
        return [*self.steps, _step(self._going or "Test", self._began, "bad", BROKEN, AGAIN)]


def _launch(prepared: Prepared) -> Launch:
    with fresh_connection():
        return launcher.for_files(prepared.environment, "test-connection", prepared.places)
