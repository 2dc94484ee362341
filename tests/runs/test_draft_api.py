"""The API of what is not saved yet: previews and runs of a document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from portal.accounts.models import User
from portal.jobs.models import Job
from portal.runs import preview_client
from portal.runs.models import Run
from tests.factories import DOCUMENT

pytestmark = pytest.mark.django_db
Program = Callable[..., Any]
JOB = "/api/v1/projects/flights/jobs/daily_delays"
ROWS = {
    "event": "rows", "stage_index": 1, "stage": "count", "view": "counted", "columns": [{"name": "n", "type": "bigint", "nullable": False}],
    "rows": [[3]], "complete": True, "duration_ms": 12, "input": "sample", "total_rows": 1, "last": True,
}  # fmt: skip
TYPO = {"code": "column-unknown", "message": "There is no column “orgin” here.", "fix": "Did you mean “origin”?", "stage_index": 1}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the preview service will answer (`events`), and what it was asked (`asked`)."""
    kept: dict[str, Any] = {"events": [ROWS]}

    async def answer(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        kept["asked"] = message
        for event in kept["events"]:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    return kept


def test_a_preview_gives_the_rows_of_a_stage(service: dict[str, Any], job: Job, ana: User, program_of: Program) -> None:
    service["events"] = [{"event": "waiting", "message": "The preview session is starting."}, ROWS]
    answer = program_of(ana, "read", "run").post(f"{JOB}/preview", {"document": DOCUMENT, "to": 1, "rows": 5}, format="json")
    assert answer.status_code == 200, answer.content
    assert (answer.json()["view"], answer.json()["rows"], answer.json()["complete"]) == ("counted", [[3]], True)
    assert {"request": "preview", "to": 1, "rows": 5, "input": "sample"}.items() <= service["asked"]["message"].items()
    assert (service["asked"]["user"], service["asked"]["job"]) == (ana.pk, job.pk)


def test_a_preview_that_fails_is_a_problem_with_its_fix(service: dict[str, Any], job: Job, ana: User, program_of: Program) -> None:
    service["events"] = [{"event": "stage_failed", "stage_index": 1, "problem": TYPO, "last": True}]
    answer = program_of(ana, "read", "run").post(f"{JOB}/preview", {"document": DOCUMENT, "to": 1}, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (answer.json()["code"], answer.json()["fix"], answer.json()["problems"]) == ("column-unknown", TYPO["fix"], [TYPO])


def test_a_service_that_is_down_is_503(service: dict[str, Any], job: Job, ana: User, program_of: Program) -> None:
    service["events"] = [preview_client.DOWN]
    answer = program_of(ana, "read", "run").post(f"{JOB}/preview", {"document": DOCUMENT, "to": 1}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "previews-down")


def test_who_may_not_preview_or_run_a_draft_finds_nothing(
    service: dict[str, Any], job: Job, vic: User, olu: User, program_of: Program
) -> None:
    for person in (vic, olu):
        for address in ("preview", "run-draft"):
            assert (
                program_of(person, "read", "run").post(f"{JOB}/{address}", {"document": DOCUMENT, "to": 1}, format="json").status_code
                == 404
            )
    assert "asked" not in service and not Run.objects.exists()


def test_a_token_that_only_reads_previews_nothing(service: dict[str, Any], job: Job, ana: User, program_of: Program) -> None:
    assert program_of(ana, "read").post(f"{JOB}/preview", {"document": DOCUMENT, "to": 1}, format="json").status_code == 403
    assert "asked" not in service


def test_a_draft_is_run_in_the_lowest_environment(job: Job, ana: User, program_of: Program) -> None:
    answer = program_of(ana, "read", "run").post(f"{JOB}/run-draft", {"document": DOCUMENT}, format="json")
    assert answer.status_code == 201, answer.content
    assert (answer.json()["version"], answer.json()["environment"], answer.json()["state"]) == (None, "dev", "queued")


def test_the_tables_behind_a_connection_are_told_as_in_the_editor(
    service: dict[str, Any], job: Job, ana: User, vic: User, program_of: Program
) -> None:
    ask = lambda person, *scopes: program_of(person, *scopes).post(f"{JOB}/tables", {"connection": "shop"}, format="json")  # noqa: E731
    service["events"] = [{"event": "tables", "tables": ["orders", 'sales."two words"'], "last": True}]
    answer = ask(ana, "read", "run")
    assert (answer.status_code, answer.json()) == (200, {"tables": ["orders", 'sales."two words"']})
    asked = service.pop("asked")
    assert asked["message"]["request"] == "tables" and asked["message"]["document"]["stages"][0]["connection"] == "shop"
    assert (asked["user"], asked["job"]) == (ana.pk, job.pk)
    assert (ask(vic, "read", "run").status_code, ask(ana, "read").status_code) == (404, 403) and "asked" not in service
    unknown = {"code": "connection-unknown", "message": "There is no connection “shop”.", "fix": "Choose another one."}
    for events, status in (([{"event": "problem", "problem": unknown, "last": True}], 422), ([preview_client.DOWN], 503)):
        service["events"] = events
        assert ask(ana, "read", "run").status_code == status
    assert program_of(ana, "read", "run").post(f"{JOB}/tables", {}, format="json").status_code == 422


def test_spark_finds_the_problems_of_a_document(service: dict[str, Any], job: Job, ana: User, program_of: Program) -> None:
    columns = {"flights": [{"name": "origin", "type": "string"}]}
    service["events"] = [{"event": "problem", "problem": TYPO}, {"event": "analysed", "columns": columns, "last": True}]
    answer = program_of(ana, "read", "run").post(f"{JOB}/analyse", {"document": DOCUMENT}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"problems": [TYPO], "columns": columns})
    assert {"request": "analyse", "to": None}.items() <= service["asked"]["message"].items()
    service["events"] = [preview_client.DOWN]
    assert program_of(ana, "read", "run").post(f"{JOB}/analyse", {"document": DOCUMENT}, format="json").status_code == 503
