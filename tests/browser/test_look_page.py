"""The page of a file that was just brought: what is wrong is put right in place, and the counts follow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Screen
from tests.browser.timed_person import DROP
from tests.services.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
DATA = "/p/flights/data/dev/"
SPARK_MS = 240_000
ROWS = "".join(f"{day:02}.03.2024;{day},5;1.{day:03},50 €;{'x' if day % 7 else 'n/a'}\r\n" for day in range(1, 29))
SALES = f"Report of sales;;;\r\n\r\nDatum;Größe;Betrag;Betrag\r\n{ROWS}31.02.2024;abc;1;2\r\nSumme;;;999\r\n".encode("cp1252")


def brought(page: Page, address: str, name: str, content: bytes, shows: str = "#misfits-title") -> None:
    """Ana, signed in, looks at a file that she has dropped on the page of data."""
    page.goto(f"{address}/")
    page.get_by_role("button", name=re.compile("^Ana")).click()
    expect(page).not_to_have_url(re.compile("sign-in"))
    page.goto(address + DATA)
    page.evaluate(DROP, [name, list(content)])
    expect(page).to_have_url(re.compile(r"/look\?uri="), timeout=60_000)
    expect(page.locator(shows)).to_be_visible(timeout=60_000)


def says(page: Page, words: str) -> None:
    expect(page.locator("#misfits-title")).to_have_text(re.compile(words), timeout=30_000)


def settled(page: Page) -> None:
    """Nothing is being looked at again."""
    expect(page.locator("#look[aria-busy]")).to_have_count(0, timeout=30_000)


def type_of(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Type of {name}", exact=True)


def test_what_is_wrong_is_put_right_in_place(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen()
    page = ana.page
    brought(page, sluice.url, "sales.csv", SALES)
    says(page, r"28 of\s+29 rows fit")
    expect(type_of(page, "Datum")).to_have_value("date")
    expect(page.get_by_label("Encoding")).to_have_value("windows-1252")
    name = page.get_by_label("Name of column 2")
    name.fill("size_in_m")
    name.press("Enter")
    expect(page.get_by_label("Type of size_in_m")).to_be_visible(timeout=30_000)
    expect(page).to_have_url(re.compile("/look"))  # Enter in a field makes no job
    # Two changes, the second before the first is answered: both count.
    type_of(page, "size_in_m").select_option("string")
    type_of(page, "Datum").select_option("string")
    says(page, "All 29 rows fit")
    expect(type_of(page, "size_in_m")).to_have_value("string")
    type_of(page, "Datum").select_option("date")
    says(page, r"28 of\s+29 rows fit")
    page.get_by_label("Rows behind").fill("0")
    page.get_by_label("Rows behind").press("Enter")
    says(page, r"28 of\s+30 rows fit")
    page.get_by_label("Separator").select_option(",")
    settled(page)
    page.get_by_label("Separator").select_option(";")
    settled(page)
    says(page, r"28 of\s+30 rows fit")
    page.get_by_role("tab", name="The file as it is").click()
    lines = page.locator("#look-file li")
    places = [lines.nth(number).bounding_box() for number in (4, 5)]
    assert places[0] and places[1] and places[1]["y"] - places[0]["y"] < 30, "lines stand one below the other"
    assert ana.faults() == []


def test_preview_and_discard(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen(width=390, theme="dark")
    page = ana.page
    rows = b"".join(b"2024-01-%02d,%d.5\n" % (day, day) for day in range(1, 29))
    brought(page, sluice.url, "odd.csv", b"day,amount\n" + rows + b"2024-02-30,x\n")
    says(page, r"28 of\s+29 rows fit")
    page.get_by_role("button", name="Preview").press("Enter")
    expect(page.locator("#look-typed")).to_contain_text("29 rows, as they will be typed", timeout=SPARK_MS)
    expect(page.locator("#look-odd")).to_contain_text("1 row with values that do not fit", timeout=SPARK_MS)
    expect(page.locator("#look-odd")).to_contain_text("2024-02-30")
    assert ana.faults() == []
    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").press("Enter")
    expect(page.get_by_text("raw/odd.csv is in the bin")).to_be_visible()
    assert not (sluice.home / "lake" / "flights" / "dev" / "raw" / "odd.csv").exists()
    assert ana.faults() == []


def test_the_keyboard_alone_makes_the_job(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen()
    page = ana.page
    brought(page, sluice.url, "keys.csv", b"a,b\n1,2\n3,4\n")
    expect(page.locator("#look :focus")).to_have_count(1)
    page.locator("#look-name").fill("by_keys")
    page.get_by_label("Name of column 2").fill("second")
    page.keyboard.press("Control+Enter")  # the change that was just typed is part of it
    expect(page.get_by_role("heading", name="by_keys")).to_be_visible(timeout=30_000)
    expect(page.locator("#stage-list .stage")).to_have_count(5)
    page.locator("#stage-list .stage").nth(2).click()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("second")
    assert ana.faults() == []


def test_the_sheets_of_a_workbook_become_files(sluice: Stack, screen: Callable[..., Screen], tmp_path: Path) -> None:
    book = Workbook()
    for number in range(1, 6):
        sheet = book.create_sheet(f"Sheet {number}") if number > 1 else book.active
        for row in (["id", "amount"], [1, 1.5], [number, 2.5]):
            sheet.append(row)
    book.save(tmp_path / "five.xlsx")
    ana = screen()
    page = ana.page
    brought(page, sluice.url, "five.xlsx", (tmp_path / "five.xlsx").read_bytes(), shows="#members-title")
    expect(page.locator("#look-parts li")).to_have_count(5)
    page.get_by_role("button", name="Unpack it").click()
    page.locator("#look-parts a").last.click(timeout=60_000)
    says(page, "All 2 rows fit")
    expect(type_of(page, "amount")).to_have_value("decimal")
    assert ana.faults() == []


def test_what_was_chosen_is_there_after_a_reload_and_gone_after_signing_out(sluice: Stack, screen: Callable[..., Screen]) -> None:
    page = screen().page
    brought(page, sluice.url, "again.csv", b"code,amount\n7,1.5\n8,abc\n" + b"9,2.5\n" * 30)
    type_of(page, "code").select_option("string")
    settled(page)
    page.get_by_role("button", name="Read as no value").click()
    expect(page.get_by_role("button", name="Read as no value")).to_have_attribute("aria-pressed", "true")
    settled(page)
    page.locator("#look-name").fill("mine")
    page.locator("#look-name").blur()
    page.get_by_role("tab", name="First rows").click()
    page.reload()
    expect(page.get_by_role("tab", name="First rows")).to_have_attribute("aria-selected", "true", timeout=30_000)
    expect(type_of(page, "code")).to_have_value("string")
    expect(page.locator("#look-name")).to_have_value("mine")
    expect(page.locator("[name=mends]")).to_have_value(re.compile("abc"))
    assert page.evaluate("Object.values(sessionStorage).join()").count("abc") == 1
    page.evaluate("document.querySelector('form[data-signs-out]').requestSubmit()")
    expect(page).to_have_url(re.compile("sign-in"))
    assert page.evaluate("sessionStorage.length") == 0
