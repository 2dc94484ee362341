"""The help's pages, for everybody who is signed in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from portal.help import pages


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """To the first page."""
    found = pages.every_page()
    if not found:
        raise Http404
    return redirect("help:page", found[0].word)


@require_GET
def page(request: HttpRequest, word: str) -> HttpResponse:
    found = pages.page(word)
    if found is None:
        raise Http404
    return render(request, "help/page.html", {"page": found, "pages": pages.every_page()})
