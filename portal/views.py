"""Error pages, and whether Sluice is well."""

from __future__ import annotations

import sys

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import get_template
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from portal import health
from portal.errors import KEPT, NOTHING_HERE, PortalError
from portal.problem_json import database_away, problem_response, unauthorized, wants_json

TEMPLATES = {403: "403.html", 404: "404.html", 500: "500.html", 503: "503.html"}
OTHERS = "errors/problem.html"


def error_page(request: HttpRequest, error: PortalError) -> HttpResponse:
    """The page (or problem+json) of an error. 404 says the same whatever the reason was."""
    response = problem_response(request, error) if wants_json(request) else _page(request, TEMPLATES.get(error.status, OTHERS), error)
    if error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _page(request: HttpRequest, template: str, error: PortalError) -> HttpResponse:
    """Without the context processors: an error page must work when the database does not."""
    shown = {"request": request, "error": error, "back": page_before(request)}
    return HttpResponse(get_template(template).render(shown), status=error.status)


def page_before(request: HttpRequest) -> str:
    """Where the person came from, when that is a page of ours."""
    before = request.headers.get("Referer", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    return before if url_has_allowed_host_and_scheme(before, allowed_hosts={host}) else ""


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if wants_json(request):
        words = PortalError(
            "The page was open too long; nothing was taken from it.", code="page-too-old", status=403, fix=f"Reload it. {KEPT}"
        )
        return problem_response(request, words)
    return _page(request, "csrf_failure.html", PortalError("The page was open too long.", status=403))


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, SessionInterrupted):
        return error_page(request, _session_lost(exception))
    return error_page(request, PortalError("That request makes no sense to Sluice.", code="bad-request", fix="Go back and try again."))


def _session_lost(exception: Exception) -> PortalError:
    """What was to be kept of a session was not: the database did not take it, or the session has ended meanwhile."""
    cause = exception.__context__ and exception.__context__.__context__
    return database_away(cause) if isinstance(cause, OperationalError) else unauthorized()


@login_not_required
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, PortalError("You may not do this.", code="forbidden", status=403))


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, PortalError(NOTHING_HERE, code="not-found", status=404))


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], OperationalError):
        return error_page(request, database_away(sys.exc_info()[1]))
    fix = "Try again. If it happens again, tell whoever runs Sluice the request id."
    return error_page(request, PortalError("Something went wrong on our side.", code="server-error", status=500, fix=fix))


@login_not_required
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when everything a run needs is there, 503 when the database is not; a part that is down without stopping the site is named."""
    parts = health.check()
    down = {part.name for part in parts if not part.is_well}
    state = "down" if "database" in down else "degraded" if down else "ready"
    body = {"state": state, "parts": [{"name": part.name, "is_well": part.is_well, "says": part.says} for part in parts]}
    return JsonResponse(body, status=503 if state == "down" else 200, headers={"Retry-After": "5"} if state == "down" else {})


@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it whatever the page says."""
    return redirect(f"{settings.STATIC_URL}sluice.svg")
