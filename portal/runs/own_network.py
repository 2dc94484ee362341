"""Gives the program after it a network of its own, whose only ways out are listeners that Sluice answers; then becomes that program.

    python -I -S own_network.py DESCRIPTOR [ADDRESS:PORT …] -- PROGRAM [ARGUMENT …]

The network is loopback without IPv6. It listens on each ADDRESS:PORT and hands the listeners over through the unix socket DESCRIPTOR;
neither is left open for PROGRAM. This comes before the wall and not behind it: there nobody may listen below port 1024, and no unix socket
can be made. It needs the standard library alone, and whatever goes wrong starts nothing. See docs/decisions/egress.md.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from ipaddress import IPv4Address
from pathlib import Path

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
SET_FLAGS, SET_ADDRESS, SET_NETMASK, REMOVE_ADDRESS = 0x8914, 0x8916, 0x891C, 0x8936
UP_AND_RUNNING = 0x41
LOOPBACK, ITS_INDEX = b"lo", 1
WAITING = 512
"""How many connections may wait until they are answered."""


def main() -> None:
    descriptor, *rest = sys.argv[1:]
    end = rest.index("--")
    places, program = [(host, int(port)) for host, _, port in (text.partition(":") for text in rest[:end])], rest[end + 1 :]
    handed_over = socket.socket(fileno=int(descriptor))
    handed_over.set_inheritable(False)
    leave_the_machines_network()
    start_loopback([host for host, _ in places])
    listeners = [socket.create_server(place, backlog=WAITING) for place in places]
    socket.send_fds(handed_over, [b"."], [listener.fileno() for listener in listeners])
    os.execvp(program[0], program)  # noqa: S606 - the command line of a run; no shell reads it


def leave_the_machines_network() -> None:
    """Only root may do so as it is; others do it as the first user of a user namespace in which they are who they were."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NETWORK if user == 0 else NEW_NETWORK | NEW_USER) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)


def start_loopback(hosts: list[str]) -> None:
    """Loopback with IPv4 alone. Hosts that are addresses of other machines become addresses of loopback."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH22x", LOOPBACK, UP_AND_RUNNING))
        for number, host in enumerate(sorted({host for host in hosts if not IPv4Address(host).is_loopback}), 1):
            name = LOOPBACK + b":%d" % number
            fcntl.ioctl(any_socket, SET_ADDRESS, _address(name, host))
            fcntl.ioctl(any_socket, SET_NETMASK, _address(name, "255.255.255.255"))
    addresses_of_ipv6 = Path("/proc/self/net/if_inet6")
    if addresses_of_ipv6.exists() and addresses_of_ipv6.read_text():  # a kernel may have none
        with socket.socket(socket.AF_INET6) as any_socket:
            fcntl.ioctl(any_socket, REMOVE_ADDRESS, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, "::1"), 128, ITS_INDEX))


def _address(name: bytes, host: str) -> bytes:
    """The kernel's `struct ifreq`."""
    return struct.pack("16sHH4s16x", name, socket.AF_INET, 0, socket.inet_aton(host))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"This machine gives a run no network of its own: {error.strerror or error}.")
