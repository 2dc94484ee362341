"""What the pages' buttons share: do the action, say in a message what came of it, and go back to a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.errors import NotAllowed, PortalError


def attempt(request: HttpRequest, action: Callable[[], Any], done: str, to: Any, *names: Any) -> HttpResponse:
    """Calls `action` and redirects to the url `to`. A refusal becomes a message; what one may not do stays a 404."""
    try:
        action()
    except NotAllowed:
        raise
    except PortalError as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, done)
    return redirect(to, *names)


def sentence(refusal: PortalError) -> str:
    return f"{refusal.message} {refusal.fix}" if refusal.fix else refusal.message
