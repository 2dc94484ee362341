"""What people do with promotions. Making a version live happens here only, in one transaction with its checks and its audit event."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.actions import refuse_archived, set_live
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.locking import GONE_FIX
from portal.promotions import four_eyes, gates
from portal.promotions.candidate import Candidate, Gate
from portal.promotions.models import VALID_FOR, Approval, Promotion, PromotionState
from portal.promotions.target import TargetLook
from portal.promotions.target import look_at as target_look
from portal.runs.actions import start_run
from portal.runs.models import GOOD_STATES, Run


def next_environment(version: JobVersion) -> tuple[Environment, Environment]:
    """(where it is live, where it goes): the highest environment in which it is live and the one right above is not. None is skipped."""
    environments = list(version.job.project.environments.order_by("rank"))
    live_in = set(LiveVersion.objects.filter(job=version.job, version=version).values_list("environment_id", flat=True))
    steps = [(low, high) for low, high in zip(environments, environments[1:], strict=False) if low.pk in live_in and high.pk not in live_in]
    if steps:
        return steps[-1]
    if live_in:
        last = environments[-1].name
        raise PortalError(
            f"v{version.number} is live in {last} already; there is no environment after it.", code="nowhere-to-go", status=409
        )
    lowest = environments[0].name if environments else "the first environment"
    raise PortalError(
        f"v{version.number} is not live anywhere, so there is no environment to promote it from.",
        code="not-live-before",
        status=409,
        fix=f"Restore v{version.number}, so that it is live in {lowest} again, run it there, then ask.",
    )


def request_promotion(*, actor: User, version: JobVersion, message: str = "") -> Promotion:
    """Asks to make the version live in the next environment. It must be live in the one before, pass its checks and have run well there."""
    job = version.job
    require(actor, "request_promotion", job)
    refuse_archived(job)
    source, target = next_environment(version)
    look = target_look(actor, version, target, anew=True)
    with transaction.atomic():
        lock_job(job)
        require(actor, "request_promotion", job)  # the look may have taken long
        if next_environment(version) != (source, target):
            raise Conflict("Its live version has changed meanwhile.", code="live-changed", fix="Look at it again, then ask.")
        candidate = Candidate.to_ask_for(version, source, target, look)
        _refuse_if_stopped(gates.judge(candidate), f"v{version.number} cannot be promoted to {target.name} yet")
        expire_waiting(Promotion.objects.filter(version=version, to_environment=target))
        promotion = _create(
            job=job,
            version=version,
            sha256=version.sha256,
            from_environment=source,
            to_environment=target,
            requested_by=actor,
            message=message.strip()[:300],
            previous_version=candidate.live,
            target=look.as_dict(),
            expires_at=timezone.now() + VALID_FOR,
        )
        promotion.tell()
        record(action="request_promotion", actor=actor, subject=promotion, environment=target.name, sha256=version.sha256)
    return promotion


def approve_promotion(*, actor: User, promotion: Promotion, note: str = "", sha256: str | None = None) -> Promotion:
    """Says yes to exactly these bytes; with the last yes that is needed the version goes live at once.

    `sha256` is what the approver saw. Of several approvers at once, and of a double click, exactly one result comes about.
    """
    try:
        look, parameters = _looked_at(actor, promotion, anew=True)
        with transaction.atomic():
            promotion = _locked(promotion)
            _refuse(four_eyes.why_not(actor, promotion))
            _refuse_other_parameters(promotion, parameters)
            if sha256 is not None and sha256 != promotion.sha256:
                raise Conflict("The page showed another version than this promotion has. Look at it again.", code="other-bytes")
            found = gates.judge(Candidate.of(promotion, look))
            _refuse_if_stopped(found, "It cannot go live")
            _note_decision(actor, promotion, "approve", note)
            record(
                action="approve_promotion",
                actor=actor,
                subject=promotion,
                environment=promotion.to_environment.name,
                sha256=promotion.sha256,
            )
            if len(four_eyes.valid_approvals(promotion)) >= promotion.to_environment.approvals_needed:
                _go_live(actor, promotion, found, look)
    except PortalError as refusal:
        _record_refusal("approve_promotion", actor, promotion, refusal)
        raise
    return promotion


def decline_promotion(*, actor: User, promotion: Promotion, note: str) -> Promotion:
    """Says no, and why."""
    try:
        look, _ = _looked_at(actor, promotion, anew=False)
        with transaction.atomic():
            promotion = _locked(promotion)
            _refuse(four_eyes.why_not(actor, promotion))
            if not note.strip():
                raise PortalError("Say why you decline it.", code="note-needed", fix="Write a note; the author reads it.")
            _note_decision(actor, promotion, "decline", note)
            found = gates.judge(Candidate.of(promotion, look))
            promotion.decide(PromotionState.DECLINED, gates.evidence(found), look.as_dict())
            record(
                action="decline_promotion",
                actor=actor,
                subject=promotion,
                environment=promotion.to_environment.name,
                note=note.strip()[:1000],
            )
    except PortalError as refusal:
        _record_refusal("decline_promotion", actor, promotion, refusal)
        raise
    return promotion


def withdraw_promotion(*, actor: User, promotion: Promotion) -> Promotion:
    """Takes back one's own wish."""
    require(actor, "request_promotion", promotion.job)
    with transaction.atomic():
        promotion = _locked(promotion)
        if promotion.requested_by != actor:
            raise PortalError(f"Only {promotion.requested_by.shown_name}, who asked for it, can withdraw it.", code="not-yours", status=403)
        if not promotion.is_waiting:
            raise Conflict(f"This promotion is {promotion.state} already.", code="already-decided")
        promotion.decide(PromotionState.WITHDRAWN)
        record(action="withdraw_promotion", actor=actor, subject=promotion, environment=promotion.to_environment.name)
    return promotion


def run_once(*, actor: User, promotion: Promotion) -> Run:
    """Runs what went live, once and now, to see that it works there. Who asks for it owns the run; asker and approvers hear how it ends.

    Raises NotAllowed, and PortalError when it is not live (any more), or such a run is under way or has gone well."""
    require(actor, "start_run", promotion.job, environment=promotion.to_environment.name)
    with transaction.atomic():
        promotion = _locked(promotion)
        why_not = why_not_run_once(promotion)
        if why_not:
            raise Conflict(why_not, code="not-to-run")
        label = f"once, after v{promotion.version.number} went live"
        run = start_run(
            actor=actor, job=promotion.job, environment=promotion.to_environment, version=promotion.version, trigger_label=label
        )
        promotion.run_once = run
        promotion.save(update_fields=["run_once"])
        record(action="run_once", actor=actor, subject=promotion, environment=promotion.to_environment.name, run=str(run.pk))
    return run


def why_not_run_once(promotion: Promotion) -> str:
    """Why nobody runs it once now; empty when somebody may."""
    if promotion.state_now != PromotionState.LIVE:
        return f"v{promotion.version.number} is not live in {promotion.to_environment.name}, so it does not run there."
    before = promotion.run_once
    if before is not None and not before.is_final:
        return f"It runs already: {before.short_id}."
    if before is not None and before.state in GOOD_STATES:
        return f"It has run well already: {before.short_id}."
    return ""


def roll_back(*, actor: User, job: Job, environment: Environment, message: str = "", live: int | None = None) -> Promotion:
    """Makes the version live again that was live before; it was approved then, so nobody is asked again.

    `live` is the number of the version that the actor saw as live, None where they do not say: two people who see the same trouble go back
    one step, and the second is told. A second time goes one step further back. What was gone back from is live again only by a promotion of
    its own.
    """
    pointer = LiveVersion.objects.select_related("version", "previous").filter(job=job, environment=environment).first()
    require(actor, "roll_back", pointer or job, environment=environment.name)
    with transaction.atomic():
        lock_job(job)
        pointer = LiveVersion.objects.select_for_update(of=("self",), no_key=True).filter(job=job, environment=environment).first()
        require(actor, "roll_back", pointer or job, environment=environment.name)  # somebody else's approval may have taken long
        refuse_archived(job)
        if pointer is None or pointer.previous is None:
            raise PortalError(f"No version of {job.name} was live in {environment.name} before.", code="nothing-before", status=409)
        if live is not None and pointer.version.number != live:
            raise Conflict(
                f"v{pointer.version.number} is live in {environment.name} now, v{live} no longer.", code="live-changed", fix=GONE_FIX
            )
        now = timezone.now()
        promotion = Promotion.objects.create(
            job=job,
            version=pointer.previous,
            sha256=pointer.previous.sha256,
            from_environment=environment,
            to_environment=environment,
            requested_by=actor,
            message=message.strip()[:300],
            state=PromotionState.LIVE,
            is_roll_back=True,
            previous_version=pointer.version,
            expires_at=now,
            decided_at=now,
        )
        before = _live_before(promotion.version, environment)
        set_live(actor=actor, job=job, environment=environment, version=promotion.version, previous=before)
        promotion.tell()
        record(
            action="roll_back",
            actor=actor,
            subject=promotion,
            environment=environment.name,
            sha256=promotion.sha256,
            replaced=str(promotion.previous_version),
        )
    return promotion


def _live_before(version: JobVersion, environment: Environment) -> JobVersion | None:
    """Where one gets from `version` by going back once more: to what it replaced in `environment`, less what was gone back from since it
    went live, and what stands before that; None when nothing is left."""
    seen = {version.pk}
    before = _replaced_by(version, environment)
    while before is not None and before.pk not in seen and _is_withdrawn(before, environment):
        seen.add(before.pk)
        before = _replaced_by(before, environment)
    return None if before is None or before.pk in seen else before


def _is_withdrawn(version: JobVersion, environment: Environment) -> bool:
    """Whether it was gone back from, and not approved (in the lowest environment: saved) again after that."""
    here = Promotion.objects.filter(to_environment=environment, state=PromotionState.LIVE).order_by("-decided_at")
    withdrawn = here.filter(previous_version=version, is_roll_back=True).first()
    approved = here.filter(version=version, is_roll_back=False).first()
    return withdrawn is not None and (approved is None or withdrawn.decided_at > approved.decided_at)  # type: ignore[operator]


def _replaced_by(version: JobVersion, environment: Environment) -> JobVersion | None:
    """What `version` replaced when it went live in `environment`; in the lowest, where saving makes live, the version saved before it."""
    if not environment.is_protected:
        return version.job.versions.filter(number__lt=version.number).order_by("-number").first()
    went_live = Promotion.objects.filter(version=version, to_environment=environment, state=PromotionState.LIVE, is_roll_back=False)
    last = went_live.select_related("previous_version").order_by("-decided_at").first()
    return last.previous_version if last else None


def expire_waiting(promotions: object = None) -> int:
    """Marks as expired what has waited too long. Called by the scheduler; returns how many."""
    waiting = promotions if promotions is not None else Promotion.objects.all()
    count = 0
    for promotion in waiting.out_of_time():  # type: ignore[attr-defined]
        with transaction.atomic():
            promotion = _locked(promotion)
            if promotion.state == PromotionState.WAITING:
                promotion.decide(PromotionState.EXPIRED)
                record(action="expire_promotion", actor=None, subject=promotion, environment=promotion.to_environment.name)
                count += 1
    return count


def lock_job(job: Job) -> None:
    """Everything that moves a job's pointers holds the job's row first. `no_key`: starting a run of the job does not wait for it."""
    Job.objects.select_for_update(no_key=True).get(pk=job.pk)


def _locked(promotion: Promotion) -> Promotion:
    lock_job(promotion.job)
    return _whole().select_for_update(of=("self",), no_key=True).get(pk=promotion.pk)


def _whole() -> QuerySet[Promotion]:
    return Promotion.objects.select_related(
        "job__project", "version__author", "from_environment", "to_environment__compute", "requested_by", "previous_version", "run_once"
    )


def _looked_at(actor: User, promotion: Promotion, *, anew: bool) -> tuple[TargetLook, dict[str, Any]]:
    """The look before a decision, and the parameters it was taken with. Outside of the transaction, which must not wait for it; who may
    not decide has no look taken. Raises why not."""
    now = _whole().get(pk=promotion.pk)
    _refuse(four_eyes.why_not(actor, now))
    return target_look(actor, now.version, now.to_environment, anew=anew), now.to_environment.parameters


def _go_live(actor: User, promotion: Promotion, found: list[Gate], look: TargetLook) -> None:
    set_live(actor=actor, job=promotion.job, environment=promotion.to_environment, version=promotion.version)
    promotion.decide(PromotionState.LIVE, gates.evidence(found), look.as_dict())
    record(
        action="go_live",
        actor=actor,
        subject=promotion,
        environment=promotion.to_environment.name,
        sha256=promotion.sha256,
        replaced=str(promotion.previous_version) if promotion.previous_version else None,
        approved_by=[approval.approver.username for approval in four_eyes.valid_approvals(promotion)],
    )


def _note_decision(actor: User, promotion: Promotion, decision: str, note: str) -> None:
    Approval.objects.create(promotion=promotion, approver=actor, decision=decision, note=note.strip()[:1000], sha256=promotion.sha256)


def _create(**values: object) -> Promotion:
    try:
        with transaction.atomic():
            return Promotion.objects.create(**values)
    except IntegrityError:
        raise Conflict("This version is waiting for approval there already.", code="already-asked") from None


def _refuse(refusal: PortalError | None) -> None:
    if refusal is not None:
        raise refusal


def _refuse_other_parameters(promotion: Promotion, seen: dict[str, Any]) -> None:
    """They decide where it reads and writes, so what was looked at with others says nothing."""
    if promotion.to_environment.parameters != seen:
        name = promotion.to_environment.name
        raise Conflict(f"The parameters of {name} have changed meanwhile.", code="target-changed", fix="Look at it again.")


def _refuse_if_stopped(found: list[Gate], what: str) -> None:
    stopped = gates.stopped(found)
    if stopped:
        reasons = "; ".join(f"{gate.name}: {gate.sentence}" for gate in stopped)
        problems = [problem for gate in stopped for problem in gate.problems]
        raise PortalError(f"{what}. {reasons}.", code="gate-closed", status=409, problems=problems)


def _record_refusal(action: str, actor: User, promotion: Promotion, refusal: PortalError) -> None:
    """After the transaction ended. NotAllowed is recorded by whoever answers the request."""
    if not isinstance(refusal, NotAllowed):
        record(
            action=action, actor=actor, subject=promotion, environment=promotion.to_environment.name, result="refused", code=refusal.code
        )
