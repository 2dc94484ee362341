"""Secrets of an environment: written once, sealed, and given to nobody but the executor of a job that declares them.

What people see of a secret is its name, who set it and when. See docs/decisions/secrets.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from executor.language.credentials import credentials_in
from executor.language.parameters import NAME, RESERVED, SECRET, Parameter
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments import references, vault
from portal.environments.models import Environment, Secret
from portal.errors import PortalError

SHORTEST, LONGEST = 8, 16_000
"""Characters. A shorter value could not be told from ordinary words, so it could not be kept out of logs."""
MOST = 100


def set_secret(*, actor: User, environment: Environment, name: str, value: str = "", reference: Mapping[str, Any] | None = None) -> Secret:
    """Sets or replaces it, by its value or by where that lies (`references.checked_one`). Runs that begin from now on get the new one."""
    require(actor, "manage_environment", environment)
    _check_name(name)
    elsewhere = _elsewhere_or_entered(environment, value, reference)
    sealed = vault.seal(value, context=context_of(environment, name))
    with transaction.atomic():
        locked = Environment.objects.select_for_update().get(pk=environment.pk)
        if name in locked.parameters:
            raise PortalError(
                f"{locked.name} has a parameter “{name}”, whose value everybody sees.", code="name-taken", fix="Take that one out first."
            )
        known = {"sealed": sealed, "reference": elsewhere, "set_by": actor, "set_at": timezone.now()}
        secret, is_new = Secret.objects.update_or_create(environment=locked, name=name, defaults=known)
        if is_new and locked.secrets.count() > MOST:
            raise PortalError(f"An environment has at most {MOST} secrets.", code="too-many-secrets")
        record(action="set_secret", actor=actor, subject=secret, name=name, replaced=not is_new, **references.for_audit(elsewhere))
    return secret


def remove_secret(*, actor: User, environment: Environment, name: str) -> None:
    """Jobs that need it no longer start here."""
    require(actor, "manage_environment", environment)
    with transaction.atomic():
        secret = environment.secrets.filter(name=name).first()
        if secret is None:
            raise PortalError(f"{environment.name} has no secret “{name}”.", code="secret-unknown", status=404)
        record(action="remove_secret", actor=actor, subject=secret, name=name)
        secret.delete()


def needed_by(declared: Mapping[str, Parameter]) -> list[str]:
    """Names of the secrets among a document's parameters."""
    return [name for name, parameter in declared.items() if parameter.type == SECRET]


def names_in(environment: Environment) -> list[str]:
    """Names of the secrets that are set here."""
    return list(environment.secrets.values_list("name", flat=True))


def missing_in(environment: Environment, declared: Mapping[str, Parameter]) -> list[str]:
    """Names of the secrets that a document declares and this environment has not."""
    known = set(names_in(environment))
    return [name for name in needed_by(declared) if name not in known]


def values_of(environment: Environment, names: Iterable[str]) -> dict[str, str]:
    """The values, for the executor's standard input and for nobody else; those that are not set are left out. Raises vault.Sealed, and
    PortalError for one that cannot be read where it lies."""
    secrets = environment.secrets.select_related("environment__project").filter(name__in=list(names))
    return {secret.name: _value_of(secret) for secret in secrets}


def _value_of(secret: Secret) -> str:
    if secret.reference:
        return references.of_secret(secret)
    return vault.unseal(secret.sealed, context=context_of(secret.environment, secret.name))


def plain_credentials(values: Mapping[str, object]) -> list[str]:
    """Names of plain values that are a password or key, by their name or by what they look like."""
    return [name for name, value in values.items() if credentials_in({"parameters": {name: {"default": str(value)}}})]


def require_no_credentials(values: Mapping[str, object], fix: str) -> None:
    """Raises PortalError where a plain value is a password or key."""
    found = plain_credentials(values)
    if found:
        problems = [
            {
                "code": "literal-credential",
                "field": f"parameters.{name}",
                "message": f"“{name}” is a password or key, which everybody with a role in the project could read.",
                "fix": fix,
            }
            for name in found
        ]
        raise PortalError(problems[0]["message"], code="literal-credential", status=422, fix=fix, problems=problems)


def _check_name(name: str) -> None:
    if not NAME.match(name) or name in RESERVED:
        raise PortalError(
            "A name has letters, digits and _, and begins with a letter or _; environment and run_id are Sluice's own.",
            code="bad-name",
            field="name",
        )


def _elsewhere_or_entered(environment: Environment, value: str, reference: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Where the value lies; None where it was entered. Raises PortalError."""
    if reference and value:
        raise PortalError("Enter the value, or say where it lies; not both.", code="bad-secret", field="value")
    if reference:
        try:
            return references.checked_one(reference, environment)
        except references.NoReference as wrong:
            raise PortalError(wrong.message, code="bad-secret", field=wrong.field) from None
    if not SHORTEST <= len(value) <= LONGEST or not value.strip() or "\x00" in value:
        raise PortalError(
            f"A secret has {SHORTEST} to {LONGEST:,} characters; a shorter one could not be kept out of logs.",
            code="bad-secret",
            field="value",
        )
    return None


def context_of(environment: Environment, name: str) -> str:
    """Binds the sealed text to its place, so that it opens nowhere else."""
    return f"secret/{environment.pk}/{name}"
