"""What happens around every request. Every layer works in the event loop and in a thread, so that streamed answers pass untouched."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from whitenoise.middleware import WhiteNoiseMiddleware

from portal.accounts import token_scopes
from portal.audit import actions as audit
from portal.errors import NotAllowed, PortalError
from portal.problem_json import as_portal_error, problem_response, unauthorized, wants_json
from portal.refusals import record_refusal
from portal.views import error_page, page_before

Answer = HttpResponseBase
Next = Callable[[HttpRequest], Answer | Awaitable[Answer]]
log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of static files: no document, so less to say, and stricter. A page asks for 60 of them, and each says it anew."""
ONLY_OF_DOCUMENTS = ("Referrer-Policy", "Cross-Origin-Opener-Policy", "Last-Modified")
"""What other layers give to files, too: a file's ETag says all that its date does."""


class Around:
    """A layer with something to do before the request is worked on and something after."""

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer | Awaitable[Answer]:
        if self.is_async:
            return self._in_event_loop(request)
        self.before(request)
        return self.after(request, cast(Answer, self.get_response(request)))

    async def _in_event_loop(self, request: HttpRequest) -> Answer:
        self.before(request)
        return self.after(request, await cast(Awaitable[Answer], self.get_response(request)))

    def before(self, request: HttpRequest) -> None:
        """Must not wait for anything."""

    def after(self, request: HttpRequest, response: Answer) -> Answer:
        """Must not wait for anything."""
        return response


def is_static_file(request: HttpRequest, response: Answer) -> bool:
    """One that was found; what says that there is none is a page."""
    return request.path_info.startswith(settings.STATIC_URL) and response.status_code in (200, 206, 304)


class RequestId(Around):
    """Gives each request an id of our own (none is taken from outside) that error pages, logs and the audit show."""

    def before(self, request: HttpRequest) -> None:
        name = str(uuid.uuid4())
        request.request_id = name  # type: ignore[attr-defined]
        audit.origin.set(audit.Origin(ip=request.META.get("REMOTE_ADDR") or None, request_id=name))
        token_scopes.limit_to(None)

    def after(self, request: HttpRequest, response: Answer) -> Answer:
        if not is_static_file(request, response):
            response.headers["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class SecurityHeaders(Around):
    """On every answer, errors and files included. Nothing inline, nothing from elsewhere; what does not say how long it may be kept is
    kept by nobody but the reader's own browser, which asks again each time."""

    def after(self, request: HttpRequest, response: Answer) -> Answer:
        is_file = is_static_file(request, response)
        for name, value in (FILE_HEADERS if is_file else HEADERS).items():
            response.headers.setdefault(name, value)
        for name in ONLY_OF_DOCUMENTS if is_file else ():
            response.headers.pop(name, None)
        response.headers.setdefault("Cache-Control", "no-store" if request.path_info.startswith("/api/") else "private, no-cache")
        return response


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise in the event loop: Django cannot stream a file's ordinary iterator there, so files (all small) are read in a thread."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(self.static_prefix):
            return self.get_response(request)
        return self._in_event_loop(request) if self.is_async else self._find(request) or self.get_response(request)

    async def _in_event_loop(self, request: HttpRequest) -> Answer:
        return await sync_to_async(self._find, thread_sensitive=False)(request) or await self.get_response(request)

    def _find(self, request: HttpRequest) -> HttpResponse | None:
        file = self.find_file(request.path_info) if self.autorefresh else self.files.get(request.path_info)
        if file is None:
            return None
        streamed = self.serve(file, request)
        whole = HttpResponse(b"".join(streamed.streaming_content), status=streamed.status_code)
        streamed.close()
        del whole["Content-Type"]
        for name, value in streamed.items():
            whole[name] = value
        if "immutable" in whole.get("Cache-Control", ""):
            del whole["ETag"]  # nobody asks again for a file whose name has its sum; on seventy of them it is a page's weight
        return whole


class SignInRequired(LoginRequiredMiddleware):
    """Every page is for people who signed in, but for views marked `login_not_required`. API views ask by themselves (tokens)."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> Any:
        """Whoever pressed a button comes back to the page the button was on."""
        if wants_json(request):
            return problem_response(request, unauthorized())
        if request.method not in ("GET", "HEAD"):
            return redirect_to_login(page_before(request) or "/", self.get_login_url(view_func), self.get_redirect_field_name(view_func))
        return super().handle_no_permission(request, view_func)


class OwnPassword(Around):
    """Whoever still has the password that somebody else made is led to the page where one chooses one's own, from everywhere."""

    OPEN = ("accounts:first_password", "accounts:sign_out")

    def process_view(self, request: HttpRequest, view: Any, arguments: Any, named: Any) -> HttpResponse | None:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or not user.has_first_password or request.resolver_match is None:
            return None
        if request.resolver_match.view_name in self.OPEN:
            return None
        if wants_json(request):
            return problem_response(request, PortalError("Choose a password of your own first.", code="first-password", status=403))
        return redirect("accounts:first_password")


class PortalErrors(Around):
    """Exceptions of pages become plain words; refusals are recorded, now that the refused action's transaction has ended."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NotAllowed):
            record_refusal(getattr(request, "user", None), exception)
        error = as_portal_error(exception)
        if error is None:
            log.exception("Request %s failed", request.request_id, exc_info=exception)  # type: ignore[attr-defined]
            return None
        return problem_response(request, error) if wants_json(request) else error_page(request, error)
