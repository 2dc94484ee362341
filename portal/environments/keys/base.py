"""What a key of the ring can do: wrap the data key of one secret, and unwrap it again at the same place."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

from portal.errors import PortalError


class KeyFailed(PortalError):
    """The key cannot be used now, or not for this."""

    status = 503
    code = "key-failed"


class Key(ABC):
    """`id`: 8 signs that tell it from other keys and nothing about it; they stand in every text that it has sealed."""

    id: str
    title: str
    """What it is, for the system's page."""

    @abstractmethod
    def new_data_key(self, context: str) -> tuple[bytes, bytes]:
        """32 random bytes, and the same wrapped for this place. Raises KeyFailed."""

    @abstractmethod
    def unwrapped(self, wrapped: bytes, context: str) -> bytes:
        """The data key again. Raises KeyFailed; ValueError where it was wrapped for another place, or changed."""

    def weakness(self) -> str:
        """A sentence when it should not be used; else empty."""
        return ""


def id_of(what: bytes) -> str:
    return hashlib.sha256(b"id" + what).hexdigest()[:8]
