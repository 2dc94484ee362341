"""The page of a published place for other programs: how they come to know it, and in which catalogs it is registered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from executor.language.places import holds_a_value
from portal.accounts import policy
from portal.accounts.models import User
from portal.catalogs import actions
from portal.catalogs.registering import CATALOGS
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.actions import may_answer_for
from portal.jobs.doors import find_project, person
from portal.jobs.models import Place
from portal.jobs.places import place_at
from portal.page_actions import attempt


def _environment(request: HttpRequest, project: str, name: str, action: str = "view") -> Environment:
    rows = find_project(request, project).environments.select_related("project")
    return policy.find(person(request), action, rows, name=name)


def _asked(request: HttpRequest, project: str, environment: str, action: str = "view") -> tuple[User, Environment, Place]:
    """?uri= or the form's `uri` names what a job has published."""
    user = person(request)
    found = _environment(request, project, environment, action)
    place = place_at(found, request.GET.get("uri") or request.POST.get("uri", ""))
    if place is None or place.owner is None or (holds_a_value(place.uri) and not policy.can(user, "view_data", found)):
        raise Http404
    return user, found, place


@require_GET
def place(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    if not request.GET.get("uri"):
        return redirect("data:list", project, _environment(request, project, environment).name)
    user, found, shown = _asked(request, project, environment)
    context: dict[str, Any] = {
        "project": found.project,
        "environment": found,
        "place": shown,
        "with_data": policy.can(user, "view_data", found),
        "registrations": actions.registrations_at(shown),
        "catalogs": found.connections.filter(kind__in=CATALOGS).count(),
        "may_register": may_answer_for(user, actions.RIGHT, found),
        "may_manage": policy.can(user, "manage_environment", found),
    }
    return render(request, "catalog/place.html", context)


@require_POST
def statement(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """The statement, as a piece of the page."""
    user, found, shown = _asked(request, project, environment, "view_data")
    context: dict[str, Any] = {"project": found.project, "environment": found, "place": shown}
    try:
        context["statement"] = actions.statement(user, found, shown.uri)
    except NotAllowed:
        raise
    except PortalError as error:
        context["why"] = error
    return render(request, "catalog/_statement.html", context)


@require_POST
def register(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """POST `uri`, `catalog`, `do` (register or take-out) and perhaps `name`."""
    user, found, shown = _asked(request, project, environment)
    given: dict[str, Any] = {"actor": user, "environment": found, "uri": shown.uri, "catalog": request.POST.get("catalog", "")}
    back = f"{reverse('catalog:place', args=[project, environment])}?{urlencode({'uri': shown.uri})}"
    if request.POST.get("do") == "take-out":
        return attempt(request, lambda: actions.take_out(**given), "Its table is taken out of the catalog in a moment.", back)
    name = request.POST.get("name", "").strip()
    return attempt(request, lambda: actions.register(**given, name=name), "It is registered in a moment.", back)
