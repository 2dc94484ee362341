"""“See rows” of what a run published: who may, and what is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from executor.document.job import parse
from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import preview_client
from portal.runs.models import Run
from portal.runs.output_rows import message_for
from tests.factories import make_run, make_version

pytestmark = pytest.mark.django_db
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "raw/a.csv", "outputView": "a", "header": True}
LOADS = [
    {"type": "ParquetLoad", "name": "save", "inputView": "a", "outputURI": "curated/${place}"},
    {
        "type": "DelimitedLoad", "name": "csv", "inputView": "a", "outputURI": "out/a",
        "delimiter": "Custom", "customDelimiter": ";", "header": True,
    },
    {"type": "JSONLoad", "name": "json", "inputView": "a", "outputURI": "out/j"},
]  # fmt: skip
DOCUMENT = {"parameters": {"place": {"type": "string", "default": "a"}}, "stages": [READ, *LOADS]}


@pytest.fixture
def run(job: Job, ana: User, prod: Environment) -> Run:
    """Has published a Parquet, a text and a JSON output in prod."""
    version = make_version(job, ana, DOCUMENT, live_in=("prod",))
    outputs = [{"stage": "save", "uri": "curated/b", "format": "parquet"}, {"stage": "csv", "uri": "out/a", "format": "delimited"}]
    outputs.append({"stage": "json", "uri": "out/j", "format": "json"})
    return make_run(version, prod, state="succeeded", outputs=outputs, parameters={"place": "b"})


def test_each_form_is_read_as_it_was_written(run: Run, olu: User) -> None:
    stages = [message_for(olu, run, number)["message"]["document"]["stages"] for number in range(3)]
    assert [[stage["type"] for stage in one] for one in stages] == [["ParquetExtract"], ["DelimitedExtract"], ["JSONExtract"]]
    assert [one[0]["inputURI"] for one in stages] == ["curated/b", "out/a", "out/j"]
    assert (stages[1][0]["customDelimiter"], stages[1][0]["header"], stages[2][0]["multiLine"]) == (";", True, False)
    for one in stages:
        parse({"stages": one}, environment="prod", parameters={})


def test_it_is_read_where_the_run_wrote_and_never_as_a_draft(run: Run, olu: User) -> None:
    message = message_for(olu, run, 0)
    assert (message["do"], message["environment"], message["message"]["environment"]) == ("look", run.environment_id, "prod")


def test_looking_at_data_is_in_the_audit_once_an_hour(run: Run, olu: User) -> None:
    for _ in range(3):
        message_for(olu, run, 0)
    event = AuditEvent.objects.get(action="view_data")
    assert (event.actor, event.subject_id, event.environment) == (olu, str(run.pk), "prod")


def test_who_may_not_see_data_there_gets_no_button_and_finds_nothing(
    run: Run, vic: User, ana: User, olu: User, browser_of: Callable[[User], Any], program_of: Callable[..., Any]
) -> None:
    page = f"/p/flights/runs/{run.pk}/"
    assert b"See rows" in browser_of(olu).get(page).content
    for person in (vic, ana):  # Ana is author in dev; in prod she only looks
        assert b"See rows" not in browser_of(person).get(page).content
        address = f"/api/v1/projects/flights/runs/{run.pk}/outputs/0/rows"
        assert program_of(person, "read").post(address, {}, format="json").status_code == 404
    assert set(AuditEvent.objects.filter(action="view_data").values_list("result", flat=True)) == {"refused"}


def test_the_api_gives_the_rows(run: Run, olu: User, program_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    column = {"name": "_filename", "type": "string", "nullable": True, "internal": True}

    async def answer(message: dict[str, Any]) -> Any:
        yield {
            "event": "rows", "stage": "output", "view": "output", "columns": [column], "rows": [[message["message"]["rows"]]],
            "complete": True, "duration_ms": 1, "input": "sample", "last": True,
        }  # fmt: skip

    monkeypatch.setattr(preview_client, "request", answer)
    read = program_of(olu, "read")
    answered = read.post(f"/api/v1/projects/flights/runs/{run.pk}/outputs/2/rows", {"rows": 7}, format="json").json()
    assert (answered["rows"], answered["columns"][0]["internal"]) == ([[7]], True)
    assert read.post(f"/api/v1/projects/flights/runs/{run.pk}/outputs/3/rows", {}, format="json").status_code == 404


def test_an_output_whose_stage_is_not_known_any_more_is_said(run: Run, olu: User) -> None:
    run.document = json.dumps({"stages": [{"type": "OldLoad", "name": "save"}]})
    with pytest.raises(PortalError, match="cannot be shown"):
        message_for(olu, run, 0)
