"""What is stored of a failed run, however it came there, shows no data to people without the right: at every door, in every message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from executor.problems import CONTRACT, Problem
from portal.accounts.models import User
from portal.alerts import raising, words
from portal.alerts.models import Alert
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.runs import sandbox
from portal.runs.log_lines import HIDDEN, all_lines, as_words, with_words
from portal.runs.models import LogSegment, Run, StageRun
from portal.runs.problems import hidden, problem_of
from tests import factories

pytestmark = pytest.mark.django_db
C = "CNRY7781x"
OURS = {
    "code": "value-not-typed",
    "message": "A value is not a valid int.",
    "fix": "Use try_cast.",
    "contract": CONTRACT,
    "stage": "by_origin",
}

PROBLEMS: dict[str, dict[str, Any]] = {
    "of before, with Spark's words": {"code": "spark-error", "message": f"Malformed CSV record: 1,{C}", "detail": C, "stage": "by_origin"},
    "of before, with a value": {
        "code": "value-not-typed",
        "message": f"The value “{C}” is not a valid int.",
        "value": C,
        "found": C,
        "fix": f"Not {C}.",
    },
    "of before, a check": {"code": "check-failed", "message": f"The check “x” stopped the run: {C}", "stage_index": 1},
    "with all that is data": OURS | dict.fromkeys(("value", "found", "expected", "detail", "file", "data_column"), C),
    "that quotes a name nobody knows": OURS | {"message": f"There is no column “{C}” here."},
    "that quotes it in the fix": OURS | {"fix": f"Did you mean “{C}”?"},
    "with quotes that do not pair": OURS | {"message": f"There is no “a” {C} “b” here.", "fix": f"x ” {C} “"},
    "with a quote inside of a quote": OURS | {"message": f"There is no column “by_origin” “x“{C}” here."},
    "with data for a place": OURS | {"stage": C, "stage_type": C, "field": C},
    "with data for a code": OURS | {"code": C},
    "with an edit": OURS | {"edit": {"start": 0, "end": 1, "text": C, "says": C}, "severity": C},
    "with keys of a newer program": OURS | {C: C, "canary": C},
    "of other types": OURS | {"message": [C], "fix": {"a": C}, "row": C, "line": C, "stage_index": C},
    "with a contract of its own": OURS | {"message": f"Row {C} is wrong.", "contract": str(CONTRACT)},
    "that is nearly empty": {"message": C},
}


@pytest.fixture(autouse=True)
def _no_look_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("full"))


LINES = [
    {"event": "log", "level": "info", "message": C, "source": "job", "stage": "by_origin"},
    {"event": "log", "level": "info", "message": C, "source": "sluice"},
    {"event": "log", "level": "error", "message": C, "source": "spark"},
    {"event": "log", "level": "warning", "message": C, "source": "executor"},
    {
        "event": "stage_finished",
        "stage_index": 0,
        "stage": "flights",
        "stage_type": "x",
        "outcome": "done",
        "duration_ms": 1,
        "details": {"message": C},
    },
    {"event": "rows", "rows": [[C]]},
    {"event": "unheard_of", "canary": C},
]


@pytest.fixture(params=PROBLEMS)
def failed_run(request: pytest.FixtureRequest, version: JobVersion, test_env: Environment, vic: User) -> Run:
    return a_failed_run(PROBLEMS[request.param], version, test_env, vic)


def a_failed_run(problem: dict[str, Any], version: JobVersion, test_env: Environment, vic: User) -> Run:
    run = factories.make_run(version, test_env, "failed", problem=problem, fence=1, requested_by=vic)
    run.state_changes.create(before="running", after="failed", attempt_number=1, reason=str(problem.get("message"))[:300])
    StageRun.objects.create(
        run=run, attempt_number=1, index=1, name="by_origin", type="SQLTransform", state="failed", problem=problem, details={"message": C}
    )
    facts = [
        *LINES,
        {"event": "stage_failed", "stage_index": 1, "stage": "by_origin", "problem": problem},
        {"event": "problem", "problem": problem},
    ]
    text = "".join(json.dumps({"seq": seq} | line, separators=(",", ":")) + "\n" for seq, line in enumerate(facts, 1))
    LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=len(facts), lines=text)
    Run.objects.filter(pk=run.pk).update(log_lines=len(facts))
    run.refresh_from_db()
    return run


def doors_of(run: Run) -> list[str]:
    page, api = f"/p/flights/runs/{run.pk}/", f"/api/v1/projects/flights/runs/{run.pk}"
    return [page, page + "now", api, api + "/log", api + "/stages"]


PLACES = ("", "alerts/", "jobs/", "jobs/daily_delays/", "pipelines/", "runs/", f"runs/?text={C}")
DOORS_OF_ALL = ["/api/v1/projects/flights/runs/", "/api/v1/projects/flights/alerts/", *(f"/p/flights/{place}" for place in PLACES)]


def body_of(client: Client, address: str) -> tuple[int, str]:
    answer = client.get(address, follow=True)
    if answer.streaming:
        return answer.status_code, ""
    return answer.status_code, answer.content.decode()


def no_data_behind(doors: list[str], browser: Client) -> None:
    for address in doors:
        status, text = body_of(browser, address)
        assert status == 200, (address, status)
        assert C not in text.replace(f"text={C}", "").replace(f'value="{C}"', "").replace(f"“{C}”", ""), address


def test_no_page_of_a_run_shows_data(failed_run: Run, vic: User, browser_of: Callable[[User], Client]) -> None:
    raising.run_ended(failed_run.pk)
    no_data_behind(doors_of(failed_run), browser_of(vic))


def test_no_list_shows_data(version: JobVersion, test_env: Environment, vic: User, browser_of: Callable[[User], Client]) -> None:
    for problem in PROBLEMS.values():
        raising.run_ended(a_failed_run(problem, version, test_env, vic).pk)
    no_data_behind(DOORS_OF_ALL, browser_of(vic))


def test_no_line_of_the_log_shows_data(failed_run: Run) -> None:
    lines = [line.text for batch in all_lines(failed_run.pk, with_data=False) for line in batch]
    assert len(lines) == failed_run.log_lines
    for text in lines:
        assert C not in text and C not in with_words(text) and C not in as_words(text), text
    assert sum(HIDDEN in text for text in lines) == 4


def test_no_message_shows_data(failed_run: Run, vic: User) -> None:
    raising.run_ended(failed_run.pk)
    assert Alert.objects.exists()
    for alert in Alert.objects.all():
        for text in (alert.title, alert.body, json.dumps(words.payload(alert))):
            assert C not in text
    assert C not in json.dumps([[event.action, event.details] for event in AuditEvent.objects.all()], default=str)


def test_people_with_the_right_see_all_of_it(failed_run: Run, ana: User, browser_of: Callable[[User], Client]) -> None:
    assert C in body_of(browser_of(ana), f"/api/v1/projects/flights/runs/{failed_run.pk}")[1]


def test_a_sentence_of_ours_is_shown_with_the_names_of_the_document() -> None:
    document = json.dumps({"stages": [{"type": "SQLTransform", "name": "by_origin", "sql": "SELECT orgin FROM “x”"}]})
    problem = Problem(
        code="column-unknown",
        message="There is no column “orgin” here.",
        fix="Turn “Line breaks in values” on in “by_origin”.",
        stage="by_origin",
        stage_type="SQLTransform",
        field="sql",
        line=1,
        column=8,
        found=C,
    )
    seen = hidden(problem.as_dict(), document)
    assert (seen.message, seen.stage, seen.field, seen.line, seen.found) == (problem.message, "by_origin", "sql", 1, None)
    assert seen.fix == problem.fix
    assert (
        hidden(problem.as_dict(), "{}").message == "The run failed; the reason may show data, so people with the role Data viewer see it."
    )
    assert problem_of({"code": "Not A Code", "message": "x"}).code == "failed"
