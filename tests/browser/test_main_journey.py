"""The whole way, as people go it: a job from an empty page to green, its promotion by a colleague, and what is told when it breaks.

Everything is real: the supervisor with web, worker, scheduler and previews, Spark in its sandbox, a mail server, and Chromium.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import look
from tests.browser.chromium import Screen
from tests.services import smtp
from tests.services.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

JOB = "airlines_by_name"
SQL = "SELECT carrier, name, length(name) AS letters FROM airlines WHERE name LIKE '%Inc.%'"
SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });"""
"""How far a page has moved under its reader without their doing (the browser's layout shift, added up)."""
MOST_SHIFT = 0.05
RUN_MS = 240_000
"""A run starts a JVM; on a busy machine that takes its time."""


class Person:
    """Somebody at a browser. Every page they come to is looked at: console, content security policy, width, and axe where nobody has been
    there before them."""

    been_at: ClassVar[set[str]] = set()

    def __init__(self, screen: Screen, url: str, name: str) -> None:
        self.screen, self.page, self.url, self.name = screen, screen.page, url, name
        self.page.set_default_timeout(60_000)
        self.page.add_init_script(SHIFTS)
        self.faults: list[str] = []

    def sign_in(self) -> None:
        self.page.goto(f"{self.url}/")
        self.look("sign-in")
        self.page.get_by_role("button", name=re.compile(f"^{self.name}")).click()
        expect(self.page).not_to_have_url(re.compile("sign-in"))
        self.look("home")

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}/p/flights/{path}")
        self.look(path)

    def look(self, where: str) -> None:
        self.page.wait_for_load_state("domcontentloaded")
        faults = self.screen.faults(with_axe=where not in self.been_at)
        self.been_at.add(where)
        self.faults += [f"{self.name} at {where}: {fault}" for fault in faults]

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).first.click()


@pytest.fixture
def person(sluice: Stack, screen: Callable[..., Screen]) -> Iterator[Callable[..., Person]]:
    """`person("Ana")` is Ana, signed in; at the end nobody may have met a fault."""
    met: list[Person] = []

    def signed_in(name: str, **options: Any) -> Person:
        met.append(Person(screen(**options), sluice.url, name))
        met[-1].sign_in()
        return met[-1]

    yield signed_in
    assert [fault for one in met for fault in one.faults] == []


def fill(page: Page, field: str, value: str) -> None:
    page.locator(f"#field-{field}").fill(value)


def write_sql(page: Page, sql: str) -> None:
    editor = page.get_by_role("textbox", name="SQL")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(sql)  # typed over what was there: the policy must have nothing to refuse


def add_stage(page: Page, kind: str) -> None:
    page.locator("#add-stage").click()
    page.get_by_role("combobox", name="Find a stage type").fill(kind)
    page.keyboard.press("Enter")
    expect(page.locator(".stage-words b")).to_have_text(kind)


def make_job(ana: Person) -> None:
    """From the empty page to a document of four stages without problems."""
    page = ana.page
    ana.go("jobs/new-job")
    page.get_by_label("Name", exact=True).fill(JOB)
    ana.press(re.compile("Go on"))
    expect(page.get_by_role("heading", name=JOB)).to_be_visible()
    ana.look("empty editor")
    ana.press("Read a CSV file")
    fill(page, "inputURI", "raw/airlines.csv")
    fill(page, "outputView", "airlines")
    add_stage(page, "SQLTransform")
    fill(page, "outputView", "by_name")
    write_sql(page, SQL)
    add_stage(page, "SQLValidate")
    write_sql(page, "SELECT count(*) > 5 AS outcome, concat(count(*), ' airlines') AS message FROM by_name")
    add_stage(page, "ParquetLoad")
    fill(page, "inputView", "by_name")
    fill(page, "outputURI", "curated/airlines_by_name")
    expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    ana.look("editor")


def preview(ana: Person) -> None:
    """The rows of the query, in a table."""
    page = ana.page
    stages(page).nth(1).click()
    ana.press(re.compile("Preview stage 2"))
    output = page.locator("#panel-output")
    expect(output.get_by_role("cell", name="Endeavor Air Inc.")).to_be_visible(timeout=RUN_MS)
    expect(output.get_by_role("columnheader", name=re.compile("letters"))).to_be_visible()
    ana.look("preview")


def stages(page: Page) -> Locator:
    return page.locator("#stage-list .stage")


def save_version(ana: Person, message: str, number: int) -> None:
    ana.press(re.compile("Save version"))
    ana.page.get_by_label("Message").fill(message)
    ana.press(f"Save v{number}")
    expect(ana.page.get_by_text(f"Saved v{number}.")).to_be_visible()


def start_run(who: Person, environment: str, version: int) -> None:
    who.go(f"jobs/{JOB}/run?environment={environment}")
    who.press(f"Run v{version} in {environment}")
    expect(who.page.locator("#run-head")).to_contain_text(JOB)


def wait_for_state(who: Person, state: str) -> None:
    """It stays on the page from the run's start to its end, under which the page does not move."""
    expect(who.page.locator("#run-head .chip", has_text=state)).to_be_visible(timeout=RUN_MS)
    assert who.page.evaluate("window.shifted") < MOST_SHIFT
    who.look(f"run that {state}")


def mails(box: smtp.Mailbox, subject: str, seconds: float = 60) -> list[str]:
    """The bodies of the mails whose subject holds these words, once there is one."""
    deadline = monotonic() + seconds
    while True:
        found = [str(mail.get_body(("plain",)).get_content()) for mail in box.mails if subject in str(mail["subject"])]  # type: ignore[union-attr]
        if found or monotonic() > deadline:
            return found
        sleep(0.5)


def test_a_job_from_an_empty_page_to_test_and_its_failure_told(mailbox: smtp.Mailbox, person: Callable[..., Person]) -> None:
    ana = person("Ana")
    make_job(ana)
    preview(ana)
    save_version(ana, "Airlines whose names say Inc.", 1)

    start_run(ana, "dev", 1)
    expect(ana.page.locator("#run-log")).to_contain_text(
        re.compile("airlines"), timeout=RUN_MS
    )  # the check's own line arrives while it runs
    wait_for_state(ana, "succeeded")
    ana.page.get_by_role("tab", name="Outputs").click()
    expect(ana.page.locator("#run-outputs")).to_contain_text("curated/airlines_by_name")
    ana.press("See rows")
    expect(ana.page.locator("#output-rows").get_by_role("cell", name="Endeavor Air Inc.")).to_be_visible(timeout=RUN_MS)
    ana.look("outputs")

    ana.go(f"jobs/{JOB}/promote")
    ana.page.get_by_label("What changes, and why").fill("First version, for test")
    ana.press("Ask for promotion")
    expect(ana.page.get_by_role("heading", name="Your decision")).to_be_visible()
    assert ana.page.get_by_role("button", name="Approve").get_attribute("aria-disabled") == "true"
    ana.look("own promotion")

    pat = person("Pat")
    pat.go("promotions/")
    pat.page.get_by_role("link", name=re.compile(JOB)).click()
    pat.look("promotion")
    pat.press("Approve")
    expect(pat.page.get_by_text("v1 is live in test now.")).to_be_visible()
    pat.look("approved promotion")

    olu = person("Olu", width=390)
    start_run(olu, "test", 1)
    wait_for_state(olu, "succeeded")

    ana.go(f"jobs/{JOB}/edit")
    stages(ana.page).nth(2).click()
    write_sql(ana.page, "SELECT count(*) > 1000 AS outcome, concat('only ', count(*), ' airlines') AS message FROM by_name")
    save_version(ana, "Expects more airlines than there are", 2)
    start_run(ana, "dev", 2)
    wait_for_state(ana, "failed")
    expect(ana.page.locator("#run-card")).to_contain_text("only 11 airlines")
    expect(ana.page.locator("#run-card")).to_contain_text("Nothing was published")
    [mail] = mails(mailbox, f"{JOB} failed")
    assert "only 11 airlines" in mail or "check" in mail.lower()
    assert ana.url in mail
    ana.go("alerts/")
    expect(ana.page.get_by_role("link", name=re.compile(JOB)).first).to_be_visible()


COLD_EDITOR_BYTES = 360_000


def test_an_editor_that_is_opened_for_the_first_time_is_light(person: Callable[..., Person], screen: Callable[..., Screen]) -> None:
    ana, fresh = person("Ana"), screen()
    fresh.page.context.add_cookies(ana.page.context.cookies())  # type: ignore[arg-type]
    wire, arrived = fresh.page.context.new_cdp_session(fresh.page), []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: arrived.append(event["encodedDataLength"]))
    fresh.page.goto(f"{ana.url}/p/flights/jobs/daily_delays/edit", wait_until="networkidle")
    expect(fresh.page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    assert len(arrived) > 20 and sum(arrived) <= COLD_EDITOR_BYTES


@pytest.mark.parametrize("name", ["Olu", "Vic"])
def test_no_page_has_a_serious_fault_for_who_sees_less(name: str, person: Callable[..., Person]) -> None:
    visitor = person(name)
    for path in ("jobs/", "jobs/daily_delays/", "runs/", "pipelines/", "pipelines/flights_daily/", "promotions/", "alerts/"):
        visitor.go(path)


@pytest.mark.parametrize(("name", "width", "theme", "among"), [("Ana", 1440, "light", "edit"), ("Ada", 390, "dark", "audit")])
def test_no_page_that_links_lead_to_has_a_serious_fault(
    name: str, width: int, theme: str, among: str, sluice: Stack, person: Callable[..., Person]
) -> None:
    visitor = person(name, width=width, theme=theme)
    seen = []
    for path in look.pages(visitor.screen, sluice.url, "/", settled_ms=200):
        visitor.look(path)
        seen.append(path)
    assert len(seen) >= 20 and any(among in path for path in seen), seen


def test_an_address_that_leads_nowhere_and_a_page_open_too_long_are_said_without_a_fault(person: Callable[..., Person]) -> None:
    vic = person("Vic")
    for path in ("jobs/no_such_job/", "jobs/new-job"):
        assert vic.page.goto(f"{vic.url}/p/flights/{path}").status == 404  # type: ignore[union-attr]
        vic.screen.take_said()  # Chromium itself tells of a 404
        vic.look(path)
    vic.go("runs/")
    vic.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<form id=old method=post action=/sign-out></form>')")
    vic.page.evaluate("document.getElementById('old').submit()")
    expect(vic.page.get_by_role("heading", name="The page was open too long")).to_be_visible()
    vic.screen.take_said()
    vic.look("page open too long")


def test_a_script_in_a_name_a_message_and_the_sql_is_shown_as_text(sluice: Stack, person: Callable[..., Person]) -> None:
    ana = person("Ana")
    evil = "<img src=x onerror=document.title='hacked'>"
    ana.go("jobs/new-job")
    ana.page.get_by_label("Name", exact=True).fill("shows_text")
    ana.page.get_by_label("Description").fill(evil)
    ana.press(re.compile("Go on"))
    ana.press("Write SQL")
    write_sql(ana.page, f'SELECT "{evil}" AS cell')
    ana.press(re.compile("Preview stage 1"))
    expect(ana.page.locator("#panel-output").get_by_role("cell", name=evil)).to_be_visible(timeout=RUN_MS)
    ana.go("jobs/shows_text/")
    expect(ana.page.get_by_text(evil).first).to_be_visible()
    assert "hacked" not in ana.page.title()
