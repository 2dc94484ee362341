"""Cron lines in time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.errors import PortalError
from portal.pipelines import times


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_line_is_explained_in_words() -> None:
    assert times.explain("30 6 * * 1-5") == "At 06:30 on Monday through Friday"


def test_next_times_follow_the_clock_of_the_zone_over_the_change_to_summer_time() -> None:
    found = times.next_times("30 2 * * *", "Europe/Berlin", at("2026-03-27T12:00"), 4)
    assert [f"{moment:%d %H:%M %z}" for moment in found] == ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200", "31 02:30 +0200"]


def test_the_hour_that_comes_twice_is_one_tick() -> None:
    found = times.missed_times("30 2 * * *", "Europe/Berlin", at("2026-10-24T00:00"), at("2026-10-26T13:00"))
    assert found == [at("2026-10-24T00:30"), at("2026-10-25T00:30"), at("2026-10-26T01:30")]


def test_missed_times_include_the_very_moment_and_nothing_before_the_first() -> None:
    found = times.missed_times("*/15 * * * *", "UTC", at("2026-01-01T10:00"), at("2026-01-01T10:30"))
    assert found == [at("2026-01-01T10:00"), at("2026-01-01T10:15"), at("2026-01-01T10:30")]


def test_a_year_of_missed_minutes_is_bounded() -> None:
    found = times.missed_times("* * * * *", "UTC", at("2025-01-01T00:00"), at("2026-01-01T00:00"))
    assert len(found) == times.MISSED_AT_MOST and found[-1] == at("2026-01-01T00:00")


@pytest.mark.parametrize(
    ("cron", "zone", "says"),
    [
        ("61 * * * *", "UTC", "The minute of “61 * * * *” is not right."),
        ("0 0 31 2 *", "UTC", "The day of month of “0 0 31 2 *” is not right."),
        ("* * *", "UTC", "five fields"),
        ("* * * * * *", "UTC", "five fields"),
        ("", "UTC", "five fields"),
        ("@daily", "UTC", "five fields"),
        ("0 6 * * *", "Mars/Olympus", "no time zone “Mars/Olympus”"),
        ("0 6 * * *", "../../etc/passwd", "no time zone"),
    ],
)
def test_a_wrong_line_or_zone_is_told_in_a_sentence(cron: str, zone: str, says: str) -> None:
    with pytest.raises(PortalError) as refusal:
        times.check(cron, zone)
    assert says in refusal.value.message and refusal.value.fix


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "0 * * * *", "*/30 * * * *", "15 1 * * *"])
@pytest.mark.parametrize("begin", ["2026-03-28T12:00", "2026-10-24T12:00", "2026-03-07T12:00", "2026-10-31T12:00", "2026-04-04T00:00"])
def test_over_every_change_of_the_clock_each_time_comes_once_and_is_never_in_the_past(begin: str, cron: str, zone: str) -> None:
    """Asked again and again, as a scheduler does that starts anew: the next time is later than now, and stays what it was."""
    now, came = at(begin), []
    due = times.next_due(cron, zone, now)
    while now < at(begin) + timedelta(hours=40):
        assert due is not None
        if due <= now:
            came.append(due)
            due = times.next_due(cron, zone, now)
        assert due == times.next_due(cron, zone, now) and due is not None and due > now
        now += timedelta(minutes=10)
    assert came == sorted(set(came)) and came
