"""What cannot run is said when a pipeline or schedule is saved, and on the pages, before its time comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.pipelines.actions import create_pipeline, run_pipeline
from portal.pipelines.models import Pipeline
from portal.pipelines.readiness import obstacles_in, obstacles_of
from tests.alerts.test_unheard import NEEDS_DAY
from tests.factories import make_job, make_version

API = "/api/v1/projects/flights/pipelines/"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def jobs(flights: Project, ana: User) -> dict[str, Job]:
    """One that runs, one that needs a value, one that is live nowhere, one that was never saved."""
    made = {name: make_job(flights, ana, name) for name in ("good", "nightly", "not_live", "never_saved")}
    make_version(made["good"], live_in=("dev", "test"))
    make_version(made["nightly"], document=NEEDS_DAY, live_in=("dev", "test"))
    make_version(made["not_live"])
    return made


@pytest.fixture
def pipeline(flights: Project, ana: User, jobs: dict[str, Job]) -> Pipeline:
    return create_pipeline(actor=ana, project=flights, name="night", after={name: [] for name in jobs})


def test_each_obstacle_has_its_reason_and_fix(pipeline: Pipeline, test_env: Environment) -> None:
    found = {one.job: (one.code, one.says) for one in obstacles_in(pipeline, test_env)}
    assert found == {
        "nightly": (
            "parameter-missing",
            "The parameter “day” has no value. Give it a default in the job, or a value in the environment test.",
        ),
        "not_live": ("nothing-live", "No version of not_live is live in test. Ask for a promotion to test first."),
        "never_saved": ("never-saved", "never_saved has never been saved. Open it and save a version."),
    }


def test_a_value_of_the_environment_is_enough(pipeline: Pipeline, test_env: Environment) -> None:
    test_env.parameters = {"day": "2026-01-31"}
    test_env.save()
    assert "nightly" not in {one.job for one in obstacles_in(pipeline, test_env)}


def test_without_a_schedule_only_what_can_run_nowhere_is_said(pipeline: Pipeline) -> None:
    assert [(one.job, one.environment) for one in obstacles_of(pipeline)] == [("never_saved", None)]


def test_saving_a_schedule_says_at_once_what_cannot_run(pipeline: Pipeline, olu: User, browser_of: Callable[[User], Client]) -> None:
    client = browser_of(olu)
    fields = {"environment": "test", "step": "save", "cron": "0 6 * * *", "timezone": "UTC"}
    page = text_of(client.post("/p/flights/pipelines/night/schedule", fields, follow=True))
    assert "The schedule is set." in page
    assert "nightly cannot run in test as it is: The parameter “day” has no value. Give it a default in the job" in page
    assert "As it is, it cannot run to its end in test" in page and "/p/flights/jobs/nightly/" in page
    assert "/p/flights/jobs/nightly/edit" not in page, "an operator cannot mend it there"


def test_by_program_too(pipeline: Pipeline, olu: User, program_of: Callable[..., APIClient]) -> None:
    saved = program_of(olu).put(f"{API}night/schedules/test", {"cron": "0 6 * * *"}, format="json").json()
    assert {one["job"]: one["code"] for one in saved["obstacles"]} == {
        "nightly": "parameter-missing",
        "not_live": "nothing-live",
        "never_saved": "never-saved",
    }
    assert (saved["paused_because"], saved["paused_by"]) == ("", None)
    paused = program_of(olu).post(f"{API}night/schedules/test/pause").json()
    assert (paused["paused_because"], paused["paused_by"]) == ("by Olu", "olu")


def test_a_never_saved_job_is_said_while_it_is_chosen_and_when_it_is_saved(
    jobs: dict[str, Job], ana: User, browser_of: Callable[[User], Client], program_of: Callable[..., APIClient]
) -> None:
    client = browser_of(ana)
    choosing: dict[str, Any] = {"name": "mine", "job": "good", "add": "never_saved", "step": "add"}
    assert "never_saved has never been saved. Open it and save a version." in text_of(
        client.post("/p/flights/pipelines/new-pipeline", choosing)
    )
    saving = {"name": "mine", "job": ["good", "never_saved"], "step": "save"}
    page = text_of(client.post("/p/flights/pipelines/new-pipeline", saving, follow=True))
    assert "never_saved cannot run: never_saved has never been saved." in page and "/p/flights/jobs/never_saved/edit" in page
    made = program_of(ana).post(API, {"name": "other", "after": {"never_saved": []}}, format="json").json()
    assert [(one["job"], one["environment"], one["code"]) for one in made["obstacles"]] == [("never_saved", None, "never-saved")]


def test_the_runs_page_and_the_list_say_what_did_not_start_and_where_to_mend_it(
    pipeline: Pipeline,
    ana: User,
    olu: User,
    test_env: Environment,
    browser_of: Callable[[User], Client],
    program_of: Callable[..., APIClient],
) -> None:
    made = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    client = browser_of(ana)
    for url in ("/p/flights/pipelines/", f"/p/flights/pipelines/night/runs/{made.pk}/"):
        page = text_of(client.get(url))
        assert "The parameter “day” has no value." in page and "/p/flights/jobs/nightly/edit" in page, url
        assert "never_saved has never been saved." in page
    told = {one["job"]: one for one in program_of(olu).get(f"{API}night/runs/{made.pk}").json()["jobs"]}
    assert told["nightly"]["code"] == "parameter-missing" and told["nightly"]["fix"].startswith("Give it a default")
    assert told["good"]["code"] == ""


def test_a_value_that_does_not_fit_is_not_quoted(pipeline: Pipeline, test_env: Environment) -> None:
    test_env.parameters = {"day": "canary7731"}
    test_env.save()
    found = {one.job: one.says for one in obstacles_in(pipeline, test_env)}
    assert "does not fit its type" in found["nightly"] and "canary7731" not in found["nightly"]
