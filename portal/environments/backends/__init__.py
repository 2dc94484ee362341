"""Where secrets may lie outside of Sluice: the back ends that an operator has set, by the names under which connections refer to them.

One file = one kind = one class, found as kinds of connections are. The default, a secret that Sluice seals itself, is none of them: there
is nothing to ask. See docs/decisions/secrets.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from django.conf import settings
from pydantic import ValidationError

from executor.registry import kinds_in
from portal.environments.backends.base import BackendFailed, SecretBackend
from portal.environments.models import Environment

__all__ = ["BACKEND_KINDS", "BackendFailed", "SecretBackend", "WrongSetting", "backend", "backends", "offered_to"]
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class WrongSetting(ValueError):
    """SLUICE_SECRET_BACKENDS says something that cannot be; in words, without any value of it."""


BACKEND_KINDS: Mapping[str, type[SecretBackend]] = kinds_in(__name__, SecretBackend)  # type: ignore[type-abstract]
"""Every kind by its word."""


def backends() -> dict[str, SecretBackend]:
    """Those that are set, by name. Raises WrongSetting."""
    try:
        given = json.loads(settings.SECRET_BACKENDS or "{}")
    except ValueError:
        raise WrongSetting("it is no JSON") from None
    if not isinstance(given, dict):
        raise WrongSetting("it is no object of names and back ends")
    return {name: _made(name, words) for name, words in given.items()}


def backend(name: str) -> SecretBackend:
    """The one of that name. Raises BackendFailed where there is none any more."""
    found = backends().get(name)
    if found is None:
        raise BackendFailed(f"There is no secret manager “{name[:40]}” here.", fix="Whoever runs Sluice sets it in SLUICE_SECRET_BACKENDS.")
    return found


def offered_to(environment: Environment) -> list[SecretBackend]:
    """Those of which an environment may name paths."""
    return [one for one in backends().values() if one.prefixes_of(environment)]


def _made(name: str, words: object) -> SecretBackend:
    if not NAME.fullmatch(name):
        raise WrongSetting("a name has small letters, digits, _ and -")
    kind = words.get("kind") if isinstance(words, dict) else None
    cls = BACKEND_KINDS.get(str(kind))
    if not isinstance(words, dict) or cls is None:
        raise WrongSetting(f"“{name}” needs a kind: {', '.join(BACKEND_KINDS)}")
    try:
        return cls.model_validate({**{word: value for word, value in words.items() if word != "kind"}, "name": name})
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        raise WrongSetting(f"“{name}”, {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from None
