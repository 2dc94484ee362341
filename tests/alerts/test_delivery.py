"""Alerts on their way: by mail to a real SMTP server, by webhook to a real receiver, again and again until they arrive."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from executor.problems import CONTRACT
from portal.accounts.models import User
from portal.alerts import delivery, raising, tasks
from portal.alerts.actions import create_channel, create_rule, delete_channel, pause_channel, send_test
from portal.alerts.models import Alert, Channel, Delivery
from portal.audit.models import AuditEvent
from portal.errors import PortalError
from portal.runs.models import Run
from tests.alerts.conftest import PROBLEM
from tests.outgoing.receiver import Receiver
from tests.services.smtp import Mailbox


def tell(run: Run) -> None:
    """What the worker and then the scheduler do when a run has ended."""
    tasks.run_ended(str(run.pk))
    delivery.deliver_due()


@pytest.fixture
def webhook(failed: Run, ada: User, hook: Receiver) -> Channel:
    channel, secret = create_channel(actor=ada, project=failed.project, name="Pager", kind="webhook", target=hook.url)
    assert secret.startswith("whsec_") and secret not in channel.encrypted_secret
    create_rule(actor=ada, project=failed.project, event="failed", channels=[channel], tell_owner=False)
    return channel


def test_the_owner_reads_what_failed_where_why_and_the_link(failed: Run, mailbox: Mailbox) -> None:
    tell(failed)
    (mail,) = mailbox.mails
    text = mail.get_content()
    assert (mail["To"], mail["Subject"]) == ("ana@sluice.test", "[Sluice] daily_delays failed in test")
    assert "The stage “by_origin” failed; the reason may show data" in text and "hunter2" not in text
    assert "You get this because you own daily_delays." in text
    assert "Unsubscribe, or choose which mails you get: http://127.0.0.1:8000/settings/mails" in text
    assert mail["List-Unsubscribe"] == "<http://127.0.0.1:8000/settings/mails>"
    assert f"http://127.0.0.1:8000/p/flights/runs/{failed.pk}/" in text
    assert "It ran version 1 in test, started by Olu." in text
    assert Delivery.objects.get().state == "delivered"


def test_a_sentence_of_ours_and_its_fix_are_in_the_mail(failed: Run, mailbox: Mailbox) -> None:
    Run.objects.update(problem={**PROBLEM, "message": "A value cannot be turned into a whole number.", "contract": CONTRACT})
    tell(failed)
    text = mailbox.mails[0].get_content()
    assert "In stage 2 “by_origin” · sql: A value cannot be turned into a whole number." in text
    assert "What to do: Type the column as a string." in text and "hunter2" not in text


def test_no_mail_holds_data_whoever_reads_it(failed: Run, mailbox: Mailbox, ada: User) -> None:
    channel, _ = create_channel(actor=ada, project=failed.project, name="Team", kind="email", target="team@sluice.test")
    create_rule(actor=ada, project=failed.project, event="failed", channels=[channel])
    tell(failed)
    texts = {mail["To"]: mail.get_content() for mail in mailbox.mails}
    assert set(texts) == {"ana@sluice.test", "team@sluice.test"} and "hunter2" not in str(texts)
    assert "Unsubscribe" not in texts["team@sluice.test"], "a channel belongs to no single person"
    assert "hunter2" not in Alert.objects.get().body


def test_a_webhook_carries_the_alert_without_data(failed: Run, webhook: Channel, hook: Receiver, mailbox: Mailbox) -> None:
    tell(failed)
    _, headers, body = hook.sent[0]
    sent = json.loads(body)
    assert sent["type"] == "run.failed" and sent["data"]["job"] == "daily_delays" and sent["data"]["run_id"] == str(failed.pk)
    assert b"hunter2" not in body
    assert headers["webhook-id"] == f"msg_{Delivery.objects.get(kind='webhook').pk.hex}"


def test_what_does_not_arrive_is_tried_again_with_the_same_id(failed: Run, webhook: Channel, hook: Receiver, mailbox: Mailbox) -> None:
    hook.answers = 503
    tell(failed)
    waiting = Delivery.objects.get(kind="webhook")
    assert (waiting.state, waiting.attempts, waiting.last_error) == (
        "waiting",
        1,
        "The receiver answered with status 503; 200 to 299 was expected.",
    )
    assert delivery.deliver_due() == 0, "the next try is not due yet"
    hook.answers = 200
    assert delivery.deliver_due(timezone.now() + timedelta(seconds=11)) == 1
    assert len({headers["webhook-id"] for _, headers, _ in hook.sent}) == 1 and len(hook.sent) == 2


def test_the_pauses_grow_and_after_a_day_it_is_given_up(failed: Run, webhook: Channel, hook: Receiver, mailbox: Mailbox) -> None:
    hook.answers = 503
    raising.run_ended(failed.pk)
    waits = []
    for _ in range(7):
        tried_at = Delivery.objects.get(kind="webhook").next_try_at
        delivery.deliver_due(tried_at)
        waits.append((Delivery.objects.get(kind="webhook").next_try_at - tried_at).total_seconds())
    assert waits == [10, 60, 300, 900, 3600, 10800, 10800]
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=24))
    delivery.deliver_due(timezone.now() + timedelta(days=1))
    given_up = Delivery.objects.get(kind="webhook")
    assert given_up.state == "given_up"
    tried = len(hook.sent)
    delivery.deliver_due(timezone.now() + timedelta(days=3))
    assert len(hook.sent) == tried, "given up is given up"


def test_a_mail_server_that_refuses_for_now_is_tried_again(failed: Run, mailbox: Mailbox) -> None:
    mailbox.refuses = True
    tell(failed)
    assert Delivery.objects.get().state == "waiting" and mailbox.mails == []
    mailbox.refuses = False
    delivery.deliver_due(timezone.now() + timedelta(minutes=1))
    assert len(mailbox.mails) == 1


def test_two_at_once_send_a_try_once(failed: Run, mailbox: Mailbox) -> None:
    raising.run_ended(failed.pk)
    one, other = Delivery.objects.get(), Delivery.objects.get()
    now = timezone.now()
    assert one.claim(now) and not other.claim(now)


def test_no_header_can_be_smuggled_into_a_mail(failed: Run, mailbox: Mailbox) -> None:
    raising.run_ended(failed.pk)
    Delivery.objects.all().delete()
    Alert.objects.update(title="late\r\nBcc: evil@sluice.test\n\nhello\u2028x", body="b")
    Delivery.objects.create(alert=Alert.objects.get(), recipient=failed.job.owner, kind="email", target="ana@sluice.test")
    Delivery.objects.create(
        alert=Alert.objects.get(), recipient=failed.job.owner, kind="email", target="a@sluice.test\r\nBcc: evil@sluice.test"
    )
    delivery.deliver_due()
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None and mail["Subject"] == "[Sluice] late Bcc: evil@sluice.test hello x"
    assert Delivery.objects.get(target__contains="evil").last_error == "The address cannot be used in a mail."


def test_a_channel_can_be_tried_out(webhook: Channel, hook: Receiver, ada: User) -> None:
    send_test(actor=ada, channel=webhook)
    assert json.loads(hook.sent[0][2])["type"] == "test"
    hook.answers = 404
    with pytest.raises(PortalError, match="status 404"):
        send_test(actor=ada, channel=webhook)
    assert list(AuditEvent.objects.filter(action="send_test").order_by("seq").values_list("result", flat=True)) == ["done", "failed"]


def test_a_paused_channel_is_not_told_and_a_deleted_one_is_given_up(
    failed: Run, webhook: Channel, hook: Receiver, ada: User, mailbox: Mailbox
) -> None:
    raising.run_ended(failed.pk)
    delete_channel(actor=ada, channel=webhook)
    delivery.deliver_due()
    assert Delivery.objects.get(kind="webhook").state == "given_up" and hook.sent == []


def test_a_paused_channel_gets_no_delivery(failed: Run, webhook: Channel, hook: Receiver, ada: User) -> None:
    pause_channel(actor=ada, channel=webhook)
    raising.run_ended(failed.pk)
    assert not Delivery.objects.filter(kind="webhook").exists()
