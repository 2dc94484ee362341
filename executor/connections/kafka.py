"""Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from executor.connections.base import (
    MESSAGES,
    ConnectionKind,
    Endpoint,
    SecretText,
    authority_field,
    clean_host,
    has_control_characters,
    secret_field,
    signed_by,
    tls_or_none_field,
    user_field,
)
from executor.problems import Problem

SIGNED_IN: dict[str, Any] = {"sign_in": ["scram-sha-512", "scram-sha-256", "plain"]}


def clean_broker(text: str) -> str:
    """A broker as host:port. Raises ValueError with a sentence."""
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("Write brokers such as kafka1.example.org:9093, separated by commas.")
    return f"{clean_host(host)}:{int(port)}"


class Kafka(ConnectionKind):
    """The brokers of a Kafka cluster."""

    kind: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    not_yet: ClassVar[str] = (
        "No stage uses such a connection yet: no job can name it so far. A test tells whether brokers answer, and not whether user and "
        "password are right."
    )
    offers: ClassVar[str] = MESSAGES
    icon: ClassVar[str] = "message"
    example: ClassVar[dict[str, Any]] = {
        "brokers": ["kafka1.example.org:9093", "kafka2.example.org:9093"],
        "sign_in": "scram-sha-512",
        "user": "sluice",
    }
    example_secrets: ClassVar[dict[str, str]] = {"password": "a-long-password"}

    brokers: list[Annotated[str, AfterValidator(clean_broker)]] = Field(
        min_length=1,
        max_length=30,
        title="Brokers",
        description="All of them, such as kafka1.example.org:9093, separated by commas: a broker that is not listed is not reached.",
        json_schema_extra={"widget": "list", "card": "where", "needed": True},
    )
    tls: Literal["verified", "off"] = tls_or_none_field("none", advanced=False)
    authority: str = authority_field(tls=["verified"])
    sign_in: Literal["scram-sha-512", "scram-sha-256", "plain", "nobody"] = Field(
        default="scram-sha-512",
        title="Sign in with",
        description="What the cluster takes; PLAIN shows it the password, so it needs TLS.",
        json_schema_extra={
            "widget": "choice",
            "card": "sign-in",
            "words": {"scram-sha-512": "SCRAM-SHA-512", "scram-sha-256": "SCRAM-SHA-256", "plain": "PLAIN", "nobody": "nothing"},
        },
    )
    user: str = user_field(SIGNED_IN)
    password: SecretText | None = secret_field("Password", when=SIGNED_IN)

    def problems(self) -> list[Problem]:
        found = super().problems()
        for host, _ in self._places():
            found += self.unreachable("brokers", host)
        if self.sign_in != "nobody" and (not self.user.strip() or has_control_characters(self.user)):
            found.append(self.wrong("user", "Who signs in is not said."))
        if self.sign_in == "plain" and self.tls == "off":
            found.append(self.wrong("tls", "PLAIN without TLS would show the password to everybody on the way."))
        return found

    def where(self) -> str:
        others = len(self.brokers) - 1
        return self.brokers[0] + (f" and {others} more" if others else "")

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        return self._at(*self._places())

    def storage(self) -> str:
        return f"kafka://{','.join(sorted(self.brokers))}"

    def signs_in_at(self) -> str:
        return f"{self.storage()} {self.tls} {self.sign_in}{signed_by(self.authority)}"

    def _places(self) -> list[tuple[str, int]]:
        return [(host, int(port)) for host, _, port in (broker.rpartition(":") for broker in self.brokers)]
