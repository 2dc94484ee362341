"""A document that is nested without end is told at every door, and the draft that holds it harms no page of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from executor.language import json_text
from executor.stages.one_row import parsed_message
from portal.accounts.models import User
from portal.jobs.models import Job

pytestmark = pytest.mark.django_db
STAGE = '{"type": "SQLTransform", "name": "a", "sql": "SELECT 1 AS a", "outputView": "a", "params": %s}'


def nested(times: int) -> str:
    return "[" * times + "]" * times


DEEP = {
    "a list": nested(20_000),
    "objects": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "stages": f'{{"stages": {nested(20_000)}}}',
    "a field": '{"stages": [%s]}' % (STAGE % f'{{"a": {nested(900)}}}'),  # noqa: UP031 – braces
    "parameters": f'{{"parameters": {nested(20_000)}, "stages": []}}',
}


@pytest.mark.parametrize("document", DEEP.values(), ids=DEEP)
def test_every_door_says_so(document: str, ana: User, job: Job, browser_of: Callable[[User], Client]) -> None:
    browser = browser_of(ana)

    def send(method: str, address: str, **content: Any) -> Any:
        return getattr(browser, method)(address, json.dumps(content), content_type="application/json")

    answers = {
        "check": send("post", "/api/v1/projects/flights/check", document=document),
        "check of the page": send("post", "/p/flights/jobs/daily_delays/check", document=document),
        "save": send("post", "/api/v1/projects/flights/jobs/daily_delays/versions/", document=document),
        "run": send("post", "/api/v1/projects/flights/jobs/daily_delays/run-draft", document=document),
        "draft": send("put", "/api/v1/projects/flights/jobs/daily_delays/draft", document=document, revision=0),
        "body": browser.post(
            "/api/v1/projects/flights/check", f'{{"document": {document}}}', content_type="application/json"
        ),
    }  # fmt: skip

    assert {door: answer.status_code for door, answer in answers.items()} == {
        "check": 200, "check of the page": 200, "save": 422, "run": 400, "draft": 200, "body": 400,
    }  # fmt: skip
    assert [one["code"] for one in answers["check"].json()["problems"]] == ["document-too-deep"]


@pytest.mark.parametrize("document", DEEP.values(), ids=DEEP)
def test_a_draft_of_one_author_leaves_every_page_of_others_whole(
    document: str, ana: User, vic: User, job: Job, browser_of: Callable[[User], Client], settings: Any, tmp_path: Path
) -> None:
    settings.LAKE_DIR = tmp_path
    folder = tmp_path / "flights/dev/raw"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a\n1\n")
    draft = {"document": document, "revision": 0}
    kept = browser_of(ana).put("/api/v1/projects/flights/jobs/daily_delays/draft", json.dumps(draft), content_type="application/json")
    assert kept.status_code == 200

    pages = [
        "/p/flights/data/dev/", "/p/flights/data/dev/table?uri=raw/a.csv", "/p/flights/jobs/", "/p/flights/jobs/daily_delays/",
        "/api/v1/projects/flights/environments/dev/files/", "/palette.json", "/",
    ]  # fmt: skip
    assert {page: browser_of(vic).get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    assert browser_of(ana).get("/p/flights/jobs/daily_delays/edit").status_code == 200


def test_what_is_nested_a_hundred_times_is_read_and_more_is_not() -> None:
    assert json_text.loads(nested(json_text.DEEPEST))
    for times in (json_text.DEEPEST + 1, 900, 100_000):
        with pytest.raises(json_text.TooDeep):
            json_text.loads(nested(times))


def test_a_message_of_a_job_that_is_nested_without_end_is_text() -> None:
    """A log line must not cost a run."""
    assert parsed_message(nested(5_000)) == nested(5_000)
