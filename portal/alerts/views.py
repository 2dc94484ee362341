"""Pages of alerts: the list with its filters, and which mails one gets. Rules and channels are in channel_views."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.alerts import actions
from portal.alerts.forms import FilterForm, MailForm, filtered
from portal.alerts.models import Alert, AlertState, MailChoice, Notice
from portal.jobs.doors import find_project, person
from portal.page_actions import attempt
from portal.ui.words import plural

PAGE = 50
RELATED = ("environment", "acknowledged_by", "resolved_by")


@never_cache
@require_GET
def list_alerts(request: HttpRequest, project: str) -> HttpResponse:
    """?of=mine or all (of the project), state= (open or unread by default), event=, environment=, job=."""
    place, user = find_project(request, project), person(request)
    mine = _is_mine(request, place, user)
    seen = policy.allowed(user, "view", Alert.objects.filter(project=place))
    alerts = seen.filter(pk__in=Notice.objects.filter(user=user).values("alert")) if mine else seen
    jobs = seen.filter(job__isnull=False).order_by("job__name").values_list("job__name", flat=True).distinct()
    form = FilterForm(place, jobs, request.GET)
    unread = Notice.objects.filter(alert=OuterRef("pk"), user=user, read_at=None)
    shown = filtered(alerts, form.chosen, user, mine=mine).annotate(is_unread=Exists(unread)).order_by("-is_unread", "-created_at")
    rows = shown.select_related(*RELATED).prefetch_related("deliveries__channel", "deliveries__recipient")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    here = Alert.objects.filter(pk__in=[alert.pk for alert in page.object_list])
    context = {
        "project": place,
        "page": page,
        "form": form,
        "mine": mine,
        "is_filtered": any(form.chosen.values()),
        "unread": Alert.objects.unread_by(user).filter(project=place).count(),
        "open_count": seen.filter(state=AlertState.OPEN).count(),
        "may": set(policy.allowed(user, "acknowledge_alert", here).values_list("pk", flat=True)),
        "may_manage": policy.can(user, "manage_channels", place),
    }
    return render(request, "alerts/list.html", context)


def _is_mine(request: HttpRequest, project: Project, user: User) -> bool:
    """One's own list, unless the other is asked for; who may not act on alerts has none."""
    wanted = request.GET.get("of")
    return wanted != "all" if wanted else policy.can(user, "acknowledge_alert", project)


@require_GET
def open_alert(request: HttpRequest, project: str, alert: uuid.UUID) -> HttpResponse:
    """Leads to what the alert is about. It counts as read from then on, which changes nothing for anybody else."""
    found = _find(request, project, alert)
    with suppress(OperationalError), transaction.atomic():  # a full disk, which it may be about, keeps nobody from the page
        actions.read_alert(actor=person(request), alert=found)
    return redirect(found.page)


@require_POST
def change_alert(request: HttpRequest, project: str, alert: uuid.UUID, step: str) -> HttpResponse:
    """`step` is acknowledge, resolve or read; goes back to the list as it was filtered."""
    found = _find(request, project, alert)
    change, done = {
        "acknowledge": (actions.acknowledge_alert, "Acknowledged: others see that you look after it."),
        "resolve": (actions.resolve_alert, "Resolved."),
        "read": (actions.read_alert, "Read."),
    }[step]
    return attempt(request, lambda: change(actor=person(request), alert=found), done, _back(request, project))


@require_POST
def read_all(request: HttpRequest, project: str) -> HttpResponse:
    count = actions.read_all_alerts(actor=person(request), project=find_project(request, project))
    messages.success(request, f"{plural(count, 'alert is', 'alerts are')} marked as read.")
    return redirect(_back(request, project))


def mail(request: HttpRequest) -> HttpResponse:
    """Which mails the person gets; the link at the end of every mail leads here."""
    user = person(request)
    choice = MailChoice.objects.filter(user=user).first() or MailChoice(user=user)
    form = MailForm(request.POST if request.method == "POST" else None, initial={"own": choice.own, "duty": choice.duty})
    if request.method == "POST" and form.is_valid():
        actions.choose_mails(actor=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("alerts:mail")
    return render(request, "alerts/mail.html", {"form": form, "section": "settings"})


def _find(request: HttpRequest, project: str, alert: uuid.UUID) -> Alert:
    rows: Any = Alert.objects.filter(project=find_project(request, project)).select_related("project", "environment")
    return policy.find(person(request), "view", rows, pk=alert)


def _back(request: HttpRequest, project: str) -> str:
    filters = request.POST.get("filters", "")
    return f"/p/{project}/alerts/{filters if filters.startswith('?') else ''}"
