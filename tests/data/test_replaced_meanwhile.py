"""A page that was opened before somebody put another table or file at its place does nothing to that."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from executor.put_back import put_back
from portal.accounts.models import User
from portal.data.models import FileVersion
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Place
from portal.runs import table_actions
from tests.data.programs import WORK, in_this_process
from tests.executor.test_delta_log import PROTOCOL, add, info, metadata, write

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/p/flights/data/dev/"
API = "/api/v1/projects/flights/environments/dev/table/"
URI = "curated/sales"


def put_table(place: Path, table_id: str) -> None:
    shutil.rmtree(place, ignore_errors=True)
    write(place, 0, info(1_000), {"protocol": PROTOCOL}, metadata(id=table_id), add("a.parquet", 2))
    write(place, 1, info(5_000), add("b.parquet", 3))


@pytest.fixture
def table(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    in_this_process(monkeypatch)
    put_table(lake / URI, "one")
    return lake / URI


def versions_in(table: Path) -> int:
    return len(list((table / "_delta_log").glob("*.json")))


def test_forms_and_links_of_a_tables_page_say_which_table_they_are_about(table: Path, dev: Environment, ana: User, browser_of: Any) -> None:
    page = browser_of(ana).get(f"{PAGE}versions?uri={URI}", headers={"HX-Request": "true"}).text
    links = re.findall(r'href="([^"]*(?:version\?|clean-up\?)[^"]*)"', page)
    assert len(links) >= 3 and all("table=one" in link for link in links), links
    assert page.count('name="version"') == page.count('name="table" value="one"') == 1
    for path in (
        f"versions/version?uri={URI}&version=1&table=one",
        f"versions/clean-up?uri={URI}&table=one",
        f"versions/optimize?uri={URI}",
    ):
        shown = browser_of(ana).get(PAGE + path)
        assert shown.status_code == 200 and "another table" not in shown.text
        assert 'value="one"' in shown.text or "table=one" in shown.text, path


def test_the_first_version_is_compared_with_none(table: Path, dev: Environment, ana: User, browser_of: Any) -> None:
    def heads(asked: str) -> bool:
        page = browser_of(ana).get(f"{PAGE}versions/version?uri={URI}&{asked}").text
        assert "Rows as of version" in page
        return "What is other than" in page

    assert [heads(asked) for asked in ("version=0", "version=1", "version=0&against=1")] == [False, True, True]


def test_nothing_is_done_to_the_table_that_lies_there_by_now(table: Path, dev: Environment, ana: User, browser_of: Any) -> None:
    browser = browser_of(ana)
    put_table(table, "two")
    asked = {"uri": URI, "version": "0", "table": "one"}
    assert "is another table by now" in browser.post(f"{PAGE}versions/put-back", asked, follow=True).text
    cleaned = {"uri": URI, "until": "2020-01-01T00:00:00Z", "keep_from": "1", "table": "one"}
    assert "is another table by now" in browser.post(f"{PAGE}versions/clean-up", cleaned, follow=True).text
    for path in (f"versions/version?uri={URI}&version=1&table=one", f"versions/clean-up?uri={URI}&table=one"):
        assert "is another table by now" in browser.get(PAGE + path).text, path
    assert versions_in(table) == 2


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("put-back", {"version": 0}),
        ("clean-up", {"until": "2020-01-01T00:00:00Z", "keep_from": 1}),
        ("rows", {"version": 0}),
        ("changes", {"version": 1, "against": 0}),
    ],
)
def test_nor_by_api(table: Path, ana: User, program_of: Callable[..., Any], path: str, given: dict[str, Any]) -> None:
    program = program_of(ana, "read", "run", "write")
    assert program.get(f"{API}versions?uri={URI}").json()["table"] == "one"
    put_table(table, "two")
    told = program.post(API + path, {"uri": URI, "table": "one", **given}, format="json")
    assert (told.status_code, told.json()["code"]) == (409, "table-replaced") and versions_in(table) == 2
    assert program.get(f"{API}difference?uri={URI}&version=1&against=0&table=one").json()["code"] == "table-replaced"


@pytest.mark.parametrize("is_published", [False, True])
def test_a_version_is_put_back_where_it_is_known_what_came_after_it(
    table: Path,
    lake: Path,
    dev: Environment,
    ana: User,
    browser_of: Any,
    program_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    is_published: bool,
) -> None:
    """A page of versions was opened, and then a run has published one more: nobody undoes what they have not seen."""
    if is_published:
        Place.objects.create(environment=dev, uri=URI, key=URI)
        monkeypatch.setitem(WORK, "put-back", put_back_in(lake))
    browser, program = browser_of(ana), program_of(ana, "read", "run")
    page = browser.get(f"{PAGE}versions?uri={URI}", headers={"HX-Request": "true"}).text
    [latest] = re.findall(r'name="latest" value="([^"]+)"', page)
    assert latest == "1"
    write(table, 2, info(9_000), add("c.parquet", 4))
    asked = {"uri": URI, "version": "0", "table": "one", "latest": latest}
    answer = browser.post(f"{PAGE}versions/put-back", asked, follow=True).text
    assert "has version 2 by now; the newest was 1 when this page was opened" in answer and versions_in(table) == 3
    told = program.post(f"{API}put-back", asked, format="json")
    assert (told.status_code, told.json()["code"], versions_in(table)) == (409, "table-changed", 3)
    assert "This is no number" in browser.post(f"{PAGE}versions/put-back", asked | {"latest": "x"}, follow=True).text
    assert versions_in(table) == 3


def put_back_in(lake: Path) -> Callable[..., dict[str, Any]]:
    """The program that puts outputs back, with what it is told."""

    def work(given: dict[str, Any], roots: Any, tell: Any) -> dict[str, Any]:
        answers = StringIO()
        put_back(StringIO(json.dumps({"lake": str(lake), **{name: given[name] for name in ("uri", "kept", "table", "latest")}})), answers)
        return dict(json.loads(answers.getvalue()))

    return work


def test_a_file_that_was_replaced_since_is_not_put_back_to_before(
    lake: Path, dev: Environment, ana: User, bring: Callable[..., FileVersion], browser_of: Any
) -> None:
    first = bring("a.csv", b"n\n1\n")
    bring("a.csv", b"n\n1\n2\n", if_there="new_version")
    browser = browser_of(ana)
    page = browser.get(f"{PAGE}table?uri=raw/a.csv").text
    [seen] = re.findall(r'name="seen" value="([^"]+)">\s*<button class="btn sm" name="version"', page)
    bring("a.csv", b"n\n3\n", if_there="new_version")
    answer = browser.post(f"{PAGE}put-back", {"version": first.pk, "seen": seen}, follow=True).text
    assert "is another one by now" in answer and (lake / "raw/a.csv").read_bytes() == b"n\n3\n"
    browser.post(f"{PAGE}put-back", {"version": first.pk})
    assert (lake / "raw/a.csv").read_bytes() == b"n\n1\n"


@pytest.mark.parametrize("button", ["rename", "delete"])
def test_a_file_that_was_replaced_since_is_neither_renamed_nor_deleted(
    lake: Path, dev: Environment, ana: User, bring: Callable[..., FileVersion], browser_of: Any, button: str
) -> None:
    bring("a.csv", b"n\n1\n")
    browser = browser_of(ana)
    seen = re.findall(r'name="seen" value="([^"]+)"', browser.get(f"{PAGE}table?uri=raw/a.csv").text)
    assert len(set(seen)) == 1 and len(seen) == 2
    bring("a.csv", b"n\n1\n2\n", if_there="replace")
    asked = {"uri": "raw/a.csv", "to": "raw/b.csv", "seen": seen[0]}
    assert "is another one by now" in browser.post(f"{PAGE}{button}", asked, follow=True).text
    assert (lake / "raw/a.csv").exists() and not (lake / "raw/b.csv").exists()
    del asked["seen"]
    browser.post(f"{PAGE}{button}", asked)
    assert not (lake / "raw/a.csv").exists()


def test_who_puts_files_together_hears_that_it_could_not_begin(
    lake: Path, olu: User, dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what goes wrong does so before any program is asked: nobody waits for ever."""

    def full(environment: Any, uri: str) -> Any:
        raise PortalError("The disk is full.", code="disk-full")

    monkeypatch.setattr("portal.runs.table_actions.changing", full)
    with pytest.raises(PortalError, match="disk is full"):
        async_to_sync(_first)(olu, dev)


async def _first(person: Any, environment: Any) -> Any:
    work = table_actions.optimize(actor=person, environment=environment, uri=URI)
    return await asyncio.wait_for(anext(work), timeout=20)
