"""What the database refuses: somebody was quicker, a row is gone, or it is a fault of ours. Each is told apart."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, transaction

from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.problem_json import as_portal_error
from tests.factories import DOCUMENT

API = "/api/v1/projects/flights/jobs/daily_delays/run-draft"
PAGE = "/p/flights/jobs/daily_delays/run-draft"
GONE = (404, "gone-meanwhile")
QUICKER = (409, "changed-meanwhile")


@pytest.fixture
def job(ana, flights) -> Job:
    return Job.objects.create(project=flights, name="daily_delays", owner=ana)


def twice(job: Job) -> None:
    Job.objects.create(project=job.project, name=job.name, owner=job.owner)


def still_used(job: Job) -> None:
    job.owner.delete()


def no_value(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(name=None)


def against_a_rule(job: Job) -> None:
    Environment.objects.filter(project=job.project, name="prod").update(allows_drafts=True)


def read_again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).delete()
    job.refresh_from_db()


def saved_again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).delete()
    job.save(update_fields=["description"])


def never_was(job: Job) -> None:
    """Half of a pair that is not there is no row that somebody took away."""
    raise Job.owner.RelatedObjectDoesNotExist("Job has no owner.")


CASES = [(twice, QUICKER), (still_used, QUICKER), (read_again, GONE), (saved_again, GONE)]
OURS = [no_value, against_a_rule, never_was]
KINDS = (IntegrityError, ObjectDoesNotExist, DatabaseError)


@pytest.mark.django_db
@pytest.mark.parametrize(("happens", "said"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_who_was_quicker_and_what_is_gone_are_told_apart(job, happens, said):
    with pytest.raises(KINDS) as refused, transaction.atomic():
        happens(job)
    error = as_portal_error(refused.value)
    assert error is not None and (error.status, error.code) == said
    assert "at the same moment" in error.message


@pytest.mark.django_db(transaction=True)
def test_what_it_belongs_to_was_deleted_by_somebody_quicker(ana):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Job.objects.create(project_id=987654, name="of_nothing", owner=ana)
    error = as_portal_error(refused.value)
    assert error is not None and (error.status, error.code) == QUICKER


@pytest.mark.django_db
@pytest.mark.parametrize("happens", OURS, ids=lambda case: case.__name__)
@pytest.mark.parametrize("door", [API, PAGE])
def test_a_fault_of_ours_is_no_conflict(ana, job, prod, browser_of, monkeypatch, caplog, happens, door):
    def fails(**_: Any) -> None:
        with transaction.atomic():
            happens(job)

    monkeypatch.setattr("portal.runs.actions.run_draft", fails)
    browser = browser_of(ana)
    browser.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        answer = browser.post(door, json.dumps({"document": DOCUMENT}), "application/json", headers={"Accept": "application/json"})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "Something went wrong on our side."
    assert "NULL" not in answer.content.decode() and "no owner" not in answer.content.decode()
    assert any(record.exc_info for record in caplog.records)


def test_what_no_database_said_is_a_fault_of_ours():
    assert as_portal_error(IntegrityError("FOREIGN KEY constraint failed")) is None
