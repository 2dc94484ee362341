"""What the pages' buttons share: do the action, say in a message what came of it, and go back to a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.errors import NotAllowed, PortalError
from portal.locking import ChangedMeanwhile

KEEP_TYPED = "typed"
"""Of a message: what was sent comes back into its form (static/js/typed.js)."""
COMPARE = "Nothing is saved yet. Compare what you typed with what is there now, and save again if yours is to take its place."


def attempt(request: HttpRequest, action: Callable[[], Any], done: str, to: Any, *names: Any) -> HttpResponse:
    """Calls `action` and redirects to the url `to`. A refusal becomes a message; what one may not do stays a 404."""
    try:
        action()
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
    else:
        messages.success(request, done)
    return redirect(to, *names)


def refused(request: HttpRequest, words: str) -> None:
    """Says why on the next page, whose form then holds what was typed, so that nobody types it twice."""
    messages.error(request, words, extra_tags=KEEP_TYPED)


def sentence(refusal: PortalError) -> str:
    if isinstance(refusal, ChangedMeanwhile):
        return f"{refusal.message} {COMPARE}"
    return f"{refusal.message} {refusal.fix}" if refusal.fix else refusal.message
