"""Pages of promotions: the inbox, asking for one, deciding on one, going back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.errors import NotAllowed, PortalError
from portal.jobs.actions import may_answer_for
from portal.jobs.documents import shown
from portal.jobs.doors import find_job, find_project, find_version, person
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.jobs.stage_diff import compare
from portal.page_actions import attempt, refused, sentence
from portal.promotions import actions, four_eyes, stepper
from portal.promotions.models import Promotion
from portal.promotions.review import review_before, review_of
from portal.runs.models import FINAL_STATES

PAGE = 50
EMPTY_DOCUMENT = '{"stages": []}'
RELATED = ("job__project", "version__author", "from_environment", "to_environment__project", "requested_by", "previous_version", "run_once")


@require_GET
def list_promotions(request: HttpRequest, project: str) -> HttpResponse:
    """?box=waiting (for me), mine or all. Without it: what waits for me, or all when nothing does."""
    place, user = find_project(request, project), person(request)
    everything = policy.allowed(user, "view", Promotion.objects.filter(job__project=place).with_live_now()).select_related(*RELATED)
    boxes = {"waiting": everything.waiting_for(user), "mine": everything.of(user), "all": everything}  # type: ignore[attr-defined]
    counts = {"waiting": boxes["waiting"].count(), "mine": boxes["mine"].waiting().count()}
    chosen = request.GET.get("box", "")
    if chosen not in boxes:
        chosen = "waiting" if counts["waiting"] else "all"
    page = Paginator(boxes[chosen].prefetch_related("approvals"), PAGE).get_page(request.GET.get("page"))
    return render(request, "promotions/list.html", {"project": place, "box": chosen, "counts": counts, "page": page})


@require_GET
def promotion(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    place, found = _find(request, project, promotion)
    user = person(request)
    previous = shown(found.previous_version.document) if found.previous_version else EMPTY_DOCUMENT
    review = review_of(user, found)
    return render(
        request,
        "promotions/promotion.html",
        {
            "project": place,
            "promotion": found,
            "environment": found.to_environment,
            "comparison": compare(previous, shown(found.version.document)),
            "documents": {"before": previous, "after": shown(found.version.document)},
            "review": review,
            "steps": stepper.steps_of(found, review.gates),
            **_outcome(found),
            **_decision(user, found),
        },
    )


@require_GET
def now(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    """How far its first run is, for the page to put in place while that goes on."""
    place, found = _find(request, project, promotion)
    context = {
        "project": place,
        "promotion": found,
        "steps": stepper.steps_of(found, []),
        **_outcome(found),
        **_decision(person(request), found),
    }
    return render(request, "promotions/_now.html", context)


def _outcome(promotion: Promotion) -> dict[str, Any]:
    first = stepper.first_run(promotion)
    return {"first_run": first, "is_running": any(run is not None and run.state not in FINAL_STATES for run in (first, promotion.run_once))}


def ask(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """What would go where, with its checks; POST asks for it."""
    found = find_job(request, project, job)
    user = person(request)
    version = _version_to_ask_for(found, request.GET.get("version") or request.POST.get("version"))
    if request.method == "POST":
        policy.require(user, "request_promotion", found)
        return _ask(request, project, found, version)
    context: dict[str, Any] = {"project": found.project, "job": found, "version": version, "live": _live(user, found)}
    if version is not None:
        context |= _what_would_happen(user, version)
    context["may_ask"] = policy.can(user, "request_promotion", found)
    return render(request, "promotions/ask.html", context)


@require_POST
def approve(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    _, found = _find(request, project, promotion)

    def say_yes() -> None:
        actions.approve_promotion(
            actor=person(request), promotion=found, note=request.POST.get("note", ""), sha256=request.POST.get("sha256", "")
        )

    return attempt(request, say_yes, "Your approval is recorded.", "promotions:promotion", project, promotion)


@require_POST
def decline(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    _, found = _find(request, project, promotion)

    def say_no() -> None:
        actions.decline_promotion(actor=person(request), promotion=found, note=request.POST.get("note", ""))

    return attempt(request, say_no, "Declined; the author reads your note.", "promotions:promotion", project, promotion)


@require_POST
def withdraw(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    _, found = _find(request, project, promotion)

    def take_back() -> None:
        actions.withdraw_promotion(actor=person(request), promotion=found)

    return attempt(request, take_back, "Withdrawn.", "promotions:promotion", project, promotion)


@require_POST
def run_once(request: HttpRequest, project: str, promotion: int) -> HttpResponse:
    _, found = _find(request, project, promotion)

    def run_it() -> None:
        actions.run_once(actor=person(request), promotion=found)

    said = "It runs. You, who asked for it and who approved it hear how it ends."
    return attempt(request, run_it, said, "promotions:promotion", project, promotion)


@require_POST
def roll_back(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job)
    environment = found.project.environments.filter(name=request.POST.get("environment", "")).first()
    if environment is None:
        raise NotAllowed("roll_back", found)
    try:
        live, message = request.POST.get("live", ""), request.POST.get("message", "")
        seen = int(live) if live.isdecimal() and len(live) < 10 else None
        done = actions.roll_back(actor=person(request), job=found, environment=environment, message=message, live=seen)
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
        return redirect("promotions:ask", project, job)
    messages.success(request, f"v{done.version.number} is live in {environment.name} again.")
    return redirect("promotions:promotion", project, done.pk)


def _find(request: HttpRequest, project: str, promotion: int) -> tuple[Project, Promotion]:
    place = find_project(request, project)
    promotions = Promotion.objects.filter(job__project=place).select_related(*RELATED)
    return place, policy.find(person(request), "view", promotions, pk=promotion)


def _decision(user: User, promotion: Promotion) -> dict[str, Any]:
    refusal = four_eyes.why_not(user, promotion)
    pointer = LiveVersion.objects.filter(job=promotion.job, environment=promotion.to_environment).select_related("previous").first()
    is_live = pointer is not None and pointer.version_id == promotion.version_id and promotion.state == "live"
    return {
        "approvals": promotion.approvals.select_related("approver"),
        "approvers": _approvers(promotion),
        "why_not": _in_words(refusal, promotion) if refusal else "",
        "may_withdraw": promotion.is_waiting and promotion.requested_by == user,
        "pointer": pointer,
        "is_live": is_live,
        "may_take_over": may_answer_for(user, "take_over_place", promotion.to_environment),
        "may_run_once": policy.can(user, "start_run", promotion.job, environment=promotion.to_environment.name),
        "why_not_run_once": actions.why_not_run_once(promotion),
        "may_roll_back": is_live and pointer is not None and pointer.previous is not None and policy.can(user, "roll_back", pointer),
    }


def _in_words(refusal: PortalError, promotion: Promotion) -> str:
    if isinstance(refusal, NotAllowed):
        return f"You are not an approver in {promotion.to_environment.name}."
    return refusal.message


def _approvers(promotion: Promotion) -> list[User]:
    """Who could still decide, for "ask one of …"."""
    wrote = four_eyes.authors_of(promotion)
    people = User.objects.filter(memberships__project=promotion.job.project, memberships__role="approver", is_active=True).distinct()
    may = [user for user in people if policy.can(user, "approve_promotion", promotion)]
    return [user for user in may if user not in wrote and user != promotion.requested_by]


def _live(user: User, job: Job) -> list[dict[str, Any]]:
    """Each environment with its live version, and whether this person may go back there."""
    pointers = {pointer.environment_id: pointer for pointer in job.live_versions.select_related("version", "previous", "set_by")}
    rows = []
    for environment in job.project.environments.order_by("rank"):
        pointer = pointers.get(environment.pk)
        may = pointer is not None and pointer.previous is not None and policy.can(user, "roll_back", pointer)
        rows.append({"environment": environment, "pointer": pointer, "may_roll_back": may})
    return rows


def _version_to_ask_for(job: Job, number: str | None) -> JobVersion | None:
    """The one named, else the one that is live and can go on: in the lowest environment, or above."""
    if number:
        return find_version(job, int(number)) if number.isdigit() else None
    pointers = job.live_versions.select_related("version__author", "environment").order_by("environment__rank")
    for pointer in pointers:
        try:
            actions.next_environment(pointer.version)
        except PortalError:
            continue
        return pointer.version
    return pointers[0].version if pointers else None


def _what_would_happen(user: User, version: JobVersion) -> dict[str, Any]:
    try:
        source, target = actions.next_environment(version)
    except PortalError as refusal:
        return {"refusal": sentence(refusal)}
    candidate, review = review_before(user, version, source, target)
    live = candidate.live
    waiting = Promotion.objects.filter(version=version, to_environment=target).waiting().first()
    return {
        "source": source,
        "target": target,
        "environment": target,
        "replaces": live,
        "review": review,
        "may_take_over": may_answer_for(user, "take_over_place", target),
        "waiting": waiting,
        "comparison": compare(shown(live.document) if live else EMPTY_DOCUMENT, shown(version.document)),
    }


def _ask(request: HttpRequest, project: str, job: Job, version: JobVersion | None) -> HttpResponse:
    if version is None:
        messages.error(request, f"{job.name} has no version yet.")
        return redirect("promotions:ask", project, job.name)
    try:
        asked = actions.request_promotion(actor=person(request), version=version, message=request.POST.get("message", ""))
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
        return redirect("promotions:ask", project, job.name)
    messages.success(request, f"Asked for. It waits for an approver in {asked.to_environment.name}.")
    return redirect("promotions:promotion", project, asked.pk)
