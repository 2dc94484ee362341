"""The editor in a real browser: problems while typing, autosave, versions, and nothing lost when a session ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import SIZES, Screen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Screen]
SAVED = re.compile("· saved")  # “not saved yet” is another state


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.OBJECT_STORE = str(tmp_path / "objects")
    settings.LAKE_DIR = tmp_path / "lake"
    raw = settings.LAKE_DIR / "flights" / "dev" / "raw"
    raw.mkdir(parents=True)
    (raw / "flights.csv").write_text("origin,dep_delay\nEWR,4\n")


@pytest.fixture
def job(ana: Any, flights: Any) -> Any:
    """Version 1 reads, counts and writes."""
    from portal.jobs import actions
    from tests.factories import DOCUMENT

    made = actions.create_job(actor=ana, project=flights, name="daily_delays")
    actions.save_version(actor=ana, job=made, document=json.dumps(DOCUMENT), message="First", base_version=None)
    made.refresh_from_db()
    return made


@pytest.fixture
def editor(live_server: LiveServer, job: Any, settings: Any, browser_of: Any, ana: Any) -> Iterator[Callable[..., Page]]:
    """Opens the editor of the job at its second stage, a query. There is no preview service here."""
    opened: list[Page] = []

    def open_editor(screen: Screen, stage: int = 1) -> Page:
        page = screen.page
        opened.append(page)
        cookie = browser_of(ana).cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}])
        page.route("**/preview/warm", lambda route: route.fulfill(status=200, body=""))
        page.goto(f"{live_server.url}/p/flights/jobs/daily_delays/edit?stage={stage}")
        expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
        return page

    yield open_editor
    for page in opened:  # nothing may still be asking when the tables are emptied
        page.goto("about:blank")
        page.wait_for_timeout(300)


def type_sql(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="SQL").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def test_a_typo_is_told_while_typing_and_mended_by_its_button(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    expect(page.get_by_role("textbox", name="SQL")).to_be_focused()
    type_sql(page, "SELECT origin FROM flihgts")
    expect(page.locator(".tips .tip")).to_contain_text("No stage makes the view “flihgts”.")
    expect(page.locator("#problem-chip")).to_have_text(re.compile("1 problem"))
    page.locator(".tips").get_by_role("button", name="Replace").click()
    expect(page.locator(".cm-content")).to_have_text("SELECT origin FROM flights")
    expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))


def test_a_field_that_only_warns_looks_like_a_warning_and_not_wrong(
    screen: Open, editor: Callable[..., Page], ada: Any, dev: Any, prod: Any
) -> None:
    from tests.environments.connected import make_root, make_s3

    make_root(ada, make_s3(ada, dev), name="archive")  # in dev, and not in prod
    page = editor(screen(), stage=0)
    field = page.locator("#field-inputURI")
    field.fill("archive:flights.csv")
    expect(page.locator("#field-inputURI-wrong")).to_contain_text("no root “archive” in prod")
    expect(page.locator("#field-inputURI-wrong .warn .ti-alert-triangle")).to_have_count(2)
    expect(field).to_have_attribute("aria-invalid", "false")
    field.fill("arhcive:flights.csv")
    expect(page.locator("#field-inputURI-wrong .wrong:not(.warn)").first).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")


def test_a_draft_is_saved_by_itself_and_a_version_by_ctrl_s(screen: Open, editor: Callable[..., Page], job: Any) -> None:
    page = editor(screen())
    type_sql(page, "SELECT origin, 1 AS one FROM flights")
    expect(page.locator("#draft-state")).to_contain_text(SAVED)
    page.reload()
    expect(page.locator(".cm-content")).to_have_text("SELECT origin, 1 AS one FROM flights")
    page.keyboard.press("Control+s")
    page.get_by_label("Message").fill("One more column")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved v2. It is live in dev.")).to_be_visible()
    job.refresh_from_db()
    assert (job.latest_version.number, job.latest_version.message) == (2, "One more column")
    assert "1 AS one" in job.latest_version.document
    assert not job.drafts.exists()


def test_a_second_window_does_not_bring_a_saved_draft_back_unless_its_author_says_so(
    screen: Open, editor: Callable[..., Page], job: Any
) -> None:
    first = editor(screen())
    second = first.context.new_page()
    second.goto(first.url)
    type_sql(first, "SELECT origin, 1 AS of_first FROM flights")
    first.keyboard.press("Control+s")
    first.get_by_label("Message").fill("First window")
    first.keyboard.press("Enter")
    expect(first.get_by_text("Saved v2. It is live in dev.")).to_be_visible()

    type_sql(second, "SELECT origin, 2 AS of_second FROM flights")
    dialog = second.get_by_role("dialog", name="This draft was finished in another window")
    expect(dialog).to_be_visible()
    assert not job.drafts.exists()
    dialog.get_by_role("button", name="Keep mine").click()
    expect(second.locator("#draft-state")).to_contain_text(SAVED)
    draft = job.drafts.get()
    assert ("of_second" in draft.document, draft.base_version.number) == (True, 1)
    second.close()


def test_a_version_waits_for_the_autosave_that_is_on_its_way(screen: Open, editor: Callable[..., Page], job: Any) -> None:
    page = editor(screen())

    def slowly(route: Any) -> None:
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/draft", slowly)
    type_sql(page, "SELECT origin, 1 AS slow FROM flights")
    page.keyboard.press("Control+s")
    page.get_by_label("Message").fill("Slow")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved v2. It is live in dev.")).to_be_visible()
    page.wait_for_timeout(2500)
    assert not job.drafts.exists()


def test_saving_proposes_a_message_and_shows_what_changes(screen: Open, editor: Callable[..., Page], job: Any) -> None:
    page = editor(screen())
    type_sql(page, "SELECT origin, 2 AS two FROM flights WHERE origin = NULL")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("Message")).to_have_value("Changed stage by_origin")
    expect(page.get_by_role("dialog")).to_contain_text("is never true")  # a warning stops nobody
    changed = page.get_by_role("group", name="What changed")
    expect(changed.locator(".cm-insertedLine, .cm-changedLine").first).to_contain_text("2 AS two")
    page.keyboard.press("Escape")
    job.refresh_from_db()
    assert job.latest_version.number == 1


def test_another_name_for_a_view_reaches_what_reads_it_and_goes_back_in_one_step(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen(), stage=0)
    expect(page.locator("#stage-list [aria-current]")).to_be_focused()  # not the page's top: who has a keyboard alone begins here
    page.get_by_label("View", exact=True).fill("trips")
    page.keyboard.press("Tab")
    expect(page.locator("#toasts")).to_contain_text("1 stage that read flights now reads trips.")
    expect(page.locator("#problem-chip")).to_have_text(re.compile("no problems"))
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("View", exact=True)).to_have_value("flights")
    page.locator("#stage-list .stage").nth(1).click()
    expect(page.locator(".cm-content")).to_contain_text("FROM flights")


def test_behind_from_only_views_are_offered(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    type_sql(page, "SELECT 1 FROM ")
    page.keyboard.press("Control+Space")
    expect(page.locator(".cm-tooltip-autocomplete li")).to_have_text(["flightsview"])


def test_the_palette_goes_where_fast_typing_says(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    page.locator("#stage-list [aria-current]").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("new job")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/jobs/new|/jobs/create"))


def test_menus_stay_on_a_phones_screen(screen: Open, editor: Callable[..., Page], visit: Callable[..., Page], ana: Any) -> None:
    shown = screen(width=390)
    editor(shown)
    for path in ("/p/flights/jobs/daily_delays", "/p/flights/jobs/daily_delays/edit"):
        page = visit(shown, ana, path)
        for menu in page.locator("main details.menu").all():
            menu.locator("summary").click()
            box = menu.locator(".menu-items").bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, path
            page.keyboard.press("Escape")


def test_stages_are_added_moved_deleted_and_all_of_it_undone(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    names = page.locator("#stage-list .t")
    page.get_by_role("button", name="Add a stage", exact=True).last.click()
    page.get_by_role("combobox", name="Find a stage type").fill("sqlvalidate")
    page.keyboard.press("Enter")
    expect(names).to_have_text(["flights", "by_origin", "there_are_rows", "write"])
    page.locator("#stage-list [aria-current]").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(names).to_have_text(["flights", "by_origin", "write", "there_are_rows"])
    page.keyboard.press("Delete")
    expect(names).to_have_count(3)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(names).to_have_count(4)
    page.locator("#stage-list .stage").first.focus()
    page.keyboard.press("Delete")  # a query comes into its place
    expect(names).to_have_text(["by_origin", "write", "there_are_rows"])
    page.keyboard.press("Control+z")
    expect(names).to_have_count(4)
    page.locator("#stage-list [aria-current]").focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(names).to_have_text(["flights", "by_origin", "write"])


def test_a_new_load_writes_to_a_place_named_after_the_view(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    page.get_by_role("button", name="Add a stage", exact=True).last.click()
    page.get_by_role("combobox", name="Find a stage type").fill("parquetload")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Input view")).to_have_value("by_origin")
    expect(page.get_by_label("Folder", exact=True)).to_have_value("curated/by_origin_2")  # the first is what the job has already


def test_two_clicks_on_run_are_one_run(screen: Open, editor: Callable[..., Page], job: Any, visit: Callable[..., Page], ana: Any) -> None:
    shown = screen()
    page = editor(shown)
    page.locator("#run-button").dblclick()
    expect(page.locator("#run-head")).to_contain_text("queued")
    assert job.runs.count() == 1

    visit(shown, ana, "/p/flights/jobs/daily_delays/run")
    page.get_by_role("button", name="Run v1 in dev").dblclick()
    expect(page.locator("#run-head")).to_contain_text("queued")
    assert job.runs.count() == 2


def test_broken_json_is_told_with_its_place_and_is_not_lost(screen: Open, editor: Callable[..., Page], job: Any) -> None:
    page = editor(screen())
    page_before = page.request.get(page.url).text()
    page.get_by_role("button", name="JSON").click()
    page.get_by_role("textbox", name="Job document as JSON").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("oops ")
    page.locator("#problem-chip").click()
    expect(page.locator("#panel-problems")).to_contain_text("not JSON")
    expect(page.locator("#panel-problems")).to_contain_text("line 1:1")
    expect(page.locator("#draft-state")).to_contain_text(SAVED)

    # a reload that the server answered before the draft arrived there
    page.route(page.url, lambda route: route.fulfill(body=page_before, content_type="text/html"), times=1)
    page.reload()
    expect(page.locator("#json-pane .cm-content")).to_contain_text("oops {")


def test_what_is_typed_when_the_session_has_ended_is_kept_and_sent_later(
    screen: Open, editor: Callable[..., Page], job: Any, settings: Any
) -> None:
    page = editor(screen())
    [session] = [cookie for cookie in page.context.cookies() if cookie["name"] == settings.SESSION_COOKIE_NAME]
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    type_sql(page, "SELECT origin AS kept FROM flights")
    expect(page.locator("#draft-banner")).to_contain_text("no longer signed in. Your draft is kept in this browser")
    assert not job.drafts.exists()
    page.context.add_cookies([session])  # type: ignore[list-item]
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#draft-state")).to_contain_text(SAVED)
    expect(page.locator("#draft-banner")).to_be_hidden()
    assert "AS kept" in job.drafts.get().document


def test_a_password_in_a_stage_becomes_a_connection_in_two_clicks(screen: Open, editor: Callable[..., Page], job: Any, ana: Any) -> None:
    """It goes into the sealed field, once, and is nowhere after that: not in the draft, and not behind Ctrl Z."""
    from portal.accounts.models import Membership
    from portal.environments import sealing
    from portal.environments.models import Connection
    from portal.jobs.models import Draft

    Membership.objects.create(user=ana, project=job.project, role="environment_admin", environment="dev")
    secret, page, holding = "c4nary-S3cret", editor(screen()), []
    page.on("request", lambda sent: holding.append(sent.url) if secret in (sent.post_data or "") + sent.url else None)
    stage = {"type": "JDBCExtract", "name": "o", "tableName": "t", "outputView": "o"}
    url = f"jdbc:postgresql://sluice:{secret}@db.example.org:6432/shop"
    page.get_by_role("button", name="JSON").click()
    page.get_by_role("textbox", name="Job document as JSON").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps({"stages": [{**stage, "jdbcURL": url}]}))
    page.locator("#problem-chip").click()
    page.get_by_role("button", name="Make a connection from it").first.click()
    expect(page.get_by_label("Host")).to_have_value("db.example.org")
    expect(page.get_by_label("Password")).to_have_value(secret)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("shop is made in dev.")).to_be_visible()
    made = Connection.objects.get()
    assert (made.name, made.settings["port"], sealing.opened(made, used_by="x")) == ("shop", 6432, {"password": secret})
    holding.clear()
    page.keyboard.press("Control+z")
    expect(page.locator("#draft-state")).to_contain_text(SAVED)
    page.wait_for_function("() => !document.body.innerText.includes('Make a connection from it')")
    document = json.loads(Draft.objects.get(user=ana).document)
    assert document["stages"] == [{**stage, "connection": "shop"}] and holding == []


def test_what_belongs_to_a_choice_stands_below_it(screen: Open, editor: Callable[..., Page], job: Any, ana: Any) -> None:
    from portal.jobs import actions

    document = json.loads(job.latest_version.document)
    merge = {
        "type": "MergeLoad",
        "name": "m",
        "outputURI": "curated/m",
        "keys": ["origin"],
        "matchedWhere": "source.origin > target.origin",
    }
    document["stages"][2] = {**merge, "inputView": document["stages"][2]["inputView"]}
    actions.save_draft(actor=ana, job=job, document=json.dumps(document), revision=0)
    shown = screen()
    page = editor(shown, 2)
    expect(page.get_by_label("Rows in both: only where")).to_be_visible()  # it says something
    new = page.get_by_label("New rows: only where")
    expect(new).to_be_hidden()
    page.get_by_role("button", name="More fields").click()
    expect(new).to_be_visible()
    assert shown.faults() == []
    page.get_by_label("Rows that are new").select_option("leave")
    expect(new).to_be_hidden()
    page.get_by_label("Rows that are in both").select_option("leave")
    expect(page.get_by_label("Rows in both: only where")).to_be_visible()
    expect(page.get_by_text("“matchedWhere” is set, but “matched” is not update or delete.").first).to_be_visible()


def test_two_people_saving_at_once_choose_stage_by_stage(screen: Open, editor: Callable[..., Page], job: Any, ben: Any) -> None:
    from portal.jobs import actions

    page = editor(screen())
    type_sql(page, "SELECT origin, 2 AS by_ana FROM flights")
    theirs = json.loads(job.latest_version.document)
    theirs["stages"][1]["sql"] = "SELECT origin, 3 AS by_ben FROM flights"
    theirs["stages"][2]["outputURI"] = "curated/by_ben"
    actions.save_version(actor=ben, job=job, document=json.dumps(theirs), message="Ben's", base_version=1)
    page.keyboard.press("Control+s")
    page.get_by_label("Message").fill("Ana's")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ben saved v2 while you worked")
    expect(dialog.get_by_role("button", name="Bring together")).to_be_disabled()
    dialog.locator("tr", has_text="both changed").get_by_role("radio").last.check()
    dialog.get_by_role("button", name="Bring together").click()
    expect(page.get_by_label("Message")).to_have_value("Ana's")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved v3.")).to_be_visible()
    job.refresh_from_db()
    assert "by_ana" in job.latest_version.document
    assert "curated/by_ben" in job.latest_version.document


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_editor_is_accessible_and_fits(screen: Open, editor: Callable[..., Page], width: int, theme: str) -> None:
    shown = screen(width=width, theme=theme)
    page = editor(shown)
    page.locator("#sources .source").first.wait_for()
    assert shown.faults() == []
    page.locator("#stage-list .stage").first.click()
    assert shown.faults() == []
    page.locator("#stage-list .stage").first.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("preview the chosen stage")
    assert shown.faults() == []


def test_numbers_compared_as_text_are_mended_with_one_click(screen: Open, editor: Callable[..., Page]) -> None:
    page = editor(screen())
    sql = "SELECT origin, count(*) AS flights FROM flights GROUP BY origin"
    start = sql.index("origin")
    edit = {"start": start, "end": start + 6, "text": "CAST(origin AS BIGINT)", "says": "Compare as numbers"}
    hint = {"code": "numbers-by-letters", "message": "Text.", "field": "sql", "found": "origin", "severity": "warning", "edit": edit}
    told = {"event": "value_warnings", "stage_index": 1, "stage": "by_origin", "words": "2 of 2 rows have values.", "hints": [hint]}
    rows = {"event": "rows", "stage_index": 1, "view": "v", "columns": [], "rows": [], "complete": True, "input": "full", "duration_ms": 1}
    page.route("**/preview", lambda route: route.fulfill(status=200, body="\n".join(json.dumps(one) for one in (told, rows))))
    page.route("**/analyse", lambda route: route.fulfill(status=200, body='{"event": "analysed", "columns": {}}'))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("2 of 2 rows have values.")).to_be_visible()
    page.wait_for_timeout(1200)  # Spark's own look at the document comes behind the rows, and takes nothing of the hint away
    page.get_by_role("button", name="Compare as numbers").first.click()
    expect(page.locator(".cm-content").first).to_contain_text("CAST(origin AS BIGINT)")
    expect(page.get_by_role("button", name="Compare as numbers")).to_have_count(0)


def test_roots_are_browsed_and_completed_while_an_address_is_typed(
    screen: Open, editor: Callable[..., Page], job: Any, ada: Any, dev: Any
) -> None:
    """What lies in the root is said here in place of the program behind the wall."""
    from tests.environments.connected import make_root, make_s3

    make_root(ada, make_s3(ada, dev), "archive", "s3a://acme-lake/prod/")
    shown = screen()

    def entry(uri: str, *, is_folder: bool = False) -> dict[str, Any]:
        reader = None if is_folder else "ParquetExtract"
        return {"name": uri.rpartition("/")[2].rpartition(":")[2], "uri": uri, "is_folder": is_folder, "stage_type": reader, "bytes": None}

    def answer(route: Any) -> None:
        inside = "2013" in route.request.url
        found = [entry("archive:2013/x.parquet")] if inside else [entry("archive:2013", is_folder=True), entry("archive:y.parquet")]
        told = {"entries": found, "more": False, "is_table": inside}
        route.fulfill(status=200, body=json.dumps(told), content_type="application/json")

    shown.page.route("**/folder?*", answer)
    page = editor(shown, 0)
    roots = page.get_by_role("list", name="Roots of dev")
    expect(roots.get_by_role("button")).to_have_text(["lake", re.compile("archive.*read only")])
    page.get_by_label("File", exact=True).fill("archive:2013/")
    expect(page.locator("datalist option[value='archive:']").first).to_be_attached()
    expect(page.locator("datalist option[value='archive:2013/x.parquet']").first).to_be_attached()
    page.keyboard.press("Control+z")
    roots.get_by_role("button", name="archive").click()
    page.locator("#sources").get_by_role("button", name="2013").click()
    expect(page.locator("#sources")).to_contain_text("archive:2013")
    assert shown.faults() == []
    page.locator("#sources").get_by_role("button", name="x.parquet").click()
    expect(page.get_by_label("File", exact=True)).to_have_value("archive:2013/x.parquet")
    page.locator("#sources").get_by_role("button", name="as one table").click()
    expect(page.get_by_label("File", exact=True)).to_have_value("archive:2013")


def test_the_tables_of_a_database_are_offered_while_one_is_named(
    screen: Open, editor: Callable[..., Page], job: Any, ana: Any, ada: Any, dev: Any
) -> None:
    from portal.environments import connections
    from portal.jobs import actions

    settings = {"host": "db.example.org", "database": "shop", "user": "ana"}
    connections.add_connection(
        actor=ada, environment=dev, name="shop", kind="postgresql", settings=settings, secrets={"password": "a-word-of-shop"}
    )
    document = json.loads(job.latest_version.document)
    document["stages"].insert(
        0, {"type": "JDBCExtract", "name": "orders", "connection": "shop", "tableName": "ord", "outputView": "orders"}
    )
    actions.save_version(actor=ana, job=job, document=json.dumps(document), message="A table", base_version=1)
    asked: list[Any] = []

    def answer(route: Any) -> None:
        asked.append(route.request.post_data_json["document"]["stages"])
        route.fulfill(status=200, body=json.dumps({"event": "tables", "tables": ["orders", 'sales."two words"'], "last": True}))

    shown = screen()
    shown.page.route("**/preview/tables", answer)
    page = editor(shown, stage=0)
    field = page.locator("#field-tableName")
    field.fill("orde")
    expect(page.locator("#field-tableName-list option")).to_have_count(2)
    values = page.locator("#field-tableName-list option").evaluate_all("all => all.map(one => one.value)")
    assert values == ["orders", 'sales."two words"']
    assert [(one["type"], one["connection"]) for (one,) in asked] == [("JDBCExtract", "shop")]
