"""Secrets kept outside of Sluice: what a connection signs in with, or a secret of an environment. Named here, read when a run begins, kept
nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.connections import ConnectionKind
from portal.environments import backends
from portal.environments.backends.base import PART, WHOLE, BackendFailed
from portal.environments.models import Connection, Environment, Secret


class NoReference(ValueError):
    """It cannot be named so; `field` is that of the form."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


VALUE = "value"
"""The one field of a secret of an environment."""


def checked(given: Mapping[str, Any], environment: Environment, described: ConnectionKind) -> dict[str, Any]:
    """As it is kept: the back end, the path there, and for each secret field the field there (of the same name, where nothing is said).
    Raises NoReference. Nothing is asked: whether it can be read, the first run or a test of the connection says."""
    needed, named = described.needed_secrets(), given.get("fields") or {}
    if strange := sorted(set(named) - set(needed)):
        raise NoReference(f"reference_{strange[0]}", "With the other choices no such secret is needed.")
    return _place(given, environment) | {"fields": _fields({name: named.get(name, name) for name in needed})}


def checked_one(given: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """The same of one secret of an environment, which is all that lies at the path where no field is said. Raises NoReference."""
    named = given.get("fields") or {}
    if strange := sorted(set(named) - {VALUE}):
        raise NoReference("reference_value", f"A secret has one field, “{VALUE}”, and no “{strange[0][:40]}”.")
    return _place(given, environment) | {"fields": _fields({VALUE: named.get(VALUE, WHOLE)})}


def _place(given: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    found = next((one for one in backends.offered_to(environment) if one.name == given.get("backend")), None)
    if found is None:
        raise NoReference("reference_backend", "There is no such secret manager for this environment.")
    try:
        path = found.checked(str(given.get("path") or "").strip(), environment)
    except ValueError as wrong:
        raise NoReference("reference_path", str(wrong)) from None
    return {"backend": found.name, "path": path}


def _fields(named: Mapping[str, Any]) -> dict[str, str]:
    fields = {name: str(field).strip() for name, field in named.items()}
    for name, field in fields.items():
        if field != WHOLE and not PART.fullmatch(field):
            raise NoReference(f"reference_{name}", "A field has letters, digits and _ . @ = + -.")
    if len(set(fields.values())) < len(fields):
        raise NoReference(f"reference_{list(fields)[-1]}", "Two secrets cannot come from one field.")
    return fields


def for_audit(reference: Mapping[str, Any] | None) -> dict[str, str]:
    return {"secret_lies_in": f"{reference['backend']}: {reference['path']}"} if reference else {}


def of_connection(connection: Connection, reference: Mapping[str, Any]) -> dict[str, str]:
    """Secret field → value. Raises BackendFailed."""
    return _read(
        reference, connection.environment, f"What {connection.name} signs in with cannot be read.", "on the page of the connection"
    )


def of_secret(secret: Secret) -> str:
    """The value of one that lies elsewhere. Raises BackendFailed."""
    where = f"under Settings › {secret.environment.name}"
    return _read(secret.reference or {}, secret.environment, f"The secret “{secret.name}” cannot be read.", where)[VALUE]


def _read(reference: Mapping[str, Any], environment: Environment, fault: str, where: str) -> dict[str, str]:
    """What an operator has taken back since is not read. Raises BackendFailed, which holds no value."""
    try:
        found = backends.backend(reference["backend"])
        path = found.checked(reference["path"], environment)
        values = found.values(path, list(reference["fields"].values()))
    except ValueError as wrong:
        raise _told(BackendFailed(str(wrong)), fault, where) from None
    except BackendFailed as failed:
        raise _told(failed, fault, where) from None
    return {name: values[field] for name, field in reference["fields"].items()}


def _told(failed: BackendFailed, fault: str, where: str) -> BackendFailed:
    fix = failed.fix or f"Where it lies stands {where}, for whoever administers the environment."
    return BackendFailed(f"{fault} {failed.message}", fix=fix)
