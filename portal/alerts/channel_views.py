"""The page of rules and channels, for those who look after an environment: they see and change what belongs to it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.alerts import actions, raising
from portal.alerts.forms import ChannelForm, RuleForm, ToldForm
from portal.alerts.models import Channel, Delivery, Rule
from portal.errors import NotAllowed, PortalError
from portal.jobs.doors import find_project, person
from portal.locking import edition_in
from portal.page_actions import attempt, sentence


def channels(request: HttpRequest, project: str) -> HttpResponse:
    """Rules and channels. POST makes a channel and answers with its signing key: the only time it is shown."""
    place, user = find_project(request, project), person(request)
    policy.require(user, "manage_channels", place)
    if request.method != "POST":
        return _page(request, place)
    form = ChannelForm(place, user, request.POST)
    if not form.is_valid():
        return _page(request, place, channel_form=form)
    try:
        channel, secret = actions.create_channel(actor=user, project=place, **form.cleaned_data)
    except NotAllowed:
        raise
    except PortalError as refusal:
        form.add_error(None, sentence(refusal))
        return _page(request, place, channel_form=form)
    if secret:
        return _page(request, place, made=channel, secret=secret)
    messages.success(request, f"{channel.name} is there. Choose it in a rule.")
    return redirect("alerts:channels", project)


@require_POST
def create_rule(request: HttpRequest, project: str) -> HttpResponse:
    place, user = find_project(request, project), person(request)
    policy.require(user, "manage_channels", place)
    form = RuleForm(place, user, request.POST)
    if form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "channel"}
        try:
            actions.create_rule(actor=user, project=place, channels=list(form.cleaned_data["channel"]), **values)
        except NotAllowed:
            raise
        except PortalError as refusal:
            form.add_error(None, sentence(refusal))
    if form.errors:
        return _page(request, place, rule_form=form)
    messages.success(request, "The rule is made.")
    return redirect("alerts:channels", project)


@require_POST
def change_channel(request: HttpRequest, project: str, channel: int, step: str) -> HttpResponse:
    """`step` is test, pause, resume or delete."""
    found: Channel = _find(request, project, Channel, channel)
    user = person(request)
    steps = {
        "test": (lambda: actions.send_test(actor=user, channel=found), f"The test reached {found.name}."),
        "pause": (lambda: actions.pause_channel(actor=user, channel=found), f"{found.name} is paused."),
        "resume": (lambda: actions.pause_channel(actor=user, channel=found, paused=False), f"{found.name} is told again."),
        "delete": (lambda: actions.delete_channel(actor=user, channel=found), f"{found.name} is gone."),
    }
    orphans = [str(rule) for rule in found.rules.filter(tell_owner=False) if rule.channels.count() == 1] if step == "delete" else []
    answer = attempt(request, *steps[step], "alerts:channels", project)
    if orphans:
        messages.warning(request, f"It was the only one told when: {'; '.join(orphans)}. The job's owner is told from now on.")
    return answer


@require_POST
def change_rule(request: HttpRequest, project: str, rule: int, step: str) -> HttpResponse:
    """`step` is save (who is told), pause, resume or delete."""
    found: Rule = _find(request, project, Rule, rule)
    user = person(request)
    told = ToldForm(found, found.project.channels.all(), request.POST, prefix=f"rule-{found.pk}")
    told.full_clean()
    wanted: dict[str, Any] = {
        "channels": list(told.cleaned_data.get("channel", [])),
        "tell_owner": told.cleaned_data.get("tell_owner", False),
    }
    wanted["edition"] = edition_in(request.POST)
    steps = {
        "save": (lambda: actions.change_rule(actor=user, rule=found, **wanted), "Saved."),
        "pause": (lambda: actions.pause_rule(actor=user, rule=found), "The rule is paused."),
        "resume": (lambda: actions.pause_rule(actor=user, rule=found, paused=False), "The rule tells again."),
        "delete": (lambda: actions.delete_rule(actor=user, rule=found), "The rule is gone."),
    }
    return attempt(request, *steps[step], "alerts:channels", project)


def _page(request: HttpRequest, project: Project, **shown: Any) -> HttpResponse:
    """With forms that hold a mistake, or the key of a channel just made."""
    user = person(request)
    raising.default_rule(project)
    is_wrong = any(isinstance(value, forms.Form) and value.errors for value in shown.values())
    shown.setdefault("channel_form", ChannelForm(project, user))
    shown.setdefault("rule_form", RuleForm(project, user))
    mine = policy.allowed(user, "manage_channels", project.channels.select_related("environment").prefetch_related("rules"))
    context = {
        "project": project,
        "channels": [{"channel": channel, "last": _last_delivery(channel)} for channel in mine],
        "rules": _rules(project, user, list(mine)),
        **shown,
    }
    answer = render(request, "alerts/channels.html", context, status=422 if is_wrong else 200)
    add_never_cache_headers(answer)
    return answer


def _rules(project: Project, user: User, mine: list[Channel]) -> list[dict[str, Any]]:
    """Those the person may change, with the form of who is told; and, to look at only, those for every environment."""
    rules = project.alert_rules.select_related("job", "environment").prefetch_related("channels")
    may = set(policy.allowed(user, "manage_channels", project.alert_rules.all()).values_list("pk", flat=True))
    shown = [rule for rule in rules if rule.pk in may or rule.environment_id is None]
    return [{"rule": rule, "form": ToldForm(rule, mine, prefix=f"rule-{rule.pk}") if rule.pk in may else None} for rule in shown]


def _last_delivery(channel: Channel) -> Delivery | None:
    return Delivery.objects.filter(channel=channel).order_by("-created_at").first()


def _find(request: HttpRequest, project: str, model: type[Any], number: int) -> Any:
    rows = model.objects.filter(project=find_project(request, project)).select_related("project", "environment")
    return policy.find(person(request), "manage_channels", rows, pk=number)
