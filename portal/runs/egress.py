"""The only way from a run to other machines: connections to the places it was given, and what came of them.

Inside the wall each name is an address of loopback (its /etc/hosts says so), and what listens there is ours: `own_network.py` made the
listeners before the wall was built and handed them over. So a run chooses among its places, and has no words for any other. Here each
connection is accepted, its place looked up and checked anew (public, or in the networks that the place allows), connected to the very
address that was checked, and copied both ways until one side ends. A connection that breaks on one side breaks on the other: it never
looks like an orderly end, so nobody takes half of an answer for all of it. See docs/decisions/egress.md.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from executor.connections.base import Endpoint, clean_host
from portal.errors import PortalError
from portal.outgoing import addresses
from portal.runs import own_network

log = logging.getLogger(__name__)
T = TypeVar("T")

OWN = ("localhost", "sluice")
"""Names that a sandbox has for itself; its other names follow from its places."""
MOST_PLACES = 200
MOST_AT_ONCE = 300
"""Connections of one run at the same time."""
CONNECT_SECONDS = 5.0
"""For finding a name, and again for each of its addresses."""
MOST_ADDRESSES = 3
KNOWN_SECONDS = 10.0
"""An address that was checked is used for so long: many connections begin in the same moment."""
PART = 128 * 1024
END_SECONDS = 5.0
FILES = 16_384
"""Open files that this process may have, where the machine allows so many; a connection needs two."""
STILL_THERE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
"""Seconds, seconds, times: a machine that is gone is noticed after two minutes, one that thinks is left alone."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing tells the other side that the connection is broken."""
Check = Callable[[str, int, Sequence[addresses.Network]], Sequence[str]]


class PlaceRefused(PortalError):
    """Something that cannot be a place of a run."""

    code = "place-refused"


@dataclass
class Traffic:
    """What came of one place. Connections are those that were made; bytes are those that were passed on."""

    connections: int = 0
    sent: int = 0
    received: int = 0
    refused: int = 0
    """Not tried: against the rules, or too many at once."""
    failed: int = 0
    """Not found, no answer, or broken off."""
    why: str = ""
    """The last reason."""


@dataclass(frozen=True)
class Reached:
    """Facts of a run: what it could reach, and what it did reach; places as host:port."""

    could: tuple[str, ...] = ()
    did: dict[str, Traffic] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"could": list(self.could), "did": {place: asdict(traffic) for place, traffic in self.did.items()}}


@dataclass(eq=False)
class Door:
    """One place of a run. `inside` is the address that it has there."""

    place: Endpoint
    inside: str
    traffic: Traffic = field(default_factory=Traffic)
    _checked: Sequence[str] = ()
    _checked_at: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def addresses(self, check: Check) -> Sequence[str]:
        """Where the place is now. PortalError where it may not be reached, or cannot be found; TimeoutError."""
        async with self._turn:
            if not self._checked or time.monotonic() - self._checked_at > KNOWN_SECONDS:
                networks = [ipaddress.ip_network(text) for text in self.place.networks]
                checking = asyncio.to_thread(check, self.place.host, self.place.port, networks)
                self._checked = await asyncio.wait_for(checking, CONNECT_SECONDS)
                self._checked_at = time.monotonic()
            return self._checked


class Egress:
    """The ways out of one program. Start `command` before its wall with `descriptor` open, then `serve`; `close` cuts everything."""

    def __init__(self, places: Iterable[Endpoint], check: Check = addresses.checked_host) -> None:
        """`check` gives the addresses of a place, or raises PortalError. Raises PlaceRefused."""
        self._doors, self._check = doors(places), check
        self._ours, self._theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._work, name="egress", daemon=True)
        self._is_over, self._is_cut = threading.Event(), threading.Event()
        self._wake: Callable[[], object] = lambda: None
        self._open: set[socket.socket] = set()
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def descriptor(self) -> int:
        """To be open, under this number, in the program that is started."""
        return self._theirs.fileno()

    @property
    def command(self) -> list[str]:
        """What begins the command line, before the wall."""
        places = [f"{door.inside}:{door.place.port}" for door in self._doors]
        return [sys.executable, "-I", "-S", str(Path(own_network.__file__)), str(self.descriptor), *places, "--"]

    @property
    def hosts(self) -> str:
        """Lines for the /etc/hosts inside."""
        names = {door.place.host: door.inside for door in self._doors if door.place.host not in (*OWN, door.inside)}
        return "".join(f"{address} {name}\n" for name, address in names.items())

    @property
    def reached(self) -> Reached:
        """What it could and did reach so far."""
        return Reached(tuple(str(door.place) for door in self._doors), {str(door.place): replace(door.traffic) for door in self._doors})

    def serve(self) -> None:
        """Once the program is started. Returns at once."""
        self._theirs.close()
        _have_room_for_files()
        self._thread.start()

    def close(self) -> None:
        """Cuts what is open; nothing is answered any more. Calling it again does nothing."""
        self._is_over.set()
        self._wake()
        self._theirs.close()
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        if self._thread.ident:
            self._is_cut.wait(END_SECONDS)  # and not for the thread: it may wait for a name that nobody answers for
        self._ours.close()

    def _work(self) -> None:
        listeners = self._handed_over()
        try:
            if len(listeners) == len(self._doors):  # else the program never came so far
                asyncio.run(self._serve(listeners))
        except Exception:
            log.exception("The ways out of a run are closed.")
        finally:
            self._let_go(listeners)

    def _handed_over(self) -> list[socket.socket]:
        try:
            _, found, *_ = socket.recv_fds(self._ours, 1, MOST_PLACES, socket.MSG_CMSG_CLOEXEC)
        except OSError:  # closed meanwhile
            return []
        return [socket.socket(fileno=descriptor) for descriptor in found]

    async def _serve(self, listeners: list[socket.socket]) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: _quietly(loop, over.set)
        accepting = [asyncio.create_task(self._accept(door, one)) for door, one in zip(self._doors, listeners, strict=True)]
        try:
            if not self._is_over.is_set():
                await over.wait()
        finally:
            for task in (*accepting, *self._passing):
                task.cancel()
            await asyncio.gather(*accepting, *self._passing, return_exceptions=True)
            self._let_go(listeners)

    def _let_go(self, listeners: list[socket.socket]) -> None:
        for listener in listeners:
            listener.close()
        for left in list(self._open):
            self._end(left, broken=True)
        self._is_cut.set()

    async def _accept(self, door: Door, listener: socket.socket) -> None:
        listener.setblocking(False)
        while True:
            try:
                inside, _ = await asyncio.get_running_loop().sock_accept(listener)
            except OSError as error:  # no room for another file just now: whoever connects waits
                door.traffic.why = _reason(error)
                await asyncio.sleep(0.1)
                continue
            self._open.add(inside)
            if len(self._passing) >= MOST_AT_ONCE:
                door.traffic.refused += 1
                door.traffic.why = f"There were more than {MOST_AT_ONCE} connections at once."
                self._end(inside, broken=True)
            else:
                inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = asyncio.create_task(self._pass(door, inside))
                self._passing.add(task)
                task.add_done_callback(self._passing.discard)
            await asyncio.sleep(0)  # accepting at once gives nobody else a turn

    async def _pass(self, door: Door, inside: socket.socket) -> None:
        """One connection from its beginning to its end."""
        traffic, outside = door.traffic, None
        passage = _Passage(traffic)
        try:
            outside = await self._connected(door)
            traffic.connections += 1
            await passage.work(inside, outside)
        except addresses.NotPublic as error:
            traffic.refused, traffic.why = traffic.refused + 1, error.message
        except (OSError, PortalError) as error:
            traffic.failed, traffic.why = traffic.failed + 1, _reason(error)
        finally:
            for one in (inside, outside):
                if one:
                    self._end(one, broken=one not in passage.ended)

    async def _connected(self, door: Door) -> socket.socket:
        """Raises PortalError (NotPublic), OSError (TimeoutError)."""
        found = await door.addresses(self._check)
        last: OSError = OSError("The host has no address.")
        for address in found[:MOST_ADDRESSES]:
            try:
                return await self._connected_to(address, door.place.port)
            except OSError as error:
                last = error
        raise last

    async def _connected_to(self, address: str, port: int) -> socket.socket:
        outside = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        self._open.add(outside)
        try:
            outside.setblocking(False)
            outside.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option, value in STILL_THERE:
                outside.setsockopt(socket.IPPROTO_TCP, option, value)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(outside, (address, port)), CONNECT_SECONDS)
        except BaseException:
            self._end(outside, broken=True)
            raise
        return outside

    def _end(self, one: socket.socket, *, broken: bool) -> None:
        self._open.discard(one)
        if broken:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.close()


class _Passage:
    """Bytes both ways. `ended` are the sides that were told an orderly end: they have all that the other side said."""

    def __init__(self, traffic: Traffic) -> None:
        self.ended: set[socket.socket] = set()
        self._traffic = traffic

    async def work(self, inside: socket.socket, outside: socket.socket) -> None:
        """Until both have ended. Raises OSError when the outside breaks before its end; the inside may break off as it likes."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(inside, outside, "sent"))
                both.create_task(self._copy(outside, inside, "received"))
        except* _Broken as group:
            first = group.exceptions[0]
            if isinstance(first, _Broken) and first.side is outside and inside not in self.ended:
                raise first.error from None

    async def _copy(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        loop = asyncio.get_running_loop()
        while part := await _unless_broken(source, loop.sock_recv(source, PART)):
            await _unless_broken(sink, loop.sock_sendall(sink, part))
            setattr(self._traffic, direction, getattr(self._traffic, direction) + len(part))
            await asyncio.sleep(0)  # what can be read and written at once gives nobody else a turn
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise _Broken(sink, error) from None
        self.ended.add(sink)


class _Broken(Exception):
    """`side` does not take or give any more."""

    def __init__(self, side: socket.socket, error: OSError) -> None:
        super().__init__()
        self.side, self.error = side, error


async def _unless_broken(side: socket.socket, doing: Awaitable[T]) -> T:
    try:
        return await doing
    except OSError as error:
        raise _Broken(side, error) from None


def doors(places: Iterable[Endpoint]) -> list[Door]:
    """The doors to these places: an address of loopback for each name; an IP address stays what it is. Raises PlaceRefused."""
    found, inside = [], dict.fromkeys(OWN, "127.0.0.1")
    for place in dict.fromkeys(places):
        _require_place(place)
        if place.host not in inside:
            inside[place.host] = place.host if _is_ipv4(place.host) else f"127.0.1.{len(inside)}"
        found.append(Door(place, inside[place.host]))
    if len(found) > MOST_PLACES or len({(door.inside, door.place.port) for door in found}) < len(found):
        raise PlaceRefused(f"A run reaches at most {MOST_PLACES} places, each of them named once.")
    return found


def _require_place(place: Endpoint) -> None:
    """Exactly in the form in which places are compared: nothing is made right here, and no name can break the file of hosts."""
    try:
        clean = clean_host(place.host)
    except ValueError as error:
        raise PlaceRefused(f"A run cannot reach {place.host[:100]!r}. {error}") from None
    if clean != place.host or not 0 < place.port < 65536:
        raise PlaceRefused(f"A run cannot reach {place.host[:100]!r} at port {place.port}: this is no place in its plain form.")
    if ":" in place.host or (_is_ipv4(place.host) and not _is_of_one_machine(place.host)):
        raise PlaceRefused(f"A run cannot reach {place.host}: write a name, or the IPv4 address of one machine.")


def _is_ipv4(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return False


def _is_of_one_machine(host: str) -> bool:
    address = ipaddress.IPv4Address(host)
    return not (address.is_multicast or address.is_unspecified or address.is_reserved)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return f"{os.strerror(error.errno)}."  # asyncio's own words name addresses
    if isinstance(error, TimeoutError):
        return f"There was no answer within {CONNECT_SECONDS:.0f} seconds."
    return getattr(error, "message", None) or str(error)


def _quietly(loop: asyncio.AbstractEventLoop, do: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(do)


def _have_room_for_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
