"""Alerts end by themselves when the next run is good, and that is said once to those who heard of the trouble."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.alerts import delivery, raising
from portal.alerts.actions import create_channel, create_rule, resolve_alert
from portal.alerts.models import Alert, Delivery, Notice, Rule
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.pipelines.actions import create_pipeline, rerun_failed, run_pipeline
from portal.pipelines.models import Pipeline
from portal.runs.models import Run
from tests.factories import make_job, make_live, make_run, make_version
from tests.pipelines.ends import end
from tests.services.smtp import Mailbox


def good(version: JobVersion, environment: Environment, minutes_ago: float = 1, **fields: object) -> Run:
    run = make_run(version, environment, "succeeded", minutes_ago=minutes_ago, finished_at=timezone.now(), **fields)
    raising.run_ended(run.pk)
    return run


@pytest.fixture
def trouble(version: JobVersion, test_env: Environment) -> Alert:
    """A run failed ten minutes ago, and Ana has her mail about it."""
    raising.run_ended(make_run(version, test_env, "failed", minutes_ago=10).pk)
    return Alert.objects.get()


def test_the_next_good_run_resolves_it_and_says_so_once(
    trouble: Alert, version: JobVersion, test_env: Environment, mailbox: Mailbox, ana: User, olu: User, browser_of: Callable[[User], Client]
) -> None:
    delivery.deliver_due()
    run = good(version, test_env)
    good(version, test_env)
    delivery.deliver_due(timezone.now() + timedelta(seconds=1))
    trouble.refresh_from_db()
    assert (trouble.state, trouble.resolved_by, trouble.resolution) == ("resolved", None, f"by run {run.short_id}")
    assert [mail["Subject"] for mail in mailbox.mails] == [
        "[Sluice] daily_delays failed in test",
        "[Sluice] daily_delays runs well again in test",
    ]
    assert f"Resolved by run {run.short_id}." in mailbox.mails[1].get_content()
    assert AuditEvent.objects.filter(action="resolve_alert", actor_name="system").count() == 1
    page = browser_of(olu).get("/p/flights/alerts/", {"of": "all", "state": "resolved"}).content.decode()
    assert f"by run {run.short_id}" in page and f"/p/flights/runs/{run.pk}/" in page
    assert [one.alert.event for one in Notice.objects.filter(user=ana, read_at=None)] == ["well_again"], "the trouble counts no longer"


def test_where_the_first_mail_is_still_on_its_way_it_says_so_itself(
    trouble: Alert, version: JobVersion, test_env: Environment, mailbox: Mailbox
) -> None:
    run = good(version, test_env)
    delivery.deliver_due()
    (mail,) = mailbox.mails
    assert f"Resolved meanwhile: by run {run.short_id}." in mail.get_content()


def test_several_failures_end_with_one_message(version: JobVersion, test_env: Environment, mailbox: Mailbox) -> None:
    for minutes in (30, 20, 10):
        raising.run_ended(make_run(version, test_env, "failed", minutes_ago=minutes).pk)
    delivery.deliver_due()
    good(version, test_env)
    delivery.deliver_due(timezone.now() + timedelta(seconds=1))
    assert set(Alert.objects.filter(event="failed").values_list("state", flat=True)) == {"resolved"}
    assert "and 2 more" in mailbox.mails[-1].get_content() and len(mailbox.mails) == 2


@pytest.mark.parametrize("what", ["elsewhere", "another job", "a draft", "asked for earlier", "failed"])
def test_what_does_not_resolve_it(
    trouble: Alert, version: JobVersion, test_env: Environment, dev: Environment, ana: User, what: str
) -> None:
    other = make_version(make_job(version.job.project, ana, "other"), live_in=("test",))
    if what == "elsewhere":
        good(version, dev)
    elif what == "another job":
        good(other, test_env)
    elif what == "a draft":
        run = make_run(version, dev, "succeeded", minutes_ago=1)
        Run.objects.filter(pk=run.pk).update(version=None)
        raising.run_ended(run.pk)
    elif what == "asked for earlier":
        good(version, test_env, minutes_ago=60)
    else:
        raising.run_ended(make_run(version, test_env, "failed", minutes_ago=1).pk)
    trouble.refresh_from_db()
    assert trouble.state == "open"


def test_what_a_person_has_resolved_is_not_resolved_again(trouble: Alert, version: JobVersion, test_env: Environment, olu: User) -> None:
    resolve_alert(actor=olu, alert=trouble)
    good(version, test_env)
    trouble.refresh_from_db()
    assert trouble.resolved_by == olu and trouble.resolution == "" and Alert.objects.count() == 1


def test_a_late_run_that_ends_well_is_over(version: JobVersion, test_env: Environment, ada: User, mailbox: Mailbox) -> None:
    create_rule(actor=ada, project=version.job.project, event="late", minutes=10)
    Rule.objects.update(created_at=timezone.now() - timedelta(days=1))
    run = make_run(version, test_env, "running", minutes_ago=11)
    raising.find_late()
    delivery.deliver_due()
    Run.objects.filter(pk=run.pk).update(state="succeeded", finished_at=timezone.now())
    raising.run_ended(run.pk)
    assert Alert.objects.get(event="late").resolution == f"by run {run.short_id}"
    delivery.deliver_due(timezone.now() + timedelta(seconds=1))
    assert [mail["Subject"] for mail in mailbox.mails][-1] == "[Sluice] daily_delays runs well again in test"


def test_the_scheduler_resolves_what_a_lost_message_did_not(trouble: Alert, version: JobVersion, test_env: Environment) -> None:
    make_run(version, test_env, "succeeded", minutes_ago=1, finished_at=timezone.now())
    raising.find_untold()
    raising.find_untold()
    trouble.refresh_from_db()
    assert trouble.state == "resolved" and Alert.objects.filter(event="well_again").count() == 1


def test_a_channel_that_heard_of_it_hears_that_it_is_over(version: JobVersion, test_env: Environment, ada: User, mailbox: Mailbox) -> None:
    team, _ = create_channel(actor=ada, project=version.job.project, name="Team", kind="email", target="team@sluice.test")
    create_rule(actor=ada, project=version.job.project, event="failed", channels=[team])
    raising.run_ended(make_run(version, test_env, "failed", minutes_ago=10).pk)
    delivery.deliver_due()
    good(version, test_env)
    assert set(Delivery.objects.filter(alert__event="well_again").values_list("target", flat=True)) == {
        "ana@sluice.test",
        "team@sluice.test",
    }


# --- pipelines -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def night(version: JobVersion, ana: User) -> Pipeline:
    return create_pipeline(actor=ana, project=version.job.project, name="night", after={"daily_delays": []})


def test_a_rerun_of_the_pipeline_run_that_ends_well_resolves_it(
    night: Pipeline, version: JobVersion, olu: User, test_env: Environment
) -> None:
    version.job.live_versions.all().delete()
    made = run_pipeline(actor=olu, pipeline=night, environment=test_env)
    raising.pipeline_run_changed(made.pk)
    assert Alert.objects.get().event == "not_started"
    make_live(version, test_env)
    again = rerun_failed(actor=olu, pipeline_run=made)
    end(again, "daily_delays")
    raising.pipeline_run_changed(made.pk)
    assert Alert.objects.get(event="not_started").resolution == f"by pipeline run {str(made.pk)[:8]}"


def test_the_next_good_pipeline_run_resolves_it(night: Pipeline, version: JobVersion, olu: User, test_env: Environment) -> None:
    version.job.live_versions.all().delete()
    raising.pipeline_run_changed(run_pipeline(actor=olu, pipeline=night, environment=test_env).pk)
    make_live(version, test_env)
    second = run_pipeline(actor=olu, pipeline=night, environment=test_env)
    raising.pipeline_run_changed(second.pk)
    assert Alert.objects.get(event="not_started").state == "open", "it is under way still"
    end(second, "daily_delays")
    raising.pipeline_run_changed(second.pk)
    assert Alert.objects.get(event="not_started").state == "resolved"
