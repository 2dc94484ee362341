"""What went wrong in the database in the middle of a request: somebody else was quicker, a row is gone, or it is a fault of ours."""

from __future__ import annotations

import logging

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError
from django.db.models import ProtectedError, RestrictedError

from portal.errors import Conflict, PortalError
from portal.locking import GONE_FIX, gone

log = logging.getLogger(__name__)

QUICKER = {
    "23001": "restrict",
    "23503": "foreign key",
    "23505": "unique",
    "23P01": "exclusion",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign key",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
}
"""How PostgreSQL and SQLite name what only other people's rows can break. A missing value, or one against a rule, is nobody's but ours."""
NOT_THERE = "did not affect any rows"
"""Of Django, where a row that is saved again has been deleted."""


def as_collision(exc: Exception) -> PortalError | None:
    """What it means for whoever asked; None for a fault of ours (and for what is none of the database's)."""
    if isinstance(exc, IntegrityError):
        return _quicker(exc) if _is_of_others(exc) else None
    if _is_gone(exc):
        log.error("A row is not there any more, or it is a fault of ours", exc_info=exc)
        return gone()
    return None


def _is_of_others(exc: IntegrityError) -> bool:
    if isinstance(exc, ProtectedError | RestrictedError):
        return True
    cause = exc.__cause__
    return (getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", "")) in QUICKER


def _is_gone(exc: Exception) -> bool:
    """Half of a pair that is missing (an attribute of a row) is no row that somebody has deleted."""
    if isinstance(exc, ObjectDoesNotExist):
        return not isinstance(exc, AttributeError)
    return type(exc) is DatabaseError and NOT_THERE in str(exc)


def _quicker(exc: IntegrityError) -> Conflict:
    log.warning("Somebody else was quicker", exc_info=exc)
    return Conflict("Somebody else changed or deleted this at the same moment.", code="changed-meanwhile", fix=GONE_FIX)
