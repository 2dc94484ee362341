"""A service that is spoken to over HTTP."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from executor.connections.base import (
    SERVICE,
    ConnectionKind,
    Endpoint,
    SecretText,
    authority_field,
    has_control_characters,
    place_of_web_address,
    secret_field,
    signed_by,
    tls_or_none_field,
    user_field,
    web_address_fault,
)
from executor.problems import Problem

_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")
_PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,=@-]+/?)*")
_SENDABLE = re.compile(r"[!-~]+")
NOT_SIGNING_IN = {"host", "content-length", "transfer-encoding", "connection", "cookie", "authorization", "expect", "upgrade", "te"}
"""Headers that mean something else, or have a choice of their own here."""


class HTTP(ConnectionKind):
    """A service with an address of its own, and how one signs in there."""

    kind: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP"
    not_yet: ClassVar[str] = "No stage uses such a connection yet: it can be made and tested, and no job can name it so far."
    offers: ClassVar[str] = SERVICE
    icon: ClassVar[str] = "api"
    example: ClassVar[dict[str, Any]] = {"address": "https://api.example.org/v1/", "sign_in": "bearer"}
    example_secrets: ClassVar[dict[str, str]] = {"secret": "a-long-token-of-the-service"}

    address: str = Field(
        max_length=300,
        title="Base address",
        description="Such as https://api.example.org/v1/. Jobs ask below it only.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    tls: Literal["verified", "off"] = tls_or_none_field("none, plain http")
    authority: str = authority_field(tls=["verified"])
    sign_in: Literal["bearer", "basic", "header", "nobody"] = Field(
        default="bearer",
        title="Sign in with",
        description="Ask whoever runs the service which of them it takes.",
        json_schema_extra={
            "widget": "choice",
            "card": "sign-in",
            "words": {"bearer": "a token", "basic": "user and password", "header": "a header of its own", "nobody": "nothing"},
        },
    )
    user: str = user_field({"sign_in": ["basic"]})
    header: str = Field(
        default="",
        max_length=60,
        title="Name of the header",
        description="Such as X-Api-Key.",
        json_schema_extra={"widget": "text", "card": "sign-in", "when": {"sign_in": ["header"]}},
    )
    secret: SecretText | None = secret_field("Token, password or value", when={"sign_in": ["bearer", "basic", "header"]})

    def problems(self) -> list[Problem]:
        found = super().problems()
        fault = web_address_fault(self.address, self.tls, "api.example.org/v1/")
        path = urlsplit(self.address).path or "/" if not fault else "/"
        if fault:
            found.append(self.wrong("address", fault))
        elif not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
            found.append(self.wrong("address", "The address goes on with plain words after the host, without .., ?, # or %."))
        else:
            found += self.unreachable("address", self._place()[0])
        if self.sign_in == "basic" and (not self.user.strip() or ":" in self.user or has_control_characters(self.user)):
            found.append(self.wrong("user", "Who signs in is not said, or has a colon in the name."))
        if self.sign_in == "header" and (not _HEADER.fullmatch(self.header) or self.header.lower() in NOT_SIGNING_IN):
            found.append(self.wrong("header", "This is no header to sign in with.", fix="Write a name such as X-Api-Key."))
        if self.sign_in != "basic" and self.secret and not _SENDABLE.fullmatch(self.secret.get_secret_value()):
            found.append(self.wrong("secret", "It holds spaces or signs that no header can hold."))
        return found

    def where(self) -> str:
        return self.address

    def base(self) -> str:
        """The address with / at its end: what jobs ask for stands behind it."""
        return f"{self.address.rstrip('/')}/"

    def headers(self) -> dict[str, str]:
        """What signs in; to be shown nowhere."""
        secret = self.secret.get_secret_value() if self.secret else ""
        if self.sign_in == "basic":
            return {"Authorization": f"Basic {base64.b64encode(f'{self.user}:{secret}'.encode()).decode()}"}
        return {"bearer": {"Authorization": f"Bearer {secret}"}, "header": {self.header: secret}, "nobody": {}}[self.sign_in]

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        return self._at(self._place())

    def storage(self) -> str:
        return self.base()

    def signs_in_at(self) -> str:
        """With the path: one host can be many people's; and a token is no password."""
        return f"{self.base()} {self.tls} {self.sign_in}{signed_by(self.authority)}"

    def _place(self) -> tuple[str, int]:
        return place_of_web_address(self.address)
