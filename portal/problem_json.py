"""Errors as application/problem+json (RFC 9457): one shape for the API, for page scripts and for whatever goes wrong on the way."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from executor.problems import ProblemError
from portal.collisions import as_collision
from portal.errors import KEPT, NOTHING_HERE, SIGN_IN_AGAIN, NotAllowed, PortalError
from portal.refusals import record_refusal

CONTENT_TYPE = "application/problem+json"
DISK_FULL = ("disk is full", "No space left on device")
"""In the words of SQLite and of PostgreSQL."""
log = logging.getLogger(__name__)


def problem(request: HttpRequest, error: PortalError) -> dict[str, Any]:
    """The members of the answer. `type` is a name, not an address; programs match on `code`."""
    return {
        "type": f"urn:sluice:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "fix": error.fix,
        "problems": error.problems,
        "request_id": getattr(request, "request_id", ""),
        **error.extra,
    }


def problem_response(request: HttpRequest, error: PortalError) -> JsonResponse:
    """For plain Django views and middleware."""
    return JsonResponse(problem(request, error), status=error.status, content_type=CONTENT_TYPE)


def wants_json(request: HttpRequest) -> bool:
    """API clients and page scripts get JSON; people get pages. htmx counts as a script: it shows the sentence as a toast."""
    if request.path.startswith("/api/") or request.headers.get("HX-Request"):
        return True
    accepts = request.headers.get("Accept", "")
    return "json" in accepts and "text/html" not in accepts


def database_away(error: BaseException | None) -> PortalError:
    """What an OperationalError means."""
    message, fix = "The database does not answer.", "Nothing was changed. Try again in a moment."
    if any(words in str(error) for words in DISK_FULL):
        message, fix = "The disk of the database is full.", "Nothing was changed. Ask whoever runs Sluice for room, then try again."
    return PortalError(message, code="database-away", status=503, fix=fix)


def unauthorized() -> PortalError:
    return PortalError(SIGN_IN_AGAIN, code="not-signed-in", status=401, fix=KEPT)


def as_portal_error(exc: Exception) -> PortalError | None:
    """What a known exception means in our words; None for a fault of ours."""
    if isinstance(exc, PortalError):
        return exc
    if isinstance(exc, ProblemError):
        return from_problems(exc)
    if isinstance(exc, Http404):
        return PortalError(NOTHING_HERE, code="not-found", status=404)
    if isinstance(exc, PermissionDenied):
        return PortalError("You may not do this.", code="forbidden", status=403)
    if isinstance(exc, RequestDataTooBig):
        return PortalError("What was sent is larger than 12 MB.", code="too-large", status=413, fix="Send less at once.")
    if isinstance(exc, DataError):
        log.warning("The database refused a value: %s", type(exc.__cause__).__name__)
        return PortalError("A text or number that was sent cannot be kept: it is too long, or no text.", code="cannot-be-kept", status=422)
    if isinstance(exc, OperationalError):
        log.error("The database did not take it", exc_info=exc)
        return database_away(exc)
    return _from_rest_framework(exc) if isinstance(exc, exceptions.APIException) else as_collision(exc)


def from_problems(exc: ProblemError) -> PortalError:
    """422 with every problem; the first one's sentence leads."""
    count = len(exc.problems)
    first = exc.problems[0]
    lead = first.message if count == 1 else f"There are {count} problems. The first: {first.message}"
    return PortalError(lead, code="problems-in-document", status=422, fix=first.fix, problems=[found.as_dict() for found in exc.problems])


def _from_rest_framework(exc: exceptions.APIException) -> PortalError:
    if isinstance(exc, exceptions.ValidationError):
        return PortalError("Some fields are not right.", code="invalid-fields", status=422, problems=field_problems(exc.detail))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        said = unauthorized() if isinstance(exc, exceptions.NotAuthenticated) else PortalError(str(exc.detail), code="bad-token")
        said.status = exc.status_code
        return said
    if isinstance(exc, exceptions.NotFound):
        return PortalError(NOTHING_HERE, code="not-found", status=404)
    codes = exc.get_codes()
    code = str(codes).replace("_", "-") if isinstance(codes, str) else "not-possible"
    return PortalError(str(exc.detail), code=code, status=exc.status_code, **_wait(exc))


def _wait(exc: exceptions.APIException) -> dict[str, Any]:
    wait = getattr(exc, "wait", None)
    return {} if wait is None else {"retry_after_seconds": round(wait)}


def field_problems(detail: Any, path: str = "") -> list[dict[str, Any]]:
    """A serializer's errors as problems: one for each sentence, with the field's path (`stages.0.sql`)."""
    if isinstance(detail, dict):
        return [found for name, inner in detail.items() for found in field_problems(inner, f"{path}.{name}" if path else str(name))]
    if isinstance(detail, list):
        nested = any(isinstance(inner, dict | list) for inner in detail)
        places = enumerate(detail) if nested else ((None, inner) for inner in detail)
        return [found for place, inner in places for found in field_problems(inner, path if place is None else f"{path}.{place}")]
    return [{"code": str(getattr(detail, "code", "invalid")), "field": path, "message": str(detail)}]


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """The one handler of every API view. A refusal is recorded here, after the refused action's transaction has ended."""
    request = context["request"]
    if isinstance(exc, NotAllowed):
        record_refusal(request.user, exc)
    error = as_portal_error(exc)
    if error is None:
        log.exception("Request %s failed", getattr(request, "request_id", ""), exc_info=exc)
        error = PortalError("Something went wrong on our side.", code="server-error", status=500, fix="Try again; tell us the request id.")
    response = Response(problem(request, error), status=error.status, content_type=CONTENT_TYPE)
    _add_headers(response, exc)
    return response


def _add_headers(response: Response, exc: Exception) -> None:
    if challenge := getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if (wait := getattr(exc, "wait", None)) is not None:
        response["Retry-After"] = str(round(wait))
