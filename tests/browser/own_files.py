"""A person's own two files, from the desktop to a checked table and back: what `make bench` times and a browser test does.

The first file is shaped like the taxi trips that cities publish: packed, names of several styles (one with a blank behind it), two cells
more in each row than there are names, an empty line under the names, Windows line ends. The second is what a spreadsheet in Europe writes.
"""

from __future__ import annotations

import gzip
import re
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.timed_person import TimedPerson

TRIPS, PAYMENTS = "green_tripdata_2013-08.csv.gz", "payment_types.csv"
TRIP_ROWS = 7623
NAMES = (
    "VendorID,lpep_pickup_datetime,Lpep_dropoff_datetime,Store_and_fwd_flag,RateCodeID,Pickup_longitude,Pickup_latitude,"
    "Dropoff_longitude,Dropoff_latitude,Passenger_count,Trip_distance,Fare_amount,Extra,MTA_tax,Tip_amount,Tolls_amount,Ehail_fee,"
    "Total_amount,Payment_type,Trip_type "
)
KINDS = {1: "Credit card", 2: "Cash", 3: "No charge", 4: "Dispute"}
JOB, TABLE = "load_green_tripdata_2013_08", "trips"
SPARK_MS = 240_000
SEEN_MS = 150
"""What was just offered cannot be taken by a key that was pressed before anybody can have seen it."""


def trips(rows: int = TRIP_ROWS) -> bytes:
    """The first file. Row n is paid in the way 1 + n % 4."""
    began = datetime(2013, 8, 1, 8, 14, 37)
    lines = [NAMES, ""]
    for n in range(rows):
        at, took = began + timedelta(minutes=5 * n), timedelta(seconds=60 + n % 3000)
        fare, tip = 2.5 + n % 80 / 2, n % 5 / 4
        where = f"{-73.9 - n % 1000 / 9973:.14f},{40.7 + n % 1000 / 9967:.14f}"
        trip = f"2,{at},{at + took},{'Y' if n % 120 == 0 else 'N'},{1 + n % 5},{where},{where},{1 + n % 6},.{n % 100:02}"
        lines.append(f"{trip},{fare:g},0,0.5,{tip:g},0,,{fare + tip + 0.5:g},{1 + n % 4},,,")
    return gzip.compress("".join(f"{line}\r\n" for line in lines).encode(), mtime=0)


def payments() -> bytes:
    lines = ["payment_code;payment_name;since", *(f"{code};{name};01.08.2013" for code, name in KINDS.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


def do(person: TimedPerson, address: str, take_to: Path, first: bytes) -> None:
    """The whole way; ends with the joined rows in `take_to`."""
    page = person.page
    _sign_in(person, address)
    _bring_first(person, first)
    _bring_second(person)
    _join(person)
    _check(person)
    with person.step("keep it as Parquet"):
        _add(person, "parquetl", "ParquetLoad")
        expect(page.locator("#field-outputURI")).to_have_value(f"curated/{TABLE}")
        expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    with person.step("run it"):
        person.click(page.get_by_role("button", name=re.compile("^Run 1")))
        expect(page.locator("#run-head")).to_contain_text("succeeded", timeout=SPARK_MS)
    _take_home(person, take_to)


def _sign_in(person: TimedPerson, address: str) -> None:
    page = person.page
    with person.step("sign in"):
        page.goto(f"{address}/")
        person.click(page.get_by_role("button", name=re.compile("^Ana")))
        expect(page).not_to_have_url(re.compile("sign-in"))
        person.click(page.get_by_role("link", name="Data", exact=True))
        expect(page.get_by_role("button", name="Upload a file")).to_be_visible()


def _bring_first(person: TimedPerson, content: bytes) -> None:
    page = person.page
    with person.step("drop the first file, look at it"):
        person.drops(TRIPS, content)
        expect(page.get_by_role("heading", name=re.compile("20 names, but 22 cells"))).to_be_visible(timeout=60_000)
        expect(page.get_by_role("heading", name=re.compile("rows fit"))).to_be_visible()
    with person.step("make a job of it"):
        person.click(page.locator("[data-create]"))
        expect(page.get_by_role("heading", name=JOB)).to_be_visible()
        expect(stages(page)).to_have_count(5)


def _bring_second(person: TimedPerson) -> None:
    page = person.page
    with person.step("drop the second file, look at it"):
        person.drops(PAYMENTS, payments())
        person.click(page.get_by_role("button", name="Look at it first"))
        expect(page.get_by_role("heading", name=re.compile("All 4 rows fit"))).to_be_visible(timeout=60_000)
    with person.step("add it to the job"):
        person.click(page.get_by_role("button", name=f"Add to {JOB}"))
        expect(stages(page)).to_have_count(7)


def _join(person: TimedPerson) -> None:
    page = person.page
    with person.step("join them"):
        _add(person, "sqlt", "SQLTransform")
        _names(person, "outputView", TABLE)
        _writes(person, "SELECT t.*, p.payment_name\nFROM ", "gre", " t\nJOIN ", "pay", " p ON p.payment_code = t.Payment_type")
        expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    with person.step("see the joined rows"):
        person.press("Control+Enter")
        expect(page.locator("#panel-output").get_by_role("columnheader", name=re.compile("payment_name"))).to_be_visible(timeout=SPARK_MS)


def _check(person: TimedPerson) -> None:
    with person.step("check that no trip got lost"):
        _add(person, "sqlv", "SQLValidate")
        text = f"SELECT count(*) = {TRIP_ROWS} AS outcome, concat(count(*), ' trips') AS message\nFROM "
        _writes(person, text, "tri", "")
        expect(person.page.locator("#problem-chip")).to_have_text(re.compile("no problems"))


def _take_home(person: TimedPerson, take_to: Path) -> None:
    page = person.page
    with person.step("take the result home"):
        person.click(page.get_by_role("tab", name="Outputs"))
        person.click(page.get_by_role("row").filter(has_text=f"curated/{TABLE}").get_by_role("button", name="See rows"))
        expect(page.locator("#output-rows")).to_contain_text("Credit card", timeout=SPARK_MS)
        with page.expect_download(timeout=SPARK_MS) as taken:
            person.click(page.locator("#output-rows").get_by_role("button", name="CSV", exact=True))
        taken.value.save_as(take_to)


def stages(page: Page) -> Locator:
    return page.locator("#stage-list .stage")


def _add(person: TimedPerson, letters: str, kind: str) -> None:
    """A stage behind the chosen one, found by some letters of its type."""
    page = person.page
    person.click(page.locator("#add-stage"))
    expect(page.get_by_role("combobox", name="Find a stage type")).to_be_focused()
    person.types(letters)
    person.press("Enter")
    expect(page.locator("#stage-list [aria-current]")).to_contain_text(kind)


def _names(person: TimedPerson, field: str, name: str) -> None:
    person.click(person.page.locator(f"#field-{field}"))
    person.press("Control+a")
    person.types(name)


def _writes(person: TimedPerson, *parts: str) -> None:
    """A query in place of the one that stands there. Every second part is the beginning of a view's name; Enter takes what is offered."""
    page = person.page
    person.click(page.get_by_role("textbox", name="SQL"))
    person.press("Control+a")
    for number, part in enumerate(parts):
        person.types(part)
        if number % 2:
            expect(page.locator(".cm-tooltip-autocomplete [aria-selected]")).to_contain_text(part)
            page.wait_for_timeout(SEEN_MS)
            person.press("Enter")
