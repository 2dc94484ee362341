"""A power cut, a channel that goes while a message waits, a message that cannot be sent: nothing is lost, and each thing is told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.alerts import delivery, raising
from portal.alerts.actions import create_channel, create_rule, delete_channel, pause_channel
from portal.alerts.models import TRIES, Alert, Channel, Delivery, LookedUntil, Rule
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.pipelines.actions import create_pipeline
from portal.pipelines.models import PipelineRun, Schedule
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests.factories import make_run
from tests.services.smtp import Mailbox

CUT = timedelta(hours=30)
"""How long the machine was off."""


def later(**by: float) -> Any:
    return timezone.now() + CUT + timedelta(**by)


def told() -> list[str]:
    return sorted(Alert.objects.values_list("event", flat=True))


@pytest.fixture
def off(db: None) -> None:
    """The scheduler has looked a moment ago; then the machine goes off, with every message that was under way."""
    raising.find_untold()
    raising.find_late()


# --- longer than an hour ------------------------------------------------------------------------------------------------------


def test_what_ended_just_before_a_long_power_cut_is_told_after_it_once(off: None, version: JobVersion, test_env: Environment) -> None:
    make_run(version, test_env, "failed")
    for second in (1, 20, 40):
        raising.find_untold(later(seconds=second))
    assert told() == ["failed"] and Delivery.objects.count() == 1
    assert raising.find_untold(later(hours=3)) == 0, "it looks an hour back again"


def test_everything_else_of_that_moment_is_told_too(
    off: None, flights: Project, version: JobVersion, test_env: Environment, dev: Environment, ana: User, olu: User, pat: User
) -> None:
    now = timezone.now()
    pipeline = create_pipeline(actor=ana, project=flights, name="night", after={version.job.name: []})
    about: dict[str, Any] = {"pipeline": pipeline, "environment": test_env}
    PipelineRun.objects.create(**about, state="skipped", note="not started: x", finished_at=now)
    PipelineRun.objects.create(**about, state="cancelled", cancel_requested_by=olu, finished_at=now)
    Schedule.objects.create(
        **about, cron="0 * * * *", set_by=olu, paused_at=now, paused_because="Olu, in whose name it ran, may no longer run it"
    )
    make_run(version, test_env, "cancelled", cancel_requested_by=olu)
    for state in ("live", "declined", "expired"):
        Promotion.objects.create(
            job=version.job, version=version, sha256=version.sha256, from_environment=dev, to_environment=test_env,
            requested_by=ana, expires_at=now, state=state, decided_at=now,
        )  # fmt: skip
    raising.find_untold(later())
    assert told() == ["cancelled", "declined", "expired", "live", "paused", "skipped", "stopped"]
    raising.find_untold(later(minutes=1))
    assert len(told()) == 7


def test_a_run_that_ended_late_just_before_is_told_to_the_late_rule(
    off: None, flights: Project, version: JobVersion, test_env: Environment, ada: User
) -> None:
    team, _ = create_channel(actor=ada, project=flights, name="Team", kind="email", target="team@sluice.test")
    create_rule(actor=ada, project=flights, event="late", minutes=10, channels=[team], tell_owner=False)
    Rule.objects.update(created_at=timezone.now() - timedelta(days=1))
    run = make_run(version, test_env, "succeeded", minutes_ago=30)
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    assert [raising.find_late(later()), raising.find_late(later(minutes=1))] == [1, 0]
    assert Delivery.objects.get().target == "team@sluice.test"


def test_a_good_end_just_before_still_resolves(off: None, version: JobVersion, test_env: Environment) -> None:
    bad = make_run(version, test_env, "failed", minutes_ago=5)
    raising.run_ended(bad.pk)
    Alert.objects.update(created_at=timezone.now() - timedelta(minutes=4))
    make_run(version, test_env, "succeeded", minutes_ago=1)
    raising.find_untold(later())
    assert Alert.objects.get(event="failed").state == "resolved"


def test_a_failure_heard_of_late_that_has_gone_well_since_is_over_already(off: None, version: JobVersion, test_env: Environment) -> None:
    make_run(version, test_env, "failed", minutes_ago=5)
    make_run(version, test_env, "succeeded", minutes_ago=1)
    raising.find_untold(later())
    alert = Alert.objects.get(event="failed")
    assert alert.state == "resolved" and Delivery.objects.filter(alert__event="failed").count() == 1


def test_a_time_that_was_skipped_and_made_good_before_one_heard_of_it_is_over_already(
    off: None, flights: Project, version: JobVersion, test_env: Environment, ana: User
) -> None:
    pipeline = create_pipeline(actor=ana, project=flights, name="night", after={version.job.name: []})
    for state in ("skipped", "succeeded"):
        PipelineRun.objects.create(pipeline=pipeline, environment=test_env, state=state, note="", finished_at=timezone.now())
    raising.find_untold(later())
    assert Alert.objects.get(event="skipped").state == "resolved"


def test_a_failure_that_was_heard_of_before_the_cut_is_not_told_again(off: None, version: JobVersion, test_env: Environment) -> None:
    raising.run_ended(make_run(version, test_env, "failed").pk)
    raising.find_untold(later())
    assert told() == ["failed"]


def test_a_clock_that_was_ahead_and_is_set_back_hides_nothing(off: None, version: JobVersion, test_env: Environment) -> None:
    raising.find_untold(timezone.now() + timedelta(days=400))
    make_run(version, test_env, "failed")
    raising.find_untold(timezone.now() + timedelta(seconds=60))
    assert told() == ["failed"]


def test_where_a_day_went_by_in_which_one_could_not_look_a_fault_leaves_the_mark(
    off: None, version: JobVersion, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = LookedUntil.objects.get(what="untold").at
    with monkeypatch.context() as broken:
        broken.setattr(raising.resolving, "find_over", lambda since: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            raising.find_untold(later())
    assert LookedUntil.objects.get(what="untold").at == before


# --- deliveries ---------------------------------------------------------------------------------------------------------------


def test_a_message_that_waited_through_a_power_cut_is_not_given_up_at_the_first_try(
    version: JobVersion, test_env: Environment, mailbox: Mailbox
) -> None:
    """The mail server is often the last to come back."""
    raising.run_ended(make_run(version, test_env, "failed").pk)
    Delivery.objects.update(created_at=timezone.now() - CUT, next_try_at=timezone.now() - CUT)
    mailbox.refuses = True
    delivery.deliver_due()
    assert Delivery.objects.get().state == "waiting"
    mailbox.refuses = False
    delivery.deliver_due(timezone.now() + timedelta(minutes=2))
    assert [mail["To"] for mail in mailbox.mails] == ["ana@sluice.test"]
    assert TRIES > 3


@pytest.fixture
def team(flights: Project, ada: User) -> Channel:
    """The only address of the rules: owners are left out."""
    channel, _ = create_channel(actor=ada, project=flights, name="Team", kind="email", target="team@sluice.test")
    raising.default_rule(flights)
    Rule.objects.filter(project=flights).update(tell_owner=False)
    Rule.objects.get(project=flights).channels.set([channel])
    return channel


@pytest.mark.parametrize("act", ["delete", "pause"])
def test_a_message_whose_only_channel_goes_while_it_waits_reaches_those_who_have_it_in_their_list(
    act: str, team: Channel, version: JobVersion, test_env: Environment, ada: User, mailbox: Mailbox
) -> None:
    raising.run_ended(make_run(version, test_env, "failed").pk)
    assert [one.target for one in Delivery.objects.all()] == ["team@sluice.test"]
    delete_channel(actor=ada, channel=team) if act == "delete" else pause_channel(actor=ada, channel=team)
    for second in (0, 1, 2):
        delivery.deliver_due(timezone.now() + timedelta(seconds=second))
    assert [mail["To"] for mail in mailbox.mails] == ["ana@sluice.test"]


def test_where_another_address_gets_it_a_channel_that_goes_tells_nobody_else(
    team: Channel, version: JobVersion, test_env: Environment, ada: User, mailbox: Mailbox, flights: Project
) -> None:
    other, _ = create_channel(actor=ada, project=flights, name="Other", kind="email", target="other@sluice.test")
    Rule.objects.get(project=flights).channels.add(other)
    raising.run_ended(make_run(version, test_env, "failed").pk)
    delete_channel(actor=ada, channel=team)
    for second in (0, 1):
        delivery.deliver_due(timezone.now() + timedelta(seconds=second))
    assert [mail["To"] for mail in mailbox.mails] == ["other@sluice.test"]


def test_a_channel_given_up_where_nobody_looks_after_the_environment_is_told_to_the_owner(
    team: Channel, version: JobVersion, test_env: Environment, mailbox: Mailbox
) -> None:
    Membership.objects.filter(role__in=["operator", "environment_admin"]).delete()
    raising.run_ended(make_run(version, test_env, "failed").pk)
    mailbox.refuses = True
    Delivery.objects.update(created_at=timezone.now() - CUT, attempts=TRIES)
    delivery.deliver_due(timezone.now() + timedelta(days=1))
    alert = Alert.objects.get(event="undelivered")
    assert [notice.user.username for notice in alert.notices.all()] == ["ana"]


def test_a_message_that_cannot_be_made_keeps_no_other_waiting_and_is_told(
    version: JobVersion, test_env: Environment, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, olu: User
) -> None:
    first, second = (make_run(version, test_env, "failed") for _ in range(2))
    for run in (first, second):
        raising.run_ended(run.pk)
    Delivery.objects.filter(alert__subject_id=str(first.pk)).update(recipient=olu, target="olu@sluice.test")
    made = delivery.words.mail_of

    def broken(alerts: Any, recipient: Any) -> Any:
        if recipient == olu:
            raise RuntimeError("hunter2")
        return made(alerts, recipient)

    monkeypatch.setattr(delivery.words, "mail_of", broken)
    assert delivery.deliver_due() == 1
    waits = Delivery.objects.get(recipient=olu)
    assert waits.state == "waiting" and "fault in Sluice" in waits.last_error and "hunter2" not in waits.last_error
    Delivery.objects.filter(pk=waits.pk).update(created_at=timezone.now() - CUT, attempts=TRIES)
    delivery.deliver_due(timezone.now() + timedelta(days=1))
    assert Alert.objects.filter(event="undelivered").count() == 1
