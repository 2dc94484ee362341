"""When an alert comes about and whom it tells."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from executor.problems import CONTRACT
from portal.accounts.models import User
from portal.alerts import raising
from portal.alerts.actions import create_channel, create_rule, pause_rule
from portal.alerts.models import Alert, Delivery, Rule
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.runs.models import Run
from tests.factories import make_run


def told() -> set[tuple[str, str]]:
    return set(Delivery.objects.values_list("kind", "target"))


def test_a_failed_run_tells_the_jobs_owner_without_anybody_setting_it_up(failed: Run) -> None:
    raising.run_ended(str(failed.pk))
    alert = Alert.objects.get()
    assert (alert.title, alert.event, alert.state) == ("daily_delays failed in test", "failed", "open")
    assert told() == {("email", "ana@sluice.test")}
    assert Rule.objects.get().is_default


@pytest.mark.parametrize(
    ("sql", "said", "shown"),
    [
        (
            "SELECT count(*) < 9 AS outcome, concat(count(*), ' rows are too few') AS message FROM t",
            "3 rows are too few",
            "… rows are too few",
        ),
        ("SELECT false AS outcome, 'No flights of that day' AS message", "No flights of that day", "No flights of that day"),
        (
            "SELECT n > 0 AS outcome, concat('Salary of ', name, ' of ${who}: ', n) AS message FROM t",
            "Salary of Doe of x: 99000",
            "Salary of …",
        ),
        ("SELECT n > 0 AS outcome, concat(name, 'in', 'tin') AS message FROM t", "Martin tintin", ""),
        ("SELECT n > 0 AS outcome, message FROM t", "Doe has 3", ""),
    ],
)
def test_what_a_check_says_is_told_as_far_as_it_stands_in_the_query(
    version: JobVersion, test_env: Environment, sql: str, said: str, shown: str
) -> None:
    """Mails go through other people's servers: no value of the data is in one."""
    document = {"stages": [{"type": "SQLValidate", "name": "enough", "sql": sql}]}
    problem = {
        "code": "check-failed", "message": "The check “enough” stopped the run.", "found": said, "fix": "Look.", "stage": "enough",
        "stage_index": 0, "contract": CONTRACT,
    }  # fmt: skip
    run = make_run(version, test_env, "failed", problem=problem)
    Run.objects.filter(pk=run.pk).update(document=json.dumps(document))
    raising.run_ended(run.pk)
    body = Alert.objects.get().body
    assert "The check “enough” stopped the run." in body
    assert (f"It says: {shown}" in body) if shown else ("It says" not in body)
    assert not [secret for secret in ("Doe", "99000", "Martin", " 3 ") if secret in body]


def test_told_fifty_times_it_is_one_alert(failed: Run) -> None:
    for _ in range(50):
        raising.run_ended(failed.pk)
    assert Alert.objects.count() == 1 and Delivery.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "alerts"), [("failed", 1), ("timed_out", 1), ("cancelled", 0), ("succeeded", 0), ("succeeded_with_warnings", 0)]
)
def test_only_a_run_that_ends_badly_alerts(version: JobVersion, test_env: Environment, state: str, alerts: int) -> None:
    raising.run_ended(make_run(version, test_env, state).pk)
    assert Alert.objects.count() == alerts


def test_a_draft_tells_nobody(version: JobVersion, dev: Environment) -> None:
    run = make_run(version, dev, "failed")
    Run.objects.update(version=None)
    raising.run_ended(run.pk)
    assert not Alert.objects.exists()


def test_an_unknown_run_is_no_failure(db: None) -> None:
    raising.run_ended("00000000-0000-0000-0000-000000000000")


def test_a_paused_default_rule_tells_nobody(failed: Run, ada: User) -> None:
    pause_rule(actor=ada, rule=raising.default_rule(failed.project))
    raising.run_ended(failed.pk)
    assert not Alert.objects.exists()


def test_an_owner_without_address_still_has_the_alert_in_the_portal(failed: Run, ana: User) -> None:
    ana.email = ""
    ana.save()
    raising.run_ended(failed.pk)
    assert Alert.objects.count() == 1 and told() == set()


def test_several_rules_tell_an_address_once(failed: Run, ada: User) -> None:
    channel, _ = create_channel(actor=ada, project=failed.project, name="Ana too", kind="email", target="ana@sluice.test")
    team, _ = create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="team@sluice.test")
    loud, _ = create_channel(actor=ada, project=failed.project, name="Loud", kind="email", target="ANA@Sluice.test")
    for _ in range(2):
        create_rule(actor=ada, project=failed.project, event="failed", channels=[channel, team, loud])
    raising.run_ended(failed.pk)
    assert told() == {("email", "ana@sluice.test"), ("email", "team@sluice.test")}
    assert Delivery.objects.get(target="ana@sluice.test").recipient is not None


def test_rules_for_another_job_or_environment_do_not_match(failed: Run, ada: User, prod: Environment) -> None:
    team, _ = create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="team@sluice.test")
    create_rule(actor=ada, project=failed.project, event="failed", environment=prod, channels=[team])
    raising.run_ended(failed.pk)
    assert told() == {("email", "ana@sluice.test")}


def test_the_scheduler_tells_what_a_lost_message_did_not(failed: Run) -> None:
    Run.objects.update(finished_at=timezone.now() - timedelta(seconds=30))
    assert raising.find_untold() == 1
    assert Alert.objects.count() == 1
    assert raising.find_untold() == 0


# --- late --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def late_rule(version: JobVersion, ada: User, test_env: Environment) -> Rule:
    """Runs in test are late after 30 minutes."""
    rule = create_rule(actor=ada, project=version.job.project, event="late", environment=test_env, minutes=30)
    Rule.objects.filter(pk=rule.pk).update(created_at=timezone.now() - timedelta(days=1))
    return rule


def test_a_run_that_still_waits_is_late(late_rule: Rule, version: JobVersion, test_env: Environment) -> None:
    make_run(version, test_env, "queued", minutes_ago=29)
    assert raising.find_late() == 0
    make_run(version, test_env, "queued", minutes_ago=31)
    assert raising.find_late() == 1
    alert = Alert.objects.get()
    assert alert.title == "daily_delays is late in test"
    assert "should be done 30 minutes later at most. It is queued still." in alert.body
    assert raising.find_late() == 0


def test_a_run_that_finished_late_is_told_when_it_ends(late_rule: Rule, version: JobVersion, test_env: Environment) -> None:
    run = make_run(version, test_env, "succeeded", minutes_ago=45, finished_at=timezone.now())
    raising.run_ended(run.pk)
    assert "It was done after 45 min 00 s." in Alert.objects.get(event="late").body


def test_a_run_in_time_or_elsewhere_is_not_late(late_rule: Rule, version: JobVersion, test_env: Environment, dev: Environment) -> None:
    make_run(version, test_env, "succeeded", minutes_ago=45)  # took 30 seconds
    make_run(version, dev, "queued", minutes_ago=45)
    assert raising.find_late() == 0


def test_runs_from_before_the_rule_are_not_late(late_rule: Rule, version: JobVersion, test_env: Environment) -> None:
    Rule.objects.update(created_at=timezone.now())
    make_run(version, test_env, "queued", minutes_ago=45)
    assert raising.find_late() == 0
