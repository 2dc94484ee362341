"""Somebody who knows only SQL, with two files of their own: nothing is typed that Sluice knows, and what comes home is right."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import own_files
from tests.browser.chromium import Screen
from tests.browser.timed_person import TimedPerson
from tests.services.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
MOST_CHOICES, MOST_LETTERS = 40, 220
"""What five minutes leave room for, beside the waiting: nobody is made to type or choose more."""


def test_from_two_files_to_a_checked_table_and_home(sluice: Stack, screen: Callable[..., Screen], tmp_path: Path) -> None:
    shown = screen(accept_downloads=True)
    person = TimedPerson(shown.page)
    own_files.do(person, sluice.url, tmp_path / "rows.csv", own_files.trips())
    assert shown.faults() == []
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == own_files.TRIP_ROWS
    paid = Counter((row["Payment_type"], row["payment_name"]) for row in rows)
    assert set(paid) == {(str(code), name) for code, name in own_files.KINDS.items()}
    first = [rows[0][name] for name in ("lpep_pickup_datetime", "Fare_amount", "Store_and_fwd_flag")]
    assert first == ["2013-08-01 08:14:37", "2.5", "true"]
    assert sum(part.choices for part in person.parts) <= MOST_CHOICES
    assert sum(part.letters for part in person.parts) <= MOST_LETTERS
