"""The key ring: the key that seals, and those before it, which still open what they have sealed.

It is read anew each time: a key that `manage.py vault_keys` puts into its file is used by every program of Sluice from that moment on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from portal.environments.keys.base import Key, KeyFailed
from portal.environments.keys.kms import KmsKey
from portal.environments.keys.local import LocalKey

__all__ = ["Key", "KeyFailed", "KmsKey", "LocalKey", "Ring", "key_of", "ring"]

PUT_BACK = "Whoever runs Sluice puts it back (secrets/vault in its home): without it no stored secret opens."


@dataclass(frozen=True)
class Ring:
    """`older` are kept for what they have sealed."""

    active: Key
    older: tuple[Key, ...]

    @property
    def by_id(self) -> Mapping[str, Key]:
        return {key.id: key for key in (*self.older, self.active)}


def ring() -> Ring:
    """The keys as they are set now. Raises KeyFailed where there are none."""
    texts = [settings.VAULT_KEY] if settings.VAULT_KEY else lines_of(settings.VAULT_KEYS_FILE)
    active, *older = map(key_of, [*texts, *settings.VAULT_OLD_KEYS])
    return Ring(active, tuple(older))


def key_of(text: str) -> Key:
    """The key that a setting or a line of the file names: kms:<its ARN>, or random signs that are the key themselves."""
    return KmsKey(text.removeprefix(KmsKey.prefix)) if text.startswith(KmsKey.prefix) else LocalKey(text)


def lines_of(path: Path) -> list[str]:
    """The keys of the file, the active one first. Raises KeyFailed where there are none."""
    try:
        found = [line for line in map(str.strip, path.read_text("utf-8").splitlines()) if line]
    except OSError as error:
        raise KeyFailed(f"The file of the vault's keys cannot be read ({error.strerror}).", fix=PUT_BACK) from None
    if not found:
        raise KeyFailed("The file of the vault's keys is empty.", fix=PUT_BACK)
    return found
