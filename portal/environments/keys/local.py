"""A key that Sluice has itself: random signs in a file or a setting."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.environments.keys.base import Key, id_of

NONCE_BYTES, DATA_KEY_BYTES = 12, 32
SHORTEST = 32
"""Characters of a key that nobody guesses. Shorter ones work, and the system's page says so."""


class LocalKey(Key):
    """AES-256-GCM with a key made of the text."""

    title = "in Sluice's keeping"

    def __init__(self, text: str) -> None:
        self._raw = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sluice vault v1").derive(text.encode())
        self._is_short = len(text) < SHORTEST
        self.id = id_of(self._raw)

    def new_data_key(self, context: str) -> tuple[bytes, bytes]:
        data_key, nonce = os.urandom(DATA_KEY_BYTES), os.urandom(NONCE_BYTES)
        return data_key, nonce + AESGCM(self._raw).encrypt(nonce, data_key, _bound_to(context))

    def unwrapped(self, wrapped: bytes, context: str) -> bytes:
        return self._opened(wrapped, _bound_to(context))

    def opened_v1(self, content: bytes, context: str) -> bytes:
        """What was sealed before each secret had a data key of its own."""
        return self._opened(content, f"sluice v1 {context}".encode())

    def weakness(self) -> str:
        return f"It has fewer than {SHORTEST} characters, so it could be guessed." if self._is_short else ""

    def _opened(self, sealed: bytes, bound_to: bytes) -> bytes:
        try:
            return AESGCM(self._raw).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise ValueError("sealed for another place, or changed") from None


def _bound_to(context: str) -> bytes:
    return f"sluice v2 data key {context}".encode()
