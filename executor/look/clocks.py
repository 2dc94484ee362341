"""Times of day that no clock of a place shows: those that are left out when clocks are set ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from executor.look.shapes import Moment, moment_key

WRITTEN = "%Y-%m-%d %H:%M:%S"


def if_there_is(moment: Moment, text: str, zone: str) -> Moment:
    """`moment`, or why it is none where the clocks of `zone` (a name of the time zone database; others mean no place) left it out. Numbers
    that may be day or month go as the day first."""
    if not moment.order or not moment.clock or moment.zone or moment.wrong:
        return moment
    sorts = moment_key(text, "dmy" if moment.order == "either" else moment.order)[:19]
    if sorts[:4].isdigit() and any(begin <= sorts < end for begin, end in _left_out(zone, int(sorts[:4]))):
        return replace(moment, wrong=f"There is no such time in {zone}: clocks are set ahead then.")
    return moment


@lru_cache(maxsize=2000)
def _left_out(zone: str, year: int) -> tuple[tuple[str, str], ...]:
    """What the clocks leave out in a year: (first time that is none, the next that is one)."""
    if not 1900 <= year <= 2100:
        return ()
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return ()
    found, day = [], datetime(year, 1, 1, tzinfo=place)
    while day.year == year:
        after = day + timedelta(days=1)
        ahead = (after.utcoffset() or timedelta()) - (day.utcoffset() or timedelta())
        if ahead > timedelta():
            found.append(_gap(day, ahead))
        day = after
    return tuple(found)


def _gap(day: datetime, ahead: timedelta) -> tuple[str, str]:
    """Of the day on which clocks are set ahead by so much."""
    before = day.utcoffset()
    minute = day
    while minute.replace(fold=1).utcoffset() == before:
        minute += timedelta(minutes=1)
    return minute.strftime(WRITTEN), (minute + ahead).strftime(WRITTEN)
