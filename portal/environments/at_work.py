"""What is being changed by hand in a root just now, by programs that take a while: the root stays where it is as long.

Each holds a lock of the root's, in whichever process; that of one that was killed is free. Whoever moves a whole folder holds it alone.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings

from executor.language.roots import DEFAULT, Located, located
from portal.environments.models import Environment, Root
from portal.environments.reach import judged_by
from portal.errors import Conflict

WAIT_SECONDS, LOOK_SECONDS = 5.0, 0.05
"""So long somebody waits for another's turn to end: most take a moment, a large folder or file takes longer than anybody waits."""


@contextmanager
def changing(environment: Environment, uri: str, *, alone: bool = False) -> Iterator[None]:
    """While something is changed at an address. `alone`: nobody else changes anything by hand in its root meanwhile. Raises Conflict where
    that cannot be now. Where the root led is said after this has begun (`places.meant`): what began while somebody
    was giving it another place is refused by the program."""
    found = located(uri, judged_by(environment), "uri")
    with _lock_of(environment, found.root if isinstance(found, Located) else DEFAULT) as lock:
        _take(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def _take(lock: IO[bytes], kind: int) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                message = "Somebody is changing something by hand in this root just now."
                raise Conflict(message, code="place-under-way", fix="Try again in a moment.") from None
        time.sleep(LOOK_SECONDS)


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
