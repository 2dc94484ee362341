"""The home page, the palette's answers, and the state of the system."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal import health
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.accounts.people import projects_of
from portal.context import project_in_use
from portal.environments import resealing
from portal.environments.keys import KeyFailed
from portal.home import needs, palette, steps, week
from portal.runs import measures


def _project(request: HttpRequest) -> Project | None:
    return project_in_use(request, list(projects_of(cast(User, request.user))))


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """With HX-Request only the parts that change by themselves."""
    user, project = cast(User, request.user), _project(request)
    if project is None:
        return render(request, "home/no_project.html", {"may_make_projects": policy.can(user, "manage_platform")})
    if not policy.can(user, "view", project):  # they manage its people and see nothing else of it
        return redirect("accounts:settings", project=project.slug)
    shown = _shown(user, project)
    return render(request, "home/_now.html" if request.headers.get("HX-Request") else "home/home.html", shown)


def _shown(user: User, project: Project) -> dict[str, Any]:
    todo = steps.steps_of(user, project)
    return {
        "project": project,
        "now": timezone.now(),
        "needs": needs.needs_of(user, project),
        "running": week.running_now(user, project),
        "next": week.next_up(user, project),
        "figures": week.figures(user, project),
        "begin_url": steps.where_to_begin(user, project),
        "steps": todo,
        "steps_done": sum(step.is_done for step in todo),
    }


@never_cache
@require_GET
def palette_json(request: HttpRequest) -> HttpResponse:
    """?q= → {"items": […]}."""
    text = request.GET.get("q", "").strip().lower()[:100]
    return JsonResponse({"items": palette.items(cast(User, request.user), _project(request), text)})


@never_cache
@require_GET
def system(request: HttpRequest) -> HttpResponse:
    """Whether each part is well, in words, what runs may use here, and which keys have sealed the secrets."""
    shown = {"parts": [*health.check(), health.network()], "limits": measures.in_force(), "keys": _keys(), "section": "settings"}
    return render(request, "home/system.html", shown)


def _keys() -> list[resealing.KeyUse]:
    """None where there is no key at all, which the part “vault” says."""
    try:
        return resealing.by_key()
    except KeyFailed:
        return []
