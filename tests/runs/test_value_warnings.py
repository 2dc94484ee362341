"""What a run told of values in its stages: kept, shown with counts, its rows behind the right to see data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import Http404
from django.test import Client

from executor.problems import CONTRACT
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import JobVersion
from portal.runs import draft_api, preview_client, sandbox
from portal.runs.ingest import Ingest
from portal.runs.log_lines import lines_after, sentence
from portal.runs.models import Run
from portal.runs.redaction import Redactor
from portal.runs.value_rows import message_for, values_of
from tests import factories

pytestmark = pytest.mark.django_db
BrowserOf = Callable[[User], Client]
EVENT = {
    "event": "value_warnings",
    "stage_index": 1,
    "stage": "typed",
    "view": "v",
    "rows": 5,
    "affected": 2,
    "counts": [{"column": "carrier", "kind": "not-double", "rows": 2}, {"column": "", "kind": "not-exact", "rows": 1}],
    "names": ["carrier", "canary_key"],
    "is_whole": True,
    "can_show": True,
}
FINISHED = {
    "event": "stage_finished",
    "stage_index": 1,
    "stage": "typed",
    "stage_type": "TypingTransform",
    "outcome": "done",
    "duration_ms": 1,
}


@pytest.fixture(autouse=True)
def _no_look_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("full"))


def run_that_told(version: JobVersion, environment: Environment, **changes: Any) -> Run:
    run = factories.make_run(version, environment, "running", fence=1)
    ingest = Ingest(run, Redactor())
    for event in (FINISHED, EVENT | changes):
        ingest.take(json.dumps(event))
    ingest.flush()
    Run.objects.filter(pk=run.pk).update(state="succeeded_with_warnings")
    return Run.objects.get(pk=run.pk)


def test_the_page_says_stage_column_count_and_kind(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    run = run_that_told(version, dev)
    page = " ".join(browser_of(ana).get(f"/p/flights/runs/{run.pk}/").content.decode().split())
    assert "1 stage has something to look at" in page and "2 of 5 rows" in page and "2, not a number" in page
    assert f'data-rows="/p/flights/runs/{run.pk}/stages/1/values"' in page
    assert run.stage_runs.get(index=1).state == "warning"


REMARK = {
    "code": "columns-left-out",
    "field": "unreadableColumns",
    "message": "One column cannot be read, and is left out: “canary_key”.",
    "found": "canary_key",
    "fix": "Write it otherwise.",
    "contract": CONTRACT,
}


def test_what_a_stage_remarked_without_counting_stands_there_too(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User, vic: User
) -> None:
    run = factories.make_run(version, dev, "running", fence=1)
    ingest = Ingest(run, Redactor())
    ingest.take(json.dumps(FINISHED | {"outcome": "warning", "details": {"warnings": [REMARK]}}))
    ingest.flush()
    Run.objects.filter(pk=run.pk).update(state="succeeded_with_warnings")
    page = f"/p/flights/runs/{run.pk}/"
    seen = browser_of(ana).get(page).content.decode()
    assert "1 stage has something to look at" in seen and REMARK["message"] in seen and "data-rows" not in seen
    assert "/edit?stage=" in seen, "where it is mended is one click away"
    hidden = browser_of(vic).get(page).content.decode()
    assert "There is something to look at" in hidden and "canary_key" not in hidden
    address = f"/api/v1/projects/flights/runs/{run.pk}/stages"
    assert browser_of(ana).get(address).json()[0]["warnings"][0]["message"] == REMARK["message"]
    assert b"canary_key" not in browser_of(vic).get(address).content


def test_who_may_not_see_data_sees_the_counts_and_no_button(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, vic: User
) -> None:
    run = run_that_told(version, dev)
    page = browser_of(vic).get(f"/p/flights/runs/{run.pk}/").content.decode()
    assert "2, not a number" in page and "data-rows" not in page and "role Data viewer" in page
    with pytest.raises(PortalError):
        message_for(vic, run, 1)


def test_the_rows_are_asked_for_with_the_runs_own_document(version: JobVersion, dev: Environment, ana: User) -> None:
    run = run_that_told(version, dev)
    asked = message_for(ana, run, 1)["message"]
    assert (asked["to"], asked["only"], asked["input"], asked["document"]) == (1, "values", "full", json.loads(run.document))
    with pytest.raises(Http404):
        message_for(ana, run, 0)


def test_a_preview_by_the_api_tells_what_is_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(message: dict[str, Any]) -> Any:
        yield FINISHED | {"outcome": "warning", "details": {"warnings": [REMARK]}}
        yield EVENT | {"words": "some words"}
        yield {"event": "rows", "rows": [[1]], "last": True}

    monkeypatch.setattr(preview_client, "request", answer)
    found = draft_api.rows_of({})
    assert [(one["stage"], one["message"]) for one in found["warnings"]] == [("typed", REMARK["message"])]
    assert [(one["column"], one["rows"]) for one in found["values"][0]["counts"]] == [("carrier", 2), ("canary_key", 1)]
    assert {"warnings", "values"} <= set(draft_api.PreviewOut().fields)


def test_a_stage_that_cannot_show_its_rows_has_no_button(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    run = run_that_told(version, dev, can_show=False)
    assert "data-rows" not in browser_of(ana).get(f"/p/flights/runs/{run.pk}/").content.decode()


@pytest.mark.parametrize("changes", [{"counts": "x"}, {"rows": "many"}, {"rows": 10**400}, {"counts": [{"kind": "a b", "rows": 1}]}])
def test_forged_counts_are_refused(version: JobVersion, dev: Environment, changes: dict[str, Any]) -> None:
    assert values_of(run_that_told(version, dev, **changes), with_data=True) == []


def test_names_that_only_the_data_has_are_hidden_from_others(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User, vic: User
) -> None:
    run = run_that_told(version, dev)
    assert "canary_key" in browser_of(ana).get(f"/p/flights/runs/{run.pk}/").content.decode()
    for address in (f"/p/flights/runs/{run.pk}/", f"/api/v1/projects/flights/runs/{run.pk}/stages"):
        answer = browser_of(vic).get(address)
        assert answer.status_code == 200 and b"canary_key" not in answer.content, address
    assert all("canary_key" not in line.text for line in lines_after(run.pk, 0, with_data=False))


def test_the_log_says_it_in_words(version: JobVersion, dev: Environment) -> None:
    assert sentence(EVENT).startswith("2 of 5 rows have values to look at: carrier (2, not a number), canary_key (1, more digits")
