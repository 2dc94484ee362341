"""Bringing alerts to people: claim a try, send without holding the database, note what came of it.

A crash in between costs a repetition, never a loss. What waits for one mailbox at the same moment goes as one mail, and a mailbox gets
a few mails a minute at most, so that a hundred failures do not become a hundred mails.
"""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.mail import EmailMessage
from django.db import DatabaseError
from django.db.models import Count
from django.utils import timezone

from portal.alerts import telling, undelivered, webhooks, words
from portal.alerts.models import Channel, Delivery
from portal.environments import vault
from portal.errors import PortalError

log = logging.getLogger("sluice.alerts")

BATCH = 200
MESSAGES_AT_ONCE = 20
MAILS_A_MINUTE = 3
"""To one address. More wait, and go together as one mail."""
RELATED = ("alert__project", "alert__environment", "alert__job", "alert__pipeline", "channel__project", "recipient")


def deliver_due(now: datetime | None = None) -> int:
    """Tries every delivery whose time has come, those never tried first. Returns how many arrived."""
    now = now or timezone.now()
    due = Delivery.objects.filter(state="waiting", next_try_at__lte=now).exclude(kind="email", target__in=_busy_mailboxes(now))
    found = due.select_related(*RELATED).order_by("attempts", "next_try_at")[:BATCH]
    return sum(_try(message, now) for message in _messages(found)[:MESSAGES_AT_ONCE])


def _busy_mailboxes(now: datetime) -> list[str]:
    """Addresses that got as many mails in the last minute as one may get."""
    lately = Delivery.objects.filter(kind="email", state="delivered", delivered_at__gt=now - timedelta(minutes=1))
    mails = lately.values("target").annotate(mails=Count("delivered_at", distinct=True))
    return list(mails.filter(mails__gte=MAILS_A_MINUTE).values_list("target", flat=True))


def _messages(due: Iterable[Delivery]) -> list[list[Delivery]]:
    """What goes as one: mails to one mailbox about one project; each webhook by itself."""
    found: dict[object, list[Delivery]] = {}
    for delivery in due:
        key = (delivery.target, delivery.recipient_id, delivery.alert.project_id) if delivery.kind == "email" else delivery.pk
        found.setdefault(key, []).append(delivery)
    return list(found.values())


def _try(message: list[Delivery], now: datetime) -> int:
    mine = [delivery for delivery in message if _has_receiver(delivery) and delivery.claim(now)]
    if not mine:
        return 0
    if why := _why_not_sent(mine):
        for delivery in mine:
            delivery.failed(why)
            undelivered.tell_when_given_up(delivery)
        log.warning("%s to %s: %s", mine[0].alert.title, mine[0].shown_target, why)
        return 0
    for delivery in mine:
        delivery.delivered(now)
    undelivered.works_again(mine[0])
    log.info("%s%s told to %s", mine[0].alert.title, f" and {len(mine) - 1} more" if mine[1:] else "", mine[0].shown_target)
    return len(mine)


def _why_not_sent(message: list[Delivery]) -> str:
    """Sends it. Why that was in vain; "" when it arrived. A message that we cannot send keeps no other one waiting."""
    try:
        _send(message)
    except PortalError as refusal:
        return refusal.message
    except DatabaseError:
        raise
    except Exception:
        log.exception("A message to %s cannot be sent.", message[0].shown_target)
        return "A fault in Sluice itself; its log says more."
    return ""


def _has_receiver(delivery: Delivery) -> bool:
    """False, and given up, when the channel is gone or paused, or when the person may not see it any more: then others are told."""
    if delivery.recipient is not None:
        if telling.is_there(delivery.recipient, delivery.alert.environment):
            return True
        delivery.failed(f"{delivery.recipient.shown_name} is not there any more.", for_good=True)
        telling.tell_stand_ins(delivery.alert)
        return False
    if delivery.channel is None or delivery.channel.paused_at is not None:
        delivery.failed(f"The channel {'is paused' if delivery.channel else 'was deleted'}.", for_good=True)
        telling.tell_instead(delivery.alert)
        return False
    return True


def _send(message: list[Delivery]) -> None:
    first = message[0]
    if first.kind == "email":
        mail = words.mail_of([delivery.alert for delivery in message], first.recipient)
        send_mail(first.target, mail.subject, mail.text, unsubscribe=mail.unsubscribe)
    else:
        send_webhook(cast(Channel, first.channel), f"msg_{first.pk.hex}", words.payload(first.alert))


def send_mail(address: str, subject: str, text: str, *, unsubscribe: str = "") -> None:
    """One plain-text mail. Line breaks and other control characters never reach a header."""
    one_line = re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+", " ", subject)[:200]
    headers = {"Auto-Submitted": "auto-generated", **({"List-Unsubscribe": f"<{unsubscribe}>"} if unsubscribe else {})}
    message = EmailMessage(subject=f"[Sluice] {one_line}", body=text, to=[address], headers=headers)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused:
        raise PortalError("The mail server does not take mail for this address.", code="mail-failed") from None
    except (OSError, smtplib.SMTPException) as error:
        raise PortalError(f"The mail server cannot be reached or refused the mail ({type(error).__name__}).", code="mail-failed") from None
    except ValueError:
        raise PortalError("The address cannot be used in a mail.", code="mail-failed") from None


def send_webhook(channel: Channel, message_id: str, payload: dict[str, Any]) -> None:
    webhooks.send(url=channel.target, secret=open_secret(channel), message_id=message_id, payload=payload)


def seal_secret(channel_name: str, project: str, secret: str) -> str:
    return vault.seal(secret, context=context_of(project, channel_name))


def open_secret(channel: Channel) -> str:
    return vault.unseal(channel.encrypted_secret, context=context_of(channel.project.slug, channel.name))


def context_of(project: str, channel_name: str) -> str:
    """Binds the sealed text to its place, so that it opens nowhere else."""
    return f"channel/{project}/{channel_name}"
