"""Testing a connection: as it is saved, or as somebody is about to save it. See docs/decisions/connection-tests.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments import connections
from portal.environments.models import Connection, ConnectionTest, Environment, Root
from portal.errors import PortalError
from portal.runs import preview_client


@dataclass(frozen=True)
class Outcome:
    """What came of a test. `is_kept`: it was one of the connection as it is saved, and stands with it."""

    works: bool
    steps: list[dict[str, Any]]
    ms: int
    is_kept: bool


def test_connection(
    *,
    actor: User,
    environment: Environment,
    kind: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    connection: Connection | None = None,
) -> Outcome:
    """Tries these settings with `secrets`, or with what is stored of `connection` where it is for the same place. Raises PortalError."""
    require(actor, "manage_environment", environment)
    given = dict(secrets or {})
    if kind not in connections.kinds() or (connection and connection.kind != kind):
        raise PortalError("This kind of connection is not known here.", code="kind-unknown")
    described = connections.read(kind, settings, given)
    connections.require_secrets_for_test(described, given, connection)
    of = connection.edition_of_test if connection else ""
    event = _asked(
        {
            "do": "test-connection",
            "user": actor.pk,
            "used_by": f"a test by {actor.shown_name}",
            "environment": environment.pk,
            "kind": kind,
            "settings": described.settings(),
            "secrets": given,
            "stored": connection.pk if connection else None,
            "roots": [_told(root) for root in connection.roots.all()] if connection else [],
        }
    )
    require(actor, "manage_environment", environment)  # it may have been taken away meanwhile
    is_saved = connection is not None and not given and described.settings() == connection.settings
    outcome = Outcome(bool(event["works"]), list(event["steps"]), int(event["ms"]), is_saved)
    with transaction.atomic():
        found = environment.connections.select_for_update(no_key=True).filter(pk=connection.pk).first() if connection else None
        if found and is_saved:
            last = {"of": of, "works": outcome.works, "steps": outcome.steps, "ms": outcome.ms, "by": actor, "at": timezone.now()}
            ConnectionTest.objects.update_or_create(connection=found, defaults=last)
        about: dict[str, Any] = {"name": connection.name if connection else "", "kind": kind, "saved": is_saved, "works": outcome.works}
        record(action="test_connection", actor=actor, subject=found or environment, **about)
    return outcome


def _told(root: Root) -> dict[str, Any]:
    return {"name": root.name, "address": root.address, "may_write": root.may_write}


def _asked(message: dict[str, Any]) -> dict[str, Any]:
    """The last event of the preview service. Raises PortalError where the test was not done."""
    event = async_to_sync(_last)(message)
    if event.get("event") == "tested":
        return event
    problem = event.get("problem") or {}
    raise PortalError(
        str(problem.get("message") or "The connection could not be tested."),
        code=str(problem.get("code") or "test-failed"),
        status=429 if problem.get("code") in ("too-many-tests", "test-busy") else 422,
        fix=str(problem.get("fix") or "Try again."),
    )


async def _last(message: dict[str, Any]) -> dict[str, Any]:
    last = preview_client.DOWN
    async for event in preview_client.request(message):
        last = event
    return last
