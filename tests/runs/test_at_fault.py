"""Blame falls on the stage that reads or computes, not on the one that happened to be executed: at every door the same one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.alerts.conditions.runs import Failed
from portal.runs import log_lines, sandbox
from portal.runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
STATES = [("flights", "done"), ("by_origin", "failed"), ("write", "stopped")]


def test_the_stage_at_fault_failed_and_the_one_that_met_it_is_not_finished(
    queued: Callable[..., Run], work: Callable[[Run], Run], browser_of: Callable[[User], Client], ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = work(queued("fail_late"))

    assert (run.state, run.problem["stage"]) == ("failed", "by_origin")
    assert [(stage.name, stage.state) for stage in run.stage_runs.all()] == STATES
    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("full"))
    shown = browser_of(ana).get(f"/p/flights/runs/{run.pk}/")
    assert [(line.stage.name, line.tone) for line in shown.context["stages"]] == [("flights", ""), ("by_origin", "bad"), ("write", "mut")]
    assert shown.context["stages"][2].figures == "not finished"
    assert "stage 2 “by_origin”" in shown.content.decode()
    texts = [log_lines.as_words(line.text) for batch in log_lines.all_lines(run.pk, with_data=False) for line in batch]
    told = next(text for text in texts if "failed: " in text)
    assert " by_origin failed: A number is divided by 0. “write” asked for its rows and is not finished." in told
    assert not [text for text in texts if "write failed" in text]
    assert Failed(run).lines()[0] == "In stage 2 “by_origin”: A number is divided by 0."


def test_the_api_tells_the_same(
    queued: Callable[..., Run], work: Callable[[Run], Run], browser_of: Callable[[User], Client], ana: User
) -> None:
    run = work(queued("fail_late"))
    stages = browser_of(ana).get(f"/api/v1/projects/flights/runs/{run.pk}/stages").json()
    assert [(stage["name"], stage["state"]) for stage in stages] == STATES


def test_a_stage_that_the_document_does_not_have_cannot_be_stopped(queued: Callable[..., Run], work: Callable[[Run], Run]) -> None:
    run = work(queued("fail_late:77"))
    assert run.state == "failed" and set(run.stage_runs.values_list("name", flat=True)) == {"flights", "by_origin", "write"}


def test_a_stage_that_fails_by_itself_stops_no_other(queued: Callable[..., Run], work: Callable[[Run], Run]) -> None:
    run = work(queued("fail"))
    assert [stage.state for stage in run.stage_runs.all()] == ["done", "done", "failed"]
