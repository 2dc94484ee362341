"""Acknowledging, resolving, and who sets up rules and channels."""

from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.models import User
from portal.alerts import raising
from portal.alerts.actions import (
    acknowledge_alert,
    change_rule,
    create_channel,
    create_rule,
    delete_channel,
    delete_rule,
    pause_channel,
    pause_rule,
    resolve_alert,
)
from portal.alerts.models import Alert, Channel, Rule
from portal.audit.models import AuditEvent
from portal.errors import Conflict, NotAllowed, PortalError
from portal.runs.models import Run


@pytest.fixture
def alert(failed: Run) -> Alert:
    raising.run_ended(failed.pk)
    return Alert.objects.get()


def test_operator_acknowledges_and_resolves(alert: Alert, olu: User) -> None:
    assert acknowledge_alert(actor=olu, alert=alert).acknowledged_by == olu
    assert not Alert.objects.unread_by(olu).exists()
    done = resolve_alert(actor=olu, alert=alert)
    assert (done.state, done.resolved_by) == ("resolved", olu)
    assert acknowledge_alert(actor=olu, alert=alert).state == "resolved"
    assert list(AuditEvent.objects.filter(actor=olu).order_by("seq").values_list("action", flat=True)) == [
        "acknowledge_alert",
        "resolve_alert",
    ]


def test_viewers_look_only(alert: Alert, vic: User, outsider: User) -> None:
    for person in (vic, outsider):
        assert not Alert.objects.unread_by(person).exists(), "nothing on the bell of who is not to act"
    for person in (vic, outsider):
        with pytest.raises(NotAllowed):
            acknowledge_alert(actor=person, alert=alert)


@pytest.mark.parametrize("who", ["ana", "pat", "vic", "outsider"])
def test_only_operators_and_admins_set_up_channels_and_rules(failed: Run, who: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        create_channel(actor=person, project=failed.project, name="x", kind="email", target="x@sluice.test")
    with pytest.raises(NotAllowed):
        create_rule(actor=person, project=failed.project, event="failed")


@pytest.mark.parametrize(
    ("kind", "target", "says"),
    [
        ("email", "not an address", "is not an e-mail address"),
        ("email", "a@sluice.test\nBcc: b@sluice.test", "is not an e-mail address"),
        ("webhook", "https://127.0.0.1/hook", "not a public address"),
        ("webhook", "hook", "begins with https://"),
        ("pigeon", "x", "email or webhook"),
    ],
)
def test_a_wrong_target_is_refused_in_words(failed: Run, ada: User, kind: str, target: str, says: str) -> None:
    with pytest.raises(PortalError, match=says):
        create_channel(actor=ada, project=failed.project, name="x", kind=kind, target=target)
    assert not Channel.objects.exists()


def test_a_channels_name_is_taken_once(failed: Run, ada: User) -> None:
    create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="x@sluice.test")
    with pytest.raises(Conflict, match="already a channel “Team”"):
        create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="y@sluice.test")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"event": "late"}, "after how many minutes"),
        ({"event": "late", "minutes": 0}, "after how many minutes"),
        ({"event": "failed", "tell_owner": False}, "tells nobody"),
        ({"event": "slow"}, "failed or late"),
    ],
)
def test_a_wrong_rule_is_refused_in_words(failed: Run, ada: User, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(PortalError, match=says):
        create_rule(actor=ada, project=failed.project, **fields)


def test_a_rule_stays_inside_its_project(failed: Run, ada: User, outsider: User) -> None:
    foreign = outsider.memberships.first().project.environments.first()  # type: ignore[union-attr]
    with pytest.raises(PortalError):
        create_rule(actor=ada, project=failed.project, event="failed", environment=foreign)


def test_the_default_rule_cannot_be_deleted(failed: Run, ada: User) -> None:
    with pytest.raises(PortalError, match="Every project has this rule"):
        delete_rule(actor=ada, rule=raising.default_rule(failed.project))


def test_a_rule_is_not_left_telling_nobody_by_a_channel_that_goes_meanwhile(failed: Run, olu: User) -> None:
    project = failed.project
    channel, _ = create_channel(actor=olu, project=project, name="team", kind="email", target="team@sluice.test")
    rule = create_rule(actor=olu, project=project, event="failed")
    delete_channel(actor=olu, channel=Channel.objects.get(pk=channel.pk))
    for tells in (
        lambda: create_rule(actor=olu, project=project, event="failed", channels=[channel], tell_owner=False),
        lambda: change_rule(actor=olu, rule=rule, channels=[channel], tell_owner=False),
        lambda: pause_channel(actor=olu, channel=channel),
        lambda: delete_channel(actor=olu, channel=channel),
    ):
        with pytest.raises(Conflict, match="Somebody has deleted this"):
            tells()
    delete_rule(actor=olu, rule=Rule.objects.get(pk=rule.pk))
    with pytest.raises(Conflict, match="Somebody has deleted this"):
        pause_rule(actor=olu, rule=rule)
