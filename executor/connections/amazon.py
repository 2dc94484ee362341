"""What connections to services of Amazon have in common."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import SecretStr

from executor.connections.base import web_address_fault

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
"""An access key's id at Amazon. What looks otherwise may be the secret, put into the wrong field."""
SERVICE_REGION = re.compile(r"[a-z0-9-]{1,40}")


def domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def key_shown(key: SecretStr | None) -> str:
    """The first and last signs of an access key's id, which Amazon itself shows."""
    text = key.get_secret_value() if key else ""
    return f"{text[:4]}••••{text[-4:]}" if KEY_ID.fullmatch(text) else ""


def wrong_endpoint(text: str, tls: str, example: str) -> str:
    """What is wrong with a service's own address, in a sentence; nothing where nothing is."""
    if fault := web_address_fault(text, tls, example):
        return fault
    return "The address is a host and perhaps a port, with nothing behind it." if urlsplit(text).path not in ("", "/") else ""
