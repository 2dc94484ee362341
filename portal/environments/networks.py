"""Which networks that are not public a connection may name: those that an operator lists, or parts of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from portal.outgoing.addresses import Network


def is_allowed(text: str, listed: Iterable[Network]) -> bool:
    """Whether the network lies wholly in one of those listed."""
    network = ipaddress.ip_network(text)
    return any(
        (isinstance(network, ipaddress.IPv4Network) and isinstance(one, ipaddress.IPv4Network) and network.subnet_of(one))
        or (isinstance(network, ipaddress.IPv6Network) and isinstance(one, ipaddress.IPv6Network) and network.subnet_of(one))
        for one in listed
    )
