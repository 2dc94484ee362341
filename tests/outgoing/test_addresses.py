"""Where the portal sends nothing."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from portal.errors import PortalError
from portal.outgoing import addresses

FORBIDDEN = [
    "http://example.org/hook",  # not https
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "//example.org/",
    "https://",
    "https:///path",
    "https://user@example.org/",
    "https://user:password@example.org/",
    "https://example.org#@127.0.0.1/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org/ x",
    "https://example.org/\r\nX-Evil: 1",
    "https://example.org:99999/",
    "https://example.org:port/",
    "https://exämple.org/",
    "https://[::1",
    "https://127.0.0.1/",
    "https://127.1.2.3/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://127.0.0.1./",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://%6c%6f%63alhost/",
    "https://" + "a" * 600 + ".org/",
    "javascript:alert(1)",
    "",
]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Name → addresses, instead of the real resolver; nothing leaves the machine."""
    known = {"example.org": ["93.184.215.14"], "localhost": ["127.0.0.1"]}

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(host)
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_forbidden_address_is_refused_before_anything_is_sent(url: str, names: object) -> None:
    with pytest.raises(PortalError):
        addresses.checked(url)


def test_a_public_https_address_is_pinned_to_what_was_checked(names: object) -> None:
    target = addresses.checked("https://Example.ORG/hook?a=1")
    assert (target.host, target.port, target.path, target.addresses) == ("example.org", 443, "/hook?a=1", ("93.184.215.14",))


def test_one_private_address_among_several_is_enough_to_refuse(names: dict[str, list[str]]) -> None:
    names["example.org"] = ["93.184.215.14", "10.0.0.7"]
    with pytest.raises(PortalError, match="not a public address"):
        addresses.checked("https://example.org/")


def test_a_listed_network_is_allowed_and_its_neighbour_is_not(names: object) -> None:
    listed = [ip_network("10.1.0.0/16"), ip_network("::1/128")]
    assert addresses.checked("http://10.1.2.3:8080/x", listed).addresses == ("10.1.2.3",)
    assert addresses.checked("https://[::1]/", listed).addresses == ("::1",)
    assert addresses.checked("https://[::ffff:10.1.2.3]/", listed).host_header == "[::ffff:10.1.2.3]"
    for url in ("http://10.2.0.1/", "https://127.0.0.1/", "https://2130706433/"):
        with pytest.raises(PortalError):
            addresses.checked(url, listed)


def test_an_unknown_host_is_named(names: object) -> None:
    with pytest.raises(PortalError, match="The host nowhere.example cannot be found"):
        addresses.checked("https://nowhere.example/")


@pytest.mark.parametrize("host", ["[fec0::1]", "[3fff::1]", "[5f00::1]", "192.0.0.8", "192.88.99.1"])
def test_odd_ranges_that_look_public_are_refused(host: str) -> None:
    with pytest.raises(PortalError, match="not a public address"):
        addresses.checked(f"https://{host}/hook")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_port_zero_does_not_become_the_usual_port(scheme: str) -> None:
    with pytest.raises(PortalError, match="Port 0"):
        addresses.parse(f"{scheme}://example.com:0/hook")
