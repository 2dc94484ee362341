"""Whether the parts that Sluice stands on are there, for /readyz and for the banner on every page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from executor.files import tree
from portal.config import open_to_others
from portal.environments import resealing
from portal.runs import doorbell, sandbox, scratch

STARTED = time.time()
"""When this process was."""
REMEMBERED_SECONDS = 10
TIMEOUT_SECONDS = 0.5
STARTS_RUNS = ("broker", "worker")


@dataclass(frozen=True)
class Part:
    """`says` is one sentence for people: what is wrong and what it means; empty when the part is well."""

    name: str
    is_well: bool
    says: str = ""


def check() -> list[Part]:
    """Looks at every part now."""
    database = _database()
    return [database, *([_vault()] if database.is_well else []), *check_without_database()]


def check_without_database() -> list[Part]:
    """The same, but the database."""
    return [look() for look in (_broker, _scheduler, _worker, _object_store, _disk, _sandbox, _home, _leftovers, _code)]


def banner() -> str:
    """What a person must know now, or "". Looked up every ten seconds in each process; the database is not asked, the page just did."""
    return _look_again().says


def holds_runs() -> bool:
    """Whether a part is down without which no run begins. A banner alone does not say so: a weaker sandbox holds nothing up."""
    return _look_again().holds_runs


def _look_again() -> _Remembered:
    now = time.monotonic()
    if _remembered.until <= now:
        parts = [look() for look in (_broker, _scheduler, _worker, _object_store, _disk, _sandbox, _code)]
        _remembered.says = " ".join(part.says for part in parts if not part.is_well)
        _remembered.holds_runs = any(not part.is_well and part.name in STARTS_RUNS for part in parts)
        _remembered.until = now + REMEMBERED_SECONDS
    return _remembered


@dataclass
class _Remembered:
    says: str = ""
    holds_runs: bool = False
    until: float = 0.0


_remembered = _Remembered()
Look = Callable[[], Part]


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Part("database", False, "The database does not answer.")
    return Part("database", True)


def _vault() -> Part:
    """A lost key is noticed here, before the first run needs what it has sealed."""
    says = resealing.problem()
    return Part("vault", not says, says)


def _broker() -> Part:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return Part("broker", False, "Redis does not answer. Runs go on; new ones and live logs are slower until it is back.")
    finally:
        client.close()
    return Part("broker", True)


def _scheduler() -> Part:
    """One that stands still starts nothing and tells nobody, so that the failure of everything else stays unheard."""
    return _program("scheduler", "The scheduler does not answer: schedules, pipelines and messages wait until it works again.")


def _worker() -> Part:
    """Without one nothing runs and nothing fails, so nobody would hear of it: what a schedule starts at night only waits."""
    return _program("worker", "No worker answers: runs wait, and start by themselves when one is there.")


def _program(name: str, says: str) -> Part:
    """Told once it has had the time to give a sign of life since we began."""
    is_silent = time.time() - STARTED > doorbell.SIGN_SECONDS and doorbell.is_silent(name)
    return Part(name, not is_silent, f"{says} Tell whoever runs Sluice." if is_silent else "")


def _object_store() -> Part:
    place = str(settings.OBJECT_STORE)
    if place.startswith("s3://"):  # a look over the network for every page would cost more than it tells; versions are in the database too
        return Part("object store", True)
    folder = Path(place)
    usable = os.access(folder if folder.exists() else settings.SLUICE_HOME, os.W_OK)
    return Part("object store", usable, "" if usable else "The object store cannot be written; versions cannot be saved.")


def _disk() -> Part:
    """Where it is full, runs that write fail one by one, and then nothing can be saved any more."""
    disks = [os.statvfs(folder) for folder in (settings.SLUICE_HOME, settings.LAKE_DIR) if folder.exists()]  # the lake often has its own
    free_mb = min(disk.f_bavail * disk.f_frsize // 1024**2 for disk in disks)
    is_short = free_mb < settings.KEEP_FREE_MB
    says = f"The disk is nearly full ({free_mb:,} MB free): runs that write are stopped, and soon nothing can be saved. Make room."
    return Part("disk", not is_short, says if is_short else "")


def _sandbox() -> Part:
    status = sandbox.status()
    means = "nothing runs" if status.kind == "none" else "only the lowest environment runs"
    says = "" if status.kind == "full" else f"Runs cannot be isolated on this machine, so {means}. {status.why}"
    return Part("sandbox", not says, says)


def network() -> Part:
    """Whether this machine can hold a run to the places that it may reach. Only jobs with connections need it: it is no part of `check`."""
    why = sandbox.why_no_own_network() if sandbox.status().kind == "full" else "Runs cannot be isolated on this machine."
    says = f"Jobs that use connections do not start here; jobs over files of this machine do. {why}" if why else ""
    return Part("network of runs", not says, says)


def _home() -> Part:
    says = open_to_others(settings.SLUICE_HOME)
    return Part("home", not says, says)


def _code() -> Part:
    """Programs that were started before a change and those started after it may not understand each other: a run then fails or waits."""
    changed = any(changed_since(STARTED, settings.BASE_DIR / name) for name in ("portal", "executor"))
    says = "Sluice was changed after it was started: start it again, or runs may fail." if changed else ""
    return Part("programs", not says, says)


def changed_since(moment: float, folder: Path) -> bool:
    """Whether a Python file in the folder was written after that moment (seconds since 1970)."""
    return any(entry.name.endswith(".py") and entry.modified_ns > moment * 1e9 for entry in tree.Walk(folder) if entry.kind == tree.FILE)


def _leftovers() -> Part:
    names = scratch.set_aside()
    what = f"{len(names)} {'folder' if len(names) == 1 else 'folders'} of ended runs could not be removed"
    return Part("leftovers", not names, f"{what}; they lie in run/aside in its home: {', '.join(names[:5])}." if names else "")
