"""The editor and what its scripts ask while somebody works."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.errors import PortalError
from portal.jobs import actions, advice, documents, places
from portal.jobs.doors import body, find_job, person
from portal.jobs.editor_config import config
from portal.jobs.models import Draft, Job
from portal.jobs.sources import sources_of
from portal.jobs.sql_format import formatted

IS_HERE_SECONDS = 60


@require_GET
def edit(request: HttpRequest, project: str, job: str) -> HttpResponse:
    """The editor. Who may see the job but not edit it is shown the newest version instead."""
    found = find_job(request, project, job, "edit_job")
    if found.archived_at:
        return redirect("jobs:job", project, job)
    draft = found.drafts.filter(user=person(request)).select_related("base_version").first()
    context = {
        "project": found.project,
        "job": found,
        "environment": found.project.environments.order_by("rank").first(),
        "config": config(person(request), found, draft),
    }
    return render(request, "jobs/edit.html", context)


@require_http_methods(["GET", "PUT"])
def draft(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """GET: the person's draft as it is kept. PUT {document, revision, ended, base_version?}: keep this one."""
    found = find_job(request, project, job, "edit_job")
    if request.method == "GET":
        kept = found.drafts.filter(user=person(request)).select_related("base_version").first()
        ended = {"ended": actions.ended_drafts(person(request), found)}
        return JsonResponse(_draft_facts(kept, found, with_document=True) | ended)
    given = body(request, document=str, revision=int)
    about: dict[str, Any] = {"base_version": _base_version(given)} if "base_version" in given else {}
    kept = actions.save_draft(
        actor=person(request),
        job=found,
        document=given["document"],
        revision=given["revision"],
        ended=_number(given, "ended"),
        **about,
    )
    return JsonResponse(_draft_facts(kept, found) | {"ended": actions.ended_drafts(person(request), found)})


def _base_version(given: dict[str, Any]) -> int | None:
    return _number(given, "base_version")


def _number(given: dict[str, Any], name: str) -> int | None:
    number = given.get(name)
    if number is not None and not isinstance(number, int):
        raise PortalError(f"“{name}” is not a number.", code="field-wrong", field=name)
    return number


def _draft_facts(kept: Draft | None, job: Job, *, with_document: bool = False) -> dict[str, object]:
    latest = job.latest_version
    facts: dict[str, object] = {
        "revision": kept.revision if kept else 0,
        "updated_at": kept.updated_at.isoformat() if kept else None,
        "base_version": kept.base_version.number if kept and kept.base_version else None,
        "latest_version": latest.number if latest else None,
    }
    if with_document:
        facts["document"] = kept.document if kept else documents.shown(latest.document) if latest else documents.EMPTY
    return facts


@require_POST
def discard_draft(request: HttpRequest, project: str, job: str) -> HttpResponse:
    found = find_job(request, project, job, "edit_job")
    actions.discard_draft(actor=person(request), job=found)
    return redirect("jobs:edit" if found.latest_version else "jobs:job", project, job)


@require_POST
def check(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """{document: text} → {problems: […]}: what can be judged without Spark, and advice."""
    found = find_job(request, project, job)
    document = body(request, document=str)["document"]
    said = documents.problems_of(document, found.project) + advice.advice_on(document, found.project)
    return JsonResponse({"problems": said + places.conflicts_in(found, document)})


@require_POST
def save(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """{document, message, base_version} → the new version. 422 with problems, 409 when a newer version exists."""
    found = find_job(request, project, job, "edit_job")
    actions.require_save(person(request), found)
    given = body(request, document=str, message=str)
    before = found.latest_version
    version = actions.save_version(
        actor=person(request), job=found, document=given["document"], message=given["message"], base_version=_base_version(given)
    )
    return JsonResponse(
        {
            "number": version.number,
            "sha256": version.sha256,
            "document": documents.shown(version.document),
            "is_new": before is None or version.pk != before.pk,
            "url": reverse("jobs:version", args=[project, job, version.number]),
            "ended": actions.ended_drafts(person(request), found),
        }
    )


@require_POST
def format_sql(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """{sql} → {sql}: the same query, laid out. 422 when it cannot be read."""
    find_job(request, project, job)
    return JsonResponse({"sql": formatted(body(request, sql=str)["sql"])})


@require_GET
def list_sources(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """Files and tables of the lowest environment."""
    found = find_job(request, project, job, "edit_job")
    return JsonResponse(sources_of(found.project))


@require_GET
def presence(request: HttpRequest, project: str, job: str) -> JsonResponse:
    """Who else wrote in a draft of this job within the last minute, and which version is the newest."""
    found = find_job(request, project, job)
    others = found.drafts.touched_within(IS_HERE_SECONDS).exclude(user=person(request)).select_related("user")
    latest = found.latest_version
    return JsonResponse(
        {
            "people": [other.user.shown_name for other in others],
            "latest_version": latest.number if latest else None,
            "latest_author": latest.author.shown_name if latest else None,
        }
    )
