"""The audit's page and its export."""

from __future__ import annotations

from typing import cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal.accounts.models import User
from portal.audit import actions, chain
from portal.audit.models import AuditEvent
from portal.audit.pages import export, search
from portal.errors import NotAllowed, PortalError

PAGE = 50
MOST_EXPORTED = 100_000
KINDS = {"csv": (export.as_csv, "text/csv"), "jsonl": (export.as_json_lines, "application/x-ndjson")}


def _reader(request: HttpRequest) -> User:
    user = cast(User, request.user)
    if not search.may_read(user):
        raise NotAllowed("view_audit")
    return user


@require_GET
def list_events(request: HttpRequest) -> HttpResponse:
    """Filters are in the address; ?before= is the number below which the next page begins."""
    readable = search.readable_by(_reader(request))
    events, form = search.filtered(readable, request.GET.dict())
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    shown = {
        "page": page,
        "form": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        **_choices(readable),
        "section": "audit",
    }
    return render(request, "audit/list.html", shown)


def _choices(events: QuerySet[AuditEvent]) -> dict[str, list[str]]:
    def known(name: str) -> list[str]:
        return list(events.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:200])

    return {"actors": known("actor_name"), "actions": known("action"), "projects": known("project"), "environments": known("environment")}


@require_GET
def show_event(request: HttpRequest, seq: int) -> HttpResponse:
    event = search.readable_by(_reader(request)).filter(seq=seq).first()
    if event is None:
        raise NotAllowed("view_audit")
    return render(request, "audit/event.html", {"event": event, "is_whole": chain.hash_of(event) == event.hash, "section": "audit"})


@require_GET
def verify(request: HttpRequest) -> HttpResponse:
    """Reads the whole chain now and says what was found."""
    _reader(request)
    return render(request, "audit/_verdict.html", {"verdict": chain.verify()})


@never_cache
@require_GET
def export_events(request: HttpRequest, kind: str) -> HttpResponse:
    """What the page's filters show, as a file. The export itself is in the audit."""
    reader = _reader(request)
    events, form = search.filtered(search.readable_by(reader), request.GET.dict())
    count = events.count()
    if count > MOST_EXPORTED:
        raise PortalError(
            f"{count:,} events fit; an export holds {MOST_EXPORTED:,}.",
            code="too-many-events",
            fix="Narrow the filters, for instance by days.",
        )
    write, content_type = KINDS[kind]
    text = write(events)
    actions.record(action="export_audit", actor=reader, events=count, filters={name: value for name, value in request.GET.items() if value})
    name = f"sluice-audit-{timezone.now():%Y%m%d-%H%M%S}.{kind}"
    return HttpResponse(
        text, content_type=f"{content_type}; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
