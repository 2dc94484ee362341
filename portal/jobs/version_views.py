"""Pages of versions: one, two side by side, the file, restoring."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import policy
from portal.jobs import actions, plain_words, stage_diff
from portal.jobs.documents import shown as as_shown
from portal.jobs.documents import stages_of
from portal.jobs.doors import find_job, find_version, person
from portal.jobs.models import Job


@require_GET
def version(request: HttpRequest, project: str, job: str, number: int) -> HttpResponse:
    """The document of one version: each stage in plain words with its SQL, and the exact text."""
    found = find_job(request, project, job)
    shown = find_version(found, number)
    context = {
        "project": found.project,
        "job": found,
        "version": shown,
        "stages": list(plain_words.plain_stages(stages_of(as_shown(shown.document)))),
        "document": as_shown(shown.document),
        "parameters": json.loads(as_shown(shown.document)).get("parameters") or {},
        "before": found.versions.filter(number__lt=number).values_list("number", flat=True).first(),
        "after": found.versions.filter(number__gt=number).order_by("number").values_list("number", flat=True).first(),
        "live_in": [
            pointer.environment
            for pointer in found.live_versions.filter(version=shown).select_related("environment").order_by("environment__rank")
        ],
        "may_restore": _may_save(request, found) and found.latest_version != shown,
        "may_request": policy.can(person(request), "request_promotion", found),
    }
    return render(request, "jobs/version.html", context)


def _may_save(request: HttpRequest, job: Job) -> bool:
    return policy.can(person(request), "save_version", job)


@require_GET
def version_json(request: HttpRequest, project: str, job: str, number: int) -> HttpResponse:
    """The exact bytes of a version; `?download=1` as a file."""
    shown = find_version(find_job(request, project, job), number)
    answer = HttpResponse(as_shown(shown.document), content_type="application/json; charset=utf-8")
    answer["X-Document-Sha256"] = shown.sha256
    if request.GET.get("download"):
        answer["Content-Disposition"] = f'attachment; filename="{shown.job.name}.v{shown.number}.json"'
    return answer


@require_GET
def versions_json(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """The newest 100 versions, for menus in the editor."""
    found = find_job(request, project, job)
    rows = found.versions.select_related("author").defer("document")[:100]
    listed = [
        {
            "number": row.number,
            "author": row.author.shown_name,
            "message": row.message,
            "created_at": row.created_at.isoformat(),
            "sha256": row.sha256,
        }
        for row in rows
    ]
    return JsonResponse({"versions": listed})


@require_GET
def diff(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """`?from=3&to=5`; the default is the newest version and the one before it."""
    found = find_job(request, project, job)
    numbers = list(found.versions.values_list("number", flat=True))
    to = _number(request, "to") or (numbers[0] if numbers else 0)
    start = _number(request, "from") or max((number for number in numbers if number < to), default=to)
    before, after = find_version(found, start), find_version(found, to)
    context = {
        "project": found.project,
        "job": found,
        "before": before,
        "after": after,
        "numbers": numbers,
        "comparison": stage_diff.compare(as_shown(before.document), as_shown(after.document)),
        "documents": {"before": as_shown(before.document), "after": as_shown(after.document)},
    }
    return render(request, "jobs/diff.html", context)


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "").removeprefix("v")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


@require_POST
def restore(request: HttpRequest, project: str, job: str, number: int) -> HttpResponse:
    found = find_job(request, project, job, "save_version")
    before = found.latest_version
    made = actions.restore_version(actor=person(request), job=found, version=find_version(found, number))
    if before and made.pk == before.pk:
        messages.info(request, f"v{number} is the same as v{made.number}, which is the newest already.")
        return redirect("jobs:job", project, job)
    messages.success(request, f"v{number} is back, as v{made.number}.")
    undo = f"?restored={before.number}" if before else ""
    return redirect(reverse("jobs:job", args=[project, job]) + undo)
