"""Making, describing and archiving jobs."""

from __future__ import annotations

import gzip
import html
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import actions
from portal.jobs.models import Job
from tests.factories import DOCUMENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def lake(settings: Any, tmp_path: Path) -> Path:
    """Dev's folder with one file that people brought."""
    settings.LAKE_DIR = tmp_path / "lake"
    raw = settings.LAKE_DIR / "flights" / "dev" / "raw"
    raw.mkdir(parents=True)
    (raw / "own.csv").write_text("day,n\n2024-01-01,1\n")
    return raw.parent


def test_a_new_job_belongs_to_who_made_it_and_its_document_is_their_draft(ana, flights):
    job = actions.create_job(actor=ana, project=flights, name="new", tags=["Daily", "daily", " a "], document={"stages": []})
    assert (job.owner, job.tags, job.latest_version) == (ana, ["daily", "a"], None)
    assert json.loads(job.drafts.get().document) == {"stages": []}


def test_a_name_is_taken_once_in_a_project(ana, job, flights):
    with pytest.raises(Conflict, match="There is a job “daily_delays” already"):
        actions.create_job(actor=ana, project=flights, name="daily_delays")


@pytest.mark.parametrize("name", ["", "Daily", "9lives", "a b", "a/b", "x" * 81, "<script>"])
def test_a_name_that_is_none_is_refused_in_words(ana, flights, name):
    with pytest.raises(PortalError, match="The name is not right") as refused:
        actions.create_job(actor=ana, project=flights, name=name)
    assert refused.value.status == 422


def test_a_tag_that_is_none_is_refused(ana, flights):
    with pytest.raises(PortalError, match="“a,b!” is no tag"):
        actions.create_job(actor=ana, project=flights, name="new", tags=["a,b!"])


@pytest.mark.parametrize("person", ["pat", "olu", "vic", "ada", "outsider"])
def test_only_authors_make_jobs(person, request, flights):
    with pytest.raises(NotAllowed):
        actions.create_job(actor=request.getfixturevalue(person), project=flights, name="new")


def test_the_owner_must_be_somebody_of_the_project(ana, olu, outsider, job):
    assert actions.edit_job(actor=ana, job=job, owner=olu, description=" new ").description == "new"
    with pytest.raises(PortalError, match="Outsider has no role"):
        actions.edit_job(actor=ana, job=job, owner=outsider)


def test_an_archived_job_leaves_the_list_and_can_be_brought_back(ana, job, browser_of):
    browser = browser_of(ana)
    assert "It keeps the places it publishes" in browser.get("/p/flights/jobs/daily_delays/").content.decode()
    browser.post("/p/flights/jobs/daily_delays/archive")
    assert "jobs/daily_delays/" not in browser.get("/p/flights/jobs/").content.decode()
    assert "jobs/daily_delays/" in browser.get("/p/flights/jobs/?archived=1").content.decode()
    browser.post("/p/flights/jobs/daily_delays/bring-back")
    assert "jobs/daily_delays/" in browser.get("/p/flights/jobs/").content.decode()


def test_a_copy_begins_with_the_newest_version(ana, job, browser_of):
    page = browser_of(ana).get("/p/flights/jobs/new-job?clone=daily_delays").content.decode()
    assert 'value="daily_delays_copy"' in page
    browser_of(ana).post("/p/flights/jobs/new-job?clone=daily_delays", {"name": "copied"})
    assert Job.objects.get(name="copied").drafts.get().document == job.latest_version.document


def upload(browser, content: bytes, file="My Job-2.json", **more):
    return browser.post("/p/flights/jobs/import-job", {"file": SimpleUploadedFile(file, content), **more})


def test_a_file_becomes_a_draft_named_after_it(ana, flights, browser_of, changed):
    assert upload(browser_of(ana), changed().encode())["Location"] == "/p/flights/jobs/my_job_2/edit"


def test_a_file_with_problems_becomes_a_draft_with_problems(ana, flights, browser_of):
    browser = browser_of(ana)
    upload(browser, b'{"stages": [', name="broken")
    page = browser.get("/p/flights/jobs/broken/edit").content.decode()
    assert "Imported as a draft with 1 problem" in page


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_document_is_read_in_every_encoding_that_json_comes_in(ana, flights, browser_of, changed, encoding):
    assert upload(browser_of(ana), changed().encode(encoding))["Location"] == "/p/flights/jobs/my_job_2/edit"


NOT_DOCUMENTS = {
    "not text.json": (b"\xff\xfe\x00", "not UTF-8 text"),
    "empty.json": (b"", "The submitted file is empty"),
    "10 MB.json": (b" " * 10_000_000, "has 10.0 MB; a job document has at most 1 MB"),
    "20 MB.json": (b"{" + b" " * 20_000_000, "has 20.0 MB; a job document has at most 1 MB"),
    "latin.json": ('{"description": "Zürich"}'.encode("latin-1"), "not UTF-8 text"),
    "blank.json": (b"  \n ", "is empty"),
    "nul.json": (b"{}" + b"\x00" * 7, "is not text"),
    "job.json.gz": (gzip.compress(b'{"stages": []}'), "packed with gzip"),
    "flights.csv": (b"year,month\n2013,1\n", "a text with rows"),
    "flights": (b"year;month\n2013;1\n", "a text with rows"),
    "flights.csv.gz": (gzip.compress(b"a,b\n1,2\n"), "packed with gzip"),
    "x.parquet": (b"PAR1....PAR1", "a Parquet file"),
    "x.xlsx": (b"PK\x03\x04...", "an Excel file"),
    "rows.json": (b'[{"a": 1}]', "no job"),
    "one.json": (b'{"a": 1}', "no job"),
    "lines.jsonl": (b'{"a": 1}\n{"a": 2}\n', "no job"),
    "lines.json": (b'{"a": 1}\n{"a": 2}\n', "one JSON object a line"),
}
DATA = ["flights.csv", "flights", "flights.csv.gz", "x.parquet", "x.xlsx", "rows.json", "one.json", "lines.jsonl", "lines.json"]


@pytest.mark.parametrize("name", ["bad", ""])
@pytest.mark.parametrize("file", NOT_DOCUMENTS)
def test_a_file_that_is_no_document_is_told_what_it_is(ana, flights, browser_of, file, name):
    content, words = NOT_DOCUMENTS[file]
    answer = upload(browser_of(ana), content, file, name=name)
    assert answer.status_code == 422
    page = html.unescape(answer.content.decode())
    assert words in page
    assert ("A file like this is data" in page) or file not in DATA
    assert not Job.objects.filter(project=flights).exclude(name="daily_delays").exists()


def test_a_start_leads_to_the_page_of_a_file_of_this_project(ana, flights, browser_of, lake):
    browser = browser_of(ana)
    page = browser.get("/p/flights/jobs/new-job").content.decode()
    assert "raw/own.csv" in page
    answer = browser.post("/p/flights/jobs/new-job", {"name": "own", "start": "daily_aggregate", "file": "raw/own.csv"})
    assert answer["Location"].startswith("/p/flights/data/dev/look?uri=raw%2Fown.csv&start=daily_aggregate&name=own")
    for file in ("", "raw/other.csv", "../x"):
        refused = browser.post("/p/flights/jobs/new-job", {"name": "own", "start": "typed_parquet", "file": file})
        assert (refused.status_code, "Choose a file of this project" in refused.content.decode()) == (422, True)


def test_an_empty_project_is_told_to_bring_a_file(ana, flights, browser_of, settings, tmp_path):
    settings.LAKE_DIR = tmp_path / "none"
    page = browser_of(ana).get("/p/flights/jobs/new-job").content.decode()
    assert "This project has no file yet" in page
    assert "flights.csv" not in page


def test_a_job_that_was_never_saved_is_deleted_and_frees_its_name(ana, flights):
    job = actions.create_job(actor=ana, project=flights, name="a_try", document={"stages": []})
    actions.delete_job(actor=ana, job=job)
    assert not flights.jobs.filter(name="a_try").exists()
    assert actions.create_job(actor=ana, project=flights, name="a_try").name == "a_try"


def test_a_job_that_ran_as_a_draft_frees_its_name_and_keeps_its_runs(ana, flights, dev):
    from portal.runs.models import Run

    job = actions.create_job(actor=ana, project=flights, name="a_try")
    run = Run.objects.create(project=flights, job=job, environment=dev, document="{}", document_sha256="x", requested_by=ana)
    actions.delete_job(actor=ana, job=job)
    assert actions.create_job(actor=ana, project=flights, name="a_try").pk != job.pk
    run.refresh_from_db()
    assert run.job.archived_at is not None and run.job.name.startswith("a_try_deleted_")


def test_a_saved_job_is_archived_and_not_deleted(job, ana, vic):
    with pytest.raises(Conflict):
        actions.delete_job(actor=ana, job=job)
    with pytest.raises(NotAllowed):
        actions.delete_job(actor=vic, job=job)


SAVED = json.dumps(DOCUMENT)
ON_A_JOB: dict[str, Any] = {
    "save a version": lambda ana, job: actions.save_version(actor=ana, job=job, document=SAVED, message="", base_version=None),
    "keep a draft": lambda ana, job: actions.save_draft(actor=ana, job=job, document=SAVED, revision=0),
    "discard the draft": lambda ana, job: actions.discard_draft(actor=ana, job=job),
    "say something else about it": lambda ana, job: actions.edit_job(actor=ana, job=job, description="x"),
    "archive": lambda ana, job: actions.archive_job(actor=ana, job=job),
    "delete it too": lambda ana, job: actions.delete_job(actor=ana, job=job),
}


@pytest.mark.parametrize(
    "does",
    [
        lambda ana, job: actions.save_version(actor=ana, job=job, document=SAVED, message="", base_version=1),
        lambda ana, job: actions.restore_version(actor=ana, job=job, version=job.versions.get(number=1)),
        lambda ana, job: actions.take_over_place(actor=ana, job=job, environment=job.project.environments.get(name="dev"), uri="curated/x"),
    ],
    ids=["save", "restore", "take over"],
)
def test_nothing_of_an_archived_job_goes_live_and_it_takes_no_place(ana, job, does):
    live = job.live_versions.get(environment__name="dev").version_id
    actions.archive_job(actor=ana, job=Job.objects.get(pk=job.pk))  # `job` is what a request read before
    with pytest.raises(PortalError, match="daily_delays is archived"):
        does(ana, job)
    assert job.live_versions.get(environment__name="dev").version_id == live and not job.places.exists()


@pytest.mark.parametrize("does", ON_A_JOB)
def test_who_works_on_a_job_that_somebody_deletes_meanwhile_is_told(ana, flights, does):
    job = actions.create_job(actor=ana, project=flights, name="a_try")
    actions.delete_job(actor=ana, job=Job.objects.get(pk=job.pk))
    with pytest.raises(Conflict, match="Somebody has deleted this"):
        ON_A_JOB[does](ana, job)


def test_a_job_that_is_saved_meanwhile_is_not_deleted(ana, flights):
    job = actions.create_job(actor=ana, project=flights, name="a_try")
    actions.save_version(actor=ana, job=Job.objects.get(pk=job.pk), document=SAVED, message="", base_version=None)
    with pytest.raises(Conflict, match="a_try has versions"):
        actions.delete_job(actor=ana, job=job)
    assert Job.objects.get(pk=job.pk).archived_at is None and job.versions.count() == 1


def test_two_people_who_change_different_parts_of_a_job_both_keep_theirs(ana, olu, job):
    other = Job.objects.get(pk=job.pk)
    actions.edit_job(actor=ana, job=job, owner=olu)
    actions.edit_job(actor=ana, job=other, description="new")
    job.refresh_from_db()
    assert (job.owner, job.description) == (olu, "new")


def test_who_opened_the_details_before_another_saved_does_not_undo_it(ana, olu, job, browser_of):
    browser, opened, page, api = browser_of(ana), job.edition, "/p/flights/jobs/daily_delays/", "/api/v1/projects/flights/jobs/daily_delays"
    assert f'name="edition" value="{opened}"' in browser.get(page).content.decode()
    actions.edit_job(actor=ana, job=job, owner=olu)
    sent = {"description": "mine", "tags": "", "owner": ana.pk, "runs_at_once": 1, "edition": opened}
    said_no = browser.post(f"{page}details", sent, follow=True).content.decode()
    assert "Somebody has changed daily_delays since you opened it. Nothing is saved yet." in said_no
    assert "data-typed" in said_no and f'action="{page}details"' in said_no, "static/js/typed.js brings back what was typed"
    said = browser.patch(api, {"description": "mine", "edition": opened}, "application/json")
    assert (said.status_code, said.json()["code"]) == (409, "changed-meanwhile")
    job.refresh_from_db()
    assert (job.owner, job.description) == (olu, "Delay by day")
    browser.post(f"{page}details", sent | {"edition": browser.get(api).json()["edition"]})
    job.refresh_from_db()
    assert (job.owner, job.description) == (ana, "mine")
