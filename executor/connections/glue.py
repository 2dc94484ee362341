"""AWS Glue: a database of its catalog, in which the tables that jobs publish are registered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from executor.connections.amazon import OfAmazon, access_key_field, domain, endpoint_field, region_field, role_field, wrong_endpoint
from executor.connections.base import (
    CATALOG,
    Endpoint,
    SecretText,
    authority_field,
    place_of_web_address,
    secret_field,
    signed_by,
    tls_or_none_field,
)
from executor.problems import Problem

_DATABASE = re.compile(r"[a-z0-9_]{1,128}")


class Glue(OfAmazon):
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
    endpoint: str = endpoint_field("glue.example.org")
    region: str = region_field("Where the catalog is, such as eu-central-1: that of the buckets.")
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
    role: str = role_field("catalog")
    access_key: SecretText | None = access_key_field()
    secret_key: SecretText | None = secret_field("Secret")

    def problems(self) -> list[Problem]:
        found = [*super().problems(), *self.region_problems()]
        if self.service == "other" and (said := wrong_endpoint(self.endpoint, self.tls, "glue.example.org")):
            found.append(self.wrong("endpoint", said))
        elif self.service == "other":
            found += self.unreachable("endpoint", self._place()[0])
        found += self.tls_problems()
        found += self.role_problems("catalog")
        if not _DATABASE.fullmatch(self.database):
            found.append(self.wrong("database", "A database of the catalog has small letters, digits and _.", fix="Such as lake_prod."))
        return found

    def where(self) -> str:
        return f"{self.database} in AWS Glue, {self.region}" if self.service == "amazon" else f"{self.database} at {self.endpoint}"

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        signs_in = [place_of_web_address(self.role_url())] if self.sign_in == "role" else []
        return self._at(self._place(), *signs_in)

    def url(self) -> str:
        return self.endpoint.rstrip("/") if self.service == "other" else f"https://glue.{self.region}.{domain(self.region)}"

    def storage(self) -> str:
        return self.url()

    def signs_in_at(self) -> str:
        return f"{self.url()} {self.tls}{signed_by(self.authority)}"

    def _place(self) -> tuple[str, int]:
        return place_of_web_address(self.url())
