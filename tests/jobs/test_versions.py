"""Saving, comparing and restoring versions."""

from __future__ import annotations

import hashlib
import json

import pytest

from portal.audit.models import AuditEvent
from portal.errors import Conflict, NotAllowed
from portal.jobs import actions, storage
from portal.jobs.documents import DocumentNotRight
from portal.jobs.models import Draft, JobVersion, LiveVersion

pytestmark = pytest.mark.django_db


def save(person, job, document, message="", base=1):
    return actions.save_version(actor=person, job=job, document=document, message=message, base_version=base)


def test_a_saved_version_has_author_message_and_the_sha256_of_its_exact_bytes(ana, job):
    version = job.versions.get()
    assert (version.number, version.author, version.message) == (1, ana, "First")
    assert version.sha256 == hashlib.sha256(version.document.encode()).hexdigest()


def test_the_document_is_in_the_object_store_under_its_sha(job):
    version = job.versions.get()
    assert storage.get(version.sha256) == version.document.encode()


def test_saving_makes_the_version_live_in_the_lowest_environment_only(ana, job, changed):
    second = save(ana, job, changed())
    live = {pointer.environment.name: pointer for pointer in LiveVersion.objects.filter(job=job)}
    assert set(live) == {"dev"}
    assert (live["dev"].version, live["dev"].previous.number) == (second, 1)


def test_saving_what_did_not_change_makes_no_version_however_it_is_indented(ana, job):
    same = json.dumps(json.loads(job.latest_version.document), indent=8)
    assert save(ana, job, same).number == 1
    assert job.versions.count() == 1


def test_keys_of_a_stage_are_kept_in_the_order_of_its_form(ana, job):
    document = {"stages": [{"outputView": "a", "inputURI": "raw/a.csv", "name": "a", "environments": ["dev"], "type": "DelimitedExtract"}]}
    version = save(ana, job, json.dumps(document))
    assert list(json.loads(version.document)["stages"][0])[:2] == ["type", "name"]
    assert list(json.loads(version.document)["stages"][0])[-1] == "environments"
    assert version.document.startswith('{\n  "stages": [\n    {\n      "type"')


def test_two_people_saving_at_once_is_never_a_silent_overwrite(ana, ben, job, changed):
    save(ben, job, changed("SELECT 1 AS by_ben"), "Ben was quicker")
    with pytest.raises(Conflict) as refused:
        save(ana, job, changed("SELECT 2 AS by_ana"))
    assert refused.value.code == "newer-version"
    assert "Ben saved v2 while you worked" in refused.value.message
    assert refused.value.extra["latest"]["message"] == "Ben was quicker"
    assert job.versions.count() == 2


def test_a_refused_save_keeps_the_draft(ana, ben, job, changed):
    actions.save_draft(actor=ana, job=job, document=changed("SELECT 2 AS a"), revision=0)
    save(ben, job, changed("SELECT 1 AS b"))
    with pytest.raises(Conflict):
        save(ana, job, changed("SELECT 2 AS a"))
    assert "SELECT 2 AS a" in Draft.objects.get(user=ana).document


def test_who_names_no_version_to_start_from_cannot_pass_over_one(ana, job, changed):
    with pytest.raises(Conflict):
        save(ana, job, changed(), base=None)


def test_saving_ends_the_draft_of_the_author_but_not_of_others(ana, ben, job, changed):
    for person in (ana, ben):
        actions.save_draft(actor=person, job=job, document=changed(), revision=0)
    save(ana, job, changed())
    assert [draft.user for draft in job.drafts.all()] == [ben]


def test_a_document_with_problems_is_not_saved_and_all_of_them_are_named(ana, job, changed):
    broken = json.loads(changed("SELECT origin FROM flight"))
    broken["stages"][2]["outputUri"] = "curated/x"
    with pytest.raises(DocumentNotRight) as refused:
        save(ana, job, json.dumps(broken))
    assert {problem["code"] for problem in refused.value.problems} >= {"view-unknown", "field-unknown"}
    assert job.versions.count() == 1


def test_a_version_never_changes_and_is_never_deleted(job):
    version = job.versions.get()
    version.message = "another"
    with pytest.raises(TypeError):
        version.save()
    with pytest.raises(TypeError):
        version.delete()


def test_restoring_makes_a_new_version_and_loses_nothing(ana, job, changed):
    save(ana, job, changed(), "second")
    third = actions.restore_version(actor=ana, job=job, version=job.versions.get(number=1))
    assert (third.number, third.restored_from.number, third.message) == (3, 1, "Restored v1")
    assert third.sha256 == job.versions.get(number=1).sha256
    fourth = actions.restore_version(actor=ana, job=job, version=job.versions.get(number=2))
    assert json.loads(fourth.document) == json.loads(changed())


def test_restoring_the_newest_makes_nothing(ana, job):
    assert actions.restore_version(actor=ana, job=job, version=job.versions.get()).number == 1


@pytest.mark.parametrize("person", ["pat", "olu", "vic", "ada", "outsider"])
def test_only_authors_save_versions(person, request, job, changed):
    with pytest.raises(NotAllowed):
        save(request.getfixturevalue(person), job, changed())
    assert job.versions.count() == 1


def test_saving_is_in_the_audit_with_the_sha(ana, job):
    version = JobVersion.objects.get()
    event = AuditEvent.objects.get(action="save_version")
    assert (event.actor, event.details["sha256"]) == (ana, version.sha256)
    assert AuditEvent.objects.filter(action="set_live", environment="dev").count() == 1


def test_a_version_cannot_be_made_live_in_another_project(ana, job, harbour):
    with pytest.raises(ValueError, match="do not belong together"):
        actions.set_live(actor=ana, job=job, environment=harbour.environments.first(), version=job.versions.get())
