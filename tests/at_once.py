"""The same work in several threads that start at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections

from portal.errors import PortalError


def at_once(work: Callable[[int], object], threads_wanted: int) -> list[str]:
    """Calls `work` in so many threads that start together; gives the code of each refusal, "" where there was none."""
    barrier, codes = threading.Barrier(threads_wanted), [""] * threads_wanted

    def one(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except PortalError as refusal:
            codes[number] = refusal.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(threads_wanted)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes
