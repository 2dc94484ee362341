"""Runs behind the wall, as code that has got past every gate, and tries to get out. Prints what it reached as one JSON object.

Nothing is written to a setting of the kernel: opening one for writing is enough to know. It needs nothing but Python.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import socket
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
CALLS = {  # name: (number on x86_64, number on aarch64, arguments)
    "mount": (165, 40, (b"none", b"/tmp", b"tmpfs", 0, None)),
    "umount2": (166, 39, (b"/proc/sys", 2)),
    "pivot_root": (155, 41, (b"/tmp", b"/tmp")),
    "chroot": (161, 51, (b"/tmp",)),
    "open_tree": (428, 428, (-100, b"/lake", 1)),
    "move_mount": (429, 429, (0, b"", 0, b"", 0)),
    "fsopen": (430, 430, (b"tmpfs", 0)),
    "mount_setattr": (442, 442, (-100, b"/lake", 0, None, 0)),
    "unshare user": (272, 97, (0x10000000,)),
    "unshare mount": (272, 97, (0x20000,)),
    "unshare net": (272, 97, (0x40000000,)),
    "clone user": (56, 220, (0x10000000 | 17, None, None, None, None)),
    "clone net and user": (56, 220, (0x50000000 | 17, None, None, None, None)),
    "clone3": (435, 435, (None, 0)),
    "setns": (308, 268, (0, 0)),
    "bpf": (321, 280, (0, None, 0)),
    "perf_event_open": (298, 241, (None, 0, -1, -1, 0)),
    "keyctl": (250, 219, (0, 0)),
    "add_key": (248, 217, (b"user", b"x", b"y", 1, -4)),
    "request_key": (249, 218, (b"user", b"x", None, -4)),
    "userfaultfd": (323, 282, (1,)),
    "io_uring_setup": (425, 425, (1, None)),
    "ptrace": (101, 117, (0, 0, 0, 0)),
    "process_vm_readv": (310, 270, (1, None, 0, None, 0, 0)),
    "kcmp": (312, 272, (1, 1, 0, 0, 0)),
    "open_by_handle_at": (304, 265, (-1, None, 0)),
    "name_to_handle_at": (303, 264, (-100, b"/lake", None, None, 0)),
    "fanotify_init": (300, 262, (0, 0)),
    "kexec_load": (246, 104, (0, 0, None, 0)),
    "init_module": (175, 105, (None, 0, b"")),
    "finit_module": (313, 273, (0, b"", 0)),
    "syslog": (103, 116, (3, None, 0)),
    "quotactl": (179, 60, (0, None, 0, None)),
    "swapon": (167, 224, (b"/tmp/x", 0)),
    "reboot": (169, 142, (0, 0, 0, None)),
    "acct": (163, 89, (None,)),
    "sethostname": (170, 161, (b"x", 1)),
    "settimeofday": (164, 170, (None, None)),
    "clock_settime": (227, 112, (0, None)),
    "personality": (135, 92, (0x0040000,)),
    "mbind": (237, 235, (0, 0, 0, None, 0, 0)),
    "memfd_create": (319, 279, (b"x", 0)),
    "memfd_secret": (447, 447, (0,)),
    "shmget": (29, 194, (0, 4096, 0o1600)),
    "openat2": (437, 437, (-100, b"/lake", None, 0)),
    "semget": (64, 190, (0, 1, 0o1600)),
    "msgget": (68, 186, (0, 0o1600)),
    "mq_open": (240, 180, (b"queue", 0o102, 0o600, None)),
    "rename leaving a device": (316, 276, (-100, b"/lake/none", -100, b"/lake/other", 4)),
    "a call younger than the list": (462, 462, ()),
    "a call of the future": (1_000, 1_000, ()),
    "a call in the x32 way": (0x40000000 | 39, 1_000, ()),
}


def call(number: int, arguments: tuple[Any, ...]) -> str:
    """How a call to the kernel ended: "ok", or the name of the error."""
    ctypes.set_errno(0)
    given = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    done = libc.syscall(ctypes.c_long(number), *given)
    if done == 0 and number in (56, 220) and len(arguments) == 5:
        os._exit(0)  # the child of a clone that went through
    return "ok" if done >= 0 else errno.errorcode.get(ctypes.get_errno(), "?")


def settings_open_for_writing() -> list[str]:
    found = []
    for place in ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/sys", "/proc/bus", "/proc/acpi", "/proc/fs"):
        files = [place] if os.path.isfile(place) else [f"{folder}/{name}" for folder, _, names in os.walk(place) for name in names]
        for file in files:
            with suppress(OSError):
                os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))
                found.append(file)
    return found


def sockets() -> dict[str, str]:
    tried = {}
    kinds = [("tcp", socket.AF_INET, socket.SOCK_STREAM, 0), ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, 0)]
    kinds += [("raw", socket.AF_INET, socket.SOCK_RAW, 1), ("seqpacket", socket.AF_INET, socket.SOCK_SEQPACKET, 132)]
    kinds += [("mptcp", socket.AF_INET, socket.SOCK_STREAM, 262), ("unix", socket.AF_UNIX, socket.SOCK_STREAM, 0)]
    kinds += [(f"family {family}", family, kind, 0) for family in range(3, 46) if family != 10 for kind in (1, 2, 3, 5)]
    for name, family, kind, protocol in kinds:
        try:
            socket.socket(family, kind, protocol).close()
            tried[name] = "ok"
        except OSError as error:
            tried[name] = tried.get(name, errno.errorcode.get(error.errno or 0, "?"))
    return tried


def places_written(paths: list[str]) -> list[str]:
    done = []
    for path in paths:
        with suppress(OSError):
            Path(path).write_text("x")
            done.append(path)
    return done


def special_files() -> dict[str, str]:
    """Files that are dangerous outside: setuid ones by every call that can make them, devices, pipes, links."""
    Path("/lake/program").write_text("#!/bin/sh\n")
    os.chmod("/lake/program", 0o755)
    descriptor = os.open("/lake/program", os.O_RDONLY)
    x86 = {
        "chmod": (90, (b"/lake/program", 0o4755)),
        "creat": (85, (b"/lake/created", 0o4755)),
        "open": (2, (b"/lake/opened", 0o101, 0o4755)),
    }
    tries = {
        "fchmod": (91 if X86 else 52, (descriptor, 0o4755)),
        "fchmodat": (268 if X86 else 53, (-100, b"/lake/program", 0o2755)),
        "fchmodat2": (452, (-100, b"/lake/program", 0o4755, 0)),
        "openat": (257 if X86 else 56, (-100, b"/lake/made", 0o101, 0o4755)),
        "setxattr": (188 if X86 else 5, (b"/lake/program", b"security.capability", b"x", 1, 0)),
        "symlinkat": (266 if X86 else 36, (b"/etc/passwd", -100, b"/lake/link")),
        "mknodat": (259 if X86 else 33, (-100, b"/lake/pipe", stat.S_IFIFO | 0o600, 0)),
        "device": (259 if X86 else 33, (-100, b"/lake/device", stat.S_IFBLK | 0o600, 0x0801)),
        **(x86 if X86 else {}),
    }
    return {name: call(number, arguments) for name, (number, arguments) in tries.items()}


def filled(folder: str, megabytes: int) -> int:
    """How many of so many MB could be written there."""
    block, done = b"x" * 1024**2, 0
    with suppress(OSError), open(f"{folder}/filler", "wb", buffering=0) as stream:
        while done < megabytes:
            stream.write(block)
            done += 1
    with suppress(OSError):
        os.unlink(f"{folder}/filler")
    return done


def children(most: int) -> int:
    """How many children could be made; all of them are ended again."""
    made: list[int] = []
    with suppress(OSError):
        while len(made) < most:
            child = os.fork()
            if child == 0:
                signal_wait = os.pipe()[0]
                os.read(signal_wait, 1)
                os._exit(0)
            made.append(child)
    for child in made:
        os.kill(child, 9)
    for child in made:
        os.waitpid(child, 0)
    return len(made)


def reached(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def text_of(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_bytes().decode(errors="replace").replace("\0", " ")
    return ""


def status_of_itself() -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text_of("/proc/self/status").splitlines() if ":\t" in line)


def main() -> None:
    told = json.loads(os.environ.get("TOLD", "{}")) if "TOLD" in os.environ else json.loads(input())
    status = status_of_itself()
    nothing = subprocess.run(["/bin/sh", "-c", "unshare --user --map-root-user true"], capture_output=True, check=False)
    print(
        json.dumps(
            {
                "uid": os.getresuid(),
                "gid": os.getresgid(),
                "groups": os.getgroups(),
                "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
                "filter": status["Seccomp"],
                "no_new_privs": status["NoNewPrivs"],
                "settings": settings_open_for_writing(),
                "calls": {name: call(x86 if X86 else arm, arguments) for name, (x86, arm, arguments) in CALLS.items()},
                "sockets": sockets(),
                "unshare": nothing.returncode,
                "written": places_written(["/x", "/dev/x", "/usr/x", "/etc/x", "/proc/x", "/root/x", *told["outside"]]),
                "seen": [path for path in told["outside_folders"] if os.path.exists(path)],
                "special": special_files(),
                "first process": text_of("/proc/1/cmdline") + text_of("/proc/1/environ"),
                "processes": sum(name.isdigit() for name in os.listdir("/proc")),
                "shm_mb": filled("/dev/shm", 100),
                "tmp_mb": filled("/tmp", 100),
                "children": children(told["children"]),
                "network": [reached((host, 80)) for host in ("10.0.0.1", "1.1.1.1")] + [reached(("127.0.0.1", told["port"]))],
                "environment": sorted(os.environ),
            }
        )
    )


if __name__ == "__main__":
    main()
