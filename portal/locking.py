"""Two people at the same moment: whoever changes a row holds it first, as it is now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from portal.errors import Conflict

M = TypeVar("M", bound=models.Model)
EDITION_SIGNS = 16
GONE_FIX = "Load the page again to see what is there now."


def locked(row: M, *related: str) -> M:
    """The row, read again (with `related`) and held until the transaction ends (on SQLite every writer holds the whole database).

    What the request read before may be old by now: somebody may have changed another part of the row, and would lose that. Raises
    Conflict where they have deleted it.
    """
    rows: Any = type(row)._default_manager.select_for_update(no_key=True, of=("self",))
    try:
        return rows.select_related(*related).get(pk=row.pk) if related else rows.get(pk=row.pk)
    except ObjectDoesNotExist:
        raise gone() from None


def edition_of(*parts: Any) -> str:
    """A short word for what a person sees, which is another one as soon as a part of it is."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:EDITION_SIGNS]


def edition_in(form: Mapping[str, str]) -> str:
    """The edition that a form says was seen; empty where it says none."""
    return form.get("edition", "")[:EDITION_SIGNS]


class ChangedMeanwhile(Conflict):
    """Somebody has changed what a person changes all of; what they typed is to be compared with it, and may be sent again."""

    code = "changed-meanwhile"


def require_seen(seen: str, edition: str, what: str) -> None:
    """Who changes the whole of something says which edition they saw (empty: they do not say), else what somebody else did meanwhile would
    be undone unnoticed. Raises ChangedMeanwhile."""
    if seen and seen != edition:
        fix = f"{GONE_FIX} Then change it again."
        raise ChangedMeanwhile(f"Somebody has changed {what} since you opened it.", fix=fix)


def gone() -> Conflict:
    return Conflict("Somebody has deleted this at the same moment.", code="gone-meanwhile", status=404, fix=GONE_FIX)
