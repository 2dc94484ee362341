"""What people do with alerts, their own mails, rules and channels. Rules and channels are set up by whoever runs the environment."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import can, require
from portal.alerts import delivery, webhooks
from portal.alerts.models import FAILED, LATE, Alert, AlertState, Channel, MailChoice, Notice, Rule, shown_target
from portal.audit.actions import record
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs.models import Job
from portal.locking import locked, require_seen

LONGEST_MINUTES = 7 * 24 * 60


def acknowledge_alert(*, actor: User, alert: Alert) -> Alert:
    """Says "I have seen it and look after it"."""
    require(actor, "acknowledge_alert", alert)
    with transaction.atomic():
        alert = locked(alert, "project", "environment")
        _read(actor, alert)
        if alert.state == AlertState.OPEN:
            alert.acknowledge(actor)
            record(action="acknowledge_alert", actor=actor, subject=alert, environment=alert.environment.name)
    return alert


def resolve_alert(*, actor: User, alert: Alert) -> Alert:
    """Says "it is mended"."""
    require(actor, "acknowledge_alert", alert)
    with transaction.atomic():
        alert = locked(alert, "project", "environment")
        _read(actor, alert)
        if alert.state in (AlertState.OPEN, AlertState.ACKNOWLEDGED):
            alert.resolve(actor)
            record(action="resolve_alert", actor=actor, subject=alert, environment=alert.environment.name)
    return alert


def read_alert(*, actor: User, alert: Alert) -> None:
    """It no longer counts on the actor's bell. Nothing happens where it is not in their list."""
    require(actor, "view", alert)
    _read(actor, alert)


def read_all_alerts(*, actor: User, project: Project) -> int:
    """Empties the actor's bell in a project; how many there were."""
    require(actor, "view", project)
    return Notice.objects.filter(user=actor, read_at=None, alert__project=project).update(read_at=timezone.now())


def choose_mails(*, actor: User, own: bool, duty: bool) -> MailChoice:
    """Which mails the actor gets; what they do not get stands in their list all the same."""
    return MailChoice.objects.update_or_create(user=actor, defaults={"own": own, "duty": duty})[0]


def create_channel(
    *, actor: User, project: Project, name: str, kind: str, target: str, environment: Environment | None = None
) -> tuple[Channel, str]:
    """The channel and, for a webhook, its signing key: shown now and never again. `environment` None: for all of them."""
    require(actor, "manage_channels", project, environment=environment.name if environment else "")
    name, target = name.strip(), target.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise PortalError("A channel needs a name of at most 80 letters.", code="name-wrong")
    _check_target(kind, target)
    _same_project(project, environment)
    secret = webhooks.new_secret() if kind == "webhook" else ""
    sealed = delivery.seal_secret(name, project.slug, secret) if secret else ""
    values = {"project": project, "name": name, "kind": kind, "target": target, "environment": environment}
    try:
        with transaction.atomic():
            channel = Channel.objects.create(**values, encrypted_secret=sealed)
            record(action="create_channel", actor=actor, subject=channel, kind=kind, target=shown_target(kind, target))
    except IntegrityError:
        raise Conflict(f"There is already a channel “{name}”.", code="name-taken", fix="Choose another name.") from None
    return channel, secret


def send_test(*, actor: User, channel: Channel) -> None:
    """Sends a test message now. PortalError says why it did not arrive."""
    require(actor, "manage_channels", channel)
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
    require(actor, "manage_channels", channel)
    with transaction.atomic():
        channel = locked(channel)
        channel.pause(paused)
        record(action="pause_channel" if paused else "resume_channel", actor=actor, subject=channel)
    return channel


def delete_channel(*, actor: User, channel: Channel) -> list[Rule]:
    """What is still on its way through it is given up. Rules that told nobody else tell the job's owner from now on; those are returned."""
    require(actor, "manage_channels", channel)
    with transaction.atomic():
        channel = locked(channel)
        # Its rules are held too: somebody may delete their other channel at the same moment.
        rules = list(channel.rules.select_for_update(no_key=True, of=("self",)).order_by("pk"))
        orphans = [rule for rule in rules if not rule.tell_owner and rule.channels.count() == 1]
        Rule.objects.filter(pk__in=[rule.pk for rule in orphans]).update(tell_owner=True)
        told = [str(rule) for rule in orphans]
        record(action="delete_channel", actor=actor, subject=channel, target=channel.shown_target, rules_that_tell_the_owner_now=told)
        channel.delete()
    return orphans


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
    """`minutes` belongs to `late` only: done this long after it was asked for, at most. `environment` None: every one."""
    require(actor, "manage_channels", project, environment=environment.name if environment else "")
    if event not in {FAILED, LATE}:
        raise PortalError(f"A rule is about failed or late runs, not “{event}”.", code="event-unknown")
    if event == LATE and not (minutes and 0 < minutes <= LONGEST_MINUTES):
        raise PortalError(f"Say after how many minutes a run is late: 1 to {LONGEST_MINUTES}.", code="minutes-wrong")
    _check_told(channels, tell_owner)
    _same_project(project, job, environment, *channels)
    _check_channels(actor, channels, environment)
    with transaction.atomic():
        _hold(channels)
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


def change_rule(*, actor: User, rule: Rule, channels: Sequence[Channel], tell_owner: bool, edition: str = "") -> Rule:
    """Changes who is told. `edition` is the one the actor saw, empty where they do not say; raises Conflict when it is changed since."""
    require(actor, "manage_channels", rule)
    _check_told(channels, tell_owner)
    _same_project(rule.project, *channels)
    there = set(rule.channels.values_list("pk", flat=True))
    _check_channels(actor, [channel for channel in channels if channel.pk not in there], rule.environment)
    with transaction.atomic():
        _hold(channels)
        rule = locked(rule)
        require_seen(edition, rule.edition, "who is told")
        rule.tell_owner = tell_owner
        rule.save(update_fields=["tell_owner"])
        rule.channels.set(channels)
        record(action="change_rule", actor=actor, subject=rule, channels=[channel.name for channel in channels], tell_owner=tell_owner)
    return rule


def pause_rule(*, actor: User, rule: Rule, paused: bool = True) -> Rule:
    require(actor, "manage_channels", rule)
    with transaction.atomic():
        rule = locked(rule)
        rule.pause(paused)
        record(action="pause_rule" if paused else "resume_rule", actor=actor, subject=rule)
    return rule


def delete_rule(*, actor: User, rule: Rule) -> None:
    require(actor, "manage_channels", rule)
    if rule.is_default:
        raise PortalError("Every project has this rule.", code="default-rule", status=409, fix="Pause it instead.")
    with transaction.atomic():
        rule = locked(rule)
        record(action="delete_rule", actor=actor, subject=rule)
        rule.delete()


def _read(actor: User, alert: Alert) -> None:
    Notice.objects.filter(user=actor, alert=alert, read_at=None).update(read_at=timezone.now())


def _hold(channels: Sequence[Channel]) -> None:
    """Who deletes one of them at the same moment waits, and then sees the rule: else it could be left telling nobody."""
    for channel in sorted(channels, key=lambda channel: channel.pk):
        locked(channel)


def _check_told(channels: Sequence[Channel], tell_owner: bool) -> None:
    if not channels and not tell_owner:
        raise PortalError("The rule tells nobody.", code="nobody-told", fix="Choose a channel, or tell the job's owner; or pause the rule.")


def _same_project(project: Project, *things: Job | Environment | Channel | None) -> None:
    if any(thing is not None and thing.project_id != project.pk for thing in things):
        raise PortalError("Job, environment and channels belong to the rule's project.", code="not-found", status=404)


def _check_channels(actor: User, channels: Sequence[Channel], environment: Environment | None) -> None:
    """A channel of one environment hears of that environment only, and is chosen by those who manage it."""
    for channel in channels:
        if channel.environment_id is not None and (environment is None or channel.environment_id != environment.pk):
            where = channel.environment.name if channel.environment else ""
            raise PortalError(
                f"The channel {channel.name} belongs to {where}.",
                code="channel-elsewhere",
                fix=f"Make the rule for {where}, or choose a channel of every environment.",
            )
        if not can(actor, "manage_channels", channel):
            raise PortalError(
                f"The channel {channel.name} is looked after by people who do so for every environment.",
                code="channel-not-yours",
                status=403,
                fix="Ask one of them, or make a channel of your own.",
            )


def _check_target(kind: str, target: str) -> None:
    if kind == "webhook":
        webhooks.require_address(target)
    elif kind == "email":
        try:
            validate_email(target)
        except ValidationError:
            raise PortalError(
                f"“{target[:80]}” is not an e-mail address.", code="address-wrong", fix="For instance: data-team@example.org"
            ) from None
    else:
        raise PortalError(f"A channel is email or webhook, not “{kind}”.", code="kind-unknown")
