"""Takes secrets out of text before it is stored: known values in the forms they travel in, and what looks like a credential."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "•••••"
SHORTEST = 6
"""Shorter secrets are not searched for: they would blacken ordinary words."""

PATTERNS = re.compile(
    r"(?P<key>\b(?:password|passwd|pwd|secret|api[_-]?key|access[_.-]?key|account[_.-]?key|sas[_-]?token|auth[_-]?token)\b\s*[=:]\s*)[^\s\"'\\,;&)]+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?P<user>\b[a-z][a-z0-9+.-]*://[^\s/:@\"]+:)[^\s/@\"]+(?=@)",
    re.IGNORECASE | re.DOTALL,
)
HINTS = re.compile(r"pass|pwd|secret|key|token|AKIA|ASIA|eyJ|://", re.IGNORECASE)
"""Most lines hold none of these and skip the slow search."""


class Redactor:
    """Call it with a text; it gives the text without secrets. `secrets` are the values of this run's secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = sorted({form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __call__(self, text: str) -> str:
        if self._values:
            text = self._values.sub(MASK, text)
        return PATTERNS.sub(_mask, text) if HINTS.search(text) else text


def _mask(found: re.Match[str]) -> str:
    return (found.group("key") or found.group("user") or "") + MASK


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], encoded.rstrip("=")}
