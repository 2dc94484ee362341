"""Seals what must stay secret in the database: each with a data key of its own (AES-256-GCM), which a key of the ring wraps.

A sealed text names its key (`v2.<key id>.<wrapped data key>.<nonce and ciphertext>`), so that a new key can be set while texts sealed with
those before stay readable (`keys`). `context` says whose secret it is, for instance `flights/channel/ops`; a text moved to another row does
not open there. Texts of before there were data keys (`v1.<key id>.<nonce and ciphertext>`) open, too.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.environments.keys import Key, LocalKey, ring
from portal.errors import PortalError

VERSION, BEFORE = "v2", "v1"
NONCE_BYTES = 12


class Sealed(PortalError):
    """It cannot be opened: another key, another place, or changed."""

    status = 500
    code = "cannot-unseal"


def seal(text: str, *, context: str) -> str:
    """The sealed text; sealing the same text twice gives two different ones. Raises KeyFailed."""
    key = ring().active
    data_key, wrapped = key.new_data_key(context)
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(data_key).encrypt(nonce, text.encode(), _bound_to(context))
    return f"{prefix_of(key)}{_as_text(wrapped)}.{_as_text(nonce + sealed)}"


def unseal(sealed: str, *, context: str) -> str:
    """The text again. Raises Sealed when it was sealed for another context, changed, or its key is gone; KeyFailed."""
    try:
        version, key_id, *parts = sealed.split(".")
        raw = [base64.b64decode(part, altchars=b"-_", validate=True) for part in parts]
        if len(raw) != {VERSION: 2, BEFORE: 1}[version]:
            raise ValueError
    except (ValueError, KeyError):
        raise Sealed("A stored secret is damaged.", fix="Enter it again.") from None
    key = ring().by_id.get(key_id)
    if key is None:
        raise Sealed(
            f"A stored secret was sealed with the key {key_id}, which is not here.",
            fix="Put that key back beside the present one (SLUICE_VAULT_OLD_KEYS), or enter the secret again.",
        )
    try:
        return (_opened_v1 if version == BEFORE else _opened)(key, raw, context).decode()
    except (InvalidTag, ValueError):
        raise Sealed("A stored secret does not belong where it was found, or was changed.", fix="Enter it again.") from None


def key_id_of(sealed: str) -> str:
    """Which key has sealed it."""
    return sealed.split(".")[1] if sealed.count(".") > 1 else ""


def prefix_of(key: Key) -> str:
    """How everything begins that the key seals now."""
    return f"{VERSION}.{key.id}."


def _opened(key: Key, raw: list[bytes], context: str) -> bytes:
    wrapped, content = raw
    return AESGCM(key.unwrapped(wrapped, context)).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _bound_to(context))


def _opened_v1(key: Key, raw: list[bytes], context: str) -> bytes:
    if not isinstance(key, LocalKey):
        raise ValueError("KMS has sealed nothing then")
    return key.opened_v1(raw[0], context)


def _bound_to(context: str) -> bytes:
    return f"sluice {VERSION} {context}".encode()


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
