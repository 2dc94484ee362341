"""Rules, channels, alerts, whom they tell, and deliveries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.accounts.policy import allowed
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.locking import edition_of

FAILED, LATE = "failed", "late"
RULE_EVENTS = [(FAILED, "fails or does not start"), (LATE, "is later than")]
"""What a rule may be about. `failed` is also a job that could not start, a time that was skipped and a schedule that paused itself."""
KINDS = [("email", "e-mail"), ("webhook", "webhook")]


class _Pausable(models.Model):
    """A channel or a rule: it can be paused, and belongs to one environment or (None) to all of them."""

    environment = models.ForeignKey(Environment, null=True, on_delete=models.CASCADE, related_name="+")
    """Null: every environment; then only people with a role in every environment change it."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    access_project = "project"
    access_environment: str | None = "environment__name"

    class Meta:
        abstract = True

    def pause(self, paused: bool) -> None:
        self.paused_at = timezone.now() if paused else None
        self.save(update_fields=["paused_at"])


class Channel(_Pausable):
    """Where alerts go besides people's own mail: an address or a webhook."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=KINDS)
    target = models.CharField(max_length=500)
    encrypted_secret = models.TextField(blank=True)
    """Signing key of a webhook, sealed by environments.vault. Never shown again."""

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_channel_per_name")]

    @property
    def shown_target(self) -> str:
        return shown_target(self.kind, self.target)

    def __str__(self) -> str:
        return self.name


class Rule(_Pausable):
    """When to tell: a run failed (or did not start), or is late (takes or waits longer than its SLA)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="alert_rules")
    """Null: every job of the project."""
    event = models.CharField(max_length=8, choices=RULE_EVENTS)
    minutes = models.PositiveIntegerField(null=True)
    """For late: finished this long after it was asked for, at most."""
    channels = models.ManyToManyField(Channel, blank=True, related_name="rules")
    tell_owner = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    """The rule every project has: a failed run tells the job's owner. It can be paused, not deleted."""

    class Meta:
        ordering = ["-is_default", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=models.Q(is_default=True), name="one_default_rule"),
            models.CheckConstraint(condition=models.Q(event=FAILED) | models.Q(minutes__gt=0), name="late_has_minutes"),
        ]

    def matches(self, job_ids: Iterable[int], environment_id: int) -> bool:
        """Whether it is about one of these jobs there, and not paused."""
        return self.paused_at is None and (self.job_id is None or self.job_id in job_ids) and self.environment_id in {None, environment_id}

    @property
    def edition(self) -> str:
        """Another one after each change of who is told."""
        return edition_of(self.tell_owner, sorted(channel.pk for channel in self.channels.all()))

    @property
    def tells_nobody(self) -> bool:
        """Every channel it names is paused, and the owner is left out."""
        return not self.tell_owner and all(channel.paused_at for channel in self.channels.all())

    def __str__(self) -> str:
        job = self.job.name if self.job else "any job"
        where = f" in {self.environment.name}" if self.environment else ""
        return f"{job} failed or did not start{where}" if self.event == FAILED else f"{job} later than {self.minutes} min{where}"


class AlertState(models.TextChoices):
    OPEN = "open", "open"
    ACKNOWLEDGED = "acknowledged", "acknowledged"
    RESOLVED = "resolved", "resolved"
    NOTE = "note", "for information"


UNSOLVED = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class AlertQuerySet(models.QuerySet["Alert"]):
    """Questions about alerts."""

    def about(self, subject: models.Model) -> AlertQuerySet:
        return self.filter(subject_type=subject_type_of(subject), subject_id=str(subject.pk))

    def unsolved(self) -> AlertQuerySet:
        return self.filter(state__in=UNSOLVED)

    def told_to(self, user: User) -> AlertQuerySet:
        """Those this person was told about and may still see."""
        return allowed(user, "view", self.filter(notices__user=user))  # type: ignore[return-value]

    def unread_by(self, user: User) -> AlertQuerySet:
        """The number on the bell."""
        return allowed(user, "view", self.filter(notices__user=user, notices__read_at=None))  # type: ignore[return-value]


def subject_type_of(subject: models.Model) -> str:
    """run, pipeline_run, schedule, promotion, delivery."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(subject).__name__).lstrip("_")


class Alert(models.Model):
    """Something people were told about. At most one for a subject, an event and an occasion."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="alerts")
    event = models.CharField(max_length=16)
    """What happened: a key of alerts.conditions.CONDITIONS."""
    subject_type = models.CharField(max_length=16)
    subject_id = models.CharField(max_length=36)
    occasion = models.CharField(max_length=40, blank=True)
    """What tells several alerts about one subject and event apart: the minutes of a late run, the moment a schedule paused."""
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="alerts")
    pipeline = models.ForeignKey("pipelines.Pipeline", null=True, on_delete=models.CASCADE, related_name="alerts")
    page = models.CharField(max_length=300)
    """Path of the page where it is looked at, and mended."""
    title = models.CharField(max_length=300)
    body = models.TextField()
    """What happened, in plain words, without any value of the data."""
    times = models.PositiveIntegerField(default=1)
    """How often it has happened; what happens again while the alert is unsolved is counted, not told again."""
    rules = models.ManyToManyField(Rule, blank=True, related_name="+")
    """The rules that wanted it."""
    state = models.CharField(max_length=12, choices=AlertState.choices, default=AlertState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    resolution = models.CharField(max_length=200, blank=True)
    """What resolved it when no person did: by run 4f2a91c0."""
    resolution_page = models.CharField(max_length=300, blank=True)

    objects = AlertQuerySet.as_manager()

    access_project = "project"
    access_environment = "environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "state", "-created_at"]),
            models.Index(fields=["project", "-created_at"]),
            models.Index(fields=["job", "environment", "state"]),
            models.Index(fields=["pipeline", "environment", "state"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subject_type", "subject_id", "event", "occasion"], name="one_alert_per_subject_event_occasion")
        ]

    @property
    def is_note(self) -> bool:
        return self.state == AlertState.NOTE

    def acknowledge(self, by: User) -> None:
        self._set(state=AlertState.ACKNOWLEDGED, acknowledged_at=timezone.now(), acknowledged_by=by)

    def open_again(self, why: str) -> None:
        """Whoever acknowledged it does not look after it any more."""
        self._set(state=AlertState.OPEN, acknowledged_at=None, acknowledged_by=None, body=f"{self.body}\n{why}")

    def resolve(self, by: User | None, resolution: str = "", page: str = "") -> None:
        """`by` None: it resolves by itself, because of `resolution`."""
        self._set(state=AlertState.RESOLVED, resolved_at=timezone.now(), resolved_by=by, resolution=resolution[:200], resolution_page=page)

    def say(self, body: str) -> None:
        """What is known has changed."""
        self._set(body=body)

    def happened_again(self, body: str) -> None:
        self._set(times=self.times + 1, body=body)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))

    def __str__(self) -> str:
        return self.title


class Notice(models.Model):
    """One alert in one person's list, and whether they have read it."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    because = models.CharField(max_length=100)
    """Completes “You are told because …”."""
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "user"], name="one_notice_per_person")]
        indexes = [models.Index(fields=["user", "read_at"])]


class MailChoice(models.Model):
    """What a person wants as mail; without a row, everything. The list in the portal holds all of it either way."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+")
    own = models.BooleanField(default=True)
    """About what they own or asked for."""
    duty = models.BooleanField(default=True)
    """About what they look after: as operator, approver or admin."""


RETRY_AFTER = [timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 3 * 3600)]
"""Wait after the first, second, … failed try; the last one is repeated."""
GIVE_UP_AFTER = timedelta(hours=24)
TRIES = len(RETRY_AFTER) + 1
"""At least so many: a day in which nothing ran is no reason to give up at the first try after it."""


class Delivery(models.Model):
    """One alert on its way to one address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Also the webhook's message id, the same at every try, so that a receiver can tell repetitions."""
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    """The person, when it is somebody's own mail."""
    kind = models.CharField(max_length=8, choices=KINDS)
    target = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default="waiting")
    """waiting, delivered or given_up."""
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    next_try_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["state", "next_try_at"]), models.Index(fields=["kind", "target", "delivered_at"])]
        constraints = [models.UniqueConstraint(fields=["alert", "kind", "target"], name="one_delivery_per_target")]

    @property
    def shown_target(self) -> str:
        return shown_target(self.kind, self.target)

    def claim(self, now: datetime) -> bool:
        """Takes this try; False when another process was quicker. Also sets when to try again should this process die."""
        wait = RETRY_AFTER[min(self.attempts, len(RETRY_AFTER) - 1)]
        mine = Delivery.objects.filter(pk=self.pk, state="waiting", attempts=self.attempts, next_try_at__lte=now)
        if not mine.update(attempts=self.attempts + 1, next_try_at=now + wait):
            return False
        self.attempts, self.next_try_at = self.attempts + 1, now + wait
        return True

    def delivered(self, at: datetime) -> None:
        """`at` is the same for all that went as one mail."""
        self.state, self.delivered_at, self.last_error = "delivered", at, ""
        self.save(update_fields=["state", "delivered_at", "last_error"])

    def failed(self, why: str, *, for_good: bool = False) -> None:
        """Tried in vain. Given up after 24 hours and some tries, or at once when trying again cannot help."""
        if for_good or (self.attempts >= TRIES and timezone.now() >= self.created_at + GIVE_UP_AFTER):
            self.state = "given_up"
        self.last_error = why[:300]
        self.save(update_fields=["state", "last_error"])


class LookedUntil(models.Model):
    """When the scheduler last looked for what was told to nobody, so that it looks further back after a time in which nothing ran."""

    what = models.CharField(primary_key=True, max_length=20)
    """untold or late."""
    at = models.DateTimeField()


def shown_target(kind: str, target: str) -> str:
    """An address as people may see it: of a webhook only the host, since its path is often a password."""
    if kind != "webhook":
        return target
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname or ''}/…"
