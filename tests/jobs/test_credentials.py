"""Credentials that somebody writes into a job: refused at every door, and of what was kept before, never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from portal.jobs.documents import DocumentNotRight
from tests import factories

if TYPE_CHECKING:
    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import Job

CANARY = "c4naryS3cretValue0123456789abcdefGHIJKLMN"
KEY = {"method": "AmazonAccessKey", "accessKeyID": "x", "secretAccessKey": CANARY}
STAGE = {"type": "ParquetExtract", "name": "r", "inputURI": "raw/a", "outputView": "v", "authentication": KEY}
DOCUMENT = {"stages": [STAGE]}


def test_it_is_neither_saved_nor_made_by_programs_nor_run(job: Job, ana: User, flights: Project, program_of: Callable[..., Any]) -> None:
    from portal.errors import PortalError
    from portal.jobs import actions
    from portal.runs.actions import run_draft

    text = json.dumps(DOCUMENT)
    with pytest.raises(DocumentNotRight):
        actions.save_version(actor=ana, job=job, document=text, message="", base_version=1)
    with pytest.raises(DocumentNotRight):
        actions.create_job(actor=ana, project=flights, name="brought", document=text)
    with pytest.raises(PortalError) as refused:
        run_draft(actor=ana, job=job, document=text)
    program = program_of(ana)
    answers = [
        program.post("/api/v1/projects/flights/check", {"document": DOCUMENT}, format="json"),
        program.post("/api/v1/projects/flights/jobs/", {"name": "api_job", "document": DOCUMENT}, format="json"),
        program.post(f"/api/v1/projects/flights/jobs/{job.name}/versions/", {"document": DOCUMENT, "base_version": 1}, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 422]
    for told in (*(answer.content.decode() for answer in answers), json.dumps(refused.value.problems)):
        assert "literal-credential" in told and CANARY not in told


@pytest.mark.parametrize("cut", [0, 2])
def test_a_file_with_some_becomes_a_draft_without_them(ana: User, flights: Project, browser_of: Callable[..., Any], cut: int) -> None:
    """Every field is told, and the way on is the editor's; also of a text that is no JSON."""
    database = {"type": "JDBCExtract", "name": "d", "jdbcURL": f"jdbc:postgresql://u:{CANARY}@db.example.org/shop", "outputView": "o"}
    bucket = {**STAGE, "inputURI": "s3a://acme-lake/raw/x"}
    text = json.dumps({"stages": [bucket, database]})
    file = SimpleUploadedFile("brought.json", text[: len(text) - cut].encode())
    answer = browser_of(ana).post("/p/flights/jobs/import-job", {"name": "brought", "file": file}, follow=True)
    page, draft = answer.content.decode(), flights.jobs.get(name="brought").drafts.get().document
    assert CANARY not in page + draft and "without the passwords and keys" in page and "db.example.org" in draft
    assert bool(cut) or all(
        words in page for words in ("authentication.secretAccessKey of “r”", "jdbcURL of “d”", "Make a connection from it")
    )
    answer = browser_of(ana).post("/p/flights/jobs/brought/check", {"document": draft}, content_type="application/json")
    assert bool(cut) or {one["connection"]["kind"] for one in answer.json()["problems"] if "connection" in one} == {"s3", "postgresql"}


def test_where_no_secret_may_stand_none_is_advised(ana: User, flights: Project, program_of: Callable[..., Any]) -> None:
    stage = {"type": "ParquetExtract", "name": "r", "inputURI": f"ftp://u:{CANARY}@files.example.org/a", "outputView": "v"}
    answer = program_of(ana).post("/api/v1/projects/flights/check", {"document": {"stages": [stage]}}, format="json")
    (found,) = [one for one in answer.json()["problems"] if one["code"] == "literal-credential"]
    assert "connection" in found["fix"] and "type secret" not in found["fix"]


def test_what_was_kept_before_is_not_shown(
    job: Job, ana: User, vic: User, dev: Environment, browser_of: Callable[..., Any], program_of: Callable[..., Any]
) -> None:
    old = factories.make_version(job, ana, DOCUMENT)
    run = factories.make_run(old, dev, "succeeded")
    later = factories.make_version(job, ana)
    browser, program = browser_of(vic), program_of(vic, "read")
    base = f"/p/flights/jobs/{job.name}/"
    pages = [
        base,
        f"{base}versions/{old.number}",
        f"{base}versions/{old.number}.json",
        f"{base}diff?from={old.number}&to={later.number}",
        f"/p/flights/runs/{run.pk}/",
    ]
    told = [browser.get(page).content.decode() for page in pages]
    api = f"/api/v1/projects/flights/jobs/{job.name}/"
    told += [program.get(f"{api}versions/{old.number}").content.decode()]
    told += [program.get(f"{api}diff?from={old.number}&to={later.number}").content.decode()]
    assert [CANARY in text for text in told] == [False] * len(told)
    assert "•••••" in told[1]


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_a_draft_is_kept_without_it(job: Job, ana: User, browser_of: Callable[..., Any], cut: int) -> None:
    """Also while it is no JSON."""
    from portal.jobs import actions

    text = json.dumps(DOCUMENT | {"description": "jdbc:postgresql://u:" + CANARY + "@db/x"})
    kept = actions.save_draft(actor=ana, job=job, document=text[: len(text) - cut] if cut else text, revision=0)
    assert CANARY not in kept.document and "•••••" in kept.document and "raw/a" in kept.document
    assert CANARY not in browser_of(ana).get(f"/p/flights/jobs/{job.name}/edit").content.decode()


def test_the_check_says_which_connection_it_would_be(job: Job, ana: User, browser_of: Callable[..., Any]) -> None:
    stage = {**STAGE, "inputURI": "s3a://acme-lake/raw/x"}
    answer = browser_of(ana).post(
        f"/p/flights/jobs/{job.name}/check", {"document": json.dumps({"stages": [stage]})}, content_type="application/json"
    )
    (found,) = [one for one in answer.json()["problems"] if one["code"] == "literal-credential"]
    assert (found["connection"]["kind"], found["connection"]["root"]) == ("s3", "s3a://acme-lake/raw/") and "Make a connection" in found[
        "fix"
    ]
    assert CANARY not in answer.content.decode()


def test_who_can_mend_it_is_told_on_the_jobs_page(job: Job, ana: User, vic: User, ada: User, browser_of: Callable[..., Any]) -> None:
    old = factories.make_version(job, ana, DOCUMENT)
    told = [browser_of(person).get(f"/p/flights/jobs/{job.name}/").content.decode() for person in (ana, ada, vic)]
    assert ["was written into" in text for text in told] == [True, True, False]
    assert f"versions/{old.number}" in told[0] and CANARY not in "".join(told)


def test_the_command_lists_where_and_never_what(job: Job, ana: User, capsys: pytest.CaptureFixture[str]) -> None:
    factories.make_version(job, ana, DOCUMENT)
    job.project.environments.filter(name="prod").update(parameters={"lake_password": CANARY, "year": 2013})
    call_command("find_credentials")
    told = capsys.readouterr().out
    assert "flights prod: parameters.lake_password" in told and "year" not in told and "type secret" in told
    assert "flights daily_delays v2: stage 1 “r” · authentication.secretAccessKey" in told and CANARY not in told
