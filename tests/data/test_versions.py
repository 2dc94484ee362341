"""The versions of Delta tables: what people are told of them, who may put one back, and what that does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.document.job import parse
from executor.files.delta_log import Log
from executor.problems import ProblemError
from executor.running.tables import table as work
from executor.stores.roots import roots_of
from portal.data.version_changes import Difference, stages_for
from tests import factories
from tests.executor.test_delta_log import PROTOCOL, SCHEMA, add, info, metadata, remove, write

if TYPE_CHECKING:
    from django.test import Client
    from rest_framework.test import APIClient

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment

pytestmark = pytest.mark.django_db
BrowserOf = Callable[..., "Client"]
PAGE = "/p/flights/data/dev/versions"
API = "/api/v1/projects/flights/environments/dev/table/"


@pytest.fixture
def contacts(lake: Path, dev: Environment, ana: User) -> Path:
    """Version 0: two rows. 1: three more. 2: one changed, one new."""
    run = factories.make_run(factories.make_version(factories.make_job(dev.project, ana)), dev, "succeeded")
    place = lake / "curated" / "contacts"
    write(place, 0, info(1_000), {"protocol": PROTOCOL}, metadata(), add("a.parquet", 2))
    said = {"userMetadata": f'{{"run_id": "{run.pk}", "label": "monday"}}'}
    write(place, 1, info(5_000, operationParameters={"mode": "Append"}, **said), add("b.parquet", 3))
    counted = {"numTargetRowsInserted": "1", "numTargetRowsUpdated": "1", "numTargetRowsDeleted": "0"}
    write(place, 2, info(9_000, operation="MERGE", operationMetrics=counted), remove("a.parquet"), add("c.parquet", 3))
    return place


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch, dev: Environment) -> None:
    """The programs behind the wall, in this process."""
    from portal.runs import launcher, preview_client

    async def answer(what: str, *, user: int, environment: int, values: dict[str, Any]) -> dict[str, Any]:
        given = {**values, "lake": str(launcher.settings.LAKE_DIR / "flights" / "dev")}
        try:
            with roots_of(given) as roots:
                if what == "put-back":
                    root, place = roots.at(given["uri"], "uri", writes=True)
                    return {"event": "put_back", "uri": given["uri"], **root.put_back(place, given["kept"], given["uri"], given["by"])}
                return work(given, roots, lambda *told: None)
        except ProblemError as error:
            return {"event": "problem", "problem": error.problems[0].as_dict()}

    monkeypatch.setattr(preview_client, "answer_over_files", answer)


def test_the_page_tells_what_was_done_by_whom_and_how_many_rows_that_brought(contacts: Path, ana: User, browser_of: BrowserOf) -> None:
    browser = browser_of(ana)
    assert "versions?uri=curated" in browser.get("/p/flights/data/dev/table", {"uri": "curated/contacts"}).content.decode()
    page = browser.get(PAGE, {"uri": "curated/contacts"}, headers={"HX-Request": "true"}).content.decode()
    for words in (
        "1 new",
        "1 changed",
        "3 new",
        "monday",
        "daily_delays",
        "Rows brought in by their keys",
        "Table made",
        "another program",
    ):
        assert words in page, words
    told = browser.get(f"{API}versions", {"uri": "curated/contacts"}).json()
    assert [(one["version"], one["added"], one["changed"], one["removed"], one["rows"]) for one in told["versions"]] == [
        (2, 1, 1, 0, 6),
        (1, 3, 0, 0, 5),
        (0, 2, 0, 0, 2),
    ]
    assert told["columns"] == [["id", "bigint"]] and (told["rows"], told["files"]) == (6, 2)


def test_what_counts_wrongly_is_not_told(contacts: Path, ana: User, browser_of: BrowserOf) -> None:
    """A run that merged twice: only the second merge stands in the commit."""
    counted = {"numTargetRowsInserted": "5", "numTargetRowsUpdated": "1", "numTargetRowsDeleted": "0"}
    write(contacts, 3, info(10_000, operation="MERGE", operationMetrics=counted), add("d.parquet", 9))
    newest = browser_of(ana).get(f"{API}versions", {"uri": "curated/contacts"}).json()["versions"][0]
    assert (newest["added"], newest["changed"], newest["removed"], newest["rows"]) == (None, None, None, 15)


def test_a_version_is_put_back_by_who_may_and_the_audit_says_so(
    contacts: Path, dev: Environment, ana: User, browser_of: BrowserOf, flights: Project
) -> None:
    from portal.audit.models import AuditEvent

    viewer = factories.make_person("vic", flights, "viewer", "data_viewer")
    assert browser_of(viewer).post(f"{PAGE}/put-back", {"uri": "curated/contacts", "version": "0"}).status_code == 404
    assert browser_of(ana).post(f"{PAGE}/put-back", {"uri": "curated/contacts", "version": "0"}).status_code == 302
    state = Log.of(contacts, "t").state()
    assert (state.version, state.rows) == (3, 2)
    newest = browser_of(ana).get(f"{API}versions", {"uri": "curated/contacts"}).json()["versions"][0]
    assert (newest["done"], newest["by"], newest["run"]) == ("Version 0 put back", ana.shown_name, None)
    told = AuditEvent.objects.filter(action="put_back_output", result="done").values_list("actor__username", "details__place")
    assert list(told) == [("ana", "curated/contacts")]
    again = browser_of(ana).post(f"{API}put-back", {"uri": "curated/contacts", "version": 77}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "kept-output-gone")


def test_nothing_is_put_back_while_a_run_writes_there(contacts: Path, dev: Environment, ana: User, browser_of: BrowserOf) -> None:
    document = {
        "stages": [
            {"type": "DelimitedExtract", "name": "r", "inputURI": "raw/*.csv", "outputView": "r"},
            {"type": "DeltaLakeLoad", "name": "w", "inputView": "r", "outputURI": "curated/contacts"},
        ]
    }
    version = factories.make_version(factories.make_job(dev.project, ana, "writer"), ana, document, live_in=("dev",))
    factories.make_run(version, dev, "running", fence=1)
    answer = browser_of(ana).post(f"{API}put-back", {"uri": "curated/contacts", "version": 0}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "place-in-use") and Log.of(contacts, "t").latest == 2


def test_what_cannot_be_believed_is_said_and_names_that_tell_values_are_not_shown(
    contacts: Path, flights: Project, browser_of: BrowserOf
) -> None:
    viewer = browser_of(factories.make_person("vic", flights, "viewer"))
    assert viewer.get(f"{API}versions", {"uri": "curated/contacts"}).json()["columns"] == []
    assert viewer.get(f"{API}versions", {"uri": "curated/contacts/paid=no"}).status_code == 404
    assert viewer.get(f"{API}versions", {"uri": "s3a://elsewhere/x"}).status_code == 422
    next((contacts / "_delta_log").glob("*1.json")).write_text("{")
    page = viewer.get(PAGE, {"uri": "curated/contacts"}, headers={"HX-Request": "true"}).content.decode()
    assert "damaged" in page and "Put back" not in page


# --- differences, rows, and work on the whole table -------------------------------------------------------------------------


def test_two_versions_are_compared_by_who_may_see_the_data(
    contacts: Path, dev: Environment, ana: User, browser_of: BrowserOf, flights: Project
) -> None:
    document = {
        "stages": [
            {"type": "DelimitedExtract", "name": "r", "inputURI": "raw/*.csv", "outputView": "r"},
            {"type": "MergeLoad", "name": "w", "inputView": "r", "outputURI": "curated/contacts", "keys": ["id"]},
        ]
    }
    factories.make_version(factories.make_job(dev.project, ana, "merger"), ana, document, live_in=("dev",))
    wider = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "city", "type": "string", "nullable": True, "metadata": {}}]}
    write(contacts, 3, info(10_000), metadata(schemaString=json.dumps(wider)))
    asked = {"uri": "curated/contacts", "version": 3, "against": 1}
    told = browser_of(ana).get(f"{API}difference", asked).json()
    assert (told["came"], told["went"], told["same"], told["keys"]) == ([["city", "string"]], [], [["id", "bigint"]], ["id"])
    assert (told["before"]["rows"], told["now"]["rows"], told["same_files"]) == (5, 6, 1)
    page = browser_of(ana).get(f"{PAGE}/version", asked).content.decode()
    assert "Rows brought in by their keys" in page and 'value="id" checked' in page.replace("\n", " ")
    viewer = factories.make_person("vic", flights, "viewer")
    for door in (f"{API}difference", f"{PAGE}/version"):
        assert browser_of(viewer).get(door, asked).status_code == 404
    wrong = browser_of(ana).post(f"{API}changes", asked | {"keys": ["nothing"]}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "keys-unknown")


def test_names_of_columns_stay_names_in_what_compares_rows() -> None:
    size = {"version": 0, "rows": None, "files": 0, "bytes": 0}
    columns = [["a`b", "string"], ["change", "map<string,int>"]]
    found = Difference(before=size, now=size | {"version": 1}, came=[], went=[], retyped=[], same=columns, keys=[], same_files=0)  # type: ignore[arg-type]
    *_, changes, answer = stages_for("curated/x", found, ["a`b"], counts=False)
    assert "gone.`a``b` <=> known.`a``b`" in changes["sql"] and "AS `change_`" in changes["sql"]
    assert answer["sql"] == "SELECT * FROM changes ORDER BY `a``b`, `change_` DESC"
    assert len(parse(json.dumps({"stages": stages_for("curated/x", found, [], counts=True)})).stages) == 6


def test_cleaning_up_says_what_goes_and_takes_no_more(
    contacts: Path, dev: Environment, ana: User, browser_of: BrowserOf, program_of: Callable[..., APIClient]
) -> None:
    from portal.audit.models import AuditEvent
    from portal.jobs.models import Place

    Place.objects.create(environment=dev, uri="curated/contacts", key="curated/contacts", kept=[{"id": "version-2"}, {"id": "version-1"}])
    for version in (3, 4):
        write(contacts, version, info(20_000 + version), add(f"more-{version}.parquet"))
    for file in contacts.glob("*.parquet"):
        os.utime(file, (1_000_000, 1_000_000))
    browser = browser_of(ana)
    page = browser.get(f"{PAGE}/clean-up", {"uri": "curated/contacts"}).content.decode()
    assert "1 file goes" in page and "0 to 1" in page and "monday" in page
    plan = browser.get(f"{API}clean-up", {"uri": "curated/contacts"}).json()
    assert (plan["files"], plan["gone"], plan["labels"], plan["keep_from"]) == (1, [[0, 1]], ["monday"], 2)
    asked = {"uri": "curated/contacts", "until": plan["until"], "keep_from": 0}
    refused = program_of(ana, "read", "run").post(f"{API}clean-up", asked, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "token-scope")
    assert browser.post(f"{API}clean-up", asked, content_type="application/json").json()["files"] == 0
    assert browser.post(f"{PAGE}/clean-up", asked | {"keep_from": 2}).status_code == 302
    assert not (contacts / "a.parquet").exists() and Log.of(contacts, "t").latest == 5
    newest, *_, last = browser.get(f"{API}versions", {"uri": "curated/contacts"}).json()["versions"]
    assert (newest["done"], newest["by"], last["is_readable"]) == ("Old files cleaned up", ana.shown_name, False)
    assert [row["id"] for row in Place.objects.get().kept] == ["version-2"]  # nor on the pages of runs
    (told,) = AuditEvent.objects.filter(action="clean_up_table", details__files=1)
    assert told.details["gone"] == [[0, 1]] and told.actor == ana
    soon = browser.post(f"{API}clean-up", asked | {"until": "2999-01-01T00:00:00Z"}, content_type="application/json")
    assert soon.json()["code"] == "values-wrong"


def test_nothing_is_cleaned_up_while_a_run_reads_the_table(contacts: Path, dev: Environment, ana: User, browser_of: BrowserOf) -> None:
    document = {"stages": [{"type": "DeltaLakeExtract", "name": "r", "inputURI": "curated/contacts", "outputView": "r", "versionAsOf": 0}]}
    version = factories.make_version(factories.make_job(dev.project, ana, "reader"), ana, document, live_in=("dev",))
    factories.make_run(version, dev, "running", fence=1)
    asked = {"uri": "curated/contacts", "until": "2020-01-01T00:00:00Z", "keep_from": 0}
    answer = browser_of(ana).post(f"{API}clean-up", asked, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "place-in-use")
