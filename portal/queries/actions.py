"""What people do with queries they keep. Each function: may they, the change, the audit (names and sums, never a query's text)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.audit import actions as audit
from portal.errors import Conflict, NotAllowed, PortalError
from portal.locking import locked
from portal.queries.asking import Query
from portal.queries.models import QueryVersion, SavedQuery

MOST_SAVED = 1_000
"""Queries that one person keeps in a project."""
LONGEST_NAME = 80
CHARTS = ("", "line", "bar", "scatter")


@transaction.atomic
def save_query(
    *, actor: User, project: Project, name: str, query: Query, chart: Mapping[str, Any] | None = None, is_shared: bool = False
) -> SavedQuery:
    """A new saved query. Raises NotAllowed, PortalError, Conflict where the person has one of that name."""
    policy.require(actor, "save_query", project)
    name = _name(name)
    mine = SavedQuery.objects.filter(project=project, owner=actor)
    _require_free(mine, name)
    if mine.count() >= MOST_SAVED:
        raise PortalError(f"You keep {MOST_SAVED:,} queries here already.", code="too-many-queries", status=422, fix="Delete some of them.")
    saved = SavedQuery.objects.create(project=project, owner=actor, name=name, is_shared=is_shared)
    _add_version(saved, actor, query, chart)
    audit.record(action="save_query", actor=actor, subject=saved, name=name, version=1, shared=is_shared, sql_sha256=query.sha256)
    return saved


@transaction.atomic
def save_version(*, actor: User, saved: SavedQuery, base: int, query: Query, chart: Mapping[str, Any] | None = None) -> SavedQuery:
    """A new version of one's own query. `base`: the version it was made from. Raises NotAllowed, PortalError, Conflict where there is a
    newer one than that."""
    saved = _own(actor, saved)
    if saved.number != base:
        fix = f"Open version {saved.number}, or save yours under another name."
        raise Conflict(f"“{saved.name}” was saved meanwhile: version {saved.number} is newer than the one you opened.", fix=fix)
    saved.number += 1
    saved.save(update_fields=["number"])
    _add_version(saved, actor, query, chart)
    audit.record(action="save_query", actor=actor, subject=saved, name=saved.name, version=saved.number, sql_sha256=query.sha256)
    return saved


@transaction.atomic
def rename_query(*, actor: User, saved: SavedQuery, name: str) -> SavedQuery:
    """Raises NotAllowed, PortalError, Conflict."""
    saved, name = _own(actor, saved), _name(name)
    if name != saved.name:
        _require_free(SavedQuery.objects.filter(project=saved.project, owner=actor), name)
        before, saved.name = saved.name, name
        saved.save(update_fields=["name"])
        audit.record(action="rename_query", actor=actor, subject=saved, name=name, before=before)
    return saved


@transaction.atomic
def share_query(*, actor: User, saved: SavedQuery, is_shared: bool) -> SavedQuery:
    """Everybody who may see data in the project sees a shared query, and may run it where they may see data. Raises NotAllowed."""
    saved = _own(actor, saved)
    if saved.is_shared != is_shared:
        saved.is_shared = is_shared
        saved.save(update_fields=["is_shared"])
        audit.record(action="share_query", actor=actor, subject=saved, name=saved.name, shared=is_shared)
    return saved


@transaction.atomic
def delete_query(*, actor: User, saved: SavedQuery) -> None:
    """With all its versions. Raises NotAllowed."""
    saved = _own(actor, saved)
    audit.record(action="delete_query", actor=actor, subject=saved, name=saved.name, version=saved.number)
    saved.delete()


def _own(actor: User, saved: SavedQuery) -> SavedQuery:
    """The query, held until the transaction ends."""
    policy.require(actor, "save_query", saved.project)
    found = locked(saved, "project")
    if found.owner_id != actor.pk:
        raise NotAllowed("save_query", found)
    return found


def _name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise PortalError("A query needs a name.", code="field-wrong", field="name", status=422, fix=f"At most {LONGEST_NAME} letters.")
    return plain


def _require_free(mine: Any, name: str) -> None:
    if mine.filter(name=name).exists():
        raise Conflict(f"You have a query “{name}” already.", code="name-taken", field="name", fix="Choose another name, or open that one.")


def _add_version(saved: SavedQuery, actor: User, query: Query, chart: Mapping[str, Any] | None) -> QueryVersion:
    parameters = {name: {"type": one["type"], "value": one.get("value")} for name, one in query.parameters.items()}
    return QueryVersion.objects.create(
        query=saved, number=saved.number, sql=query.sql, parameters=parameters, chart=_chart(chart or {}), saved_by=actor
    )


def _chart(given: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a chart by their names; what is no chart is left out."""
    kind, y = given.get("kind", ""), given.get("y", [])
    if kind not in CHARTS:
        raise PortalError(
            f"There is no chart “{str(kind)[:40]}”.", code="field-wrong", field="chart", status=422, fix="line, bar or scatter"
        )
    if not kind:
        return {}
    names = [str(name)[:300] for name in y][:20] if isinstance(y, list) else []
    return {"kind": kind, "x": str(given.get("x", ""))[:300], "y": names, "by": str(given.get("by", ""))[:300]}
