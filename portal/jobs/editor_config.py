"""What the editor's scripts must know: stage types with their forms, the job, addresses, rights."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.urls import NoReverseMatch, reverse

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.document.forms import form_fields, insert_menu
from executor.stages import STAGE_TYPES
from portal.accounts import policy
from portal.accounts.models import User
from portal.environments.models import Connection, Environment
from portal.jobs.actions import ended_drafts
from portal.jobs.documents import EMPTY, shown
from portal.jobs.models import Draft, Job

PARAMETER_TYPES = ("string", "integer", "decimal", "boolean", "date", "timestamp", "identifier", "secret")


@lru_cache(maxsize=1)
def stage_types() -> list[dict[str, Any]]:
    """Every stage type, in the order of the insert menu."""
    return [
        {
            "type": entry["type"],
            "kind": kind["kind"],
            "kind_title": kind["label"],
            "icon": entry["icon"],
            "words": entry["description"],
            "example": entry["example"],
            "fields": form_fields(STAGE_TYPES[entry["type"]]),
        }
        for kind in insert_menu()
        for entry in kind["types"]
    ]


def config(user: User, job: Job, draft: Draft | None) -> dict[str, Any]:
    """Goes into the page as JSON; static/js/editor/main.js reads it."""
    environments = list(job.project.environments.order_by("rank"))
    lowest = environments[0] if environments else None
    latest = job.latest_version
    base = draft.base_version if draft else latest
    may_connect = bool(lowest and policy.can(user, "manage_environment", lowest))
    return {
        "user": user.pk,
        "job": job.name,
        "project": job.project.slug,
        "environments": [environment.name for environment in environments],
        "draft_environment": lowest.name if lowest else "",
        "connections": _connections(job),
        "types": stage_types(),
        "parameter_types": PARAMETER_TYPES,
        "document": draft.document if draft else shown(latest.document) if latest else EMPTY,
        "revision": draft.revision if draft else 0,
        "ended": ended_drafts(user, job),
        "updated_at": draft.updated_at.isoformat() if draft else None,
        "base_version": base.number if base else None,
        "latest_version": latest.number if latest else None,
        "may": {
            action: policy.can(user, action, job) for action in ("edit_job", "preview", "run_draft", "save_version", "request_promotion")
        },
        "may_connect": may_connect,
        "connection_kinds": {kind: _kind(cls) for kind, cls in CONNECTION_KINDS.items()} if may_connect else {},
        "urls": _addresses(job) | _of_connections(job, lowest),
    }


def _connections(job: Job) -> list[dict[str, Any]]:
    """The connections that a stage of the job can name, each once: what they offer, and the environments that have them. Not where they
    lead."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in (
        Connection.objects.filter(environment__project=job.project).select_related("environment").order_by("name", "environment__rank")
    ):
        if kind := CONNECTION_KINDS.get(row.kind):
            one = found.setdefault((row.name, kind.offers), {"name": row.name, "offers": kind.offers, "environments": []})
            one["environments"].append(row.environment.name)
    return list(found.values())


def _addresses(job: Job) -> dict[str, str]:
    """Addresses the scripts call; those of other apps are theirs to name, by the words of the contract between them."""
    own = {name: reverse(f"jobs:{name}", args=[job.project.slug, job.name]) for name in _OWN}
    base = own["job"]
    others = {
        "preview": "preview",
        "preview_file": "preview/download",
        "analyse": "analyse",
        "tables": "preview/tables",
        "cancel_preview": "preview/cancel",
        "warm": "preview/warm",
        "run_draft": "run-draft",
        "promote": "promote",
        "input_columns": "input-columns",
    }
    lowest = job.project.environments.order_by("rank").first()
    folder = reverse("data:folder", args=[job.project.slug, lowest.name]) if lowest else ""
    return own | {name: base + path for name, path in others.items()} | {"folder": folder, "sign_in": _sign_in(own["job"])}


def _kind(cls: type[ConnectionKind]) -> dict[str, Any]:
    """What one has to say of a connection of this kind; the rest stays as it is without being said."""
    asked = [name for name in cls.model_fields if cls.hints(name).get("widget") in ("text", "number", "choice", "secret")]
    fields = [
        {
            "name": name,
            "label": cls.model_fields[name].title,
            "widget": cls.hints(name)["widget"],
            "words": cls.hints(name).get("words", {}),
            "when": cls.hints(name).get("when", {}),
            "default": cls.model_fields[name].get_default() if not cls.model_fields[name].is_required() else "",
        }
        for name in asked
        if not cls.hints(name).get("advanced")
    ]
    return {"title": cls.title, "offers": cls.offers, "fields": fields}


def _of_connections(job: Job, lowest: Environment | None) -> dict[str, str]:
    """Where connections and roots of the lowest environment are made, by programs and by people."""
    if lowest is None:
        return {}
    api = f"/api/v1/projects/{job.project.slug}/environments/{lowest.name}"
    page = reverse("environments:connections", args=[job.project.slug, lowest.name])
    return {"add_connection": f"{api}/connections", "add_root": f"{api}/roots", "connections": page}


_OWN = ("job", "edit", "draft", "discard_draft", "check", "save", "format", "sources", "presence", "versions", "diff")


def _sign_in(back_to: str) -> str:
    try:
        return f"{reverse('accounts:sign_in')}?next={back_to}"
    except NoReverseMatch:
        return back_to
