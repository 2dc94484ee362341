"""What is no JSON, or no text, is said in words by every door that takes JSON, and never a fault of ours."""

from __future__ import annotations

import json

import pytest

from portal.jobs.models import Draft
from tests import factories
from tests.factories import DOCUMENT

pytestmark = pytest.mark.django_db

DEEP = "[" * 100_000 + "]" * 100_000
BODIES = {
    "deep": (f'{{"name": "a", "document": {DEEP}}}', "nested too deeply"),
    "half a pair": ('{"name": "a", "document": {"description": "\\ud800"}}', "half of a surrogate pair"),
    "nul": ('{"name": "a", "document": "a\\u0000b"}', "NUL character"),
    "not utf-8": (b'{"name": "a", "document": "\xff"}', "not JSON in UTF-8"),
    "not finite": ('{"name": "a", "document": NaN}', "NaN is not JSON"),
    "half": ('{"name": "a"', "not JSON"),
}
DOORS = {
    "api": "/api/v1/projects/flights/jobs/",
    "check": "/p/flights/jobs/daily_delays/check",
    "save": "/p/flights/jobs/daily_delays/save",
    "format": "/p/flights/jobs/daily_delays/format",
    "run draft": "/p/flights/jobs/daily_delays/run-draft",
}


@pytest.fixture
def browser(ana, flights, browser_of):
    factories.make_version(factories.make_job(flights, ana), live_in=("dev",))
    found = browser_of(ana)
    found.raise_request_exception = False
    return found


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_cannot_be_kept_is_refused_in_words(door, kind, browser):
    text, says = BODIES[kind]
    answer = browser.post(DOORS[door], text, content_type="application/json", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "parse-error")
    assert says in answer.json()["detail"]


def test_what_json_may_hold_is_taken(browser):
    """A written backslash is text; a whole surrogate pair is one character."""
    body = r'{"name": "a", "description": "\\u0000 \ud83d\ude00"}'
    answer = browser.post(DOORS["api"], body, content_type="application/json")
    assert answer.json()["description"] == "\\u0000 😀"


def test_more_than_12_mb_is_refused_by_token_too(ana, flights, program_of):
    answer = program_of(ana).post(DOORS["api"], json.dumps({"name": "a", "document": "x" * 13_000_000}), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_document_as_text_with_half_a_character_is_no_fault_of_ours(browser):
    document = json.dumps(DOCUMENT)[:-1] + r', "description": "\ud800"}'
    given = {"document": document, "message": "", "base_version": 1}
    answer = browser.post(DOORS["save"], json.dumps(given), content_type="application/json", headers={"Accept": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize(("base", "status"), [(99, 422), ("one", 400), ({}, 400), (1, 200), (None, 200)])
def test_a_draft_names_a_version_that_is_there(base, status, browser):
    given = {"document": "{}", "revision": 0, "base_version": base}
    answer = browser.put("/p/flights/jobs/daily_delays/draft", json.dumps(given), content_type="application/json")
    assert answer.status_code == status
    assert Draft.objects.exists() == (status == 200)


def test_a_run_like_one_that_is_no_id_is_an_empty_form(browser):
    assert browser.get("/p/flights/jobs/daily_delays/run?from=none").status_code == 200


@pytest.mark.parametrize("until", ["9999-12-31", "0001-01-01"])
def test_the_audit_is_asked_for_any_day(until, ada, browser_of):
    for address in ("/audit/", "/api/v1/audit/"):
        assert browser_of(ada).get(f"{address}?since=0001-01-01&until={until}").status_code == 200


def test_a_cursor_that_is_none_is_said(ana, program_of):
    answer = program_of(ana).get("/api/v1/projects/?cursor=zzz")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "cursor"


@pytest.mark.parametrize("address", ["/p/flights/jobs/?q=%00", "/p/flights/runs/?job=%00", "/api/v1/projects/flights/jobs/?q=%00&tag=%00"])
def test_a_nul_in_an_address_is_no_fault_of_ours(address, browser):
    """PostgreSQL refuses such a text, SQLite does not."""
    assert browser.get(address).status_code in (200, 422)
