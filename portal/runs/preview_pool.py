"""Who has which preview session. At most PREVIEW_LEASES at a time, and PERSON_PREVIEWS of one person; whoever comes later is told how many
are before them. A free place goes to whoever has fewest sessions, then to whoever waits longest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from portal.runs.launches import Equipment, Launch
from portal.runs.preview_lease import Key, Lease
from portal.runs.preview_reach import Wanted

log = logging.getLogger(__name__)

SPARE_SECONDS = 30.0
"""A session nobody used for so long is given up for somebody who waits."""
LOOK_SECONDS = 1.0
FOLDER_ALONE = Wanted()


@dataclass(eq=False)
class Place:
    """Somebody who waits."""

    user: int


class Pool:
    """`launch` gives how to start a session for an environment's id, with this equipment; it may raise PortalError."""

    def __init__(self, launch: Callable[[int, Equipment], Launch], may_have: Callable[[int, Equipment], bool] = lambda *_: True) -> None:
        """`may_have`: whether a session of this environment may have this equipment by now."""
        self.leases: dict[Key, Lease] = {}
        self._launch, self._may_have = launch, may_have
        self._waiting: list[Place] = []
        self._starting = asyncio.Lock()

    async def lease(self, key: Key, holder: str, wanted: Wanted = FOLDER_ALONE) -> AsyncIterator[Lease | str]:
        """Gives sentences while there is no place, and at last the lease. A session that has too little for what is `wanted`, or more than
        it may have by now, is replaced."""
        place, told = Place(key.user), ""
        self._waiting.append(place)
        try:
            while True:
                lease = await self._lease_now(key, holder, wanted, is_first=self._before(place) == 0)
                if lease:
                    self._waiting.remove(place)
                    yield lease
                    return
                if (sentence := self._sentence(self._before(place), key)) != told:
                    told = sentence
                    yield sentence
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            with suppress(ValueError):
                self._waiting.remove(place)

    async def _lease_now(self, key: Key, holder: str, wanted: Wanted, *, is_first: bool) -> Lease | None:
        async with self._starting:
            lease = self.leases.get(key)
            if lease and lease.is_alive and wanted.fits(lease.equipment):
                return lease
            if lease and lease.is_alive and lease.is_busy:
                return None  # what it works on is not cut off
            if lease:
                await self.drop(lease)
            elif not await self._may_start(key, is_first=is_first):
                return None
            launch = await asyncio.to_thread(self._launch, key.environment, wanted.least)
            lease = Lease(key, holder, launch, wanted.least)
            await lease.start()
            self.leases[key] = lease
            log.info("A preview session for %s starts (%s of %s).", holder, len(self.leases), settings.PREVIEW_LEASES)
            return lease

    async def _may_start(self, key: Key, *, is_first: bool) -> bool:
        if self._has_its_share(key.user):
            return await self._make_room(key, only_own=True)
        if len(self.leases) < settings.PREVIEW_LEASES:
            return is_first
        return is_first and await self._make_room(key)

    def _has_its_share(self, user: int) -> bool:
        return self._sessions_of(user) >= settings.PERSON_PREVIEWS

    def _sessions_of(self, user: int) -> int:
        return sum(lease.key.user == user for lease in self.leases.values())

    def _before(self, place: Place) -> int:
        """How many of those who wait come before this one. People with their share wait for themselves only."""
        waiting = [one for one in self._waiting if one is place or not self._has_its_share(one.user)]
        return sorted(waiting, key=lambda one: self._sessions_of(one.user)).index(place)

    async def _make_room(self, key: Key, *, only_own: bool = False) -> bool:
        """Gives up a session that is not in use: one of the same person first, else the one idle for longest."""
        idle = [lease for lease in self.leases.values() if not lease.is_busy]
        own = [lease for lease in idle if lease.key.user == key.user]
        spare = own or [lease for lease in idle if lease.idle_seconds >= SPARE_SECONDS and not only_own]
        if not spare:
            return False
        await self.drop(max(spare, key=lambda lease: lease.idle_seconds))
        return True

    def _sentence(self, before: int, key: Key) -> str:
        if key in self.leases:
            return "Your preview session reaches other places from now on; it starts anew when what it works on is done."
        if self._has_its_share(key.user):
            own = self._sessions_of(key.user)
            return (
                f"You are previewing in {own} jobs already, which is as many as one person may; this one begins when one of them is done."
            )
        people = len({lease.key.user for lease in self.leases.values()})
        who = "1 person is" if people == 1 else f"{people} people are"
        place = "you are next" if before == 0 else f"{before} {'waits' if before == 1 else 'wait'} before you"
        return f"{who} previewing; {place}. A place is free as soon as one of them stops for {SPARE_SECONDS:.0f} seconds."

    async def drop(self, lease: Lease) -> None:
        if self.leases.get(lease.key) is lease:
            del self.leases[lease.key]
        await lease.end()

    async def end_idle(self) -> None:
        """One round: ends what was idle for too long and forgets what has died."""
        for lease in list(self.leases.values()):
            if not lease.is_alive or lease.idle_seconds > settings.PREVIEW_IDLE_SECONDS:
                log.info("The preview session of %s ends.", lease.holder)
                await self.drop(lease)

    async def end_those_that_have_too_much(self) -> None:
        """One round: a root or a connection was changed, and an idle session must not keep what it was started with. Others end when what
        they work on is done, before the next request."""
        for lease in [one for one in self.leases.values() if not one.is_busy]:
            if not await asyncio.to_thread(self._may_have, lease.key.environment, lease.equipment) and not lease.is_busy:
                log.info("The preview session of %s ends: a root or a connection of its environment was changed.", lease.holder)
                await self.drop(lease)

    async def end_all(self) -> None:
        for lease in list(self.leases.values()):
            await self.drop(lease)
