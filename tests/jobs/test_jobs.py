"""Making, describing and archiving jobs."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from executor.document.job import check
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import actions
from portal.jobs.models import Job
from portal.jobs.starts import STARTS

pytestmark = pytest.mark.django_db


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
    browser.post("/p/flights/jobs/daily_delays/archive")
    assert "jobs/daily_delays/" not in browser.get("/p/flights/jobs/").content.decode()
    assert "jobs/daily_delays/" in browser.get("/p/flights/jobs/?archived=1").content.decode()
    browser.post("/p/flights/jobs/daily_delays/bring-back")
    assert "jobs/daily_delays/" in browser.get("/p/flights/jobs/").content.decode()


@pytest.mark.parametrize("start", [start for start in STARTS if start.key != "empty"], ids=lambda start: start.key)
def test_every_guided_start_is_a_job_without_problems(start):
    assert check(start.document) == []


def test_a_job_begun_with_a_start_opens_in_the_editor(ana, flights, browser_of):
    answer = browser_of(ana).post("/p/flights/jobs/new-job", {"name": "fresh", "start": "csv_to_parquet", "tags": "a, b"})
    assert answer["Location"] == "/p/flights/jobs/fresh/edit"
    job = Job.objects.get(name="fresh")
    assert job.tags == ["a", "b"]
    assert "TypingTransform" in job.drafts.get().document


def test_a_taken_name_is_said_at_its_field(ana, job, browser_of):
    answer = browser_of(ana).post("/p/flights/jobs/new-job", {"name": "daily_delays", "start": "empty"})
    assert answer.status_code == 422
    assert "There is a job “daily_delays” already." in answer.content.decode()


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


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "not UTF-8 text"), (b"", "The submitted file is empty"), (b" " * 10_000_000, "too large: 10.0 MB; at most 1 MB")],
    ids=["not text", "empty", "10 MB"],
)
def test_a_file_that_cannot_be_a_document_is_refused_in_words(ana, flights, browser_of, content, words):
    answer = upload(browser_of(ana), content, name="bad")
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Job.objects.filter(name="bad").exists()
