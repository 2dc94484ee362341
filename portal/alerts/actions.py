"""What people do with alerts, their rules and their channels."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import require
from portal.alerts import addresses, delivery, webhooks
from portal.alerts.models import FAILED, LATE, Alert, AlertState, Channel, Rule
from portal.audit.actions import record
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs.models import Job

LONGEST_MINUTES = 7 * 24 * 60


def acknowledge_alert(*, actor: User, alert: Alert) -> Alert:
    """Says "I have seen it and look after it"."""
    require(actor, "acknowledge_alert", alert)
    with transaction.atomic():
        alert = Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)
        if alert.state == AlertState.OPEN:
            alert.acknowledge(actor)
            record(action="acknowledge_alert", actor=actor, subject=alert, environment=alert.run.environment.name)
    return alert


def resolve_alert(*, actor: User, alert: Alert) -> Alert:
    """Says "it is mended"."""
    require(actor, "acknowledge_alert", alert)
    with transaction.atomic():
        alert = Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)
        if alert.state != AlertState.RESOLVED:
            alert.resolve(actor)
            record(action="resolve_alert", actor=actor, subject=alert, environment=alert.run.environment.name)
    return alert


def create_channel(*, actor: User, project: Project, name: str, kind: str, target: str) -> tuple[Channel, str]:
    """The channel and, for a webhook, its signing key: shown now and never again."""
    require(actor, "manage_channels", project)
    name, target = name.strip(), target.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise PortalError("A channel needs a name of at most 80 letters.", code="name-wrong")
    _check_target(kind, target)
    secret = webhooks.new_secret() if kind == "webhook" else ""
    sealed = delivery.seal_secret(name, project.slug, secret) if secret else ""
    try:
        with transaction.atomic():
            channel = Channel.objects.create(project=project, name=name, kind=kind, target=target, encrypted_secret=sealed)
            record(action="create_channel", actor=actor, subject=channel, kind=kind, target=target)
    except IntegrityError:
        raise Conflict(f"There is already a channel “{name}”.", code="name-taken", fix="Choose another name.") from None
    return channel, secret


def send_test(*, actor: User, channel: Channel) -> None:
    """Sends a test message now. PortalError says why it did not arrive."""
    require(actor, "manage_channels", channel.project)
    said = f"This is a test of the channel “{channel.name}”, sent by {actor.shown_name}."
    failure = ""
    try:
        if channel.kind == "email":
            delivery.send_mail(channel.target, f"Test of {channel.name}", said)
        else:
            payload = {"type": "test", "timestamp": timezone.now().isoformat(), "data": {"text": said, "project": channel.project.slug}}
            delivery.send_webhook(channel, f"msg_{uuid.uuid4().hex}", payload)
    except PortalError as refusal:
        failure = refusal.message
        raise
    finally:
        record(action="send_test", actor=actor, subject=channel, result="failed" if failure else "done", why=failure)


def pause_channel(*, actor: User, channel: Channel, paused: bool = True) -> Channel:
    require(actor, "manage_channels", channel.project)
    with transaction.atomic():
        channel.pause(paused)
        record(action="pause_channel" if paused else "resume_channel", actor=actor, subject=channel)
    return channel


def delete_channel(*, actor: User, channel: Channel) -> None:
    """What is still on its way through it is given up."""
    require(actor, "manage_channels", channel.project)
    with transaction.atomic():
        record(action="delete_channel", actor=actor, subject=channel, target=channel.target)
        channel.delete()


def create_rule(
    *,
    actor: User,
    project: Project,
    event: str,
    job: Job | None = None,
    environment: Environment | None = None,
    minutes: int | None = None,
    channels: Sequence[Channel] = (),
    tell_owner: bool = True,
) -> Rule:
    """`minutes` belongs to `late` only: done this long after it was asked for, at most."""
    require(actor, "manage_channels", project)
    if event not in {FAILED, LATE}:
        raise PortalError(f"A rule is about failed or late runs, not “{event}”.", code="event-unknown")
    if event == LATE and not (minutes and 0 < minutes <= LONGEST_MINUTES):
        raise PortalError(f"Say after how many minutes a run is late: 1 to {LONGEST_MINUTES}.", code="minutes-wrong")
    if not channels and not tell_owner:
        raise PortalError("The rule tells nobody.", code="nobody-told", fix="Choose a channel, or tell the job's owner.")
    if any(thing is not None and thing.project_id != project.pk for thing in (job, environment, *channels)):
        raise PortalError("Job, environment and channels belong to the rule's project.", code="not-found", status=404)
    with transaction.atomic():
        rule = Rule.objects.create(
            project=project,
            event=event,
            job=job,
            environment=environment,
            minutes=minutes if event == LATE else None,
            tell_owner=tell_owner,
        )
        rule.channels.set(channels)
        record(action="create_rule", actor=actor, subject=rule, channels=[channel.name for channel in channels], tell_owner=tell_owner)
    return rule


def change_rule(*, actor: User, rule: Rule, channels: Sequence[Channel], tell_owner: bool) -> Rule:
    """Changes who is told."""
    require(actor, "manage_channels", rule.project)
    if any(channel.project_id != rule.project_id for channel in channels):
        raise PortalError("Channels belong to the rule's project.", code="not-found", status=404)
    if not channels and not tell_owner:
        raise PortalError("The rule tells nobody.", code="nobody-told", fix="Choose a channel, or tell the job's owner; or pause the rule.")
    with transaction.atomic():
        rule.tell_owner = tell_owner
        rule.save(update_fields=["tell_owner"])
        rule.channels.set(channels)
        record(action="change_rule", actor=actor, subject=rule, channels=[channel.name for channel in channels], tell_owner=tell_owner)
    return rule


def pause_rule(*, actor: User, rule: Rule, paused: bool = True) -> Rule:
    require(actor, "manage_channels", rule.project)
    with transaction.atomic():
        rule.pause(paused)
        record(action="pause_rule" if paused else "resume_rule", actor=actor, subject=rule)
    return rule


def delete_rule(*, actor: User, rule: Rule) -> None:
    require(actor, "manage_channels", rule.project)
    if rule.is_default:
        raise PortalError("Every project has this rule.", code="default-rule", status=409, fix="Pause it instead.")
    with transaction.atomic():
        record(action="delete_rule", actor=actor, subject=rule)
        rule.delete()


def _check_target(kind: str, target: str) -> None:
    if kind == "webhook":
        addresses.checked(target)
    elif kind == "email":
        try:
            validate_email(target)
        except ValidationError:
            raise PortalError(
                f"“{target[:80]}” is not an e-mail address.", code="address-wrong", fix="For instance: data-team@example.org"
            ) from None
    else:
        raise PortalError(f"A channel is email or webhook, not “{kind}”.", code="kind-unknown")
