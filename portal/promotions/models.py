"""Promotions and approvals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.policy import allowed
from portal.environments.models import Environment
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.runs.models import OutboxMessage, Run

TOLD_OF_PROMOTIONS = "portal.alerts.tasks.promotion_changed"
"""The task that gets the id of a promotion that was asked for or decided. Text, because promotions do not import alerts."""
VALID_FOR = timedelta(hours=72)
"""How long a promotion may wait for its approvals."""


class PromotionState(models.TextChoices):
    WAITING = "waiting", "waiting"
    LIVE = "live", "live"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn"
    EXPIRED = "expired", "expired"


class PromotionQuerySet(models.QuerySet["Promotion"]):
    """Questions about promotions."""

    def waiting(self) -> PromotionQuerySet:
        return self.filter(state=PromotionState.WAITING, expires_at__gt=timezone.now())

    def out_of_time(self) -> PromotionQuerySet:
        return self.filter(state=PromotionState.WAITING, expires_at__lte=timezone.now())

    def waiting_for(self, user: User) -> PromotionQuerySet:
        """Those this person may still decide on: not asked for by them, not their version, not decided by them yet."""
        mine = allowed(user, "approve_promotion", self.waiting())
        return mine.exclude(requested_by=user).exclude(version__author=user).exclude(approvals__approver=user)  # type: ignore[return-value]

    def with_live_now(self) -> PromotionQuerySet:
        """Each with what `Promotion.is_live_now` asks for, so that a list needs one query. What was looked at comes when it is read."""
        here = LiveVersion.objects.filter(
            job=models.OuterRef("job"), environment=models.OuterRef("to_environment"), version=models.OuterRef("version")
        )
        return self.annotate(live_now=models.Exists(here)).defer("target", "evidence")

    def of(self, user: User) -> PromotionQuerySet:
        return self.filter(models.Q(requested_by=user) | models.Q(version__author=user))


class Promotion(models.Model):
    """The wish to make a version live in the next environment, or the record of going back to the version before."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="promotions")
    version = models.ForeignKey(JobVersion, on_delete=models.PROTECT, related_name="promotions")
    sha256 = models.CharField(max_length=64)
    from_environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    """For a roll-back the same as `to_environment`."""
    to_environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=PromotionState.choices, default=PromotionState.WAITING)
    is_roll_back = models.BooleanField(default=False)
    previous_version = models.ForeignKey(JobVersion, null=True, on_delete=models.PROTECT, related_name="+")
    """What was live before this one."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    evidence = models.JSONField(default=list)
    """What each check said when it was decided: name, verdict, sentence, findings, and the id of the run that speaks for it."""
    target = models.JSONField(default=dict)
    """What lay in the target (`target.TargetLook`) when it was asked for; from the decision on, what lay there then."""
    run_once = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    """The run that somebody asked for to see that it works there."""

    objects = PromotionQuerySet.as_manager()

    access_project = "job__project"
    access_environment = "to_environment__name"

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "expires_at"]), models.Index(fields=["decided_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "to_environment"], condition=models.Q(state="waiting"), name="one_waiting_promotion"
            ),
        ]

    @property
    def is_waiting(self) -> bool:
        return self.state == PromotionState.WAITING and self.expires_at > timezone.now()

    @property
    def is_live_now(self) -> bool:
        """Its version is what runs there at this moment. A promotion that went live says so for ever; its version may have been replaced
        or gone back from since."""
        known: bool | None = self.__dict__.get("live_now")
        if known is not None:
            return known
        return LiveVersion.objects.filter(job=self.job, environment=self.to_environment, version=self.version).exists()

    @property
    def state_now(self) -> str:
        """Its state, as it is true now: what has gone live is not live for ever, and what waited too long waits no more."""
        if self.state == PromotionState.LIVE and not self.is_live_now:
            return "was_live"
        return "expired" if self.state == PromotionState.WAITING and not self.is_waiting else str(self.state)

    @property
    def shown_state(self) -> str:
        """The same in a list, as a name of portal.ui.states."""
        if self.is_roll_back:
            return "rolled_back"
        return "in_review" if self.is_waiting else self.state_now

    def decide(self, state: PromotionState, evidence: list[dict[str, Any]] | None = None, target: dict[str, Any] | None = None) -> None:
        """The only change of state; a decided promotion never changes again."""
        if self.state != PromotionState.WAITING:
            raise ValueError(f"A promotion that is {self.state} cannot become {state}.")
        self.state, self.decided_at, self.evidence = state, timezone.now(), evidence or []
        self.target = self.target if target is None else target
        self.save(update_fields=["state", "decided_at", "evidence", "target"])
        self.tell()

    def tell(self) -> None:
        """Whoever must know is told once this is committed."""
        OutboxMessage.add(TOLD_OF_PROMOTIONS, str(self.pk))

    def __str__(self) -> str:
        return f"{self.version} to {self.to_environment.name}"


class Approval(models.Model):
    """One approver's decision on one promotion, bound to the version's sha256. Never changed."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=8, choices=[("approve", "approve"), ("decline", "decline")])
    note = models.CharField(max_length=1000, blank=True)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["promotion", "approver"], name="one_decision_per_approver")]
