"""One's own list and its badge, the mails one chooses, and a storm of failures."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.accounts.models import Membership, Project, User
from portal.alerts import actions, delivery, raising
from portal.alerts.actions import choose_mails
from portal.alerts.models import TRIES, Alert, Delivery, MailChoice, Notice
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.runs.models import Run
from tests.factories import make_person, make_run
from tests.services.smtp import Mailbox

Browser = Callable[[User], Client]
ROOT = "/p/flights/alerts/"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def alert(failed: Run) -> Alert:
    raising.run_ended(failed.pk)
    return Alert.objects.get()


def test_opening_it_leads_to_the_run_and_takes_it_off_the_bell(alert: Alert, failed: Run, ana: User, browser_of: Browser) -> None:
    client = browser_of(ana)
    assert "Alerts: 1 unread" in text_of(client.get(ROOT))
    answer = client.get(f"{ROOT}{alert.pk}")
    assert answer.url == f"/p/flights/runs/{failed.pk}/"
    page = text_of(client.get(ROOT))
    assert "Alerts: 1 unread" not in page and "daily_delays failed in test" in page, "read, and still open"


def test_a_full_disk_keeps_nobody_from_what_an_alert_is_about(
    alert: Alert, failed: Run, ana: User, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(actions, "_read", full)
    assert str(failed.pk) in browser_of(ana).get(f"/p/flights/alerts/{alert.pk}")["Location"]
    assert Alert.objects.unread_by(ana).get() == alert


def test_everybody_reads_for_themselves(alert: Alert, ana: User, olu: User, browser_of: Browser) -> None:
    browser_of(olu).get(f"{ROOT}{alert.pk}")
    assert Alert.objects.unread_by(ana).count() == 1 and Alert.objects.unread_by(olu).count() == 0


def test_all_are_marked_as_read_at_once(version: JobVersion, test_env: Environment, ana: User, olu: User, browser_of: Browser) -> None:
    for _ in range(3):
        raising.run_ended(make_run(version, test_env, "failed").pk)
    page = text_of(browser_of(ana).post(ROOT + "read-all", {"filters": "?of=mine"}, follow=True))
    assert "3 alerts are marked as read." in page and "unread</small>" not in page
    assert Alert.objects.unread_by(olu).count() == 3, "only one's own"


def test_a_viewer_sees_the_projects_list_and_no_badge(alert: Alert, vic: User, browser_of: Browser) -> None:
    client = browser_of(vic)
    page = text_of(client.get(ROOT))
    assert "daily_delays failed in test" in page and "unread" not in page.replace("open or unread", "")
    assert "Nothing is wrong" in text_of(client.get(ROOT, {"of": "mine"}))
    assert client.post(f"{ROOT}{alert.pk}/resolve").status_code == 404


def test_who_sees_only_dev_finds_nothing_of_test(
    alert: Alert, flights: Project, browser_of: Browser, program_of: Callable[..., APIClient]
) -> None:
    dee = make_person("dee", flights, "operator@dev")
    Notice.objects.create(alert=alert, user=dee, because="by mistake")
    page = text_of(browser_of(dee).get(ROOT, {"of": "all", "state": "all"}))
    assert "daily_delays failed" not in page and "Alerts: 1" not in page
    assert browser_of(dee).get(f"{ROOT}{alert.pk}").status_code == 404
    assert program_of(dee).get("/api/v1/projects/flights/alerts/").json()["results"] == []


def test_a_program_reads_its_owners_list(alert: Alert, ana: User, program_of: Callable[..., APIClient]) -> None:
    program, url = program_of(ana), "/api/v1/projects/flights/alerts/"
    (found,) = program.get(url, {"mine": "unread"}).json()["results"]
    assert found["is_unread"] is True and found["subject_type"] == "run" and found["run"] == found["subject_id"]
    assert program.post(f"{url}{alert.pk}/read").json()["is_unread"] is False
    assert program.get(url, {"mine": "unread"}).json()["results"] == []
    assert len(program.get(url, {"mine": "true"}).json()["results"]) == 1
    assert program.get(f"{url}{uuid.uuid4()}").status_code == 404


# --- which mails -----------------------------------------------------------------------------------------------------------


def test_who_wants_no_mail_has_it_in_the_list(failed: Run, ana: User, browser_of: Browser) -> None:
    page = text_of(browser_of(ana).post("/settings/mails", {"duty": "on"}, follow=True))
    assert "Saved." in page and MailChoice.objects.get(user=ana).own is False
    raising.run_ended(failed.pk)
    assert not Delivery.objects.exists() and Notice.objects.filter(user=ana).exists()


def test_mails_about_duty_are_chosen_apart(failed: Run, ana: User) -> None:
    choose_mails(actor=ana, own=True, duty=False)
    raising.run_ended(failed.pk)
    assert Delivery.objects.get().recipient == ana


# --- people who are gone ----------------------------------------------------------------------------------------------------


def test_an_owner_who_left_is_stood_in_for(failed: Run, ana: User, ada: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=False)
    raising.run_ended(failed.pk)
    assert set(Delivery.objects.values_list("target", flat=True)) == {"olu@sluice.test", "ada@sluice.test"}


def test_who_leaves_before_the_mail_is_sent_gets_none_and_others_do(failed: Run, ana: User, mailbox: Mailbox) -> None:
    raising.run_ended(failed.pk)
    Membership.objects.filter(user=ana).delete()
    delivery.deliver_due()
    assert mailbox.mails == [] and Delivery.objects.get(recipient=ana).state == "given_up"
    delivery.deliver_due(timezone.now() + timedelta(seconds=1))
    assert [mail["To"] for mail in mailbox.mails] == ["olu@sluice.test"]


# --- a storm ------------------------------------------------------------------------------------------------------------------


def test_a_hundred_failures_are_a_few_mails(version: JobVersion, test_env: Environment, mailbox: Mailbox) -> None:
    now = timezone.now()
    for number in range(100):
        raising.run_ended(make_run(version, test_env, "failed").pk)
        if number % 10 == 0:
            delivery.deliver_due(now + timedelta(seconds=number / 2))
    delivery.deliver_due(now + timedelta(minutes=2))
    assert Alert.objects.count() == 100 and not Delivery.objects.exclude(state="delivered").exists()
    assert len(mailbox.mails) == delivery.MAILS_A_MINUTE + 1
    assert "messages about Flights" in mailbox.mails[-1]["Subject"] and "daily_delays failed in test" in mailbox.mails[-1].get_content()


def test_another_mailbox_does_not_wait_for_a_busy_one(
    version: JobVersion, test_env: Environment, ana: User, olu: User, mailbox: Mailbox
) -> None:
    for _ in range(4):
        raising.run_ended(make_run(version, test_env, "failed").pk)
        delivery.deliver_due()
    assert len(mailbox.mails) == delivery.MAILS_A_MINUTE
    alert = Alert.objects.latest("created_at")
    Delivery.objects.create(alert=alert, recipient=olu, kind="email", target="olu@sluice.test")
    delivery.deliver_due()
    assert mailbox.mails[-1]["To"] == "olu@sluice.test"


# --- messages that do not arrive ------------------------------------------------------------------------------------------------


def give_up(mailbox: Mailbox) -> None:
    mailbox.refuses = True
    Delivery.objects.filter(state="waiting").update(created_at=timezone.now() - timedelta(hours=24), attempts=TRIES)
    delivery.deliver_due(timezone.now() + timedelta(days=1))


def test_a_mailbox_given_up_is_told_in_the_portal_once_and_over_when_it_works(
    version: JobVersion, test_env: Environment, mailbox: Mailbox, ana: User, olu: User
) -> None:
    for _ in range(3):
        raising.run_ended(make_run(version, test_env, "failed").pk)
        give_up(mailbox)
    alert = Alert.objects.get(event="undelivered")
    assert alert.title == "Ana's mail cannot be reached" and alert.times == 3
    assert set(alert.notices.values_list("user__username", flat=True)) == {"ana", "olu"}
    assert not alert.deliveries.exists(), "mail does not tell that mail fails"
    mailbox.refuses = False
    raising.run_ended(make_run(version, test_env, "failed").pk)
    delivery.deliver_due(timezone.now() + timedelta(seconds=1))
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "the next message arrived")
