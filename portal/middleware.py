"""What happens around every request."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Next = Callable[[HttpRequest], HttpResponse]


class RequestId:
    """Gives each request an id that error pages, logs and the audit show."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]
        return self.get_response(request)


class SecurityHeaders(RequestId):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class SignInRequired(SecurityHeaders):
    pass


class PortalErrors(SecurityHeaders):
    pass
