"""What is being changed by hand in a root just now, by programs that take a while: the root stays where it is as long.

Each holds a lock of the root's, in whichever process; that of one that was killed is free.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings

from executor.language.roots import DEFAULT, Located, located
from portal.environments.models import Environment, Root
from portal.environments.reach import judged_by


@contextmanager
def changing(environment: Environment, uri: str) -> Iterator[None]:
    """While something is changed at an address. Where the root led is said after this has begun (`places.meant`): what began while somebody
    was giving it another place is refused by the program."""
    found = located(uri, judged_by(environment), "uri")
    with _lock_of(environment, found.root if isinstance(found, Located) else DEFAULT) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def under_way_in(root: Root) -> str:
    """See `portal.environments.connections.busy`."""
    with _lock_of(root.environment, root.name) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "Somebody is changing something there by hand just now"
    return ""


def _lock_of(environment: Environment, root: str) -> IO[bytes]:
    folder = settings.LAKE_DIR / environment.project.slug / ".sluice" / environment.name / "at-work"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (folder / root).open("ab")
