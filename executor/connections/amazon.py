"""What connections to services of Amazon have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field

from executor.connections.base import ConnectionKind, SecretText, as_secret, web_address_fault
from executor.problems import Problem

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
"""An access key's id at Amazon. What looks otherwise may be the secret, put into the wrong field."""
SERVICE_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ROLES = "arn:aws:iam::123456789012:role/"
"""Begins the examples."""


AMAZONS_DOMAINS = {"amazonaws.com": "amazonaws.com", "api.aws": "amazonaws.com", "amazonaws.com.cn": "amazonaws.com.cn"}
"""End of a host's name → the domain of the Amazon that it is of, as `domain` has it."""


def domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def endpoint_field(example: str) -> Any:
    return Field(
        default="",
        max_length=300,
        title="Address of the service",
        description=f"Such as https://{example}, with nothing behind it.",
        json_schema_extra={"widget": "text", "card": "where", "when": {"service": ["other"]}},
    )


def region_field(description: str) -> Any:
    return Field(
        default="us-east-1",
        max_length=40,
        title="Region",
        description=description,
        json_schema_extra={"widget": "text", "card": "where"},
    )


def role_field(example: str) -> Any:
    """`example`: the last word of such a role."""
    return Field(
        default="",
        max_length=600,
        title="Role",
        description=f"The role that the keys take on, such as {_ROLES}{example}.",
        json_schema_extra={"widget": "text", "card": "sign-in", "when": {"sign_in": ["role"]}},
    )


def access_key_field(**extra: Any) -> Any:
    """`extra`: see `as_secret`."""
    return Field(
        default=None,
        title="Access key",
        description="Its id. It is changed together with the secret.",
        json_schema_extra=as_secret(**extra),
    )


class OfAmazon(ConnectionKind):
    """A service of Amazon's, or another that speaks its language. A kind declares the fields, in the order of its form."""

    if TYPE_CHECKING:
        service: str
        endpoint: str
        region: str
        tls: str
        sign_in: str
        role: str
        access_key: SecretText | None

    def region_problems(self) -> list[Problem]:
        if self.service == "amazon" and not REGION.fullmatch(self.region):
            return [self.wrong("region", "This is no region of Amazon.", fix="Write one such as eu-central-1.")]
        if self.service == "other" and not SERVICE_REGION.fullmatch(self.region):
            return [self.wrong("region", "A region has small letters, digits and -.", fix="us-east-1 where the service has none.")]
        return []

    def tls_problems(self) -> list[Problem]:
        is_open = self.service == "amazon" and self.tls == "off"
        return [self.wrong("tls", "Amazon is spoken to with TLS only.")] if is_open else []

    def role_problems(self, example: str) -> list[Problem]:
        if self.sign_in != "role" or ROLE.fullmatch(self.role):
            return []
        return [self.wrong("role", "This is no role.", fix=f"Write one such as {_ROLES}{example}.")]

    def key_shown(self) -> str:
        """The first and last signs of an access key's id, which Amazon itself shows."""
        text = self.access_key.get_secret_value() if self.access_key else ""
        return f"{text[:4]}••••{text[-4:]}" if KEY_ID.fullmatch(text) else ""

    def url(self) -> str:
        """The service's own address."""
        raise NotImplementedError

    def role_url(self) -> str:
        """Where a role is taken on."""
        return f"https://sts.{self.region}.{domain(self.region)}" if self.service == "amazon" else self.url()


def wrong_endpoint(text: str, tls: str, example: str) -> str:
    """What is wrong with a service's own address, in a sentence; nothing where nothing is."""
    if fault := web_address_fault(text, tls, example):
        return fault
    return "The address is a host and perhaps a port, with nothing behind it." if urlsplit(text).path not in ("", "/") else ""
