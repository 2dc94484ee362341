"""The pages of alerts, as people meet them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.alerts import raising
from portal.alerts.actions import create_channel
from portal.alerts.models import Alert, Channel, Rule
from portal.runs.models import Run
from tests.outgoing.receiver import Receiver

Browser = Callable[[User], Client]
ROOT = "/p/flights/alerts/"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def alert(failed: Run) -> Alert:
    raising.run_ended(failed.pk)
    return Alert.objects.get()


def test_operator_finds_acknowledges_and_resolves(alert: Alert, olu: User, browser_of: Browser) -> None:
    client = browser_of(olu)
    page = text_of(client.get(ROOT))
    assert "daily_delays failed in test" in page and "Alerts: 1 unread" in page, "the list and the bell"
    assert "hunter2" not in page
    after = text_of(client.post(f"{ROOT}{alert.pk}/acknowledge", {"filters": "?state=all"}, follow=True))
    assert "by Olu" in after and "Alerts: 1 unread" not in after
    assert "Nothing is wrong" in text_of(client.get(ROOT))
    assert "resolved" in text_of(client.post(f"{ROOT}{alert.pk}/resolve", {"filters": "?state=all"}, follow=True))


def test_filters_are_in_the_address(alert: Alert, olu: User, browser_of: Browser) -> None:
    client = browser_of(olu)
    assert "daily_delays failed" in text_of(client.get(ROOT, {"event": "failed", "environment": "test", "job": "daily_delays"}))
    assert "No alert is like that" in text_of(client.get(ROOT, {"event": "late"}))


def test_going_back_never_leaves_the_site(alert: Alert, olu: User, browser_of: Browser) -> None:
    answer = browser_of(olu).post(f"{ROOT}{alert.pk}/acknowledge", {"filters": "//evil.example/"})
    assert answer.url == ROOT


def test_admin_makes_a_channel_sees_its_key_once_and_tries_it(failed: Run, ada: User, hook: Receiver, browser_of: Browser) -> None:
    client, url = browser_of(ada), ROOT + "channels/"
    made = client.post(url, {"name": "Pager", "kind": "webhook", "target": hook.url})
    assert "whsec_" in text_of(made) and "no-store" in made["Cache-Control"]
    assert "whsec_" not in text_of(client.get(url))
    channel = Channel.objects.get()
    assert "The test reached Pager." in text_of(client.post(f"{url}{channel.pk}/test", follow=True))
    hook.answers = 500
    assert "answered with status 500" in text_of(client.post(f"{url}{channel.pk}/test", follow=True))
    assert "Pager is paused." in text_of(client.post(f"{url}{channel.pk}/pause", follow=True))
    assert "Pager is gone." in text_of(client.post(f"{url}{channel.pk}/delete", follow=True))


def test_a_wrong_address_is_told_beside_the_form(failed: Run, ada: User, browser_of: Browser) -> None:
    answer = browser_of(ada).post(ROOT + "channels/", {"name": "Pager", "kind": "webhook", "target": "https://169.254.169.254/"})
    assert answer.status_code == 422 and "is not a public address" in text_of(answer)


def test_admin_makes_and_changes_rules(failed: Run, ada: User, browser_of: Browser) -> None:
    channel, _ = create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="team@sluice.test")
    client, url = browser_of(ada), ROOT + "rules/"
    fields = {"event": "late", "minutes": "30", "environment": "test", "channel": [str(channel.pk)], "tell_owner": "1"}
    page = text_of(client.post(url + "new", fields, follow=True))
    assert "any job later than 30 min in test" in page
    rule = Rule.objects.get(event="late")
    assert "tells nobody" in text_of(client.post(f"{url}{rule.pk}/save", {}, follow=True))
    assert "The rule is gone." in text_of(client.post(f"{url}{rule.pk}/delete", follow=True))
    default = Rule.objects.get(is_default=True)
    assert "Every project has this rule" in text_of(client.post(f"{url}{default.pk}/delete", follow=True))


def test_who_opened_the_rules_before_another_saved_does_not_undo_it(failed: Run, ada: User, browser_of: Browser) -> None:
    channel, _ = create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="team@sluice.test")
    rule, client = raising.default_rule(failed.project), browser_of(ada)
    opened, url, chosen = rule.edition, f"{ROOT}rules/{rule.pk}/save", {f"rule-{rule.pk}-channel": [channel.pk]}
    assert f'name="edition" value="{opened}"' in client.get(ROOT + "channels/").content.decode()
    assert "Saved." in text_of(client.post(url, chosen | {"edition": opened}, follow=True))
    late = client.post(url, {f"rule-{rule.pk}-tell_owner": "on", "edition": opened}, follow=True)
    page = late.content.decode()
    assert "Somebody has changed who is told since you opened it." in page and "data-typed" in page and f'action="{url}"' in page
    rule = Rule.objects.get(pk=rule.pk)
    assert not rule.tell_owner and list(rule.channels.all()) == [channel]
    client.post(url, {f"rule-{rule.pk}-tell_owner": "on", "edition": rule.edition})
    rule = Rule.objects.get(pk=rule.pk)
    assert rule.tell_owner and not rule.channels.exists()


@pytest.mark.parametrize("who", ["ana", "pat", "vic", "outsider"])
def test_only_operators_and_admins_open_rules_and_channels(
    failed: Run, who: str, request: pytest.FixtureRequest, browser_of: Browser
) -> None:
    assert browser_of(request.getfixturevalue(who)).get(ROOT + "channels/").status_code == 404


def test_script_in_a_title_is_text(alert: Alert, olu: User, browser_of: Browser) -> None:
    Alert.objects.update(title="<img src=x onerror=alert(1)>", body="<script>alert(1)</script>")
    page = browser_of(olu).get(ROOT).content.decode()
    assert "<img src=x" not in page and "<script>alert(1)" not in page and "&lt;img" in page
