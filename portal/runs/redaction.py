"""Takes secrets out of text before it is stored: known values in the forms they travel in, and what looks like a credential."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

from executor.events import BY_NAME, LEVELS
from executor.stages import STAGE_TYPES
from portal.runs.states import RunState

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
CUT = re.compile(r"… \([\d,]+ more characters are not kept\)\Z")
HINTS = re.compile(r"pass|pwd|secret|key|token|AKIA|ASIA|eyJ|://", re.IGNORECASE)
"""Most lines hold none of these and skip the slow search."""


class Redactor:
    """Call it with a text; it gives the text without secrets. `secrets` are the values of this run's secrets.

    They are found as they are and in the forms in which they travel, also inside other text that is encoded, and where a text begins or
    ends in the middle of one: a long line is cut, and a value may be printed over two lines."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        self._forms = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None

    def __call__(self, text: str) -> str:
        text = self.known(text)
        return PATTERNS.sub(_mask, text) if HINTS.search(text) else text

    def known(self, text: str) -> str:
        """The text without this run's secrets; what only looks like a credential stays."""
        if self._values is None:
            return text
        return self._without_ends(self._values.sub(MASK, text))

    def json(self, value: Any, *, only_known: bool = False) -> Any:
        """The same JSON with every text in it redacted, keys too. A text that is a word of ours tells nothing and stays, so that no secret
        can make an event unreadable."""
        if isinstance(value, str):
            return value if value in _ours() else self.known(value) if only_known else self(value)
        if isinstance(value, dict):
            return {self.json(key, only_known=only_known): self.json(item, only_known=only_known) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item, only_known=only_known) for item in value]
        return value

    @property
    def knows_secrets(self) -> bool:
        return self._values is not None

    def _without_ends(self, text: str) -> str:
        """Without a secret's beginning at the end of the text (before a notice that it was cut), or its end at the beginning."""
        notice = CUT.search(text)
        text, rest = (text[: notice.start()], notice.group()) if notice else (text, "")
        for form in self._forms:
            if size := _overlap(text, form):
                text = text[:-size] + MASK
            if size := _overlap(text[::-1], form[::-1]):
                text = MASK + text[size:]
        return text + rest


def _overlap(text: str, form: str) -> int:
    """Length of the longest beginning of `form`, of SHORTEST characters or more, that `text` ends with."""
    tail = text[-SHORTEST:]
    place = form.rfind(tail) if len(tail) == SHORTEST else -1
    while place >= 0:
        if text.endswith(form[: place + SHORTEST]):
            return place + SHORTEST
        place = form.rfind(tail, 0, place + SHORTEST - 1)
    return 0


@cache
def _ours() -> frozenset[str]:
    """Words by which events are told apart."""
    kinds = [word for name, stage in STAGE_TYPES.items() for word in (name, stage.kind)]
    known = [field.name for event in BY_NAME.values() for field in fields(event)]
    return frozenset([*BY_NAME, *LEVELS, *known, *kinds, *RunState.values, "type", "index", "name", "kind"])


def _mask(found: re.Match[str]) -> str:
    return (found.group("key") or found.group("user") or "") + MASK


def _parts(secret: str) -> list[str]:
    """The secret, and its lines: a key of several lines is printed line by line."""
    return [secret, *(line.strip() for line in secret.splitlines())] if "\n" in secret else [secret, secret.strip()]


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    quoted = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    forms = {secret, *quoted, *(json.dumps(one)[1:-1] for one in quoted), html.escape(secret), raw.hex(), raw.hex().upper()}
    for escaped in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        forms |= {escaped, re.sub("%[0-9A-F]{2}", lambda sign: sign.group().lower(), escaped)}
    for start in range(3):
        whole = _base64_inside(raw, start)
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return forms


def _base64_inside(raw: bytes, start: int) -> str:
    """The part of a base64 text that tells of `raw` alone, when it begins at byte `start` of a group of three."""
    encoded = base64.b64encode(b"\0" * start + raw).decode().rstrip("=")
    begin = (0, 2, 3)[start]
    return encoded[begin : len(encoded) - (1 if (start + len(raw)) % 3 else 0)]
