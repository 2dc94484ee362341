"""Testing a connection, as it is saved or as somebody is about to save it, or a root in a folder of this machine. See
docs/decisions/connection-tests.md."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments import connections, folders
from portal.environments.models import Connection, ConnectionTest, Environment, Root, RootTest
from portal.errors import PortalError
from portal.runs import preview_client


@dataclass(frozen=True)
class Outcome:
    """What came of a test. `is_kept`: it was one of the connection or root as it is saved, and stands with it."""

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
            ConnectionTest.objects.update_or_create(connection=found, defaults=_last_of(outcome, of, actor))
        about: dict[str, Any] = {"name": connection.name if connection else "", "kind": kind, "saved": is_saved, "works": outcome.works}
        record(action="test_connection", actor=actor, subject=found or environment, **about)
    return outcome


def test_root(*, actor: User, root: Root) -> Outcome:
    """Tries a root in a folder of this machine: whether it is there and allowed, may be read, and where jobs write be written, and how much
    room is left. The last one stands with the root; each run looks anew. Raises PortalError."""
    require(actor, "manage_environment", root)
    if not root.is_folder:
        raise PortalError(
            f"“{root.name}” lies in no folder of this machine that could be tested.",
            code="no-folder-root",
            fix="Test the connection that it lies on." if root.connection else "The environment's own folder is Sluice's.",
        )
    began, of = time.monotonic(), root.edition
    wrong = folders.trouble(root)
    steps = [_folder_step(root, wrong, began)]
    works = wrong is None
    if works:
        event = _tried(actor, root)
        works, steps = bool(event["works"]), steps + list(event["steps"])
    require(actor, "manage_environment", root)  # it may have been taken away meanwhile
    with transaction.atomic():
        found = root.environment.roots.select_for_update(no_key=True, of=("self",)).filter(pk=root.pk).first()
        outcome = Outcome(works, steps, _ms(began), is_kept=found is not None)
        if found:
            RootTest.objects.update_or_create(root=found, defaults=_last_of(outcome, of, actor))
        record(action="test_root", actor=actor, subject=found or root.environment, name=root.name, works=works)
    return outcome


def _last_of(outcome: Outcome, of: str, actor: User) -> dict[str, Any]:
    return {"of": of, "works": outcome.works, "steps": outcome.steps, "ms": outcome.ms, "by": actor, "at": timezone.now()}


def _folder_step(root: Root, wrong: PortalError | None, began: float) -> dict[str, Any]:
    said = (wrong.message, wrong.fix or "") if wrong else ("It is there, an operator allows it, and no other root lies in it.", "")
    return {"name": f"Folder {root.address}", "state": "bad" if wrong else "good", "words": said[0], "fix": said[1], "ms": _ms(began)}


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))


def _tried(actor: User, root: Root) -> dict[str, Any]:
    """The answer of the program behind the wall. Raises PortalError where there is none."""
    values = {"uri": f"{root.name}:", "root": root.name, "writes": root.may_write}
    ask = async_to_sync(preview_client.answer_over_files)
    return _answer(ask("test-root", user=actor.pk, environment=root.environment_id, values=values))


def _told(root: Root) -> dict[str, Any]:
    return {"name": root.name, "address": root.address, "may_write": root.may_write}


def _asked(message: dict[str, Any]) -> dict[str, Any]:
    """The last event of the preview service. Raises PortalError where the test was not done."""
    return _answer(async_to_sync(_last)(message))


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("event") == "tested":
        return event
    problem = event.get("problem") or {}
    raise PortalError(
        str(problem.get("message") or "It could not be tested."),
        code=str(problem.get("code") or "test-failed"),
        status=429 if problem.get("code") in ("too-many-tests", "test-busy") else 422,
        fix=str(problem.get("fix") or "Try again."),
    )


async def _last(message: dict[str, Any]) -> dict[str, Any]:
    last = preview_client.DOWN
    async for event in preview_client.request(message):
        last = event
    return last
