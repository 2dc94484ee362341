"""Bringing alerts to people: claim a try, send without holding the database, note what came of it.

A crash in between costs a repetition, never a loss.
"""

from __future__ import annotations

import logging
import re
import smtplib
from datetime import datetime
from typing import Any, cast

from django.core.mail import EmailMessage
from django.utils import timezone

from portal.alerts import webhooks, words
from portal.alerts.models import Channel, Delivery
from portal.environments import vault
from portal.errors import PortalError

log = logging.getLogger("sluice.alerts")

BATCH = 20


def deliver_due(now: datetime | None = None) -> int:
    """Tries every delivery whose time has come, those never tried first. Returns how many arrived."""
    now = now or timezone.now()
    due = Delivery.objects.filter(state="waiting", next_try_at__lte=now).select_related(
        "alert__project", "alert__run__job", "alert__run__project", "alert__run__environment", "alert__run__version", "channel", "recipient"
    )
    return sum(_try(delivery, now) for delivery in due.order_by("attempts", "next_try_at")[:BATCH])


def _try(delivery: Delivery, now: datetime) -> bool:
    if delivery.channel is None and delivery.recipient is None:
        delivery.failed("The channel was deleted.", for_good=True)
        return False
    if not delivery.claim(now):
        return False
    try:
        _send(delivery)
    except PortalError as refusal:
        delivery.failed(refusal.message)
        log.warning("%s to %s: %s", delivery.alert.title, delivery.target, refusal.message)
        return False
    delivery.delivered()
    log.info("%s told to %s", delivery.alert.title, delivery.target)
    return True


def _send(delivery: Delivery) -> None:
    alert = delivery.alert
    if delivery.kind == "email":
        send_mail(delivery.target, alert.title, words.text_for(alert, delivery.recipient))
    else:
        send_webhook(cast(Channel, delivery.channel), f"msg_{delivery.pk.hex}", words.payload(alert))


def send_mail(address: str, subject: str, text: str) -> None:
    """One plain-text mail. Line breaks and other control characters never reach a header."""
    one_line = re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+", " ", subject)[:200]
    message = EmailMessage(subject=f"[Sluice] {one_line}", body=text, to=[address], headers={"Auto-Submitted": "auto-generated"})
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
    return vault.seal(secret, context=_context(project, channel_name))


def open_secret(channel: Channel) -> str:
    return vault.unseal(channel.encrypted_secret, context=_context(channel.project.slug, channel.name))


def _context(project: str, channel_name: str) -> str:
    """Binds the sealed text to its place, so that it opens nowhere else."""
    return f"channel/{project}/{channel_name}"
