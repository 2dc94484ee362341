"""What needs this person: promotions to decide, jobs that failed (their own, or where they are operator), alerts, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from portal.accounts import policy
from portal.accounts.models import Project, Role, User
from portal.accounts.people import environments_with
from portal.alerts.models import Alert, AlertState
from portal.promotions.models import Promotion, PromotionState
from portal.runs.models import GOOD_STATES, Run, RunState
from portal.runs.problems import shown_to

RECENT = timedelta(days=7)
MOST = 6
BAD_STATES = [RunState.FAILED, RunState.TIMED_OUT]


@dataclass(frozen=True)
class Need:
    """One line: what happened to `subject`, one sentence more, and the button that goes there."""

    icon: str
    tone: str
    subject: str
    says: str
    more: str
    at: datetime
    url: str
    button: str


def needs_of(user: User, project: Project) -> list[Need]:
    """At most a handful of each kind, the newest first within its kind; decisions come before failures. No kind crowds another out."""
    return [*_to_decide(user, project), *_failed(user, project), *_alerts(user, project), *_decided(user, project)]


def _to_decide(user: User, project: Project) -> Iterator[Need]:
    rows = Promotion.objects.waiting_for(user).filter(job__project=project).select_related("version__job", "to_environment", "requested_by")
    for row in rows[:MOST]:
        yield Need(
            "message-dots",
            "warn",
            f"{row.version} → {row.to_environment.name}",
            f"{row.requested_by.shown_name} asks for your approval of",
            f"“{row.message}”" if row.message else "",
            row.created_at,
            reverse("promotions:promotion", args=[project.slug, row.pk]),
            "Decide",
        )


def failed_runs(user: User, project: Project) -> QuerySet[Run]:
    """Failed runs of jobs this person owns, that they asked for, that they were told of, or that failed where they are operator.

    Not where a later run of the same job there went well; of several of theirs, the last. A later draft speaks for drafts only: what is
    live there has not run since.
    """
    mine = Q(job__owner=user) | Q(requested_by=user) | Q(pk__in=_told_of(user, project)) | _operated(user, project)
    later = Run.objects.filter(job=OuterRef("job"), environment=OuterRef("environment"), created_at__gt=OuterRef("created_at"))
    ended = later.filter(Q(state__in=GOOD_STATES) | Q(mine, state__in=BAD_STATES))
    over = Q(Exists(ended.filter(version__isnull=False))) | Q(Exists(ended), version=None)
    runs = Run.objects.filter(mine, project=project, state__in=BAD_STATES, created_at__gt=timezone.now() - RECENT)
    unsolved = runs.exclude(over)
    return policy.allowed(user, "view", unsolved).select_related("job", "environment", "project").order_by("-created_at")


def _told_of(user: User, project: Project) -> list[str]:
    """Ids of failed runs that this person was told of: as the owner of a pipeline, or with a part in what went live."""
    told = Alert.objects.unsolved().filter(project=project, notices__user=user, event="failed", created_at__gt=timezone.now() - RECENT)
    return list(told.values_list("subject_id", flat=True))


def _operated(user: User, project: Project) -> Q:
    """Runs of versions where this person is operator."""
    names = environments_with(user, Role.OPERATOR, project)
    return Q(version__isnull=False) & (Q() if names is None else Q(environment__name__in=names))


def _failed(user: User, project: Project) -> Iterator[Need]:
    runs = list(failed_runs(user, project)[: MOST * 2])
    ids = [str(run.pk) for run in runs]
    mended = Alert.objects.filter(subject_type="run", event="failed", state=AlertState.RESOLVED, subject_id__in=ids)
    over = set(mended.values_list("subject_id", flat=True))  # somebody has said so
    for run in [run for run in runs if str(run.pk) not in over][:MOST]:
        with_data = policy.can(user, "view_data", run)
        yield Need(
            "alert-triangle",
            "bad",
            run.job.name,
            f"{run.get_state_display()} in {run.environment.name}",
            shown_to(run.problem, run.document, with_data=with_data).told if run.problem else "",
            run.finished_at or run.created_at,
            reverse("runs:run", args=[project.slug, run.pk]),
            "See why",
        )


LOOKS = {"late": ("clock-x", "warn"), "paused": ("player-pause", "bad"), "skipped": ("player-skip-forward", "warn")}


def _alerts(user: User, project: Project) -> Iterator[Need]:
    """Open ones that this person was told about: late, could not start, skipped, paused, not delivered, a promotion that nobody may decide.

    Not those that stand here already, as failed runs and as promotions to decide, nor what this person has decided.
    """
    here = Promotion.objects.waiting().filter(job__project=project)
    mine = {
        *Promotion.objects.waiting_for(user).values_list("pk", flat=True),
        *here.filter(approvals__approver=user).values_list("pk", flat=True),
    }
    rows = Alert.objects.told_to(user).filter(project=project, state=AlertState.OPEN)
    rows = rows.exclude(event="failed").exclude(event="asked", subject_id__in=[str(one) for one in mine])
    for alert in rows[:MOST]:
        icon, tone = LOOKS.get(alert.event, ("alert-triangle", "bad"))
        more = alert.body.split("\n")[0] + (f" ({alert.times} times)" if alert.times > 1 else "")
        yield Need(icon, tone, alert.title, "", more, alert.created_at, reverse("alerts:open", args=[project.slug, alert.pk]), "Look")


DECISIONS = {
    PromotionState.LIVE: ("circle-check", "ok", "went live"),
    PromotionState.DECLINED: ("thumb-down", "bad", "was declined"),
    PromotionState.EXPIRED: ("clock-x", "warn", "has expired: nobody decided in time"),
}
NOT_LIVE_NOW = ("history", "warn", "went live, and is not live any more")


def _decided(user: User, project: Project) -> Iterator[Need]:
    """What became of one's own requests in the last days; declined and expired ones need work, live ones are good to know."""
    rows = Promotion.objects.with_live_now().filter(job__project=project, requested_by=user, is_roll_back=False, state__in=list(DECISIONS))
    recent = (
        rows.filter(decided_at__gt=timezone.now() - timedelta(days=2))
        .select_related("version__job", "to_environment")
        .order_by("-decided_at")
    )
    for row in recent[:3]:
        icon, tone, word = NOT_LIVE_NOW if row.state_now == "was_live" else DECISIONS[PromotionState(row.state)]
        last = row.approvals.select_related("approver").last()
        note = f"{last.approver.shown_name}: “{last.note}”" if last and last.note else ""
        at = row.decided_at or row.created_at
        yield Need(
            icon,
            tone,
            f"{row.version} → {row.to_environment.name}",
            word,
            note,
            at,
            reverse("promotions:promotion", args=[project.slug, row.pk]),
            "Look",
        )
