"""Where the portal may send something: public https addresses, and networks that whoever sends may allow besides.

A name is resolved once, every address it has must be allowed, and the connection is made to the very address that was checked.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from executor.connections.base import NUMBER_IN_DISGUISE
from portal.errors import PortalError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_LENGTH = 500
TRANSLATED = [ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
"""IPv6 that carries an IPv4 address inside (NAT64, 6to4, Teredo): never a server's own address."""
NOT_PUBLIC = [ipaddress.ip_network(text) for text in ("fec0::/10", "3fff::/20", "5f00::/16", "192.0.0.0/24", "192.88.99.0/24")]
"""What the standard library takes for public: old site-local addresses, documentation, segment routing, protocols' own, 6to4 relays."""


class NotPublic(PortalError):
    """An address of a private network, or of this machine."""

    code = "address-refused"


@dataclass(frozen=True)
class Target:
    """A parsed and checked address. `host` is what goes into the Host header and the certificate's check."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...] = ()
    """The IP addresses that were checked; one of them is connected to. Empty before the name is resolved."""

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == {"https": 443, "http": 80}[self.scheme] else f"{shown}:{self.port}"


def parse(url: str) -> Target:
    """The address's parts, or PortalError with one sentence. Looks nothing up."""
    if len(url) > MAX_LENGTH or not url.isascii() or any(letter <= " " or letter in "\\\x7f" for letter in url):
        raise _refused("The address has letters that do not belong there, or is too long.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("The address cannot be read.") from None
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in {"http", "https"} or not host:
        raise _refused("The address begins with https:// and a host name.")
    if "@" in parts.netloc:
        raise _refused("The address may not hold a user name or password.")
    if port == 0:
        raise _refused("Port 0 is no port.")
    if parts.fragment:
        raise _refused("The address may not hold a # part.")
    if _as_address(host) is None and (NUMBER_IN_DISGUISE.fullmatch(host) or "%" in host):
        raise _refused("The host is a number in disguise; write a name, or an address such as 192.0.2.7.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or {"https": 443, "http": 80}[parts.scheme], path)


def checked(url: str, allowed: Sequence[Network] = ()) -> Target:
    """The target with the addresses it may be reached at. PortalError when any address of the name is neither public nor `allowed`."""
    target = parse(url)
    addresses = _resolve(target.host, target.port)
    for address in addresses:
        if not _is_within(address, allowed):
            _require_public(address, target.host)
            if target.scheme != "https":
                raise _refused("Outside the listed networks only https is allowed.")
    return Target(target.scheme, target.host, target.port, target.path, tuple(dict.fromkeys(map(str, addresses))))


def checked_host(host: str, port: int, allowed: Sequence[Network] = ()) -> tuple[str, ...]:
    """The IP addresses at which a host may be reached, whatever is spoken there. PortalError when it cannot be found, NotPublic when one of
    them is neither public nor `allowed`."""
    addresses = _resolve(host, port)
    for address in addresses:
        if not _is_within(address, allowed):
            _require_public(address, host)
    return tuple(dict.fromkeys(map(str, addresses)))


def _resolve(host: str, port: int) -> list[Address]:
    literal = _as_address(host)
    if literal is not None:
        return [literal]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PortalError(f"The host {host} cannot be found.", code="host-unknown") from None
    return [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in networks)


def _require_public(address: Address, host: str) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    inside = _is_within(address, (*TRANSLATED, *NOT_PUBLIC))
    if not address.is_global or address.is_multicast or address.is_reserved or inside:
        raise NotPublic(f"{host} is not a public address; Sluice sends nothing into private networks.")


def _as_address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(message: str) -> PortalError:
    return PortalError(message, code="address-refused")
