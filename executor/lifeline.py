"""An executor ends with whoever started it.

The wall does so as well (bwrap's --die-with-parent), but not in its first milliseconds: when its outside is killed before its inside has
asked to die with it, the inside would go on with nobody who listens. Standard input cannot miss that: it is a pipe that the starter holds
open, and the kernel closes it when the starter ends, or lets go of it.
"""

from __future__ import annotations

import os
import select
import signal
import threading


def end_with_stdin() -> None:
    """From now on this process is killed when the other end of standard input is closed, whatever it does just then."""
    threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()


def _wait_for_the_end() -> None:
    watch = select.poll()
    watch.register(0, 0)  # no event is asked for: what is left to read stays there, and the end alone is told
    watch.poll()
    os.kill(os.getpid(), signal.SIGKILL)
