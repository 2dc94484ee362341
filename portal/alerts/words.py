"""What a message says: plain words for people, a small JSON object for programs. No value of the data, whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.accounts.models import User
from portal.alerts.models import Alert, AlertState, Notice

MOST_IN_ONE_MAIL = 30


@dataclass(frozen=True)
class Mail:
    """`unsubscribe`: where a person chooses which mails they get; "" for a channel's address."""

    subject: str
    text: str
    unsubscribe: str = ""


def mail_of(alerts: list[Alert], reader: User | None) -> Mail:
    """One mail about all of them. `reader` None is an address that belongs to a channel."""
    project = alerts[0].project
    if len(alerts) == 1:
        subject, said = alerts[0].title, _one(alerts[0])
    else:
        subject = f"{len(alerts)} messages about {project.name}: {alerts[0].title} …"
        said = "\n\n".join(f"{alert.title}\n{_one(alert)}" for alert in alerts[:MOST_IN_ONE_MAIL])
        if more := len(alerts) - MOST_IN_ONE_MAIL:
            said += f"\n\nand {more} more: {address(reverse('alerts:list', args=[project.slug]))}" if more > 0 else ""
    return Mail(subject, f"{said}\n\n{_footer(alerts, reader)}", address(reverse("alerts:mail")) if reader else "")


def payload(alert: Alert) -> dict[str, Any]:
    """What a webhook carries."""
    from portal.alerts.subjects import facts_of

    return {
        "type": f"{alert.subject_type}.{alert.event}",
        "timestamp": alert.created_at.isoformat(),
        "data": {
            "alert_id": str(alert.pk),
            "title": alert.title,
            "text": alert.body,
            "state": alert.state,
            "resolved": alert.resolution,
            "project": alert.project.slug,
            "environment": alert.environment.name,
            "job": alert.job.name if alert.job else None,
            "pipeline": alert.pipeline.name if alert.pipeline else None,
            "subject": {"type": alert.subject_type, "id": alert.subject_id},
            "url": address(alert.page),
            **facts_of(alert),
        },
    }


def address(page: str) -> str:
    """The whole address of a page of the portal."""
    return settings.PUBLIC_URL.rstrip("/") + page


def _one(alert: Alert) -> str:
    resolved = f"\nResolved meanwhile: {alert.resolution}." if alert.state == AlertState.RESOLVED and alert.resolution else ""
    return f"{alert.body}{resolved}\n\nOpen it: {address(alert.page)}"


def _footer(alerts: list[Alert], reader: User | None) -> str:
    lines = [f"Sluice · project {alerts[0].project.name}"]
    if reader is not None:
        notice = Notice.objects.filter(alert__in=alerts, user=reader).first()
        if notice:
            lines.append(f"You get this because {notice.because}.")
        lines.append(f"Unsubscribe, or choose which mails you get: {address(reverse('alerts:mail'))}")
    return "\n".join(lines)
