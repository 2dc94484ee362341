"""The API of jobs: everything the pages do, through the same actions."""

from __future__ import annotations

import json

import pytest

from portal.jobs.models import Job
from tests.factories import DOCUMENT, make_job

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/projects/flights/jobs/"
JOB = "/api/v1/projects/flights/jobs/daily_delays"


@pytest.fixture
def api(ana, job, program_of):
    return program_of(ana)


def test_a_program_makes_a_job_saves_it_and_reads_it_back(ana, flights, program_of):
    api = program_of(ana)
    made = api.post(JOBS, {"name": "by_api", "tags": ["a"]}, format="json")
    assert (made.status_code, made.json()["owner"], made.json()["live"]) == (201, "ana", [])
    saved = api.post(f"{JOBS}by_api/versions/", {"document": DOCUMENT, "message": "by a program"}, format="json")
    assert (saved.status_code, saved.json()["number"]) == (201, 1)
    version = api.get(f"{JOBS}by_api/versions/1").json()
    assert json.loads(version["document"]) == DOCUMENT
    assert version["sha256"] == saved.json()["sha256"]
    assert api.get(f"{JOBS}by_api").json()["live"] == [{"environment": "dev", "version": 1, "behind": 0}]


def test_lists_are_cursor_pages_with_the_filters_of_the_page(api, ana, flights):
    for number in range(5):
        make_job(flights, ana, f"a{number}", tags=["many"])
    first = api.get(f"{JOBS}?tag=many&limit=2").json()
    assert [row["name"] for row in first["results"]] == ["a0", "a1"]
    assert [row["name"] for row in api.get(first["next"]).json()["results"]] == ["a2", "a3"]


def test_a_save_over_a_newer_version_is_409(api, changed):
    api.post(f"{JOB}/versions/", {"document": changed("SELECT 1 AS a"), "base_version": 1}, format="json")
    refused = api.post(f"{JOB}/versions/", {"document": changed("SELECT 2 AS a"), "base_version": 1}, format="json")
    assert (refused.status_code, refused.json()["code"], refused["Content-Type"]) == (409, "newer-version", "application/problem+json")


def test_problems_come_with_422(api):
    refused = api.post(f"{JOB}/versions/", {"document": {"stages": []}, "base_version": 1}, format="json")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (422, "no-stages")
    assert refused.json()["request_id"]


def test_a_key_makes_a_repeated_request_harmless(api, flights):
    for _ in range(2):
        assert api.post(JOBS, {"name": "once"}, format="json", HTTP_IDEMPOTENCY_KEY="k1").status_code == 201
    assert Job.objects.filter(name="once").count() == 1


def test_the_check_answers_problems_and_stores_nothing(api):
    answer = api.post("/api/v1/projects/flights/check", {"document": {"stages": [{"type": "SQLTransfrom", "name": "x"}]}}, format="json")
    assert answer.json()["problems"][0]["fix"] == "Did you mean “SQLTransform”?"


def test_drafts_restore_diff_and_archive(api, changed):
    kept = api.put(f"{JOB}/draft", {"document": "{", "revision": 0}, format="json")
    assert (kept.json()["document"], kept.json()["revision"], api.get(f"{JOB}/draft").json()["base_version"]) == ("{", 1, 1)
    assert api.delete(f"{JOB}/draft").status_code == 204
    assert api.get(f"{JOB}/draft").status_code == 404
    api.post(f"{JOB}/versions/", {"document": changed(), "base_version": 1}, format="json")
    assert api.get(f"{JOB}/diff?from=1&to=2").json()["summary"] == "1 changed · 2 the same"
    assert api.post(f"{JOB}/versions/1/restore").json()["restored_from"] == 1
    assert [row["number"] for row in api.get(f"{JOB}/versions/").json()["results"]] == [3, 2, 1]
    assert api.post(f"{JOB}/archive").json()["archived_at"]
    assert api.post(f"{JOB}/bring-back").json()["archived_at"] is None
    assert api.patch(JOB, {"description": "new", "tags": ["x"]}, format="json").json()["description"] == "new"


def test_a_reading_token_changes_nothing(ana, job, program_of):
    api = program_of(ana, "read")
    assert api.get(JOB).status_code == 200
    assert api.post(f"{JOB}/archive").status_code == 403


def test_unknown_and_forbidden_look_alike(outsider, job, program_of):
    api = program_of(outsider)
    assert {api.get(path).status_code for path in (JOB, JOBS, f"{JOBS}nothing", f"{JOB}/versions/1")} == {404}


def test_sources_and_formatting_as_in_the_editor(ana, vic, job, program_of, settings, tmp_path):
    settings.LAKE_DIR = tmp_path
    raw = tmp_path / "flights" / "dev" / "raw"
    raw.mkdir(parents=True)
    (raw / "flights.csv").write_text("a\n1\n")
    found = program_of(ana).get(f"{JOB}/sources").json()
    assert (found["environment"], [source["uri"] for source in found["sources"]]) == ("dev", ["raw/flights.csv"])
    assert program_of(vic).get(f"{JOB}/sources").status_code == 404
    laid_out = program_of(ana).post("/api/v1/projects/flights/format", {"sql": "select a,b from t where a=${x}"}, format="json")
    assert laid_out.json()["sql"] == "SELECT\n  a,\n  b\nFROM t\nWHERE a=${x}"
    refused = program_of(ana).post("/api/v1/projects/flights/format", {"sql": "select 'a from t"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "sql-unclosed")
