"""The wall round an executor: bubblewrap's command line, and whether this machine can build the wall at all.

Inside there is: the system's programs, Python, Java and Spark's jars (read-only), the executor's own code (read-only), one folder of
data at /lake, a /tmp of its own, and loopback. No network, no environment, no other process, no file of the host. The executor is
nobody (65534) with no capability, and the whole tree dies with the process that started it. See docs/decisions/sandbox.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

LAKE = "/lake"
NOBODY = "65534"
NAME = "sluice"
TMP = "/tmp"  # noqa: S108 - a folder of the sandbox's own
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/java-17-openjdk", "/etc/ssl/certs/java")
LIMITS = ("--core=0:0", "--nofile=8192:8192", "--nproc=4096:4096", f"--fsize={64 * 1024**3}")
"""No limit of the address space: a JVM reserves far more than it uses."""

ETC = {
    "hosts": f"127.0.0.1 localhost {NAME}\n",
    "passwd": f"nobody:x:{NOBODY}:{NOBODY}:nobody:/tmp:/usr/sbin/nologin\n",
    "group": f"nogroup:x:{NOBODY}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass(frozen=True)
class Status:
    """`kind`: full or degraded. `why`: one sentence when degraded."""

    kind: str
    why: str = ""


@cache
def status() -> Status:
    """Tries once, in this process, to build the smallest wall."""
    if shutil.which("bwrap") is None:
        return Status("degraded", "bubblewrap is not installed on this machine (apt-get install bubblewrap).")
    tried = subprocess.run([*_walls(), *_system(), "--", "/usr/bin/true"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    if tried.returncode != 0:
        return Status("degraded", f"bubblewrap cannot work on this machine: {tried.stderr.strip()[:300]}")
    return Status("full")


def wrapped(command: list[str], *, lake: Path, writable: bool, tmp: Path | None = None, tmp_mb: int = 512) -> list[str]:
    """`command` behind the wall, with `lake` at /lake. /tmp is the folder `tmp`, or memory of `tmp_mb` MB."""
    return [
        *_walls(),
        *_system(),
        *(["--bind", str(tmp), TMP] if tmp else ["--size", str(tmp_mb * 1024**2), "--tmpfs", TMP]),
        *_own_files(),  # after /tmp, which would cover them where Sluice itself lives below /tmp
        *(["--bind"] if writable else ["--ro-bind"]),
        *(str(lake), LAKE),
        *(part for name, value in environment().items() for part in ("--setenv", name, value)),
        *("--chdir", str(settings.BASE_DIR)),
        *("--", "/usr/bin/prlimit", *LIMITS),
        *command,
    ]


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
    }
    java = java_home()
    spark = os.environ.get("SLUICE_SPARK_HOME")
    return found | ({"JAVA_HOME": str(java)} if java else {}) | ({"SLUICE_SPARK_HOME": spark} if spark else {})


def java_home() -> Path | None:
    """The folder of the Java that the portal's own environment names or finds; None when there is none (the executor says so)."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    return Path(found).resolve().parent.parent if found else None


def _walls() -> list[str]:
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
        *("--uid", NOBODY, "--gid", NOBODY, "--hostname", NAME, "--proc", "/proc", "--dev", "/dev"),
    ]


def _system() -> list[str]:
    """/usr and what points into it; the few files of /etc that programs need to start."""
    parts = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM_LINKS:
        place = Path("/") / name
        if place.is_symlink():
            parts += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            parts += ["--ro-bind", str(place), str(place)]
    return parts + [part for name in SYSTEM_FILES for part in ("--ro-bind-try", name, name)]


def _own_files() -> list[str]:
    """Python, Java, Spark and the executor's code, at the places they have outside: class archives are valid for one path only."""
    kept = [Path(sys.base_prefix), Path(sys.prefix), Path(settings.BASE_DIR) / "executor"]
    kept += [path for path in (java_home(), _spark_home()) if path]
    parts = [part for path in kept if not path.is_relative_to("/usr") for part in ("--ro-bind", str(path), str(path))]
    etc = _etc_folder()
    return parts + [part for name in ETC for part in ("--ro-bind", str(etc / name), f"/etc/{name}")]


def _spark_home() -> Path | None:
    named = os.environ.get("SLUICE_SPARK_HOME")
    return Path(named).resolve() if named else None


def _etc_folder() -> Path:
    folder = settings.RUN_DIR / "sandbox-etc"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ETC.items():
        if not (folder / name).is_file() or (folder / name).read_text() != text:
            fresh = folder / f"{name}.{os.getpid()}"
            fresh.write_text(text)
            fresh.replace(folder / name)
    return folder
