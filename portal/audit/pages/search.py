"""Which events a person may see, and how they are filtered; the same for page, export and API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.db.models import Q, QuerySet

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.audit.models import AuditEvent

RESULTS = [("", "any result"), ("done", "done"), ("refused", "refused"), ("failed", "failed")]


class Filters(forms.Form):
    """All optional; wrong ones are said and left out."""

    text = forms.CharField(required=False, max_length=100, label="Search", help_text="Subject, id or request id.")
    actor = forms.CharField(required=False, max_length=150, label="Who")
    action = forms.CharField(required=False, max_length=60, label="Action")
    project = forms.CharField(required=False, max_length=60, label="Project")
    environment = forms.CharField(required=False, max_length=30, label="Environment")
    result = forms.ChoiceField(required=False, choices=RESULTS, label="Result")
    since = forms.DateField(required=False, label="From day", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To day", widget=forms.DateInput(attrs={"type": "date"}))


def readable_by(user: User) -> QuerySet[AuditEvent]:
    """Events of the projects the person audits, and for platform admins those that belong to no project."""
    projects = policy.allowed(user, "view_audit", Project.objects.all()).values("slug")
    everywhere = Q(project="") if policy.can(user, "view_audit") else Q(pk__in=[])
    return AuditEvent.objects.filter(Q(project__in=projects) | everywhere)


def may_read(user: User) -> bool:
    return policy.can(user, "view_audit") or policy.allowed(user, "view_audit", Project.objects.all()).exists()


def filtered(events: QuerySet[AuditEvent], given: Mapping[str, str]) -> tuple[QuerySet[AuditEvent], Filters]:
    """The events that fit, newest first, and the form with what was asked for."""
    form = Filters(given)
    form.is_valid()
    wanted = form.cleaned_data
    for name in ("actor", "action", "project", "environment", "result"):
        if wanted.get(name):
            events = events.filter(**{"actor_name" if name == "actor" else name: wanted[name]})
    if text := wanted.get("text"):
        events = events.filter(Q(subject_label__icontains=text) | Q(subject_id__istartswith=text) | Q(request_id__istartswith=text))
    if since := wanted.get("since"):
        events = events.filter(at__gte=datetime.combine(since, time.min, UTC))
    if (until := wanted.get("until")) and until < date.max:
        events = events.filter(at__lt=datetime.combine(until + timedelta(days=1), time.min, UTC))
    return events.order_by("-seq"), form
