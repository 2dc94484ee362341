"""Cron lines in time zones."""

from __future__ import annotations

from datetime import UTC, datetime

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
