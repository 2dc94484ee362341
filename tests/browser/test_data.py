"""A person drops a file, sees it, its rows, and takes them home."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Screen
from tests.services.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
DROP = """([name, text, where]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/csv" }));
  const place = where ? document.querySelector(where) : document;
  for (const kind of ["dragenter", "drop"])
    place.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
TEXT = "city;amount;note\nZürich;-12.50;=1+1\nBern;3;\n"
EXPECTED = [["city", "amount", "note"], ["Zürich", "-12.50", "'=1+1"], ["Bern", "3", ""]]
DATA = "/p/flights/data/dev/"
PLACE = "raw/My_cities_50.csv"
SPARK_MS = 240_000


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    page.get_by_role("button", name=re.compile("^Ana")).click()
    expect(page).not_to_have_url(re.compile("sign-in"))


def test_drop_see_and_take_home(sluice: Stack, screen: Callable[..., Screen], tmp_path: Path) -> None:
    ana = screen(accept_downloads=True)
    page, faults = ana.page, []
    sign_in(page, sluice.url)
    page.goto(sluice.url + DATA)
    faults += ana.faults()
    page.evaluate(DROP, ["My cities 50%.csv", TEXT])
    expect(page).to_have_url(re.compile(r"/look\?uri="), timeout=60_000)
    expect(page.locator(".page-head")).to_contain_text(re.compile("brought as “My cities 50%.csv”: its name\\s+was changed"))
    ana.take_said()  # the look is another's page
    page.goto(sluice.url + DATA)
    page.get_by_label("Find by name or column").fill("cities")
    row = page.get_by_role("row").filter(has_text=PLACE)
    expect(row).to_contain_text("upload")
    expect(row).to_contain_text("Ana")
    row.get_by_role("link", name=PLACE).click()
    page.get_by_role("button", name="See rows").click()
    expect(page.locator("#table-rows")).to_contain_text("Zürich", timeout=SPARK_MS)
    faults += ana.faults()
    page.locator("#download-menu summary").click()
    with page.expect_download(timeout=SPARK_MS) as taken:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert taken.value.suggested_filename == "My cities 50%.csv"
    taken.value.save_as(tmp_path / "taken.csv")
    with (tmp_path / "taken.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == EXPECTED
    assert faults == []


def test_what_was_refused_of_several_stays_to_be_read(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen(width=390)
    page = ana.page
    sign_in(page, sluice.url)
    page.goto(sluice.url + DATA)
    texts = {"Umsätze 2024 %.csv": "a\n1\n", "none.csv": "", "third.csv": "a\n3\n"}
    page.set_input_files("#upload-input", [{"name": name, "mimeType": "text/csv", "buffer": text.encode()} for name, text in texts.items()])
    tray = page.locator(".upload-tray")
    expect(tray.get_by_role("link", name="See the 2 files that have arrived")).to_be_visible(timeout=60_000)
    expect(tray).to_contain_text("The file is empty")
    expect(tray).to_contain_text("arrived as raw/Umsätze_2024.csv: its name was changed")
    assert ana.faults() == []
    page.get_by_role("button", name="Close the list of uploads").click()
    expect(page.get_by_role("link", name="raw/third.csv")).to_be_visible()
    expect(tray).to_be_hidden()


def test_the_same_name_asks_and_the_old_one_comes_back(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen(width=390, theme="dark")
    page = ana.page
    sign_in(page, sluice.url)
    for number, text in enumerate(("a\n1\n", "a\n2\n")):
        page.goto(sluice.url + DATA)
        page.set_input_files("#upload-input", [{"name": "twice.csv", "mimeType": "text/csv", "buffer": text.encode()}])
        if number:
            question = page.get_by_role("dialog")
            expect(question).to_contain_text("raw/twice.csv")
            question.get_by_role("button", name=re.compile("^New version")).press("Enter")
        expect(page).to_have_url(re.compile(r"/look\?uri="), timeout=60_000)
    page.goto(f"{sluice.url}{DATA}table?uri=raw/twice.csv")
    ana.take_said()
    page.get_by_role("button", name="Put back").click()
    question = page.get_by_role("dialog", name="Put v1 back?")
    expect(question).to_contain_text("No job reads it.")
    question.get_by_role("button", name="Put it back").click()
    expect(page.get_by_text("is as it was")).to_be_visible()
    lake = sluice.home / "lake" / "flights" / "dev"
    assert (lake / "raw" / "twice.csv").read_bytes() == b"a\n1\n"
    assert ana.faults() == []


def test_an_upload_that_goes_on_is_no_longer_told_as_one_that_waits(sluice: Stack, screen: Callable[..., Screen], tmp_path: Path) -> None:
    """Its “Take away” would end what is under way."""
    page = screen().page
    sign_in(page, sluice.url)
    file, held = tmp_path / "broken_off.csv", []
    file.write_text("a\n1\n")
    page.route(re.compile("/uploads/[^/]+$"), lambda route: held.append(route) if route.request.method == "PUT" else route.continue_())
    page.goto(sluice.url + DATA)
    page.set_input_files("#upload-input", file)
    tray = page.get_by_role("region", name="Uploads")
    expect(tray).to_contain_text("0 B of 4 B")
    page.once("dialog", lambda question: question.accept())
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(sluice.url + DATA)
    expect(tray.get_by_text("1 upload not finished")).to_be_visible()
    expect(tray.get_by_role("listitem")).to_have_count(0)  # on a phone one line until it is asked for
    tray.get_by_role("button", name="Show").click()
    expect(tray).to_contain_text("0 % had arrived. Choose the file again")
    del held[:]
    page.set_input_files("#upload-input", file)
    expect(tray).to_contain_text("0 B of 4 B")
    expect(tray).not_to_contain_text("had arrived")
    expect(tray.get_by_role("button", name="Take away")).to_have_count(0)
    page.wait_for_timeout(100)
    held[-1].continue_()
    expect(page).to_have_url(re.compile(r"/look\?uri="), timeout=60_000)


def test_a_file_on_the_editor_becomes_a_stage(sluice: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen()
    page = ana.page
    sign_in(page, sluice.url)
    page.goto(f"{sluice.url}/p/flights/jobs/daily_delays/edit")
    page.locator("#stage-list .stage").filter(has_text="SQLTransform").first.click()
    query = page.get_by_role("textbox", name="SQL")
    text = query.inner_text()
    page.evaluate(DROP, ["zones.csv", "zone;name\n1;A\n", ".cm-content"])
    page.get_by_role("button", name="Add to this job as it is").click()
    expect(page.locator("#stage-list")).to_contain_text("zones", timeout=60_000)
    page.locator("#stage-list .stage").filter(has_text="zones").first.click()
    expect(page.locator("#field-customDelimiter")).to_have_value(";")  # as the file is written, and with the names it has
    expect(page.locator("#field-names")).to_have_value(re.compile("zone.*name", re.DOTALL))
    page.locator("#stage-list .stage").filter(has_text="SQLTransform").first.click()
    assert query.inner_text() == text, "the file is brought, and not typed into the query"
    assert ana.faults() == []


def write(page: Page, sql: str) -> None:
    """Exchanges the text of the query."""
    page.locator("#sql-box .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(sql)


def test_a_query_is_asked_sorted_drawn_taken_home_kept_and_stopped(sluice: Stack, screen: Callable[..., Screen], tmp_path: Path) -> None:
    ana = screen(accept_downloads=True)
    page, faults = ana.page, []
    sign_in(page, sluice.url)
    page.goto(sluice.url + DATA)
    page.get_by_role("link", name="Query").click()
    page.get_by_label("Columns of raw_airlines").click()
    expect(page.locator(".table-columns:not([hidden])")).to_contain_text("carrier", timeout=60_000)
    page.get_by_role("button", name="raw_airlines", exact=True).click()
    expect(page.locator("#sql-box")).to_contain_text("FROM raw_airlines")
    write(page, "SELECT carrier, length(name) AS letters FROM raw_airlines WHERE length(name) > ${least}")
    page.get_by_label("Type of least").select_option("integer")
    page.locator("#parameter-least").fill("14")
    page.keyboard.press("Enter")
    rows = page.locator("#panel-rows tbody tr")
    expect(rows.first).to_be_visible(timeout=SPARK_MS)
    whole = page.locator("#query-result .aside")
    page.get_by_role("button", name="Sort by letters").click()
    page.get_by_role("button", name="Sort by letters, largest first").click()
    expect(whole).to_contain_text("sorted by letters, largest first", timeout=SPARK_MS)
    expect(rows.first).to_contain_text("FL")  # AirTran Airways Corporation
    count = rows.count()
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Column", exact=True).select_option("letters")
    page.get_by_label("How", exact=True).select_option("<")
    page.get_by_label("Value", exact=True).fill("27")
    page.get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(count - 1, timeout=SPARK_MS)
    page.locator("#query-result summary").filter(has_text="Download").click()
    with page.expect_download(timeout=SPARK_MS) as taken:
        page.get_by_role("button", name="CSV", exact=True).click()
    taken.value.save_as(tmp_path / "query.csv")
    with (tmp_path / "query.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert (len(lines), lines[0]) == (count, ["carrier", "letters"]) and lines[1] == rows.first.locator("td").all_inner_texts()
    page.get_by_role("tab", name="Chart").click()
    expect(page.locator(".chart-box canvas")).to_be_visible()
    faults += ana.faults()
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_label("Name").fill("Long names")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#query-title")).to_contain_text("Long names")
    page.reload()
    expect(page.locator("#sql-box")).to_contain_text("length(name) > ${least}")
    expect(page.locator("#parameter-least")).to_have_value("14")
    page.locator("#query-title summary").click()
    page.get_by_role("button", name="New query").click()
    write(page, "SELECT count(*) FROM raw_weather a, raw_weather b, raw_weather c WHERE a.temp + b.temp + c.temp < -999")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#query-state")).to_contain_text("reading the tables", timeout=SPARK_MS)
    page.keyboard.press("Escape")
    expect(page.locator("#query-result")).to_contain_text("Stopped")
    write(page, "SELECT nme FROM raw_airlines")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#query-result")).to_contain_text("Did you mean “name”?", timeout=SPARK_MS)
    expect(page.locator(".cm-lintRange-error")).to_have_text("nme")
    narrow = screen(width=390, theme="dark")
    sign_in(narrow.page, sluice.url)
    narrow.page.goto(f"{sluice.url}{DATA}query")
    expect(narrow.page.locator("#table-tree")).to_contain_text("raw_airlines")
    assert faults + ana.faults() + narrow.faults() == []
