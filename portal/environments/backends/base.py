"""What every back end of secrets is made of: an operator's settings, and one way to read."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from executor.connections.base import LONGEST_SECRET, SHORTEST_SECRET
from portal.environments.models import Environment
from portal.errors import PortalError

PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@=+-]{0,127}")
"""Between two slashes of a path, and a field: none begins with a dot, so none leads up or is hidden."""
LONGEST_PATH = 400
CONNECT_SECONDS, ANSWER_SECONDS = 3, 5
OF_ENVIRONMENT = ("{project}", "{environment}")
WHOLE = ""
"""A field of this name is all that lies at the path."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class BackendFailed(PortalError):
    """What a connection signs in with cannot be read where it lies."""

    status = 503
    code = "secret-not-read"


def clean_prefix(text: str) -> str:
    """Raises ValueError with a sentence."""
    parts = text.split("/")
    if parts.pop() != "" or not parts or not all(part in OF_ENVIRONMENT or PART.fullmatch(part) for part in parts):
        raise ValueError("a prefix such as sluice/{project}/{environment}/ ends with / and has words or these two between its slashes")
    if len(named := {part for part in parts if part in OF_ENVIRONMENT}) == 1:
        raise ValueError(f"a prefix has both {{project}} and {{environment}}, or neither, and not {named.pop()} alone")
    return text


def clean_address(text: str) -> str:
    """The address of a service. Raises ValueError with a sentence."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("an address such as https://vault.example.org:8200, without user and password")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("an address that begins with https://; plain http goes to this machine only")
    return text.rstrip("/")


Prefix = Annotated[str, AfterValidator(clean_prefix)]
Address = Annotated[str, AfterValidator(clean_address)]


class SecretBackend(BaseModel, ABC):
    """Add a class in a file of its own to add a kind. Secrets to sign in with are named by their files, never written here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]
    title: ClassVar[str]

    name: str
    """By which connections refer to it."""
    prefixes: list[Prefix] = Field(default=["{project}/{environment}/"], min_length=1)
    """What environments may name. One without {project} and {environment} is every environment's."""

    @abstractmethod
    def read(self, path: str, fields: Collection[str]) -> Mapping[str, str]:
        """Field → value, for the executor's standard input; kept nowhere. `path` is as `checked` gives it. Raises BackendFailed."""

    def prefixes_of(self, environment: Environment) -> list[str]:
        """With what a path begins that this environment may name."""
        words = {"project": environment.project.slug, "environment": environment.name}
        return [prefix.format(**words) for prefix in self.prefixes]

    def checked(self, path: str, environment: Environment) -> str:
        """The path, where this environment may name it. Raises ValueError with a sentence; whether anything lies there is not looked up."""
        if len(path) > LONGEST_PATH or not all(PART.fullmatch(part) for part in path.split("/")):
            raise ValueError("A path has letters, digits and _ . @ = + - between single slashes, and no part begins with a dot.")
        allowed = self.prefixes_of(environment)
        if not path.startswith(tuple(allowed)):
            raise ValueError(f"In {environment.name} a path of {self.name} begins with {' or '.join(allowed)}.")
        return path

    def values(self, path: str, fields: Collection[str]) -> dict[str, str]:
        """As `read`, each of them one with which somebody can sign in. Raises BackendFailed."""
        found = self.read(path, fields)
        if missing := [field for field in fields if field not in found]:
            raise self.failed(f"has no field “{missing[0]}” there" if missing[0] else "has nothing there")
        for field in fields:
            value = found[field]
            if not SHORTEST_SECRET <= len(value) <= LONGEST_SECRET or not value.strip() or "\0" in value:
                what = f"the field “{field}”" if field else "what lies there"
                raise self.failed(f"answers, but {what} is no secret of {SHORTEST_SECRET} to {LONGEST_SECRET:,} characters")
        return {field: found[field] for field in fields}

    def failed(self, why: str) -> BackendFailed:
        """`why` goes on after its name. It holds no value."""
        return BackendFailed(f"The secret manager “{self.name}” {why}.")

    def in_json(self, text: str, fields: Collection[str]) -> dict[str, str]:
        """The fields of a value that is a JSON object, or the whole of it. Raises BackendFailed."""
        if set(fields) == {WHOLE}:
            return {WHOLE: text}
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.failed("has something there that is no JSON object with fields")
        return {name: value for name, value in found.items() if isinstance(value, str)}
