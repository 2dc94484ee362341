"""What a connection signs in with, kept outside of Sluice: named in the connection, read when a run begins, kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.connections import ConnectionKind
from portal.environments import backends
from portal.environments.backends.base import PART, WHOLE, BackendFailed
from portal.environments.models import Connection, Environment


class NoReference(ValueError):
    """It cannot be named so; `field` is that of the form."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def checked(given: Mapping[str, Any], environment: Environment, described: ConnectionKind) -> dict[str, Any]:
    """As it is kept: the back end, the path there, and for each secret field the field there (of the same name, where nothing is said).
    Raises NoReference. Nothing is asked: whether it can be read, the first run or a test of the connection says."""
    found = next((one for one in backends.offered_to(environment) if one.name == given.get("backend")), None)
    if found is None:
        raise NoReference("reference_backend", "There is no such secret manager for this environment.")
    try:
        path = found.checked(str(given.get("path") or "").strip(), environment)
    except ValueError as wrong:
        raise NoReference("reference_path", str(wrong)) from None
    needed, named = described.needed_secrets(), given.get("fields") or {}
    if strange := sorted(set(named) - set(needed)):
        raise NoReference(f"reference_{strange[0]}", "With the other choices no such secret is needed.")
    fields = {name: str(named.get(name, name)).strip() for name in needed}
    for name, field in fields.items():
        if field != WHOLE and not PART.fullmatch(field):
            raise NoReference(f"reference_{name}", "A field has letters, digits and _ . @ = + -.")
    if len(set(fields.values())) < len(fields):
        raise NoReference(f"reference_{needed[-1]}", "Two secrets cannot come from one field.")
    return {"backend": found.name, "path": path, "fields": fields}


def read(connection: Connection, reference: Mapping[str, Any]) -> dict[str, str]:
    """Secret field → value. What an operator has taken back since is not read. Raises BackendFailed, which holds no value."""
    try:
        found = backends.backend(reference["backend"])
        path = found.checked(reference["path"], connection.environment)
        values = found.values(path, list(reference["fields"].values()))
    except ValueError as wrong:
        raise _of(connection, BackendFailed(str(wrong))) from None
    except BackendFailed as failed:
        raise _of(connection, failed) from None
    return {name: values[field] for name, field in reference["fields"].items()}


def _of(connection: Connection, failed: BackendFailed) -> BackendFailed:
    return BackendFailed(
        f"What {connection.name} signs in with cannot be read. {failed.message}",
        fix=failed.fix or "Where it lies stands on the page of the connection, for whoever administers the environment.",
    )
