"""How values are written for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.ui import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0.42, "0.4 s"), (9.94, "9.9 s"), (9.97, "10 s"), (39, "39 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")),
        *((3_599.7, "1 h 00 min"), (3_800, "1 h 03 min"), (86_399.9, "1 d 0 h"), (187_200, "2 d 4 h"), (-3, "0 s"), (None, "—")),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_a_timedelta_reads_like_its_seconds() -> None:
    assert words.duration(timedelta(minutes=2, seconds=5)) == "2 min 05 s"


@pytest.mark.parametrize(("number", "said"), [(336_776, "336,776"), (0, "0"), (17.48, "17.48"), (2.0, "2"), (None, "—")])
def test_counts_have_thousands_separators(number: float | None, said: str) -> None:
    assert words.count(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(9_999, "9,999"), (10_000, "10 k"), (48_200_000, "48.2 M"), (-48_200_000, "-48.2 M"), (999_999, "1 M"), (3e12, "3 T")],
)
def test_large_counts_are_shortened(number: float, said: str) -> None:
    assert words.compact(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (118_000, "118 kB"), (2_300_000, "2.3 MB"), (31_000_000, "31 MB"), (999_999, "1.0 MB"), (None, "—")],
)
def test_sizes_have_decimal_units(number: float | None, said: str) -> None:
    assert words.size(number) == said


def test_ids_and_hashes_are_short_but_comparable() -> None:
    assert words.short_id("8f3c2d1a-77aa-4c11-9d2b-0a1b2c3d4e5f") == "8f3c2d1a"
    assert words.short_sha("4be1" + "0" * 56 + "90c2") == "4be1…90c2"
    assert words.short_sha(None) == "—"


def test_utc_is_named_on_hover() -> None:
    assert words.utc_text(datetime(2026, 11, 24, 9, 30, tzinfo=UTC)) == "2026-11-24 09:30:00 UTC"


def test_one_is_singular() -> None:
    assert [words.plural(number, "problem", "problems") for number in (0, 1, 1204)] == ["0 problems", "1 problem", "1,204 problems"]


def test_the_place_of_a_problem_counts_stages_from_one() -> None:
    problem = {"stage_index": 3, "stage": "daily_delays", "field": "sql", "line": 3, "column": 8}
    assert words.place(problem) == "stage 4 “daily_delays” · sql · line 3:8"
    assert words.place({"message": "The document is not JSON."}) == ""


def test_the_place_of_a_problem_has_the_names_of_the_form() -> None:
    extract = {"stage_index": 0, "stage": "flights", "stage_type": "DelimitedExtract", "field": "inputURI"}
    assert words.place(extract) == "stage 1 “flights” · File"
    assert words.place(extract | {"stage_type": "SQLTransform", "row": 3}) == "stage 1 “flights” · SQL file · row 3"
    assert words.place(extract | {"field": "names[2]"}) == "stage 1 “flights” · names[2]"


@pytest.mark.parametrize(
    ("form", "moment", "said"),
    [
        ("ago", datetime(2026, 11, 24, 9, 29, 30, tzinfo=UTC), "just now"),
        ("ago", datetime(2026, 11, 24, 9, 12, tzinfo=UTC), "18 min ago"),
        ("ago", datetime(2026, 11, 24, 12, 30, tzinfo=UTC), "in 3 h"),
        ("ago", datetime(2026, 11, 23, 23, 0, tzinfo=UTC), "yesterday 23:00"),
        ("day", datetime(2026, 11, 24, 9, 12, tzinfo=UTC), "today 09:12"),
        ("day", datetime(2025, 2, 3, 4, 5, tzinfo=UTC), "3 Feb 2025 04:05"),
        ("clock", datetime(2026, 11, 24, 9, 12, tzinfo=UTC), "09:12"),
        ("full", datetime(2026, 11, 24, 9, 12, 7, tzinfo=UTC), "24 Nov 2026, 09:12:07"),
    ],
)
def test_moments_are_written_as_the_page_will_say_them(form: str, moment: datetime, said: str) -> None:
    assert words.moment_text(moment, form, datetime(2026, 11, 24, 9, 30, tzinfo=UTC)) == said
