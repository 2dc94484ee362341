"""Pipelines through the API: the same actions, the same refusals."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.pipelines.models import Pipeline, PipelineRun, Schedule
from tests.pipelines.ends import end

Program = Callable[..., APIClient]
ROOT = "/api/v1/projects/flights/pipelines/"


def test_a_program_makes_and_changes_a_pipeline(pipeline: Pipeline, ana: User, program_of: Program) -> None:
    program = program_of(ana)
    answer = program.post(ROOT, {"name": "small", "after": {"load_flights": [], "daily_delays": ["load_flights"]}}, format="json")
    assert answer.status_code == 201 and answer.json()["after"]["daily_delays"] == ["load_flights"]
    loop = program.put(ROOT + "small", {"after": {"load_flights": ["daily_delays"], "daily_delays": ["load_flights"]}}, format="json")
    assert loop.json()["code"] == "pipeline-loop" and loop["Content-Type"] == "application/problem+json"
    assert {one["name"] for one in program.get(ROOT).json()["results"]} == {"small", "nightly_flights"}


def test_a_program_runs_it_once_for_one_idempotency_key(pipeline: Pipeline, olu: User, program_of: Program) -> None:
    program = program_of(olu)
    url = ROOT + "nightly_flights/runs/"
    first = program.post(url, {"environment": "test"}, format="json", headers={"Idempotency-Key": "k1"})
    again = program.post(url, {"environment": "test"}, format="json", headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    run = PipelineRun.objects.get()
    end(run, "load_flights", "failed")
    end(run, "load_weather")
    shown = program.get(f"{url}{run.pk}").json()
    assert shown["state"] == "failed"
    assert {job["job"]: job["note"] for job in shown["jobs"]}["daily_delays"] == "waits for load_flights, which failed"
    assert program.post(f"{url}{run.pk}/rerun-failed").json()["state"] == "running"
    assert program.post(f"{url}{run.pk}/cancel").json()["state"] == "cancelled"


def test_a_token_without_the_scope_may_not_run(pipeline: Pipeline, olu: User, program_of: Program) -> None:
    answer = program_of(olu, "read", "write").post(ROOT + "nightly_flights/runs/", {"environment": "test"}, format="json")
    assert answer.status_code == 403 and not PipelineRun.objects.exists()


def test_a_program_sets_pauses_and_removes_a_schedule(pipeline: Pipeline, olu: User, program_of: Program) -> None:
    program, url = program_of(olu), ROOT + "nightly_flights/schedules/test"
    assert program.put(url, {"cron": "30 6 * * *", "timezone": "Europe/Berlin"}, format="json").json()["next_due_at"]
    assert program.post(url + "/pause").json()["paused_at"]
    assert program.post(url + "/resume").json()["paused_at"] is None
    assert program.put(url, {"cron": "nonsense"}, format="json").json()["code"] == "cron-wrong"
    assert len(program.get(ROOT + "nightly_flights/schedules/").json()["results"]) == 1
    assert program.delete(url).status_code == 204 and not Schedule.objects.exists()


def test_strangers_find_nothing(pipeline: Pipeline, outsider: User, program_of: Program) -> None:
    program = program_of(outsider)
    assert program.get(ROOT).status_code == 404
    assert program.get(ROOT + "nightly_flights").status_code == 404
    assert program.post(ROOT + "nightly_flights/runs/", {"environment": "test"}, format="json").status_code == 404
