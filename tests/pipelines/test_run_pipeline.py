"""A pipeline run from its first layer to its end, with failures, reruns and cancelling on the way."""

from __future__ import annotations

import pytest

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.models import LiveVersion
from portal.pipelines import progress, tasks
from portal.pipelines.actions import cancel_pipeline_run, create_pipeline, edit_pipeline, rerun_failed, run_pipeline
from portal.pipelines.models import Pipeline
from portal.runs.models import Run
from tests.pipelines.ends import end, states


def test_the_first_layer_starts_at_once_and_the_rest_waits_by_name(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    assert states(run) == {"load_flights": "running", "load_weather": "running", "daily_delays": "waiting", "delay_report": "waiting"}
    assert run.job_runs.get(job__name="daily_delays").note == "waits for load_flights, load_weather"
    started = Run.objects.filter(trigger="pipeline", environment=test_env)
    assert {(one.job.name, one.trigger_label, one.requested_by) for one in started} == {
        ("load_flights", "nightly_flights", olu),
        ("load_weather", "nightly_flights", olu),
    }


def test_a_job_starts_when_all_before_it_have_succeeded(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_flights")
    assert states(run)["daily_delays"] == "waiting"
    end(run, "load_weather", "succeeded_with_warnings")
    assert states(run)["daily_delays"] == "running"
    end(run, "daily_delays")
    end(run, "delay_report")
    run.refresh_from_db()
    assert run.state == "succeeded" and run.finished_at is not None
    assert Run.objects.count() == 4


def test_a_failed_job_holds_what_depends_on_it_and_says_so(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_flights", "failed")
    assert states(run) == {"load_flights": "failed", "load_weather": "running", "daily_delays": "held", "delay_report": "held"}
    assert run.job_runs.get(job__name="daily_delays").note == "waits for load_flights, which failed"
    assert run.job_runs.get(job__name="delay_report").note == "waits for daily_delays, which is held itself"
    end(run, "load_weather")
    run.refresh_from_db()
    assert run.state == "failed"


def test_rerunning_what_failed_releases_what_was_held(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    first = end(run, "load_flights", "failed")
    end(run, "load_weather")
    run = rerun_failed(actor=olu, pipeline_run=run)
    assert run.state == "running" and run.finished_at is None
    again = run.job_runs.get(job__name="load_flights").run
    assert again != first and again.rerun_of == first
    end(run, "load_flights")
    assert states(run)["daily_delays"] == "running"
    end(run, "daily_delays")
    end(run, "delay_report")
    run.refresh_from_db()
    assert run.state == "succeeded"
    with pytest.raises(PortalError, match="Nothing of this pipeline run has failed"):
        rerun_failed(actor=olu, pipeline_run=run)


def test_a_job_without_a_live_version_fails_in_words_and_can_be_tried_again(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    pointer = LiveVersion.objects.get(job__name="load_flights", environment=test_env)
    version = pointer.version
    pointer.delete()
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    place = run.job_runs.get(job__name="load_flights")
    assert (place.state, place.note) == ("failed", "could not start: No version of load_flights is live in test.")
    assert states(run)["daily_delays"] == "held"
    LiveVersion.objects.create(job=version.job, environment=test_env, version=version, since=version.created_at, set_by=olu)
    run = rerun_failed(actor=olu, pipeline_run=run)
    assert states(run)["load_flights"] == "running"


def test_a_message_told_fifty_times_starts_a_job_once(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_weather")
    last = end(run, "load_flights")
    for _ in range(50):
        tasks.run_ended(str(last.pk))
    assert Run.objects.filter(job__name="daily_delays").count() == 1


def test_the_scheduler_finds_an_end_nobody_told_about(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_weather", told=False)
    end(run, "load_flights", told=False)
    assert states(run)["daily_delays"] == "waiting"
    assert progress.advance_all() == 1
    assert states(run)["daily_delays"] == "running"
    assert progress.advance_all() == 0


def test_cancelling_stops_what_runs_and_starts_nothing_more(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    end(run, "load_weather")
    run = cancel_pipeline_run(actor=olu, pipeline_run=run)
    assert states(run) == {
        "load_flights": "cancelled",
        "load_weather": "succeeded",
        "daily_delays": "cancelled",
        "delay_report": "cancelled",
    }
    assert run.state == "cancelled"
    assert Run.objects.get(job__name="load_flights").state == "cancelled"
    with pytest.raises(Conflict, match="ended already"):
        cancel_pipeline_run(actor=olu, pipeline_run=run)


def test_a_run_that_is_stopping_keeps_the_pipeline_run_cancelling(pipeline: Pipeline, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    Run.objects.filter(job__name="load_flights").update(state="running")
    run = cancel_pipeline_run(actor=olu, pipeline_run=run)
    assert (run.state, run.shown_state) == ("running", "cancelling")
    assert Run.objects.get(job__name="load_flights").state == "cancelling"
    end(run, "load_flights", "cancelled")
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_editing_the_pipeline_does_not_touch_a_run_under_way(pipeline: Pipeline, ana: User, olu: User, test_env: Environment) -> None:
    run = run_pipeline(actor=olu, pipeline=pipeline, environment=test_env)
    edit_pipeline(actor=ana, pipeline=pipeline, description="", after={"load_flights": []})
    end(run, "load_flights")
    end(run, "load_weather")
    assert states(run) == {"load_flights": "succeeded", "load_weather": "succeeded", "daily_delays": "running", "delay_report": "waiting"}


def test_an_empty_pipeline_says_what_to_do(flights: object, ana: User, olu: User, test_env: Environment) -> None:
    empty = create_pipeline(actor=ana, project=test_env.project, name="empty")
    with pytest.raises(PortalError, match="has no jobs yet"):
        run_pipeline(actor=olu, pipeline=empty, environment=test_env)


def test_rights_are_asked_for_in_the_environment(pipeline: Pipeline, ana: User, vic: User, test_env: Environment, dev: Environment) -> None:
    with pytest.raises(NotAllowed):
        run_pipeline(actor=ana, pipeline=pipeline, environment=test_env)  # an author in dev only
    run = run_pipeline(actor=ana, pipeline=pipeline, environment=dev)
    for action in (cancel_pipeline_run, rerun_failed):
        with pytest.raises(NotAllowed):
            action(actor=vic, pipeline_run=run)


def test_a_pipeline_does_not_run_in_another_projects_environment(pipeline: Pipeline, olu: User, outsider: User) -> None:
    foreign = outsider.memberships.first().project.environments.get(name="test")  # type: ignore[union-attr]
    with pytest.raises(PortalError):
        run_pipeline(actor=olu, pipeline=pipeline, environment=foreign)
