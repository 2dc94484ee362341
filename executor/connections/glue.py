"""AWS Glue: a database of its catalog, in which the tables that jobs publish are registered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from executor.connections.amazon import REGION, ROLE, SERVICE_REGION, domain, key_shown, wrong_endpoint
from executor.connections.base import (
    CATALOG,
    ConnectionKind,
    Endpoint,
    SecretText,
    as_secret,
    authority_field,
    place_of_web_address,
    secret_field,
    signed_by,
    tls_or_none_field,
)
from executor.problems import Problem

_DATABASE = re.compile(r"[a-z0-9_]{1,128}")


class Glue(ConnectionKind):
    """A database in the Glue Data Catalog: what runs of this environment publish on S3 is registered there, for Athena and others."""

    kind: ClassVar[str] = "glue"
    title: ClassVar[str] = "Glue"
    icon: ClassVar[str] = "list-details"
    offers: ClassVar[str] = CATALOG
    example: ClassVar[dict[str, Any]] = {"service": "amazon", "region": "eu-central-1", "sign_in": "keys", "database": "lake_prod"}
    example_secrets: ClassVar[dict[str, str]] = {"access_key": "an-access-key-id", "secret_key": "the-key-that-belongs-to-it"}

    service: Literal["amazon", "other"] = Field(
        default="amazon",
        title="Service",
        description="Amazon, or another that speaks Glue's language: give its address.",
        json_schema_extra={"widget": "choice", "card": "where", "words": {"amazon": "AWS Glue", "other": "another that speaks it"}},
    )
    endpoint: str = Field(
        default="",
        max_length=300,
        title="Address of the service",
        description="Such as https://glue.example.org, with nothing behind it.",
        json_schema_extra={"widget": "text", "card": "where", "when": {"service": ["other"]}},
    )
    region: str = Field(
        default="us-east-1",
        max_length=40,
        title="Region",
        description="Where the catalog is, such as eu-central-1: that of the buckets.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    database: str = Field(
        max_length=128,
        title="Database",
        description="A database of the catalog that is there already. Of tables in it that others have registered none is touched.",
        json_schema_extra={"widget": "text", "card": "where"},
    )
    tls: Literal["verified", "off"] = tls_or_none_field("none, plain http", more=" Amazon is spoken to with it only.")
    authority: str = authority_field(service=["other"], tls=["verified"])
    sign_in: Literal["keys", "role"] = Field(
        default="keys",
        title="Sign in with",
        description="Rights it needs: glue:GetDatabase, and Get, Create, Update and Delete of tables and partitions of this database.",
        json_schema_extra={"widget": "choice", "card": "sign-in", "words": {"keys": "keys", "role": "a role, by keys"}},
    )
    role: str = Field(
        default="",
        max_length=600,
        title="Role",
        description="The role that the keys take on, such as arn:aws:iam::123456789012:role/catalog.",
        json_schema_extra={"widget": "text", "card": "sign-in", "when": {"sign_in": ["role"]}},
    )
    access_key: SecretText | None = Field(
        default=None,
        title="Access key",
        description="Its id. It is changed together with the secret.",
        json_schema_extra=as_secret(),
    )
    secret_key: SecretText | None = secret_field("Secret")

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.service == "amazon" and not REGION.fullmatch(self.region):
            found.append(self.wrong("region", "This is no region of Amazon.", fix="Write one such as eu-central-1."))
        if self.service == "other" and not SERVICE_REGION.fullmatch(self.region):
            found.append(self.wrong("region", "A region has small letters, digits and -.", fix="us-east-1 where the service has none."))
        if self.service == "other" and (said := wrong_endpoint(self.endpoint, self.tls, "glue.example.org")):
            found.append(self.wrong("endpoint", said))
        elif self.service == "other":
            found += self.unreachable("endpoint", self._place()[0])
        if self.service == "amazon" and self.tls == "off":
            found.append(self.wrong("tls", "Amazon is spoken to with TLS only."))
        if self.sign_in == "role" and not ROLE.fullmatch(self.role):
            found.append(self.wrong("role", "This is no role.", fix="Write one such as arn:aws:iam::123456789012:role/catalog."))
        if not _DATABASE.fullmatch(self.database):
            found.append(self.wrong("database", "A database of the catalog has small letters, digits and _.", fix="Such as lake_prod."))
        return found

    def where(self) -> str:
        return f"{self.database} in AWS Glue, {self.region}" if self.service == "amazon" else f"{self.database} at {self.endpoint}"

    def key_shown(self) -> str:
        return key_shown(self.access_key)

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        signs_in = [place_of_web_address(self.role_url())] if self.sign_in == "role" else []
        return self._at(self._place(), *signs_in)

    def url(self) -> str:
        return self.endpoint.rstrip("/") if self.service == "other" else f"https://glue.{self.region}.{domain(self.region)}"

    def role_url(self) -> str:
        """Where a role is taken on."""
        return f"https://sts.{self.region}.{domain(self.region)}" if self.service == "amazon" else self.url()

    def storage(self) -> str:
        return self.url()

    def signs_in_at(self) -> str:
        return f"{self.url()} {self.tls}{signed_by(self.authority)}"

    def _place(self) -> tuple[str, int]:
        return place_of_web_address(self.url())
