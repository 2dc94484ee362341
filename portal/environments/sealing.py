"""What connections sign in with: sealed as one text for each version, bound to environment, connection and version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from executor.connections import ConnectionKind
from portal.accounts.models import User
from portal.environments import references, vault
from portal.environments.models import Connection, ConnectionSecret
from portal.errors import PortalError


def keep(
    connection: Connection,
    described: ConnectionKind,
    *,
    set_by: User,
    old_for: timedelta = timedelta(),
    reference: Mapping[str, Any] | None = None,
) -> ConnectionSecret:
    """The next version, in the caller's transaction: the secrets that stand in `described`, or where they lie (`references`). The one
    before stays readable for `old_for`."""
    now = timezone.now()
    connection.versions.filter(ends_at=None).update(ends_at=now + old_for)
    forget_ended()
    number = (connection.versions.values_list("number", flat=True).first() or 0) + 1
    values = {} if reference else {name: getattr(described, name).get_secret_value() for name in described.needed_secrets()}
    return connection.versions.create(
        number=number,
        sealed=vault.seal(json.dumps(values), context=context_of(connection, number)),
        reference=reference,
        key_shown=described.key_shown(),
        set_by=set_by,
        set_at=now,
    )


def end(connection: Connection) -> None:
    """Nobody gets it any more, and it is forgotten."""
    connection.versions.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now())).update(ends_at=timezone.now())
    forget_ended()


def forget_ended() -> int:
    """Of versions that have ended, only who set them and when is kept. Gives how many were wiped."""
    return ConnectionSecret.objects.filter(ends_at__lte=timezone.now()).exclude(sealed="").update(sealed="")


def opened(connection: Connection, number: int | None = None, *, used_by: str) -> Mapping[str, str]:
    """The secrets by field, for the executor's standard input and for nobody else: of the version in use, or of version `number` for who
    began with it. Raises PortalError where it has ended or cannot be read where it lies, vault.Sealed where it
    does not open."""
    rows = connection.versions.filter(ends_at=None) if number is None else connection.versions.filter(number=number)
    version = rows.first()
    if version is None or not version.sealed or version.has_ended:
        raise PortalError(
            f"The secret with which {connection.name} signs in has ended or is not set.",
            code="secret-ended",
            status=409,
            fix="Start the run again; where that does not help, an administrator of the environment sets it again.",
        )
    values: Mapping[str, str] = json.loads(vault.unseal(version.sealed, context=context_of(connection, version.number)))
    if version.reference:
        values = references.of_connection(connection, version.reference)
    connection.versions.filter(pk=version.pk).update(used_at=timezone.now(), used_by=used_by[:200])
    return values


def context_of(connection: Connection, number: int) -> str:
    """Binds the sealed text to its place, so that it opens nowhere else."""
    return f"connection/{connection.environment_id}/{connection.pk}/{number}"
