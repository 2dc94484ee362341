"""Folders of this machine that roots may lie in: below what an operator names, and neither a part of what Sluice keeps itself nor of
another root. Asked when a root is made, and again whenever something is started that works in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from django.conf import settings

from executor.files import tree
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.backends import WrongSetting, backends
from portal.environments.models import Environment, Root
from portal.environments.mounts import Mount
from portal.errors import Conflict, PortalError

ASK = "Ask whoever runs Sluice: it is done with SLUICE_ROOT_FOLDERS."
LONGEST = 600
MOST_OFFERED, MOST_LOOKED_AT = 30, 60
MOST_WALKED, WALK_SECONDS, OFFERED_LEVELS = 5_000, 1.0, 2
SYSTEM = ("/usr", "/etc", "/proc", "/sys", "/dev", "/run", "/boot", "/bin", "/sbin", "/lib")


class NoFolder(PortalError):
    """No root can lie there. `briefly`: the same of a root that was made before, for people who are not told where it lies."""

    code = "bad-folder"
    status = 422

    def __init__(self, message: str, briefly: str, fix: str | None = None) -> None:
        super().__init__(message, fix=fix, field="address")
        self.briefly = briefly


def allowed(environment: Environment) -> list[Path]:
    """The folders below which an operator allows roots of the environment."""
    words = {"project": environment.project.slug, "environment": environment.name}
    return [Path(parent.format(**words)) for parent in settings.ROOT_FOLDERS]


def offered(environment: Environment, actor: User) -> list[str]:
    """Folders below the allowed ones that can be a root as they are, for whoever is to name one: the first of them, two levels down. What
    lies in a root that is there is not looked at."""
    taken = set(Root.objects.filter(connection=None).exclude(address="").values_list("address", flat=True))
    found: list[str] = []
    for path in islice(chain.from_iterable(_below(parent, taken) for parent in allowed(environment)), MOST_LOOKED_AT):
        with suppress(PortalError):
            found.append(checked(environment, path, may_write=False, actor=actor))
        if len(found) == MOST_OFFERED:
            break
    return sorted(dict.fromkeys(found))


def _below(parent: Path, taken: set[str]) -> Iterator[str]:
    def is_entered(entry: tree.Entry) -> bool:
        return not entry.is_hidden and f"{parent}/{entry.path}" not in taken

    for entry in tree.Walk(parent, deepest=OFFERED_LEVELS, most=MOST_WALKED, seconds=WALK_SECONDS, enter=is_entered):
        path = f"{parent}/{entry.path}"
        if entry.kind == tree.FOLDER and tree.is_plain_name(entry.name) and is_entered(entry):
            yield path


def checked(environment: Environment, text: str, may_write: bool, root: Root | None = None, actor: User | None = None) -> str:
    """The folder as it is kept, where `root` (None: a new one) of the environment may lie there. `actor`: who wants it; None: it was made
    before. Raises PortalError."""
    path = _plain(text)
    _require_allowed(path, allowed(environment))
    _require_not_ours(path)
    _require_there(path, may_write)
    _require_free(environment, path, may_write, root, actor)
    return str(path)


def mount(root: Root, *, writes: bool) -> Mount:
    """For a program that works in the root now; it may write only where `writes` and the root both say so. Raises PortalError that names
    the root, where its folder can no longer be used."""
    writable = writes and root.may_write
    try:
        path = checked(root.environment, root.address, writable, root)
        there = os.lstat(path)
    except NoFolder as error:
        raise _unusable(root, error.briefly, error.fix) from None
    except Conflict:
        raise _unusable(root, "another root lies there as well") from None
    except OSError:
        raise _unusable(root, "its folder is gone") from None
    return Mount(root.name, path, writable, there.st_dev, there.st_ino)


def trouble(root: Root) -> PortalError | None:
    """Why no program can work in the root as it is."""
    try:
        mount(root, writes=True)
    except PortalError as error:
        return error
    return None


def _unusable(root: Root, why: str, fix: str | None = None) -> PortalError:
    named = f"The root “{root.name}” of {root.environment.name} cannot be used: {why}."
    fix = fix or f"Have whoever looks after {root.environment.name} give it another place."
    return PortalError(named, code="root-folder-unusable", status=409, fix=fix)


def _plain(text: str) -> Path:
    bare = text.rstrip("/")
    parts = bare.split("/")[1:]
    if not bare.startswith("/"):
        raise NoFolder("A folder of this machine is written from the top, such as /srv/data/archive.", "its address is none")
    if len(text) > LONGEST or any(part in ("", ".", "..") or not part.isprintable() for part in parts):
        raise NoFolder("A folder is written without “.”, “..”, empty parts and signs that cannot be seen.", "its address is none")
    return Path(bare)


def _require_allowed(path: Path, parents: Sequence[Path]) -> None:
    briefly = "no operator allows its folder any more"
    if not parents:
        raise NoFolder("Roots may lie in no folder of this machine: no operator has allowed one.", briefly, ASK)
    if not any(path != parent and path.is_relative_to(parent) for parent in parents):
        below = " or ".join(map(str, parents))
        raise NoFolder(f"A root may lie in a folder below {below}, and {path} is none.", briefly, ASK)
    if Path(os.path.realpath(path)) != path:
        raise NoFolder(f"{path} is a link, or lies behind one.", "its folder is a link now", "Name the folder that it leads to.")


def _require_not_ours(path: Path) -> None:
    if any(_overlap(path, own) for own in _ours()):
        message = f"{path} is a part of what Sluice or the machine keeps for itself, or lies around it."
        raise NoFolder(message, "its folder is Sluice's own", "Name a folder that is there for data alone.")


def _ours() -> Iterator[Path]:
    """Sluice's own folders, and those of the machine."""
    kept: list[Path | str] = [
        settings.SLUICE_HOME,
        settings.LAKE_DIR,
        settings.RUN_DIR,
        settings.BASE_DIR,
        sys.prefix,
        sys.base_prefix,
        *SYSTEM,
    ]
    with suppress(WrongSetting):
        kept += [str(folder) for one in backends().values() if (folder := getattr(one, "folder", ""))]
    if "://" not in (store := str(settings.OBJECT_STORE)):
        kept.append(store)
    return (Path(os.path.realpath(one)) for one in kept)


def _require_there(path: Path, may_write: bool) -> None:
    if not path.is_dir():
        fix = "Have whoever runs the machine make it, or name another one."
        raise NoFolder(f"There is no folder {path} on this machine.", "its folder is gone", fix)
    give = "have whoever runs the machine give Sluice's executors the right to"
    if _may(path, "rwx" if may_write else "rx"):
        return
    if not _may(path, "rx"):
        raise NoFolder(f"{path} may not be read.", "its folder may not be read", f"Name another folder, or {give} read it.")
    fix = f"Let jobs only read there, or {give} write there."
    raise NoFolder(f"Nothing may be written in {path}.", "nothing may be written in its folder", fix)


def _may(path: Path, rights: str) -> bool:
    """Whether executors have these rights on the folder (r, w, x). Where Sluice is root they are another user."""
    if os.geteuid() != 0:
        return os.access(path, sum({"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}[right] for right in rights))
    who = str(settings.EXECUTOR_UID)
    asks = " && ".join(f"test -{right} ." for right in rights)
    asked = ["/usr/bin/setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups", "--", "/bin/sh", "-c", asks]
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(asked, cwd=path, timeout=10, check=False, capture_output=True).returncode == 0  # noqa: S603
    return False


def _require_free(environment: Environment, path: Path, may_write: bool, root: Root | None, actor: User | None) -> None:
    """As for roots on connections: a place has one root in an environment, and of all environments one may write there. Since no key is
    needed, what is written in one environment may be read in another by whoever manages both, and in no other project."""
    others = Root.objects.filter(connection=None).exclude(address="").select_related("environment__project")
    for other in others.exclude(pk=root.pk) if root else others:
        if _overlap(path, Path(other.address)) and not _may_meet(environment, may_write, other, actor):
            raise taken(environment, other)


def _may_meet(environment: Environment, may_write: bool, other: Root, actor: User | None) -> bool:
    if other.environment_id == environment.pk or (may_write and other.may_write):
        return False
    if other.environment.project_id != environment.project_id:
        return not (may_write or other.may_write)
    return not other.may_write or actor is None or policy.can(actor, "manage_environment", other.environment)


def taken(environment: Environment, other: Root) -> Conflict:
    """Another root lies there."""
    whose = "" if other.environment_id == environment.pk else f" of {other.environment.name}"
    named = f"“{other.name}”{whose}" if other.environment.project_id == environment.project_id else "of another project"
    return Conflict(
        f"The root {named} lies there, or above or below it.",
        code="place-taken",
        fix="A place has one root in an environment, and of all environments one may write there.",
    )


def _overlap(one: Path, other: Path) -> bool:
    """Whether one of them is the other, or lies in it; also where the same folder has two paths."""
    return one.is_relative_to(other) or other.is_relative_to(one) or _is_above(one, other) or _is_above(other, one)


def _is_above(one: Path, other: Path) -> bool:
    with suppress(OSError):
        there = os.stat(one)
        for above in (other, *other.parents):
            with suppress(OSError):
                if os.path.samestat(there, os.stat(above)):
                    return True
    return False
