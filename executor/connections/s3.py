"""S3: Amazon's, or another service that speaks it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from executor.connections.amazon import (
    AMAZONS_DOMAINS,
    OfAmazon,
    access_key_field,
    domain,
    endpoint_field,
    region_field,
    role_field,
    wrong_endpoint,
)
from executor.connections.base import (
    FILES,
    Endpoint,
    SecretText,
    authority_field,
    has_control_characters,
    place_of_web_address,
    secret_field,
    signed_by,
    tls_or_none_field,
)
from executor.language.roots import BUCKET
from executor.problems import Problem

LONGEST_KEY = 1_024
"""Bytes of an object's name."""
SIGNED_IN = {"sign_in": ["keys", "role"]}


class S3(OfAmazon):
    """Buckets at Amazon S3, or at another service that speaks S3."""

    kind: ClassVar[str] = "s3"
    title: ClassVar[str] = "S3"
    icon: ClassVar[str] = "bucket"
    offers: ClassVar[str] = FILES
    example: ClassVar[dict[str, Any]] = {"service": "amazon", "region": "eu-central-1", "sign_in": "keys", "encryption": "sse-s3"}
    example_secrets: ClassVar[dict[str, str]] = {"access_key": "an-access-key-id", "secret_key": "the-key-that-belongs-to-it"}
    has_roots: ClassVar[bool] = True

    service: Literal["amazon", "other"] = Field(
        default="amazon",
        title="Service",
        description="Amazon, or another that speaks S3: give its address.",
        json_schema_extra={"widget": "choice", "card": "where", "words": {"amazon": "Amazon S3", "other": "another that speaks S3"}},
    )
    endpoint: str = endpoint_field("minio.example.org:9000")
    region: str = region_field("Where the buckets lie, such as eu-central-1.")
    bucket_style: Literal["host", "path"] = Field(
        default="host",
        title="Bucket style",
        description="How a bucket is addressed. Amazon takes the first; many other services take the second only.",
        json_schema_extra={
            "widget": "choice",
            "card": "where",
            "words": {"host": "name before the host", "path": "name in the path"},
        },
    )
    encryption: Literal["none", "sse-s3", "kms"] = Field(
        default="none",
        title="Encryption",
        description="What the service is asked to do with all that is written.",
        json_schema_extra={
            "widget": "choice",
            "card": "where",
            "words": {"none": "as the bucket says", "sse-s3": "by S3's own key (SSE-S3)", "kms": "by a KMS key"},
        },
    )
    kms_key: str = Field(
        default="",
        max_length=300,
        pattern=r"^[A-Za-z0-9:/_-]*$",
        title="KMS key",
        description="Its ARN, id or alias, such as alias/lake.",
        json_schema_extra={"widget": "text", "card": "where", "when": {"encryption": ["kms"]}},
    )
    requester_pays: bool = Field(
        default=False,
        title="We pay for reading",
        description="For buckets whose owner lets readers pay; it costs your account.",
        json_schema_extra={"widget": "switch", "card": "where"},
    )
    tls: Literal["verified", "off"] = tls_or_none_field("none, plain http", more=" Amazon is spoken to with it only.")
    authority: str = authority_field(service=["other"], tls=["verified"])
    sign_in: Literal["keys", "role", "nobody"] = Field(
        default="keys",
        title="Sign in with",
        description="Nobody reads open data only, with no account at all.",
        json_schema_extra={"widget": "choice", "card": "sign-in", "words": {"keys": "keys", "role": "a role, by keys", "nobody": "nobody"}},
    )
    role: str = role_field("lake")
    access_key: SecretText | None = access_key_field(when=SIGNED_IN)
    secret_key: SecretText | None = secret_field("Secret", when=SIGNED_IN)

    def problems(self) -> list[Problem]:
        found = [*super().problems(), *self.region_problems()]
        said = wrong_endpoint(self.endpoint, self.tls, "minio.example.org:9000") if self.service == "other" else ""
        if said:
            found.append(self.wrong("endpoint", said))
        elif self.service == "other" and ":" in self._service()[0]:
            found += self.unreachable("endpoint", self._service()[0])
        elif self.service == "other" and self.bucket_style == "host" and _is_ip(urlsplit(self.endpoint).hostname):
            found.append(self.wrong("bucket_style", "No name can stand before an IP address.", fix="Choose “name in the path”."))
        found += self.tls_problems()
        if self.encryption == "kms" and not self.kms_key:
            found.append(self.wrong("kms_key", "Which KMS key is not said."))
        found += self.role_problems("lake")
        if self.sign_in == "nobody" and self.requester_pays:
            found.append(self.wrong("requester_pays", "Who signs in as nobody cannot pay."))
        return found

    def where(self) -> str:
        return f"Amazon S3, {self.region}" if self.service == "amazon" else self.endpoint

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        """Nothing without a root. Where the bucket stands in the path, the whole service is one place."""
        buckets = dict.fromkeys(_bucket_of(address) for address in roots)
        host, port = self._service()
        places = [(f"{bucket}.{host}" if self._is_before_host(bucket) else host, port) for bucket in buckets]
        if buckets and self.sign_in == "role" and self.service == "amazon":
            places.append((f"sts.{self.region}.{domain(self.region)}", 443))
        elif buckets and self.sign_in == "role":
            places.append((host, port))
        return self._at(*places)

    def test_places(self, roots: Sequence[str]) -> list[Endpoint]:
        return self.endpoints(roots) or self._at(self._service())

    def url(self) -> str:
        """The service's address, which a client is told always: left to itself, one that knows Amazon asks other hosts than `endpoints`
        (for us-east-1 one without a region)."""
        return self.endpoint.rstrip("/") if self.service == "other" else f"https://{self._service()[0]}"

    def clean_root(self, address: str) -> str:
        scheme, separator, rest = address.strip().partition("://")
        bucket, _, prefix = rest.partition("/")
        if not separator or scheme not in ("s3", "s3a") or not BUCKET.fullmatch(bucket) or ".." in bucket or _is_number(bucket):
            raise ValueError("Write a bucket and a folder in it, such as s3a://acme-lake/prod/.")
        prefix = prefix.rstrip("/")
        parts = prefix.split("/") if prefix else []
        if any(part in ("", ".", "..") for part in parts) or has_control_characters(prefix) or set(prefix) & set("\\?#*%@{}[]"):
            raise ValueError("The folder has no empty part, no . or .., and none of \\ ? # * % @ { } [ ].")
        if len(prefix.encode()) > LONGEST_KEY // 2:
            raise ValueError(f"The folder's name has at most {LONGEST_KEY // 2} bytes, so that names of files fit behind it.")
        return f"s3a://{bucket}/" + (f"{prefix}/" if prefix else "")

    def storage(self) -> str:
        """A bucket's name is the only one of its kind at Amazon (in China: of its own), whatever the region, and whether one has chosen
        Amazon or written one of its many addresses."""
        host = self._service()[0]
        amazon = next((domain for end, domain in AMAZONS_DOMAINS.items() if host == end or host.endswith(f".{end}")), None)
        return f"s3://{amazon}" if amazon else self._place()

    def signs_in_at(self) -> str:
        """By the host, though: many an address at Amazon is somebody else's machine."""
        return f"{self._place()} {self.tls}{signed_by(self.authority)}"

    def _place(self) -> str:
        return f"s3://{domain(self.region)}" if self.service == "amazon" else "s3://{}:{}".format(*self._service())

    def _service(self) -> tuple[str, int]:
        if self.service == "amazon":
            return f"s3.{self.region}.{domain(self.region)}", 443
        return place_of_web_address(self.endpoint)

    def _is_before_host(self, bucket: str) -> bool:
        """A certificate of *.s3… is not good for a bucket with dots, which Amazon's own programs address by path, too."""
        return self.bucket_style == "host" and not (self.tls == "verified" and "." in bucket)


def _bucket_of(root: str) -> str:
    return urlsplit(root).netloc


def _is_ip(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True


def _is_number(bucket: str) -> bool:
    return bucket.replace(".", "").isdigit() and "." in bucket
