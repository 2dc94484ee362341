"""Which calls to the kernel a process behind the wall may make: a seccomp filter, as the bytes that bubblewrap's --seccomp reads.

Refused are calls that nothing here needs and that have been ways out of walls, calls younger than our list, and some by what they are
asked for: a namespace of one's own, sockets that are not TCP or UDP, the setuid and setgid bits. tests/runs/test_wall.py tries them.
Written here and not with libseccomp, whose Python part needs a library of the system that is not on every machine; see
docs/decisions/sandbox.md.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable

ARCHITECTURES = {"x86_64": (0, 0xC000003E, 450), "aarch64": (1, 0xC00000B7, 450)}
"""Machine: its column in the tables here, its name in the kernel (AUDIT_ARCH_…), the youngest call we know."""
Instruction = tuple[int, int, int, int]
Numbers = tuple[int | None, int | None]

REFUSED: dict[str, Numbers] = {
    # mounts and namespaces
    "chroot": (161, 51),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "umount2": (166, 39),
    "unshare": (272, 97),
    # the kernel itself
    "acct": (163, 89),
    "bpf": (321, 280),
    "create_module": (174, None),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "modify_ldt": (154, None),
    "nfsservctl": (180, 42),
    "perf_event_open": (298, 241),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "sysfs": (139, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "lookup_dcookie": (212, 18),
    "ustat": (136, None),
    "vhangup": (153, 58),
    "personality": (135, 92),
    # the machine's clock and names
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    # other processes
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # keys, and ways round the file system's rules
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "request_key": (249, 218),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # large or young parts of the kernel that nothing here uses
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
    "mbind": (237, 235),
    "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    # memory that no measure sees
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "semget": (64, 190),
    # what is no plain file, or could be dangerous outside
    "mknod": (133, None),
    "mknodat": (259, 33),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
"""Answered with EPERM. Numbers of x86_64 and aarch64; None where there is no such call."""
NOT_THERE: dict[str, Numbers] = {"clone3": (435, 435), "openat2": (437, 437)}
"""Answered with ENOSYS, so that the C library uses the older call, whose arguments a filter can see."""

NAMESPACES = 0x7E020000
"""CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET."""
SET_ID_BITS = 0o6000
MAKES_A_FILE = 0x400040
"""O_CREAT and the bit of O_TMPFILE: only then `open` has a mode."""
RENAME_WHITEOUT = 4
"""Leaves a device file under the old name."""
TERMINAL_TRICKS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: typing into the terminal of whoever started us."""
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
SOCK_STREAM, SOCK_DGRAM, SOCK_KIND = 1, 2, 0xF
TCP_UDP = (0, 6, 17)

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _GREATER, _ANY_BIT = 0x15, 0x25, 0x45
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16


def program() -> bytes | None:
    """The filter for this machine; None for a kind of machine we have no tables for."""
    known = ARCHITECTURES.get(platform.machine())
    if known is None:
        return None
    column, architecture, youngest = known
    return b"".join(struct.pack("<HBBI", *one) for one in _instructions(column, architecture, youngest))


def _instructions(column: int, architecture: int, youngest: int) -> list[Instruction]:
    made = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),  # a call in the way of another machine, where the numbers mean something else
        (_LOAD, 0, 0, _NUMBER_AT),
        *_when(_GREATER, youngest, [_refuse(errno.ENOSYS)]),
    ]
    for numbers, code in [*((n, errno.ENOSYS) for n in NOT_THERE.values()), *((n, errno.EPERM) for n in REFUSED.values())]:
        if (number := numbers[column]) is not None:
            made += _when(_EQUAL, number, [_refuse(code)])
    for numbers, block in _by_argument():
        if (number := numbers[column]) is not None:
            made += _when(_EQUAL, number, [*block, (_RETURN, 0, 0, _ALLOW)])
    return [*made, (_RETURN, 0, 0, _ALLOW)]


def _by_argument() -> Iterable[tuple[Numbers, list[Instruction]]]:
    """Calls that are judged by what they are asked for."""
    yield (56, 220), _refuse_bits(0, NAMESPACES)  # clone
    yield (90, None), _refuse_bits(1, SET_ID_BITS)  # chmod
    yield (91, 52), _refuse_bits(1, SET_ID_BITS)  # fchmod
    yield (268, 53), _refuse_bits(2, SET_ID_BITS)  # fchmodat
    yield (85, None), _refuse_bits(1, SET_ID_BITS)  # creat
    yield (2, None), _making(1, 2)  # open
    yield (257, 56), _making(2, 3)  # openat
    yield (316, 276), _refuse_bits(4, RENAME_WHITEOUT)  # renameat2
    yield (16, 29), [_argument(1), *(step for one in TERMINAL_TRICKS for step in _when(_EQUAL, one, [_refuse(errno.EPERM)]))]  # ioctl
    yield (53, 199), [_argument(0), *_only((AF_UNIX,), errno.EAFNOSUPPORT)]  # socketpair
    yield (
        (41, 198),  # socket
        [
            *(_argument(0), *_only((AF_INET, AF_INET6), errno.EAFNOSUPPORT)),
            *(_argument(1), (_AND, 0, 0, SOCK_KIND), *_only((SOCK_STREAM, SOCK_DGRAM), errno.ESOCKTNOSUPPORT)),
            *(_argument(2), *_only(TCP_UDP, errno.EPROTONOSUPPORT)),
        ],
    )


def _making(flags: int, mode: int) -> list[Instruction]:
    """Opening: where a file may be made, its mode counts."""
    return [_argument(flags), *_when(_ANY_BIT, MAKES_A_FILE, _refuse_bits(mode, SET_ID_BITS))]


def _refuse_bits(argument: int, bits: int) -> list[Instruction]:
    return [_argument(argument), *_when(_ANY_BIT, bits, [_refuse(errno.EPERM)])]


def _only(values: Iterable[int], code: int) -> list[Instruction]:
    """Goes on when what was loaded is one of `values`."""
    known = list(values)
    return [*((_EQUAL, len(known) - index, 0, value) for index, value in enumerate(known)), _refuse(code)]


def _argument(index: int) -> Instruction:
    """The lower half, which is all that the calls above look at."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


def _when(test: int, value: int, block: list[Instruction]) -> list[Instruction]:
    return [(test, 0, len(block), value), *block]


def _refuse(code: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | code)
