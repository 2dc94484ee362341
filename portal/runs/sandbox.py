"""The wall round an executor: bubblewrap's command line, and whether this machine can build the wall at all.

Inside there is: the system's programs, Python, Java and Spark's jars (read-only), the executor's own code (read-only), one folder of
data at /lake, those of the roots that it needs below /roots, a /tmp of its own, and loopback. No network, no environment, no other
process, no file of the host. The executor is a user without any right, also when Sluice itself is root; a filter of calls to the kernel
stands before it (`portal.runs.seccomp`), and the whole tree dies with the process that started it. See docs/decisions/sandbox.md.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from executor import trust
from executor.files import tree
from portal.environments.mounts import FOLDERS, Mount
from portal.runs import seccomp
from portal.runs.egress import Egress

LAKE = "/lake"
NOBODY = 65534
NAME = "sluice"
TMP = "/tmp"  # noqa: S108 - a folder of the sandbox's own
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/java-17-openjdk", "/etc/ssl/certs/java", *trust.BUNDLES[:2])
LARGEST_FILE = 64 * 1024**3
MEMORY_BESIDE_HEAP_MB = 4096
"""What a process of an executor may hold beside Spark's heap: a JVM reserves much more than it uses, so this is wide."""
DEFAULT_MEMORY_MB = 1024
KEPT_SECONDS = 86_400
TRY_AGAIN_SECONDS = 30
START = 'umask 027; exec 8<"$1" 9<"$2"; shift 2; exec bwrap --args 9 --seccomp 8 -- "$@"'
"""bubblewrap reads its filter and its own arguments from files: nobody inside sees the host's paths on its command line."""


@dataclass(frozen=True)
class Status:
    """`kind`: full; degraded (no wall, only the lowest environment runs); or none (nothing runs). `why`: one sentence when not full."""

    kind: str
    why: str = ""


def status() -> Status:
    """Whether the wall stands. Tries in this process to start Python behind it: once where that works, and else again every half minute,
    for a machine that is busy or full for a moment is no machine without walls."""
    now, is_root = time.monotonic(), os.geteuid() == 0
    kept = _kept_status.get(is_root)
    if kept is None or (kept[0].kind != "full" and now - kept[1] > TRY_AGAIN_SECONDS):
        kept = _kept_status[is_root] = (_tried(is_root), now)
    return kept[0]


_kept_status: dict[bool, tuple[Status, float]] = {}
"""By whether it was root who tried: what came of it, and when."""


def _tried(is_root: bool) -> Status:
    try:
        why = _why_not()
    except (OSError, subprocess.TimeoutExpired) as error:
        # It may well stand in a moment. Without it until then, whoever fills the disk or keeps the machine busy would run without a wall.
        said = getattr(error, "strerror", None) or type(error).__name__
        return Status("none", f"bubblewrap could not be tried on this machine just now ({said}).")
    if not why:
        return Status("full")
    if is_root:
        return Status("none", f"{why} Sluice runs as root here, and without the wall a run would be root too: start it as another user.")
    return Status("degraded", why)


def _why_not() -> str:
    """Why there can be no wall here. Raises OSError or TimeoutExpired where that cannot be told just now."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed on this machine (apt-get install bubblewrap)."
    if seccomp.program() is None:
        return "There is no filter of kernel calls for this kind of machine."
    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=settings.RUN_DIR) as lake:
        tmp = Path(lake) / "tmp"
        make_tmp(tmp)
        command = wrapped([sys.executable, "-I", "-c", "import encodings"], lake=Path(lake), writable=False, tmp=tmp)
        tried = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return f"bubblewrap cannot work on this machine: {tried.stderr.strip()[:300]}" if tried.returncode else ""


def why_no_own_network() -> str:
    """Why this machine can give a run no network of its own, as one sentence; "" where it can. Tried until it works once."""
    is_root = os.geteuid() == 0
    if not _can_have_network.get(is_root):
        egress = Egress(())
        try:
            told = subprocess.run(  # noqa: S603
                [*egress.command, "/bin/true"], capture_output=True, text=True, timeout=30, check=False, pass_fds=[egress.descriptor]
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"It could not be tried just now ({getattr(error, 'strerror', None) or type(error).__name__})."
        finally:
            egress.close()
        if told.returncode:
            return told.stderr.strip()[:300] or "This machine gives a run no network of its own."
        _can_have_network[is_root] = True
    return ""


_can_have_network: dict[bool, bool] = {}
"""By whether it was root who tried."""


def wrapped(
    command: list[str],
    *,
    lake: Path,
    writable: bool,
    tmp: Path | None = None,
    tmp_mb: int = 512,
    memory_mb: int = DEFAULT_MEMORY_MB,
    egress: Egress | None = None,
    roots: Iterable[Mount] = (),
) -> list[str]:
    """`command` behind the wall, with `lake` at /lake and each of the `roots` at its place. /tmp is the folder `tmp`, or memory of
    `tmp_mb` MB. `memory_mb`: Spark's heap. `egress`: its ways to other machines; without it there is no network at all."""
    arguments = [
        *_walls(has_network=egress is not None),
        *_system(),
        *(["--bind", str(tmp), TMP] if tmp else _memory(TMP, tmp_mb)),
        *_own_files(egress.hosts if egress else ""),  # after /tmp, which would cover them where Sluice itself lives below /tmp
        *(["--bind"] if writable else ["--ro-bind"]),
        *(str(lake), LAKE),
        *_roots(roots),
        *(part for name, value in environment().items() for part in ("--setenv", name, value)),
        *("--chdir", str(settings.BASE_DIR), "--remount-ro", "/"),
    ]
    told = _kept("".join(f"{one}\0" for one in arguments).encode())
    filtered = _kept(seccomp.program() or b"")
    before = egress.command if egress else []
    return [*before, "/bin/sh", "-c", START, NAME, str(filtered), str(told), *_without_rights(), *_limited(memory_mb), *command]


def _roots(roots: Iterable[Mount]) -> list[str]:
    binds = [part for one in roots for part in ("--bind" if one.writable else "--ro-bind", one.path, one.place)]
    return [*_passable(FOLDERS), *binds] if binds else []


def make_tmp(folder: Path) -> None:
    """A folder to be an executor's /tmp. Root without privileges has to come through it where Sluice itself lives below /tmp; nobody else
    comes as far as here."""
    folder.mkdir()
    folder.chmod(0o711)
    give_to_executors(folder)


def give_to_executors(folder: Path) -> None:
    """Makes everything in `folder` the executors' own. Only root's executors are another user than Sluice; else nothing is done."""
    if os.geteuid() == 0:
        tree.give(folder, settings.EXECUTOR_UID)


def environment() -> dict[str, str]:
    """All variables an executor has, with or without the wall. Nothing of the portal's own environment is passed on."""
    found = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": TMP,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SLUICE_PARSE_SECONDS": str(settings.PARSE_SECONDS),
        "SLUICE_ANALYSIS_SECONDS": str(settings.ANALYSIS_SECONDS),
    }
    java = java_home()
    spark = os.environ.get("SLUICE_SPARK_HOME")
    return found | ({"JAVA_HOME": str(java)} if java else {}) | ({"SLUICE_SPARK_HOME": spark} if spark else {})


def java_home() -> Path | None:
    """The folder of the Java that the portal's own environment names or finds; None when there is none (the executor says so)."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    return Path(found).resolve().parent.parent if found else None


def uid() -> int:
    """Who an executor is, as it sees it itself."""
    return settings.EXECUTOR_UID if os.geteuid() == 0 else NOBODY


def _walls(*, has_network: bool) -> list[str]:
    """Namespaces and the folders that the kernel fills. Root builds them as root and gives its rights away inside; others need a user
    namespace for it, in which no further one can be made. `has_network`: it is in one of its own already (`own_network.py`)."""
    mine = (
        ["--unshare-ipc", "--unshare-pid", *([] if has_network else ["--unshare-net"]), "--unshare-uts", "--unshare-cgroup-try"]
        + [part for right in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{right}")]
        if os.geteuid() == 0
        else [
            "--unshare-all",
            *(["--share-net"] if has_network else []),
            "--unshare-user",
            "--uid",
            str(NOBODY),
            "--gid",
            str(NOBODY),
            *(["--disable-userns"] if _can_disable_userns() else []),
        ]
    )
    return [
        *("--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", *mine, "--hostname", NAME),
        *("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"),
        *("--dev", "/dev", *_memory("/dev/shm", settings.RUN_SHM_MB), "--remount-ro", "/dev"),  # noqa: S108 - the sandbox's own
    ]


@cache
def _can_disable_userns() -> bool:
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S607
    return "--disable-userns" in told.stdout + told.stderr


def _memory(place: str, megabytes: int) -> list[str]:
    return ["--perms", "1777", "--size", str(megabytes * 1024**2), "--tmpfs", place]


def _without_rights() -> list[str]:
    if os.geteuid() != 0:
        return []
    who = str(settings.EXECUTOR_UID)
    rights = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return ["/usr/bin/setpriv", f"--reuid={who}", f"--regid={who}", *rights, "--"]


def _limited(memory_mb: int) -> list[str]:
    """Limits of each process. None of the address space: a JVM reserves far more than it uses."""
    most = settings.RUN_PROCESSES * (4 if os.geteuid() == 0 else 1)  # root's executors are one user for the kernel
    data = (memory_mb + MEMORY_BESIDE_HEAP_MB) * 1024**2
    return [
        *("/usr/bin/prlimit", "--core=0:0", "--nofile=8192:8192", f"--nproc={most}:{most}"),
        *(f"--fsize={LARGEST_FILE}:{LARGEST_FILE}", f"--data={data}:{data}", "--"),
        *("/usr/bin/choom", "-n", "600", "--"),  # when the machine's memory runs short, the kernel ends a run and not the database
    ]


def _system() -> list[str]:
    """/usr and what points into it; the few files of /etc that programs need to start."""
    parts = [*_passable("/etc", "/etc/ssl", "/etc/ssl/certs"), "--ro-bind", "/usr", "/usr"]
    for name in SYSTEM_LINKS:
        place = Path("/") / name
        if place.is_symlink():
            parts += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            parts += ["--ro-bind", str(place), str(place)]
    return parts + [part for name in SYSTEM_FILES for part in ("--ro-bind-try", name, name)]


def _passable(*folders: str) -> list[str]:
    """Folders on the way to what is bound; bubblewrap would make them for their maker alone."""
    return [part for folder in folders for part in ("--perms", "0755", "--dir", folder)]


def _own_files(hosts: str) -> list[str]:
    """Python, Java, Spark and the executor's code, at the places they have outside: class archives are valid for one path only. `hosts`:
    further lines of /etc/hosts."""
    kept = [Path(sys.base_prefix), Path(sys.prefix), Path(settings.BASE_DIR) / "executor"]
    kept += [path for path in (java_home(), _spark_home()) if path]
    outside = [path for path in kept if not path.is_relative_to("/usr")]
    above = sorted({parent for path in outside for parent in path.parents} - {Path("/")})
    parts = _passable(*map(str, above))
    parts += [part for path in outside for part in ("--ro-bind", str(path), str(path))]
    etc = {
        "hosts": f"127.0.0.1 localhost {NAME}\n{hosts}",
        "passwd": f"nobody:x:{uid()}:{uid()}:nobody:/tmp:/usr/sbin/nologin\n",
        "group": f"nogroup:x:{uid()}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    return parts + [part for name, text in etc.items() for part in ("--ro-bind", str(_kept(text.encode())), f"/etc/{name}")]


def _spark_home() -> Path | None:
    named = os.environ.get("SLUICE_SPARK_HOME")
    return Path(named).resolve() if named else None


def _kept(content: bytes) -> Path:
    """A file with this content, which anybody inside may read. Files that no command line named for a day are removed."""
    folder = settings.RUN_DIR / "walls"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(content).hexdigest()[:32]
    if file.exists() and file.read_bytes() == content:  # a power cut may leave an empty one
        os.utime(file)
    else:
        fresh = folder / f"{file.name}.{os.getpid()}.{time.monotonic_ns()}"
        fresh.write_bytes(content)
        fresh.chmod(0o644)
        fresh.replace(file)
        _forget_old(folder)
    return file


def _forget_old(folder: Path) -> None:
    for file in folder.iterdir():
        try:
            if time.time() - file.stat().st_mtime > KEPT_SECONDS:
                file.unlink()
        except FileNotFoundError:  # another process forgot it first
            continue
