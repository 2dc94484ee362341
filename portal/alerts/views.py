"""Pages of alerts: the list with its filters, and the rules and channels behind it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project
from portal.alerts import actions, raising
from portal.alerts.models import EVENTS, Alert, AlertState, Channel, Delivery, Rule
from portal.errors import NotAllowed, PortalError
from portal.jobs.doors import find_project, person
from portal.page_actions import attempt, sentence

PAGE = 50
RELATED = ("run__job", "run__environment", "acknowledged_by", "resolved_by")


@require_GET
def list_alerts(request: HttpRequest, project: str) -> HttpResponse:
    """?state= (open by default; all), event=, environment=, job=."""
    place, user = find_project(request, project), person(request)
    alerts = policy.allowed(user, "view", Alert.objects.filter(project=place))
    chosen = {name: request.GET.get(name, "") for name in ("state", "event", "environment", "job")}
    chosen["state"] = chosen["state"] if chosen["state"] in {*AlertState.values, "all"} else "open"
    shown = _filtered(alerts, chosen).select_related(*RELATED).prefetch_related("deliveries__channel")
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    may = {alert.pk for alert in page.object_list if policy.can(user, "acknowledge_alert", alert)}
    context = {
        "project": place,
        "page": page,
        "chosen": chosen,
        "states": AlertState.choices,
        "events": EVENTS,
        "environments": place.environments.order_by("rank"),
        "jobs": alerts.order_by("run__job__name").values_list("run__job__name", flat=True).distinct(),
        "open_count": alerts.filter(state=AlertState.OPEN).count(),
        "may": may,
        "may_manage": policy.can(user, "manage_channels", place),
    }
    return render(request, "alerts/list.html", context)


@require_POST
def change_alert(request: HttpRequest, project: str, alert: uuid.UUID, step: str) -> HttpResponse:
    """`step` is acknowledge or resolve; goes back to the list as it was filtered."""
    found = policy.find(person(request), "view", Alert.objects.filter(project=find_project(request, project)), pk=alert)
    change, done = {
        "acknowledge": (actions.acknowledge_alert, "Acknowledged: others see that you look after it."),
        "resolve": (actions.resolve_alert, "Resolved."),
    }[step]
    filters = request.POST.get("filters", "")
    back = f"/p/{project}/alerts/{filters if filters.startswith('?') else ''}"
    return attempt(request, lambda: change(actor=person(request), alert=found), done, back)


def channels(request: HttpRequest, project: str) -> HttpResponse:
    """Rules and channels. POST makes a channel and answers with its signing key: the only time it is shown."""
    place, user = find_project(request, project), person(request)
    policy.require(user, "manage_channels", place)
    made: dict[str, Any] = {}
    if request.method == "POST":
        made = _create_channel(request, place)
    raising.default_rule(place)
    context = {
        "project": place,
        "channels": _channels(place),
        "rules": place.alert_rules.select_related("job", "environment").prefetch_related("channels"),
        "jobs": place.jobs.filter(archived_at=None).order_by("name"),
        "environments": place.environments.order_by("rank"),
        **made,
    }
    answer = render(request, "alerts/channels.html", context, status=422 if made.get("wrong") else 200)
    add_never_cache_headers(answer)
    return answer


@require_POST
def change_channel(request: HttpRequest, project: str, channel: int, step: str) -> HttpResponse:
    """`step` is test, pause, resume or delete."""
    found = _find(request, project, Channel, channel)
    user = person(request)
    steps = {
        "test": (lambda: actions.send_test(actor=user, channel=found), f"The test reached {found.name}."),
        "pause": (lambda: actions.pause_channel(actor=user, channel=found), f"{found.name} is paused."),
        "resume": (lambda: actions.pause_channel(actor=user, channel=found, paused=False), f"{found.name} is told again."),
        "delete": (lambda: actions.delete_channel(actor=user, channel=found), f"{found.name} is gone."),
    }
    change, done = steps[step]
    return attempt(request, change, done, "alerts:channels", project)


@require_POST
def create_rule(request: HttpRequest, project: str) -> HttpResponse:
    place = find_project(request, project)
    data = request.POST

    def make() -> None:
        actions.create_rule(
            actor=person(request),
            project=place,
            event=data.get("event", ""),
            job=place.jobs.filter(name=data.get("job", "")).first(),
            environment=place.environments.filter(name=data.get("environment", "")).first(),
            minutes=int(data["minutes"]) if data.get("minutes", "").isdigit() else None,
            channels=list(place.channels.filter(pk__in=_numbers(request))),
            tell_owner=bool(data.get("tell_owner")),
        )

    return attempt(request, make, "The rule is made.", "alerts:channels", project)


@require_POST
def change_rule(request: HttpRequest, project: str, rule: int, step: str) -> HttpResponse:
    """`step` is save (who is told), pause, resume or delete."""
    found, user = _find(request, project, Rule, rule), person(request)
    told = list(found.project.channels.filter(pk__in=_numbers(request)))
    owner = bool(request.POST.get("tell_owner"))
    steps = {
        "save": (lambda: actions.change_rule(actor=user, rule=found, channels=told, tell_owner=owner), "Saved."),
        "pause": (lambda: actions.pause_rule(actor=user, rule=found), "The rule is paused."),
        "resume": (lambda: actions.pause_rule(actor=user, rule=found, paused=False), "The rule tells again."),
        "delete": (lambda: actions.delete_rule(actor=user, rule=found), "The rule is gone."),
    }
    change, done = steps[step]
    return attempt(request, change, done, "alerts:channels", project)


def _filtered(alerts: Any, chosen: dict[str, str]) -> Any:
    wanted = {
        "state": chosen["state"] if chosen["state"] != "all" else "",
        "event": chosen["event"],
        "run__environment__name": chosen["environment"],
        "run__job__name": chosen["job"],
    }
    return alerts.filter(**{name: value for name, value in wanted.items() if value})


def _find(request: HttpRequest, project: str, model: type[Any], number: int) -> Any:
    rows = model.objects.filter(project=find_project(request, project))
    return policy.find(person(request), "manage_channels", rows, pk=number)


def _numbers(request: HttpRequest) -> list[int]:
    return [int(text) for text in request.POST.getlist("channel") if text.isdigit()]


def _create_channel(request: HttpRequest, project: Project) -> dict[str, Any]:
    values = {name: request.POST.get(name, "") for name in ("name", "kind", "target")}
    try:
        channel, secret = actions.create_channel(actor=person(request), project=project, **values)
    except NotAllowed:
        raise
    except PortalError as refusal:
        return {"wrong": sentence(refusal), "typed": values}
    if not secret:
        messages.success(request, f"{channel.name} is there. Choose it in a rule.")
    return {"made": channel, "secret": secret}


def _channels(project: Project) -> list[dict[str, Any]]:
    """Each channel with what came of its last delivery."""
    rows = []
    for channel in project.channels.prefetch_related("rules"):
        last = Delivery.objects.filter(channel=channel).order_by("-created_at").first()
        rows.append({"channel": channel, "last": last})
    return rows
