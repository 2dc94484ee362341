"""The ways out of a run, as far as they need no wall: real listeners, real servers. tests/runs/test_ways_out.py goes through the wall."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from executor.connections.base import Endpoint
from portal.errors import PortalError
from portal.outgoing import addresses
from portal.runs import egress
from portal.runs.egress import Egress, PlaceRefused
from tests.runs.behind_the_wall import Serve, all_of, until

HERE = ("127.0.0.0/8",)


class Way:
    """One place, and what a program inside would connect to."""

    def __init__(self, port: int, check: Any = addresses.checked_host, networks: tuple[str, ...] = HERE, host: str = "db.test") -> None:
        self.egress = Egress([Endpoint(host, port, networks)], check)
        self.place, self._listener = f"{host}:{port}", socket.create_server(("127.0.0.1", 0), backlog=512)
        with socket.socket(fileno=socket.dup(self.egress.descriptor)) as theirs:
            socket.send_fds(theirs, [b"."], [self._listener.fileno()])
        self.egress.serve()

    def connect(self) -> socket.socket:
        return socket.create_connection(self._listener.getsockname(), timeout=20)

    @property
    def traffic(self) -> egress.Traffic:
        return self.egress.reached.did[self.place]

    def close(self) -> None:
        self._listener.close()
        self.egress.close()


@pytest.fixture
def way() -> Iterator[Callable[..., Way]]:
    made: list[Way] = []

    def make(*given: Any, **named: Any) -> Way:
        named.setdefault("check", lambda host, port, networks: addresses.checked_host("127.0.0.1", port, networks))
        made.append(Way(*given, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


def refused(to: Way) -> None:
    """The reset may come while the connection is still being made."""
    with pytest.raises(ConnectionResetError), to.connect() as inside:
        inside.recv(1)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_each_side_may_end_while_the_other_goes_on(serve: Serve, way: Callable[..., Way]) -> None:
    """The server answers after the end of the question, and the other way round."""
    to = way(serve(lambda one: one.sendall(b"all: " + all_of(one))))
    with to.connect() as inside:
        inside.sendall(b"question")
        inside.shutdown(socket.SHUT_WR)
        assert all_of(inside) == b"all: question"
    heard: list[bytes] = []

    def ends_first(one: socket.socket) -> None:
        one.sendall(b"greeting")
        one.shutdown(socket.SHUT_WR)
        heard.append(all_of(one))

    other = way(serve(ends_first))
    with other.connect() as inside:
        assert all_of(inside) == b"greeting"
        inside.sendall(b"late")
    until(lambda: heard == [b"late"])
    assert (other.traffic.connections, other.traffic.sent, other.traffic.received, other.traffic.failed) == (1, 4, 8, 0)


def test_a_connection_that_breaks_does_not_look_like_an_orderly_end(serve: Serve, way: Callable[..., Way]) -> None:
    """Else half of an answer would be taken for all of it."""

    def breaks(one: socket.socket) -> None:
        one.sendall(b"half")
        one.recv(1)
        reset(one)

    to = way(serve(breaks))
    with to.connect() as inside:
        assert inside.recv(4) == b"half"
        inside.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            inside.recv(1)
    until(lambda: to.traffic.failed)
    assert (to.traffic.connections, to.traffic.failed) == (1, 1) and to.traffic.why == "Connection reset by peer."


def test_the_outside_hears_that_the_inside_broke_off_and_that_is_no_fault_of_the_place(serve: Serve, way: Callable[..., Way]) -> None:
    heard: list[Any] = []

    def listens(one: socket.socket) -> None:
        try:
            heard.append(all_of(one))
        except OSError as error:
            heard.append(type(error))

    to = way(serve(listens))
    with to.connect() as inside:
        inside.sendall(b"half of an upload")
        until(lambda: to.traffic.sent)
        reset(inside)
    until(lambda: heard)
    assert heard == [ConnectionResetError] and to.traffic.failed == 0


def test_a_server_that_says_goodbye_to_one_who_has_left_is_no_fault(serve: Serve, way: Callable[..., Way]) -> None:
    """As TLS does at each end."""

    def polite(one: socket.socket) -> None:
        one.sendall(b"answer")
        all_of(one)
        one.sendall(b"goodbye")

    to = way(serve(polite))
    for _ in range(20):
        with to.connect() as inside:
            assert inside.recv(6) == b"answer"
    until(lambda: to.traffic.sent == 0 and to.traffic.received >= 20 * 6 and not to.egress._open)
    assert (to.traffic.connections, to.traffic.failed) == (20, 0)


def test_who_reads_slowly_makes_the_other_wait(serve: Serve, way: Callable[..., Way]) -> None:
    sent = [0]

    def pours(one: socket.socket) -> None:
        for _ in range(640):
            one.sendall(b"x" * 100_000)
            sent[0] += 100_000

    to = way(serve(pours))
    with to.connect() as inside:
        inside.recv(1)
        time.sleep(0.5)
        before = sent[0]
        assert before < 30_000_000  # what the kernel keeps for both connections, and one part of ours
        assert len(all_of(inside)) == 63_999_999
    assert to.traffic.received == 64_000_000


def test_drops_come_at_once_and_silence_is_left_alone(serve: Serve, way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch) -> None:
    """A database may think for an hour; only connecting has a time."""
    monkeypatch.setattr(egress, "CONNECT_SECONDS", 0.1)

    def drips(one: socket.socket) -> None:
        for _ in range(4):
            one.sendall(b".")
            one.recv(1)
        time.sleep(0.3)
        one.sendall(b"end")

    to = way(serve(drips))
    with to.connect() as inside:
        for _ in range(4):
            assert inside.recv(1) == b"."
            inside.sendall(b"!")
        assert all_of(inside) == b"end"


def test_200_connections_at_once(serve: Serve, way: Callable[..., Way]) -> None:
    to = way(serve(lambda one: one.sendall(one.recv(10))))
    open_now = [to.connect() for _ in range(200)]
    for number, one in enumerate(open_now):
        one.sendall(b"%d" % number)
    for number, one in enumerate(open_now):
        with one:
            assert all_of(one) == b"%d" % number
    assert (to.traffic.connections, to.traffic.refused, to.traffic.failed) == (200, 0, 0)


def test_more_than_the_most_are_refused_and_counted(serve: Serve, way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "MOST_AT_ONCE", 3)
    to = way(serve(lambda one: (one.sendall(b"hello"), all_of(one))[1]))
    held = [to.connect() for _ in range(3)]
    for one in held:
        assert one.recv(5) == b"hello"
    refused(to)
    assert (to.traffic.connections, to.traffic.refused) == (3, 1) and "more than 3 connections" in to.traffic.why
    held.pop().close()
    until(lambda: len(to.egress._passing) == 2)
    with to.connect() as again:
        assert again.recv(5) == b"hello"
    for one in held:
        one.close()


def test_one_that_pours_leaves_turns_for_others(serve: Serve, way: Callable[..., Way]) -> None:
    def answers(one: socket.socket) -> None:
        if one.recv(1) == b"p":
            with suppress(OSError):
                while True:
                    one.sendall(b"x" * 1_000_000)
        one.sendall(b"quick")

    def drains() -> None:
        with suppress(OSError), to.connect() as inside:
            inside.sendall(b"p")
            while inside.recv(1_000_000):
                pass

    to = way(serve(answers))
    pouring = [threading.Thread(target=drains, daemon=True) for _ in range(3)]
    for one in pouring:
        one.start()
    until(lambda: to.traffic.received > 10_000_000)
    began = time.monotonic()
    with to.connect() as inside:
        inside.sendall(b"q")
        assert all_of(inside) == b"quick"
    assert time.monotonic() - began < 2
    to.egress.close()
    for one in pouring:
        one.join(5)


def test_everything_is_cut_at_the_end(serve: Serve, way: Callable[..., Way]) -> None:
    ends: list[Any] = []

    def pours(one: socket.socket) -> None:
        try:
            while True:
                one.sendall(b"x" * 10_000)
        except OSError as error:
            ends.append(type(error))

    to = way(serve(pours))
    with to.connect() as inside:
        inside.recv(1)
        to.egress.close()
        with pytest.raises(ConnectionResetError):
            all_of(inside)
    until(lambda: ends)
    assert not to.egress._open
    counted = to.traffic.received
    to.egress.close()
    assert to.traffic.received == counted > 0


def test_the_end_does_not_wait_for_a_name_that_nobody_answers_for(way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch) -> None:
    """The service of previews calls it in its loop."""
    asked, answer = threading.Event(), threading.Event()
    to = way(1, check=lambda *_: (asked.set(), answer.wait(20), ())[2])
    with to.connect() as inside:
        assert asked.wait(5)
        began = time.monotonic()
        to.egress.close()
        assert time.monotonic() - began < 1
        with pytest.raises(ConnectionResetError):
            inside.recv(1)
    answer.set()
    to.egress._thread.join(5)

    monkeypatch.setattr(egress, "CONNECT_SECONDS", 0.1)
    answer = threading.Event()
    slow = way(1, check=lambda *_: (answer.wait(20), ())[1])
    refused(slow)
    assert (slow.traffic.failed, slow.traffic.why) == (1, "There was no answer within 0 seconds.")
    answer.set()


def test_what_cannot_be_reached_is_told(serve: Serve, way: Callable[..., Way]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    to = way(port)
    refused(to)
    assert (to.traffic.connections, to.traffic.failed, to.traffic.why) == (0, 1, "Connection refused.")


@pytest.mark.parametrize("networks", [(), ("10.0.0.0/8",), ("127.0.0.2/32",), ("::1/128",)])
def test_a_private_address_needs_its_network(serve: Serve, way: Callable[..., Way], networks: tuple[str, ...]) -> None:
    heard: list[object] = []
    to = way(serve(heard.append), networks=networks)
    refused(to)
    assert (to.traffic.connections, to.traffic.refused) == (0, 1) and "not a public address" in to.traffic.why
    assert heard == []


def test_the_address_that_was_checked_is_connected_to(serve: Serve, way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says something else at the second look (DNS rebinding) gains nothing: there is none."""
    looks, heard = [0], []
    port = serve(lambda one: one.sendall(b"ok"))

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        assert host == "db.test"
        looks[0] += 1
        address = "127.0.0.1" if looks[0] == 1 else "127.0.0.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(egress, "KNOWN_SECONDS", 0.0)
    to = way(port, check=addresses.checked_host, networks=("127.0.0.1/32",))
    for _ in range(2):
        with socket.socket() as inside, suppress(ConnectionResetError):  # the usual way to connect looks names up too
            inside.connect(to._listener.getsockname())
            heard.append(all_of(inside))
    assert (looks, heard) == ([2], [b"ok"])
    assert (to.traffic.connections, to.traffic.refused) == (1, 1)


def test_one_address_among_several_that_is_not_allowed_refuses_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", (address, 1)) for address in ("93.184.215.14", "10.0.0.7")]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(addresses.NotPublic):
        addresses.checked_host("db.test", 5432)
    with pytest.raises(PortalError):
        addresses.checked_host("169.254.169.254", 80)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        *[("Db.test", 1), ("db.test.", 1), ("db.test\n127.0.0.1 evil", 1), ("db.test evil", 1), ("db.test\0", 1), ("db.test\r\n", 1)],
        *[("user@db.test", 1), ("db.test:80", 1), ("//db.test", 1), ("", 1), ("*", 1), ("*.test", 1), ("dß.test", 1), ("a" * 300, 1)],
        *[("#db.test", 1), ("2130706433", 1), ("0x7f.1", 1), ("127.1", 1), ("::1", 1), ("[::1]", 1), ("fe80::1%lo", 1), ("0.0.0.0", 1)],
        *[("224.0.0.1", 1), ("255.255.255.255", 1), ("db.test", 0), ("db.test", 65536), ("db.test", -1)],
    ],
)
def test_a_place_that_is_not_in_its_plain_form_is_refused(host: str, port: int) -> None:
    """Nothing that is compared exactly is made right here, and nothing comes into the file of hosts but a name."""
    with pytest.raises(PlaceRefused):
        Egress([Endpoint(host, port)])


def test_places_become_addresses_inside() -> None:
    names = [("db.test", 5432), ("lake.test", 443), ("db.test", 5433), ("localhost", 9000), ("10.1.2.3", 80), ("xn--d-xfa.test", 1)]
    out = Egress([Endpoint(*one) for one in names])
    assert out.hosts == "127.0.1.2 db.test\n127.0.1.3 lake.test\n127.0.1.5 xn--d-xfa.test\n"
    assert out.command[5:] == ["127.0.1.2:5432", "127.0.1.3:443", "127.0.1.2:5433", "127.0.0.1:9000", "10.1.2.3:80", "127.0.1.5:1", "--"]
    assert out.reached.as_dict()["could"] == [f"{host}:{port}" for host, port in names]
    out.close()
    with pytest.raises(PlaceRefused):
        Egress([Endpoint(f"h{number}.test", 1) for number in range(201)])


def test_nothing_is_answered_where_the_program_never_came_so_far() -> None:
    out = Egress([Endpoint("db.test", 1)])
    out.serve()
    until(lambda: not out._thread.is_alive())
    out.close()
