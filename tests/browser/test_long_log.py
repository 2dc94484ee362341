"""A log of many lines in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.runs.models import LogSegment, Run
from tests.factories import make_job, make_run, make_version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINES, SEGMENT, FAILURE = 50_000, 1_000, 12_345


@pytest.fixture
def version(flights: Any, ana: User) -> JobVersion:
    return make_version(make_job(flights, ana, "daily_delays"), ana)


@pytest.fixture
def run(version: JobVersion, dev: Environment) -> Run:
    """It failed long before its log ends."""
    problem = {"code": "x", "message": "It broke", "stage": "write", "stage_index": 2}
    made = make_run(version, dev, "failed", problem=problem, fence=1, log_lines=LINES, log_bytes=1_000_000)
    for first in range(1, LINES + 1, SEGMENT):
        lines = "".join(json.dumps(_event(seq, problem), separators=(",", ":")) + "\n" for seq in range(first, first + SEGMENT))
        LogSegment.objects.create(run=made, attempt_number=1, first_seq=first, last_seq=first + SEGMENT - 1, lines=lines)
    return made


def _event(seq: int, problem: dict[str, Any]) -> dict[str, Any]:
    if seq == FAILURE:
        return {"seq": seq, "event": "stage_failed", "stage": "write", "stage_index": 2, "problem": problem}
    return {"seq": seq, "event": "log", "level": "info", "source": "sluice", "message": f"this is line {seq}"}


def test_a_long_log_opens_at_the_failure_and_follows_links_and_search(screen: Any, visit: Callable[..., Page], run: Run, ana: User) -> None:
    page = visit(screen(), ana, f"/p/flights/runs/{run.pk}/")
    chosen = page.locator(".log .line.hit")
    end = page.locator("[data-end]")

    expect(end).to_contain_text(f"{LINES:,} lines")
    expect(chosen).to_contain_text("It broke")
    expect(page.locator(".log .line", has_text="this is line 12344")).to_be_in_viewport()

    page.get_by_role("searchbox", name="Search the log").fill("line 43210")
    expect(page.locator("[data-hit-count]")).to_have_text("1 of 1")
    expect(chosen).to_contain_text("this is line 43210")

    linked = visit(screen(), ana, f"/p/flights/runs/{run.pk}/#L777")
    expect(linked.locator(".log .line.hit")).to_contain_text("this is line 777")
    expect(linked.locator("[data-end]")).to_contain_text("end of the log")
    expect(linked.locator(".log .line.hit")).to_be_in_viewport()
