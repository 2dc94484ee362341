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


# --- what arrives late ------------------------------------------------------------------------------------------------------

"""The job's first version ended Ana's first draft: what is sent in time says 1."""
DRAFT = "/p/flights/jobs/daily_delays/draft"
AS_JSON = {"content_type": "application/json", "HTTP_ACCEPT": "application/json"}


def autosave(browser, text, revision, ended, base=1):
    return browser.put(DRAFT, json.dumps({"document": text, "revision": revision, "base_version": base, "ended": ended}), **AS_JSON)


@pytest.mark.parametrize("revision", [0, 1])
def test_an_autosave_that_arrives_after_its_version_does_not_bring_the_draft_back(ana, job, browser_of, changed, revision):
    browser = browser_of(ana)
    if revision:
        assert autosave(browser, "{}", 0, 1).json()["ended"] == 1
    saved = browser.post(
        "/p/flights/jobs/daily_delays/save", json.dumps({"document": changed(), "message": "", "base_version": 1}), **AS_JSON
    ).json()
    assert (saved["number"], saved["ended"]) == (2, 2)
    late = autosave(browser, "late", revision, 1)
    assert (late.status_code, late.json()["code"], late.json()["ended"]) == (409, "draft-gone", 2)
    assert not job.drafts.exists()
    assert autosave(browser, "next", 0, 2, base=2).json()["revision"] == 1


def test_nor_does_it_overwrite_the_next_draft_whose_saves_are_counted_anew(ana, job, browser_of, changed):
    browser = browser_of(ana)
    autosave(browser, "first", 0, 1)
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    autosave(browser, "of the next draft", 0, 2, base=2)
    late = autosave(browser, "late", 1, 1)
    assert (late.status_code, late.json()["code"], late.json()["revision"]) == (409, "draft-gone", 1)
    assert job.drafts.get().document == "of the next draft"


@pytest.mark.parametrize("revision", [0, 1])
def test_nor_after_the_draft_was_thrown_away(ana, job, browser_of, revision):
    browser = browser_of(ana)
    if revision:
        autosave(browser, "{}", 0, 1)
    browser.post(f"{DRAFT}/discard")
    assert autosave(browser, "late", revision, 1).status_code == 409
    assert not job.drafts.exists()


def test_nor_after_an_earlier_version_was_restored(ana, job, browser_of, changed):
    first = job.latest_version
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    actions.restore_version(actor=ana, job=job, version=first)
    assert autosave(browser_of(ana), "late", 0, 2, base=2).status_code == 409


def test_a_second_window_is_told_and_may_keep_its_work_on_purpose(ana, job, browser_of, changed):
    """The second window loaded before the first one saved: what it has is refused once, and taken when the person says so."""
    first, second = browser_of(ana), browser_of(ana)
    first.post("/p/flights/jobs/daily_delays/save", json.dumps({"document": changed(), "message": "", "base_version": 1}), **AS_JSON)
    told = autosave(second, "of the second window", 0, 1).json()
    assert told["code"] == "draft-gone"
    kept = autosave(second, "of the second window", told["revision"], told["ended"])
    assert (kept.status_code, kept.json()["base_version"]) == (200, 1)  # so that saving it merges with the version


def test_people_do_not_end_each_others_drafts(ana, ben, job, browser_of, changed):
    autosave(browser_of(ben), "of ben", 0, 0)
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    assert autosave(browser_of(ben), "of ben, more", 1, 0).status_code == 200


def test_a_version_that_is_refused_ends_no_draft(ana, ben, job, browser_of, changed):
    actions.save_version(actor=ben, job=job, document=changed(), message="", base_version=1)
    autosave(browser_of(ana), "{}", 0, 1)
    with pytest.raises(Conflict):
        actions.save_version(actor=ana, job=job, document=changed("SELECT 7 AS a"), message="", base_version=1)
    assert autosave(browser_of(ana), "{} more", 1, 1).status_code == 200


def test_by_program_the_same_and_a_program_that_does_not_ask_is_not_told(ana, job, program_of, changed):
    api, place = program_of(ana), "/api/v1/projects/flights/jobs/daily_delays/draft"
    kept = api.put(place, {"document": "{}", "revision": 0, "ended": 1}, format="json").json()
    assert kept["ended"] == 1 == api.get(place).json()["ended"]
    actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    late = api.put(place, {"document": "late", "revision": 0, "ended": 1}, format="json")
    assert (late.status_code, late.json()["code"]) == (409, "draft-gone")
    assert api.put(place, {"document": "{}", "revision": 0}, format="json").status_code == 200
