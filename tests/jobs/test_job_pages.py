"""The pages of a job: overview, version, differences, editor; and what a click on them does."""

from __future__ import annotations

import json
import re

import pytest

from portal.jobs import actions
from tests.factories import DOCUMENT, make_version

pytestmark = pytest.mark.django_db
BAD = '<script>alert("x")</script>'


@pytest.fixture
def page(ana, job, browser_of):
    """`page("versions/1")` is that page of the job, as Ana sees it."""
    return lambda path="", person=ana: browser_of(person).get(f"/p/flights/jobs/daily_delays/{path}").content.decode()


def test_the_job_in_plain_words_its_versions_and_where_it_is_live(page):
    shown = page()
    assert "Reads raw/flights.csv as flights." in shown
    assert "Writes by_origin to curated/by_origin." in shown
    assert "First" in shown
    assert 'data-env="dev"' in shown


def test_buttons_are_those_a_person_may_press(page, vic, olu):
    assert "Edit</a>" in page()
    assert "Edit</a>" not in page(person=vic)
    assert "jobs/daily_delays/run" in page(person=olu)
    assert "jobs/daily_delays/run" not in page(person=vic)


def test_a_version_shows_its_document_and_gives_it_as_a_file(ana, job, page, browser_of):
    assert "SELECT origin, count(*) AS flights" in page("versions/1")
    answer = browser_of(ana).get("/p/flights/jobs/daily_delays/versions/1.json?download=1")
    assert answer.content.decode() == job.latest_version.document
    assert answer["Content-Disposition"] == 'attachment; filename="daily_delays.v1.json"'


def test_two_versions_side_by_side(ana, job, page, changed):
    actions.save_version(actor=ana, job=job, document=changed("SELECT dest FROM flights"), message="", base_version=1)
    shown = page("diff?from=1&to=2")
    assert "1 changed · 2 the same" in shown
    assert "SELECT dest FROM flights" in shown
    assert "v1 → v2" in page("diff")


def test_restore_can_be_undone_with_the_next_click(ana, job, changed, browser_of):
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    browser = browser_of(ana)
    answer = browser.post("/p/flights/jobs/daily_delays/versions/1/restore")
    assert answer["Location"] == "/p/flights/jobs/daily_delays/?restored=2"
    assert "Undo: restore v2" in browser.get(answer["Location"]).content.decode()
    job.refresh_from_db()
    assert (job.latest_version.number, job.latest_version.restored_from.number) == (3, 1)


def test_a_version_that_is_not_there_looks_like_nothing(ana, job, browser_of):
    for path in ("versions/9", "versions/9.json", "diff?from=1&to=9", "diff?from=x&to=99999999999"):
        assert browser_of(ana).get(f"/p/flights/jobs/daily_delays/{path}").status_code in (200, 404)
    assert browser_of(ana).get("/p/flights/jobs/daily_delays/versions/9").status_code == 404


@pytest.mark.parametrize("path", ["", "edit", "versions/1", "diff", "draft", "sources", "presence", "versions"])
def test_strangers_see_none_of_it(outsider, job, browser_of, path):
    assert browser_of(outsider).get(f"/p/flights/jobs/daily_delays/{path}").status_code == 404


@pytest.mark.parametrize("path", ["edit", "draft", "sources"])
def test_viewers_have_no_editor(vic, job, browser_of, path):
    assert browser_of(vic).get(f"/p/flights/jobs/daily_delays/{path}").status_code == 404


def test_the_editor_knows_every_stage_type_its_form_and_the_draft(ana, job, page):
    actions.save_draft(actor=ana, job=job, document='{"broken', revision=0)
    config = json.loads(re.search(r'<script id="editor-config" type="application/json">(.*?)</script>', page("edit"), re.S)[1])
    assert {"DelimitedExtract", "SQLTransform", "ParquetLoad"} <= {kind["type"] for kind in config["types"]}
    assert all(kind["words"] and kind["example"] and kind["fields"] for kind in config["types"])
    assert (config["document"], config["revision"], config["base_version"]) == ('{"broken', 1, 1)


def test_markup_in_a_document_is_text_on_every_page(ana, flights, job, page):
    document = {"stages": [DOCUMENT["stages"][0] | {"name": BAD, "description": BAD, "inputURI": BAD}], "description": BAD}
    make_version(job, document=document, message=BAD)
    actions.save_draft(actor=ana, job=job, document=json.dumps(document), revision=0)
    for path in ("", "versions/2", "diff?from=1&to=2", "edit"):
        shown = page(path)
        assert "<script>alert" not in shown, path
        assert "alert(" in shown, path


def test_sources_are_the_files_of_the_lowest_environment_and_nothing_outside(ana, job, settings, tmp_path, browser_of):
    settings.LAKE_DIR = tmp_path / "lake"
    lake = settings.LAKE_DIR / "flights" / "dev"
    (lake / "raw").mkdir(parents=True)
    (lake / "raw" / "flights.csv.gz").write_bytes(b"")
    (lake / "curated" / "daily").mkdir(parents=True)
    (lake / "curated" / "daily" / "part-0.parquet").write_bytes(b"")
    (lake / ".sluice-staging").mkdir()
    (lake / "raw" / "secret").symlink_to("/etc/passwd")
    found = browser_of(ana).get("/p/flights/jobs/daily_delays/sources").json()["sources"]
    assert [(source["uri"], source["stage_type"]) for source in found] == [
        ("curated/daily", "ParquetExtract"),
        ("raw/flights.csv.gz", "DelimitedExtract"),
    ]


def test_no_lake_yet_is_no_fault(ana, job, settings, tmp_path, browser_of):
    settings.LAKE_DIR = tmp_path / "none"
    told = browser_of(ana).get("/p/flights/jobs/daily_delays/sources").json()
    assert (told["environment"], told["sources"], told["more"]) == ("dev", [], False)
    assert [root["name"] for root in told["roots"]] == ["lake"]
