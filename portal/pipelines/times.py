"""Times of a cron line in a time zone: is it right, what does it mean in words, when is it due. Daylight saving is cronsim's care."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

from cronsim import CronSim, CronSimError

from portal.errors import PortalError

EXAMPLE = "30 6 * * 1-5"
FIELDS = "minute, hour, day of the month, month, day of the week"
MISSED_AT_MOST = 1000


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """Names people know, without the old aliases of tz (US/…, Etc/…)."""
    places = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in zoneinfo.available_timezones() if name.startswith(places))]


def check(cron: str, zone: str) -> None:
    """Raises PortalError with one sentence when the line or the zone is not right."""
    _zone(zone)
    _times(cron, datetime.now(UTC), zone)


READY = ("0 6 * * *", "0 6 * * 1-5", "0 6 * * 1", "0 6 1 * *", "0 * * * *", "*/15 * * * *")
"""Lines that people want most, to be chosen from."""


def explain(cron: str) -> str:
    """The line in plain English: At 06:30 on Monday through Friday."""
    return _parsed(cron, datetime.now(UTC)).explain()


def next_times(cron: str, zone: str, after: datetime, count: int = 5) -> list[datetime]:
    """The next `count` times later than `after`, in the zone."""
    # In the hour that comes twice, cronsim would give the first of the two as the next time.
    later = (moment for moment in _times(cron, after, zone) if moment.astimezone(UTC) > after)
    return list(islice(later, count))


def next_due(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first time later than `after`, as UTC; None when there is none within 50 years."""
    found = next_times(cron, zone, after, 1)
    return found[0].astimezone(UTC) if found else None


def missed_times(cron: str, zone: str, first_due: datetime, now: datetime) -> list[datetime]:
    """Times from `first_due` on that are not later than `now`, oldest first, as UTC; at most MISSED_AT_MOST, the latest of them."""
    back = CronSim(cron, now.astimezone(_zone(zone)).replace(microsecond=0) + timedelta(seconds=1), reverse=True)
    found: list[datetime] = []
    for moment in islice(back, MISSED_AT_MOST):
        if moment.astimezone(UTC) < first_due:
            break
        found.append(moment.astimezone(UTC))
    return found[::-1]


def _times(cron: str, after: datetime, zone: str) -> CronSim:
    return _parsed(cron, after.astimezone(_zone(zone)))


def _parsed(cron: str, after: datetime) -> CronSim:
    fields = cron.split()
    if len(fields) != 5:
        raise PortalError(
            f"A cron line has five fields ({FIELDS}); “{cron}” has {len(fields)}.", code="cron-wrong", fix=f"For instance: {EXAMPLE}"
        )
    try:
        return CronSim(cron, after)
    except CronSimError as error:
        part = str(error).removeprefix("Bad ").replace("-", " ")
        raise PortalError(
            f"The {part} of “{cron}” is not right.", code="cron-wrong", fix=f"The fields are {FIELDS}. For instance: {EXAMPLE}"
        ) from None


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PortalError(
            f"There is no time zone “{name}”.", code="time-zone-unknown", fix="Choose one of the list, for instance Europe/Berlin."
        ) from None
