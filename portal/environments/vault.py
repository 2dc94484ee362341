"""Seals what must stay secret in the database: AES-256-GCM, bound to the place it was sealed for.

A sealed text names its key (`v1.<key id>.<nonce and ciphertext>`), so that a new SLUICE_VAULT_KEY can be set while texts sealed with
the old one (then in SLUICE_VAULT_OLD_KEYS) stay readable. `context` says whose secret it is, for instance `flights/channel/ops`;
a text moved to another row does not open there.
"""

from __future__ import annotations

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from portal.errors import PortalError

VERSION = "v1"
NONCE_BYTES = 12


class Sealed(PortalError):
    """It cannot be opened: another key, another place, or changed."""

    status = 500
    code = "cannot-unseal"


def seal(text: str, *, context: str) -> str:
    """The sealed text; sealing the same text twice gives two different ones."""
    key = _key(settings.VAULT_KEY)
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _bound_to(context))
    return f"{VERSION}.{_id_of(key)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, context: str) -> str:
    """The text again. Raises Sealed when it was sealed for another context, changed, or its key is gone."""
    try:
        version, key_id, content = sealed.split(".")
        raw = base64.urlsafe_b64decode(content)
    except ValueError:
        raise Sealed("A stored secret is damaged.", fix="Enter it again.") from None
    key = _known_keys().get(key_id)
    if version != VERSION or key is None:
        raise Sealed(
            f"A stored secret was sealed with the key {key_id}, which is not here.",
            fix="Put it into SLUICE_VAULT_OLD_KEYS, or enter the secret again.",
        )
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound_to(context)).decode()
    except InvalidTag:
        raise Sealed("A stored secret does not belong where it was found, or was changed.", fix="Enter it again.") from None


def needs_resealing(sealed: str) -> bool:
    """True when it was not sealed with the present key."""
    return sealed.split(".")[1:2] != [_id_of(_key(settings.VAULT_KEY))]


def _known_keys() -> dict[str, bytes]:
    keys = [_key(text) for text in (settings.VAULT_KEY, *settings.VAULT_OLD_KEYS)]
    return {_id_of(key): key for key in keys}


def _key(text: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sluice vault v1").derive(text.encode())


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"id" + key).hexdigest()[:8]


def _bound_to(context: str) -> bytes:
    return f"sluice {VERSION} {context}".encode()
