"""Data anywhere, as people go it: Ana's own file becomes a Delta table, and a publish of it is undone; Ada connects a bucket, and replaces
what it signs in with while a run works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.chromium import Screen
from tests.browser.test_look_page import brought, settled, type_of
from tests.browser.test_main_journey import add_stage, fill, write_sql
from tests.services.stack import Stack, running

if TYPE_CHECKING:
    from tests.services.s3 import S3Server

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.lake, pytest.mark.timeout(900)]
SPARK_MS = 240_000
ORDERS = "zip,ordered,amount\n" + "".join(f"0{day:04},2024-03-{day:02},{day}.5\n" for day in range(1, 21))
TABLE, PLACE = "orders_kept", "curated/orders_kept_table"


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Sluice whose connections may lead to this machine."""
    more = {"SLUICE_DEMO": "1", "SLUICE_WARM_EXECUTORS": "0", "SLUICE_CONNECTION_NETWORKS": "127.0.0.0/8"}
    with running(tmp_path_factory.mktemp("an"), "up", env=more) as stack:
        stack.manage("load_demo")
        yield stack


def signed_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/")
    page.get_by_role("button", name=re.compile(f"^{name}")).click()
    expect(page).not_to_have_url(re.compile("sign-in"))


def choose_stage(page: Page, text: str) -> None:
    page.locator("#stage-list .stage").filter(has_text=text).first.click()


def run_it(page: Page) -> None:
    expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    page.get_by_role("button", name=re.compile("^Run 1")).click()
    expect(page.locator("#run-head")).to_contain_text("succeeded", timeout=SPARK_MS)


def rows_on_the_page_of_data(page: Page, address: str) -> list[str]:
    """The zips that the table's page shows."""
    page.goto(f"{address}/p/flights/data/dev/table?uri={PLACE}")
    page.get_by_role("button", name="See rows").click()
    rows = page.locator("#table-rows tbody tr")
    expect(rows.first).to_be_visible(timeout=SPARK_MS)
    return [row.locator("td").first.inner_text() for row in rows.all()]


def test_an_own_file_becomes_a_table_and_a_publish_is_undone(anywhere: Stack, screen: Callable[..., Screen]) -> None:
    ana = screen()
    page, faults = ana.page, []
    brought(page, anywhere.url, "orders.csv", ORDERS.encode())
    faults += ana.faults()
    type_of(page, "zip").select_option("string")
    settled(page)
    type_of(page, "amount").select_option("double")
    settled(page)
    expect(type_of(page, "zip")).to_have_value("string")
    page.locator("[data-create]").click()
    expect(page.get_by_role("heading", name="load_orders")).to_be_visible(timeout=60_000)
    add_stage(page, "SQLTransform")
    fill(page, "outputView", TABLE)
    write_sql(page, "SELECT zip, ordered, amount FROM orders WHERE amount > 10")
    add_stage(page, "DeltaLakeLoad")
    fill(page, "inputView", TABLE)
    expect(page.locator("#field-outputURI")).to_have_value(PLACE)
    faults += ana.faults()
    run_it(page)
    job = f"{anywhere.url}/p/flights/jobs/load_orders/edit"
    first = rows_on_the_page_of_data(page, anywhere.url)
    assert first == [f"0{day:04}" for day in range(10, 21)], "all zips have their zeros"

    page.goto(job)
    choose_stage(page, "query")
    write_sql(page, "SELECT zip, ordered, amount FROM orders WHERE amount > 18")
    run_it(page)
    assert rows_on_the_page_of_data(page, anywhere.url) == first[-3:]
    faults += ana.faults()
    page.get_by_role("button", name="Put back").first.click()
    question = page.get_by_role("dialog", name=re.compile("^Put version 0 back"))
    expect(question).to_contain_text(PLACE)
    question.get_by_role("button", name="Put it back").click()
    expect(page.locator("body")).to_contain_text("is as it was at version 0", timeout=SPARK_MS)
    assert rows_on_the_page_of_data(page, anywhere.url) == first
    narrow = screen(width=390, theme="dark")
    signed_in(narrow.page, anywhere.url, "Ana")
    assert rows_on_the_page_of_data(narrow.page, anywhere.url) == first
    assert faults + ana.faults() + narrow.faults() == []


KEY, SECRET, NEXT = "AKIAOFADASOWN0000001", "the first secret of Ada", "the second secret of Ada"
SLOW = """SELECT origin, count(*) AS n FROM flights CROSS JOIN range(9000000) r CROSS JOIN range(12) s
WHERE hash(r.id, s.id) % 7 < 6 GROUP BY origin"""


def document() -> dict[str, Any]:
    extract, middle, load = json.loads(json.dumps(factories.DOCUMENT))["stages"]
    stages = [extract | {"inputURI": "archive:flights.csv"}, middle | {"sql": SLOW}, load | {"saveMode": "Overwrite"}]
    return {"stages": [stage | {"environments": ["dev"]} for stage in stages]}


def test_a_bucket_is_connected_and_its_secret_replaced_while_a_run_works(
    anywhere: Stack, screen: Callable[..., Screen], s3_server: S3Server
) -> None:
    bucket = s3_server.new_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="in/flights.csv", Body=b"origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
    ada = screen()
    page, faults = ada.page, []
    signed_in(page, anywhere.url, "Ada")
    settings = f"{anywhere.url}/p/flights/settings/environments/dev"
    page.goto(f"{settings}/new-connection?kind=s3")
    faults += ada.faults()
    for name, value in (("name", "lake_s3"), ("access_key", KEY), ("secret_key", SECRET)):
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=service]").select_option("other")
    page.locator("[name=endpoint]").fill(s3_server.address)
    page.locator("[name=bucket_style]").select_option("path")
    page.get_by_text("More fields").click()
    page.locator("[name=tls]").select_option("off")
    page.locator("[name=private_networks]").fill("127.0.0.0/8")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test")).to_contain_text("The key is accepted", timeout=60_000)
    faults += ada.faults()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="lake_s3", exact=True)).to_be_visible()
    page.get_by_label("Name", exact=True).fill("archive")
    page.get_by_label(re.compile("^Lies at|^Address$")).last.fill(f"s3a://{bucket}/in/")
    page.get_by_role("button", name="Add a root").click()
    expect(page.get_by_role("row").filter(has_text="archive")).to_contain_text("read only")
    page.get_by_role("button", name=re.compile("Let jobs write")).click()
    page.get_by_role("dialog").get_by_role("button", name="Let them write").click()
    expect(page.get_by_role("row").filter(has_text="archive")).to_contain_text("read and write")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#test")).to_contain_text("1 file seen", timeout=60_000)
    expect(page.locator("#test")).to_contain_text("Files can be written and removed")
    faults += ada.faults()

    ana = screen()
    signed_in(ana.page, anywhere.url, "Ana")
    imported(ana.page, anywhere.url)
    run = started(ana.page, anywhere.url)
    expect(ana.page.locator("#run-head")).to_contain_text("running", timeout=SPARK_MS)
    page.get_by_text("Rotate the secret").click()
    page.locator("details.rotate [name=access_key]").fill(KEY)
    page.locator("details.rotate [name=secret_key]").fill(NEXT)
    page.get_by_role("button", name="Rotate", exact=True).click()
    expect(page.locator("[aria-labelledby=versions-title]")).to_contain_text("for runs that began with it", timeout=60_000)
    expect(ana.page.locator("#run-head")).to_contain_text("running")
    expect(ana.page.locator("#run-head")).to_contain_text("succeeded", timeout=SPARK_MS)
    expect(ana.page.locator("main")).to_contain_text("lake_s3")
    again = started(ana.page, anywhere.url)
    assert run != again
    expect(ana.page.locator("#run-head")).to_contain_text("succeeded", timeout=SPARK_MS)
    page.reload()
    expect(page.locator("main")).to_contain_text(re.compile("Last given to (a run|run)"))
    assert SECRET not in page.content() and NEXT not in page.content()
    for width, theme in ((390, "dark"), (390, "light"), (1440, "dark")):
        other = screen(width=width, theme=theme)
        signed_in(other.page, anywhere.url, "Ada")
        other.page.goto(f"{settings}/connections/lake_s3")
        faults += other.faults()
    assert faults + ada.faults() + ana.faults() == []


def imported(page: Page, address: str) -> None:
    page.goto(f"{address}/p/flights/jobs/import-job")
    file = {"name": "from_archive.json", "mimeType": "text/json", "buffer": json.dumps(document()).encode()}
    page.set_input_files("input[type=file][name=file]", [file])
    page.locator("main").get_by_role("button", name=re.compile("Import")).click()
    expect(page.get_by_role("heading", name="from_archive")).to_be_visible()


def started(page: Page, address: str) -> str:
    """Ana runs the job; gives the address of its run."""
    page.goto(f"{address}/p/flights/jobs/from_archive/edit")
    expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    page.get_by_role("button", name=re.compile("^Run 1")).click()
    expect(page.locator("#run-head")).to_be_visible(timeout=60_000)
    return page.url
