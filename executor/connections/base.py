"""What every kind of connection is made of.

One kind = one file = one pydantic class, as with stage types: the form, the check, the API's fields, what a run may reach and a
parametrised test all come from the class. At import it needs pydantic and the standard library only: the portal draws forms from it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from executor import trust
from executor.language import roots
from executor.problems import Problem

SHORTEST_SECRET, LONGEST_SECRET = 8, 4_000
"""Characters. A shorter value could not be told from ordinary words, so it could not be kept out of logs."""
LONGEST_AUTHORITY = 20_000
LONGEST_HOST = 253
NAME = roots.NAME
"""What a connection is called, in environments and in documents."""
FILES, DATABASE, SERVICE, MESSAGES, CATALOG = "files", "database", "service", "messages", "catalog"
"""What can lie behind a connection."""
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
NUMBER_IN_DISGUISE = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*")
"""What resolvers read as a number (2130706433, 0x7f.1, 0177.0.0.1)."""


@dataclass(frozen=True)
class Endpoint:
    """One place that a run may reach: compared exactly, so `host` is lower case and has no dot at its end."""

    host: str
    port: int
    networks: tuple[str, ...] = ()
    """Networks (CIDR) that its address may lie in although they are not public. None: a public address only."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def clean_host(text: str) -> str:
    """A name or an IP address as it is compared. Raises ValueError with a sentence; looks nothing up."""
    host = text.strip().rstrip(".").lower()
    if ":" in host or host.replace(".", "").isdigit():
        with suppress(ValueError):
            return str(ipaddress.IPv6Address(host) if "%" not in host and ":" in host else ipaddress.IPv4Address(host))
    if NUMBER_IN_DISGUISE.fullmatch(host):
        raise ValueError("This is a number in disguise. Write a name, or an address such as 192.0.2.7.")
    if len(host) > LONGEST_HOST or not _HOST.fullmatch(host):
        raise ValueError("Write the host's name alone, such as db.example.org: no address with //, no user, no port.")
    return host


def clean_network(text: str) -> str:
    """A network as 10.1.0.0/16. Raises ValueError with a sentence."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise ValueError("Write networks such as 10.1.0.0/16.") from None


def web_address_fault(text: str, tls: str, example: str) -> str:
    """What is wrong with a web address before its path, in a sentence; empty where nothing is. `tls`: “verified”, or there is none."""
    scheme = "https" if tls == "verified" else "http"
    try:
        parts = urlsplit(text)
        clean_host(parts.hostname or "")
        port = parts.port
    except ValueError:
        return f"Write the address such as {scheme}://{example}."
    if parts.scheme != scheme:
        return f"It begins with {scheme}://" + (", since TLS is always checked." if tls == "verified" else ", since there is no TLS.")
    if "@" in parts.netloc:
        return "The address holds no user and no password; they have their place at the sign-in."
    if port == 0 or parts.query or parts.fragment or not text.isascii() or " " in text or has_control_characters(text):
        return "The address has signs that do not belong there."
    return ""


Host = Annotated[str, AfterValidator(clean_host)]
Network = Annotated[str, AfterValidator(clean_network)]
SecretText = Annotated[SecretStr, Field(min_length=SHORTEST_SECRET, max_length=LONGEST_SECRET)]


def as_secret(**extra: Any) -> dict[str, Any]:
    """`json_schema_extra` of a secret field."""
    return {"widget": "secret", "card": "sign-in", **extra}


def secret_field(title: str, **extra: Any) -> Any:
    """One that signs in. `extra`: see `as_secret`."""
    return Field(default=None, title=title, description="It can be replaced, never read.", json_schema_extra=as_secret(**extra))


def user_field(when: Mapping[str, Any]) -> Any:
    """Who signs in, where that is needed with the other choices only."""
    return Field(
        default="",
        max_length=200,
        title="User",
        description="Give it no more rights than the jobs need.",
        json_schema_extra={"widget": "text", "card": "sign-in", "when": {name: list(choices) for name, choices in when.items()}},
    )


def authority_field(**when: Sequence[str]) -> Any:
    """Who has signed the server's certificate, where that is no authority that everybody knows. `when`: the choices with which one is
    checked."""
    return Field(
        default="",
        max_length=LONGEST_AUTHORITY,
        title="Certificate authority",
        description="Only for a server whose certificate your company has signed itself: the authority's certificate as text (PEM). "
        "Then nobody else is trusted.",
        json_schema_extra={
            "widget": "lines",
            "card": "where",
            "advanced": True,
            "when": {name: list(choices) for name, choices in when.items()},
        },
    )


def tls_or_none_field(off: str, *, more: str = "", advanced: bool = True) -> Any:
    """Whether TLS is checked, or there is none. `off`: what people read for that; `more`: behind the description."""
    return Field(
        default="verified",
        title="TLS",
        description=f"Without it whoever is on the way can read and change everything.{more}",
        json_schema_extra={"widget": "choice", "card": "where"}
        | ({"advanced": True} if advanced else {})
        | {"words": {"verified": "always checked", "off": off}},
    )


def place_of_web_address(text: str) -> tuple[str, int]:
    """(host, port) of one that has no fault."""
    parts = urlsplit(text)
    return clean_host(parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80)


def has_control_characters(text: str) -> bool:
    return any(letter < " " or letter == "\x7f" for letter in text)


def signed_by(authority: str) -> str:
    """A word that stands for it, where one is named."""
    return f" {hashlib.sha256(authority.encode()).hexdigest()[:16]}" if authority else ""


class ConnectionKind(BaseModel):
    """Base of every kind.

    `json_schema_extra` of a field: `widget` (text, lines, choice, number, switch, map, list, secret), `words` (a choice's value → what
    people read), `when` (fields → the values of them with which this one counts; elsewhere it must be empty), `card` ("where" or
    "sign-in"). Secret fields are None in what is stored: they are kept apart, sealed, and put in when a run gets the connection.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)

    kind: ClassVar[str]
    """The word for it in the database and the API."""
    title: ClassVar[str]
    icon: ClassVar[str]
    """A Tabler icon's name."""
    example: ClassVar[dict[str, Any]]
    """Valid settings, without secrets."""
    example_secrets: ClassVar[dict[str, str]] = {}
    offers: ClassVar[str]
    """What lies behind it, in a word that a stage's field can ask for: FILES, DATABASE …"""
    has_roots: ClassVar[bool] = False
    """Whether folders lie behind it, which a root can name."""
    not_yet: ClassVar[str] = ""
    """What cannot be done with it, or be told by a test, in sentences for whoever chooses it."""
    needs_permission: ClassVar[bool] = False
    """Whether an operator has to allow the kind."""

    private_networks: list[Network] = Field(
        default_factory=list,
        max_length=10,
        title="Private networks",
        description="Only for a host that is not public: the networks its address may lie in, such as 10.1.0.0/16, separated by commas. "
        "An operator has to allow them.",
        json_schema_extra={"widget": "list", "card": "where", "advanced": True},
    )

    @classmethod
    def secret_fields(cls) -> list[str]:
        """Names of the fields that are secret."""
        return [name for name in cls.model_fields if cls.hints(name).get("widget") == "secret"]

    @classmethod
    def hints(cls, name: str) -> Mapping[str, Any]:
        """What a field says beyond pydantic's own."""
        found = cls.model_fields[name].json_schema_extra
        return found if isinstance(found, dict) else {}

    def counts(self, name: str) -> bool:
        """Whether a field has a meaning with the other fields as they are."""
        return all(getattr(self, other) in values for other, values in self.hints(name).get("when", {}).items())

    def needed_secrets(self) -> list[str]:
        """The secret fields without which nobody can sign in as these settings say."""
        return [name for name in self.secret_fields() if self.counts(name)]

    def settings(self) -> dict[str, Any]:
        """What is stored: every field that is no secret."""
        return self.model_dump(mode="json", exclude=set(self.secret_fields()))

    def signs_in_as(self) -> str:
        """All that it is, with its secrets: to tell whether another one is the same, and to be kept nowhere."""
        secrets = {name: value.get_secret_value() for name in self.secret_fields() if (value := getattr(self, name)) is not None}
        return repr((self.kind, self.settings(), secrets))

    def problems(self) -> list[Problem]:
        """What is wrong beyond the shape of single fields."""
        return [
            self.wrong(name, f"“{field.title}” has no meaning with the other choices.", fix="Leave it empty.")
            for name, field in self.__class__.model_fields.items()
            if not self.counts(name) and getattr(self, name) not in ("", None, [], {})
        ] + self._authority_problems()

    def _authority_problems(self) -> list[Problem]:
        authority: str = getattr(self, "authority", "")
        fault = trust.authority_fault(authority) if authority else ""
        return [self.wrong("authority", fault)] if fault else []

    def wrong(self, field: str, message: str, fix: str | None = None) -> Problem:
        return Problem(code="bad-connection", field=field, message=message, fix=fix)

    def unreachable(self, field: str, host: str) -> list[Problem]:
        """The problem of a host that no run can be let out to."""
        return [self.wrong(field, "Runs reach no IPv6 addresses.", fix="Write the server's name.")] if ":" in host else []

    def where(self) -> str:
        """In a few words where it leads, for lists."""
        raise NotImplementedError

    def key_shown(self) -> str:
        """What may be shown of the secret so that people know which one it is; empty where nothing may."""
        return ""

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        """The places that a run may reach through it, for the addresses of the roots that lie on it."""
        raise NotImplementedError

    def clean_root(self, address: str) -> str:
        """The address of a root as it is stored. Raises ValueError with a sentence."""
        raise ValueError(f"No folders lie behind a connection to {self.title}.")

    def storage(self) -> str:
        """Two connections with the same one see the same folders."""
        raise NotImplementedError

    def signs_in_at(self) -> str:
        """Who gets to see what it signs in with, and how safe the way is. A secret goes to the place for which it was set only."""
        raise NotImplementedError

    def test_places(self, roots: Sequence[str]) -> list[Endpoint]:
        """The places that a test reaches: those of a run, and where a run reaches nothing yet, where one signs in."""
        return self.endpoints(roots)

    def _at(self, *places: tuple[str, int]) -> list[Endpoint]:
        return [Endpoint(host, port, tuple(self.private_networks)) for host, port in dict.fromkeys(places)]


def missing_secrets(connection: ConnectionKind, given: Iterable[str]) -> list[str]:
    """Titles of the secrets that are needed and not among `given`."""
    there = set(given)
    return [str(type(connection).model_fields[name].title) for name in connection.needed_secrets() if name not in there]
