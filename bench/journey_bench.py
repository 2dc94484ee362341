"""A person's time with files of their own: from the desktop to a joined, checked, kept table and home again, in a real browser."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from rich.table import Table

from bench.figures import Figure, duration
from tests.browser import own_files
from tests.browser.chromium import Screen, started
from tests.browser.timed_person import SECONDS_A_CHOICE, SECONDS_A_LETTER, Part, TimedPerson
from tests.services import stack


def own_files_journey(lake: Path, turns: int, say: Callable[[Any], None]) -> list[Figure]:
    """Once, whatever `turns`: most of it is what hands do, which is reckoned and is the same each time."""
    from django.conf import settings

    expect.set_options(timeout=20_000)
    say("own files in a browser: sign in, drop, look, join, check, keep, run, take home")
    with stack.running(settings.SLUICE_HOME, "demo") as sluice, started() as browser, tempfile.TemporaryDirectory() as folder:
        sluice.wait_for("stops everything; the next start", 900)
        person = TimedPerson(Screen.open(browser, accept_downloads=True).page)
        own_files.do(person, sluice.url, Path(folder) / "rows.csv", own_files.trips())
    say(breakdown(person.parts))
    notes = {"parts": [part.as_dict() for part in person.parts], "waited": round(sum(part.waited for part in person.parts), 1)}
    return [Figure("own files to a checked table and home, a person's time", "–", "≤ 5 min", [person.seconds], notes=notes)]


def breakdown(parts: list[Part]) -> Table:
    """What each step takes, and of what that is made."""
    rule = f"a choice is {SECONDS_A_CHOICE:g} s, a letter {SECONDS_A_LETTER:g} s, waiting as measured"
    shown = Table(title=f"A person's time ({rule})", title_justify="left")
    for name in ("step", "time", "waited", "choices", "letters"):
        shown.add_column(name, justify="left" if name == "step" else "right")
    for part in parts:
        shown.add_row(part.name, duration(part.seconds), duration(part.waited), str(part.choices), str(part.letters))
    return shown
