"""Where the lines of a log segment are: in its row, or in the object of its sha256 (gzip)."""

from __future__ import annotations

import gzip

from portal.errors import PortalError
from portal.jobs import storage
from portal.runs.models import LogSegment


class LogAway(PortalError):
    """The object store does not answer."""

    status = 503
    code = "log-away"


class LogDamaged(PortalError):
    """A piece of the log is missing in the object store, or is another one."""

    status = 500
    code = "log-damaged"


def text_of(segment: LogSegment) -> str:
    """The segment's lines, each with its line end. Raises LogAway and LogDamaged."""
    if not segment.sha256:
        return segment.lines
    which = f"lines {segment.first_seq} to {segment.last_seq} of this log"
    try:
        return gzip.decompress(storage.get(segment.sha256)).decode()
    except storage.StoreDown as error:
        raise LogAway(f"The store that holds {which} does not answer.", fix="Try again in a moment.") from error
    except storage.ObjectDamaged as error:
        raise LogDamaged(f"The store does not have {which} as they were written.", fix="Tell whoever runs Sluice.") from error
