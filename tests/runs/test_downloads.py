"""Rows taken home: who may, what is asked for, and that a file comes whole or not at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.runs import downloads, preview_client
from portal.runs.models import Run
from tests.factories import make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[User], Client]
DATA = b"a\n1\n"
PIECES = [{"event": "piece", "data": base64.b64encode(DATA[:2]).decode()}, {"event": "piece", "data": base64.b64encode(DATA[2:]).decode()}]
DONE = {"event": "exported", "rows": 1, "complete": False, "bytes": 4, "notes": ["2 numbers stand as text."], "last": True}
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "raw/a.csv", "outputView": "a", "header": True}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the preview service is asked; it answers with a file of one row."""
    found: list[dict[str, Any]] = []

    async def answer(message: dict[str, Any]) -> Any:
        found.append(message)
        for event in [*PIECES, DONE]:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    return found


@pytest.fixture
def run(job: Job, ana: User, prod: Environment) -> Run:
    document = {"stages": [READ, {"type": "ParquetLoad", "name": "save", "inputView": "a", "outputURI": "curated/b"}]}
    version = make_version(job, ana, document, live_in=("prod",))
    return make_run(version, prod, state="succeeded", outputs=[{"stage": "save", "uri": "curated/b", "format": "parquet"}])


def post(browser: Client, address: str, **body: Any) -> Any:
    return browser.post(address, json.dumps(body), content_type="application/json", HTTP_ACCEPT="application/json")


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if not answer.is_async else _read(answer)


def _read(answer: Any) -> bytes:
    from asgiref.sync import async_to_sync

    async def all_of() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(all_of)()


def test_an_output_goes_home(run: Run, olu: User, browser_of: Browsers, asked: list[dict[str, Any]]) -> None:
    answer = post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv-excel")
    assert (answer.status_code, content(answer)) == (200, DATA)
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''b_first_1_rows.csv"
    assert (answer["X-Sluice-Rows"], answer["X-Sluice-Complete"], answer["X-Sluice-Notes"]) == (
        "1",
        "no",
        "2%20numbers%20stand%20as%20text.",
    )
    message = asked[0]["message"]
    assert (asked[0]["do"], message["request"], message["form"], message["mark"], message["input"]) == (
        "look",
        "export",
        "csv",
        True,
        "full",
    )
    assert message["rows"] == 100_000 and message["document"]["stages"][0]["inputURI"] == "curated/b"
    event = AuditEvent.objects.get(action="download_data")
    assert (event.actor, event.environment, event.details["rows"], event.details["uri"]) == (olu, "prod", 1, "curated/b")


def test_who_may_not_see_data_takes_none_home(
    run: Run, job: Job, vic: User, ana: User, outsider: User, browser_of: Browsers, asked: list[dict[str, Any]]
) -> None:
    for person in (vic, ana, outsider):  # Ana is author in dev; in prod she only looks
        assert post(browser_of(person), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv").status_code == 404
    for person in (vic, outsider):
        body = {"document": {"stages": [READ]}, "to": 0, "form": "csv"}
        assert post(browser_of(person), f"/p/flights/jobs/{job.name}/preview/download", **body).status_code == 404
    assert asked == [] and not AuditEvent.objects.filter(action="download_data", result="done").exists()


def test_a_preview_goes_home(job: Job, ana: User, browser_of: Browsers, asked: list[dict[str, Any]]) -> None:
    body = {"document": {"stages": [READ]}, "to": 0, "form": "xlsx", "name": "by_origin"}
    answer = post(browser_of(ana), f"/p/flights/jobs/{job.name}/preview/download", **body)
    assert (content(answer), answer["Content-Disposition"]) == (DATA, "attachment; filename*=UTF-8''by_origin_first_1_rows.xlsx")
    assert (asked[0]["do"], asked[0]["message"]["to"]) == ("ask", 0)


def test_programs_take_the_same_home(
    run: Run, job: Job, olu: User, ana: User, vic: User, program_of: Callable[..., Any], asked: list[dict[str, Any]]
) -> None:
    output, preview = (
        f"/api/v1/projects/flights/runs/{run.pk}/outputs/{{}}/download",
        f"/api/v1/projects/flights/jobs/{job.name}/preview/download",
    )
    taken = program_of(olu, "read").post(output.format(0), {"form": "xlsx"}, format="json")
    assert (taken.status_code, content(taken), taken["Content-Disposition"][-19:]) == (200, DATA, "b_first_1_rows.xlsx")
    assert (asked[0]["do"], asked[0]["message"]["document"]["stages"][0]["inputURI"]) == ("look", "curated/b")
    body = {"document": {"stages": [READ]}, "to": 0}
    assert content(program_of(ana, "read", "run").post(preview, body, format="json")) == DATA
    assert (asked[1]["do"], asked[1]["message"]["form"], asked[1]["message"]["to"]) == ("ask", "csv", 0)
    assert AuditEvent.objects.filter(action="download_data", result="done").count() == 2
    for person, address, form, status in (
        (ana, output.format(0), "csv", 404),
        (vic, output.format(0), "csv", 404),
        (vic, preview, "csv", 404),
        (olu, output.format(1), "csv", 404),
        (olu, output.format(0), "exe", 422),
    ):
        given = {"form": form} | (body if address == preview else {})
        answer = program_of(person, "read", "run").post(address, given, format="json")
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (person, address, form)
    assert program_of(ana, "read").post(preview, body, format="json").status_code == 403
    assert len(asked) == 2


def test_a_file_that_has_all_rows_has_the_plain_name(
    run: Run, olu: User, browser_of: Browsers, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DONE, "complete", True)
    answer = post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="parquet")
    assert (content(answer), answer["X-Sluice-Complete"]) == (DATA, "yes")
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''b.parquet"


def test_what_the_stages_tell_of_the_rows_comes_with_the_file(
    run: Run, olu: User, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected = {"code": "rows-rejected", "message": "2 rows are in _errors."}
    finished = {"event": "stage_finished", "stage": "read", "details": {"warnings": [rejected]}}
    events = [
        finished | {"stage_index": 0},
        finished | {"stage_index": 1, "details": {"warnings": [{"message": "This file is there twice."}]}},
        finished | {"stage_index": 2, "details": {"kept": True}},
        {
            "event": "value_warnings",
            "stage_index": 0,
            "words": "2 of 5 rows have values to look at: kept as text in _errors.",
            "counts": [{"column": None, "kind": "another-width", "rows": 2}],
        },
        *PIECES,
        DONE | {"complete": True},
    ]

    async def answer(message: dict[str, Any]) -> Any:
        for event in events:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    taken = post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv")
    assert content(taken) == DATA
    assert unquote(taken["X-Sluice-Notes"]) == (
        "2 of 5 rows have values to look at: kept as text in _errors. This file is there twice. "
        "This file is without the column _errors. 2 numbers stand as text."
    )


def test_what_is_told_never_makes_a_header_that_programs_in_between_refuse(
    run: Run, olu: User, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [{"event": "value_warnings", "stage_index": index, "words": "名" * 1000} for index in range(40)]

    async def answer(message: dict[str, Any]) -> Any:
        for event in [*events, *PIECES, DONE]:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    taken = post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv")
    assert content(taken) == DATA and "2 numbers stand as text." in unquote(taken["X-Sluice-Notes"])
    assert len(taken["X-Sluice-Notes"]) < 6_000


@pytest.mark.parametrize("form", ["", "exe", "csv\r\nX: y", None])
def test_another_form_is_refused(run: Run, olu: User, browser_of: Browsers, asked: list[dict[str, Any]], form: Any) -> None:
    assert post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form=form).status_code == 422
    assert asked == []


@pytest.mark.parametrize(
    "events",
    [
        [PIECES[0], {"event": "problem", "problem": {"message": "It broke.", "fix": "Mend it."}, "last": True}],
        [PIECES[0], {"event": "stage_failed", "problem": {"message": "It broke."}, "last": True}],
        [PIECES[0], {"event": "cancelled", "last": True}],
        [{"event": "piece", "data": "%%%"}, DONE],
        [],
    ],
)
def test_what_breaks_is_told_and_no_half_file_comes(
    run: Run, olu: User, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    async def answer(message: dict[str, Any]) -> Any:
        for event in events:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    refused = post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv")
    assert refused.status_code == 422 and refused.json()["code"] == "download-failed"
    assert not AuditEvent.objects.filter(action="download_data").exists()


def test_more_than_fits_is_refused_whatever_the_executor_says(
    run: Run, olu: User, browser_of: Browsers, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 3)
    assert post(browser_of(olu), f"/p/flights/runs/{run.pk}/outputs/0/download", form="csv").status_code == 422


@pytest.mark.parametrize(
    ("place", "form", "name"),
    [
        ("curated/daily_delays", "xlsx", "daily_delays.xlsx"),
        ("raw/a.csv.gz", "csv", "a.csv"),
        ("raw/Ümsatz 1.CSV", "parquet", "Ümsatz 1.parquet"),
        ("raw/", "csv", "raw.csv"),
        ("x/v1.2", "csv", "v1.2.csv"),
    ],
)
def test_the_file_has_a_sensible_name(place: str, form: str, name: str) -> None:
    assert downloads.file_name(place, form) == name


def test_what_a_stage_says_is_told_beside_what_it_counted_but_for_what_says_the_same() -> None:
    rejected = {"code": "rows-rejected", "message": "2 rows of another width."}
    double = {"code": "compared-as-double", "message": "“d” is compared with a text as a double."}
    told = downloads.Told()
    told.take({"event": "stage_finished", "stage_index": 0, "details": {"warnings": [rejected, double]}})
    told.take({"event": "stage_finished", "stage_index": 1, "details": {"warnings": [rejected]}})
    told.take({"event": "value_warnings", "stage_index": 0, "words": "2 of 5 rows", "counts": [{"kind": "another-width", "rows": 2}]})
    assert told.words() == ["2 of 5 rows", double["message"], rejected["message"]]
