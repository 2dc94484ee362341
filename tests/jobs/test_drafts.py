"""Unsaved work: one draft for each person and job, and two windows of one person."""

from __future__ import annotations

import json

import pytest

from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import actions

pytestmark = pytest.mark.django_db


def keep(person, job, text, revision=0, **more):
    return actions.save_draft(actor=person, job=job, document=text, revision=revision, **more)


def test_a_draft_counts_its_saves_and_remembers_where_it_started(ana, job):
    assert keep(ana, job, "{}").revision == 1
    draft = keep(ana, job, "{1}", 1)
    assert (draft.revision, draft.document, draft.base_version.number) == (2, "{1}", 1)


def test_two_people_have_a_draft_each(ana, ben, job):
    keep(ana, job, "mine")
    keep(ben, job, "yours")
    assert {draft.user.username: draft.document for draft in job.drafts.all()} == {"ana": "mine", "ben": "yours"}


def test_the_second_window_of_one_person_is_told_and_overwrites_nothing(ana, job):
    keep(ana, job, "window one")
    with pytest.raises(Conflict) as refused:
        keep(ana, job, "window two")
    assert refused.value.extra["document"] == "window one"
    assert refused.value.extra["revision"] == 1
    assert job.drafts.get().document == "window one"


def test_a_window_is_told_when_another_finished_the_draft(ana, job, changed):
    keep(ana, job, changed())
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    with pytest.raises(Conflict) as refused:
        keep(ana, job, "late", 1)
    assert refused.value.code == "draft-gone"


def test_a_draft_moves_to_the_version_it_was_merged_with(ana, job, changed):
    keep(ana, job, "{}")
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    assert keep(ana, job, "{}", 0, base_version=1).base_version.number == 1
    assert keep(ana, job, "{}", 1, base_version=2).base_version.number == 2


def test_a_draft_may_be_wrong_in_every_way(ana, job):
    assert keep(ana, job, "{ not json <script>").document == "{ not json <script>"


def test_a_draft_of_ten_megabytes_is_refused_in_words(ana, job):
    with pytest.raises(PortalError, match=r"too large: 10\.0 MB; at most 1 MB") as refused:
        keep(ana, job, "x" * 10_000_000)
    assert refused.value.status == 413


@pytest.mark.parametrize("person", ["vic", "olu", "outsider"])
def test_who_may_not_edit_has_no_draft(person, request, job):
    with pytest.raises(NotAllowed):
        keep(request.getfixturevalue(person), job, "{}")


def test_autosave_over_http(ana, job, browser_of):
    browser = browser_of(ana)
    put = {"content_type": "application/json", "HTTP_ACCEPT": "application/json"}
    first = browser.put("/p/flights/jobs/daily_delays/draft", json.dumps({"document": "{}", "revision": 0, "base_version": 1}), **put)
    assert (first.status_code, first.json()["revision"], first.json()["base_version"]) == (200, 1, 1)
    again = browser.put("/p/flights/jobs/daily_delays/draft", json.dumps({"document": "{}", "revision": 0}), **put)
    assert (again.status_code, again.json()["code"]) == (409, "draft-changed")
    assert browser.get("/p/flights/jobs/daily_delays/draft", HTTP_ACCEPT="application/json").json()["document"] == "{}"


def test_an_expired_session_is_told_as_401_so_that_the_editor_keeps_the_draft(job, client):
    answer = client.put("/p/flights/jobs/daily_delays/draft", "{}", content_type="application/json", HTTP_ACCEPT="application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
    assert "kept" in answer.json()["fix"]


def test_throwing_a_draft_away(ana, job, browser_of):
    keep(ana, job, "{}")
    browser_of(ana).post("/p/flights/jobs/daily_delays/draft/discard")
    assert not job.drafts.exists()


def test_presence_names_who_else_is_writing(ana, ben, job, browser_of):
    keep(ben, job, "{}")
    keep(ana, job, "{}")
    answer = browser_of(ana).get("/p/flights/jobs/daily_delays/presence").json()
    assert answer == {"people": ["Ben"], "latest_version": 1, "latest_author": "Ana"}


def test_presence_forgets_who_left(ana, ben, job, browser_of):
    keep(ben, job, "{}")
    job.drafts.update(updated_at="2020-01-01T00:00:00Z")
    assert browser_of(ana).get("/p/flights/jobs/daily_delays/presence").json()["people"] == []
