"""Takes secrets out of text before it is stored: known values in the forms they travel in, and what looks like a credential."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from ahocorasick_rs import AhoCorasick

from executor.events import BY_NAME, LEVELS
from executor.stages import STAGE_TYPES
from portal.runs.secret_forms import forms_of
from portal.runs.states import RunState

MASK = "•••••"
SHORTEST = 6
"""Shorter texts are not searched for: they would blacken ordinary words."""
LONG, EVERY = 16, 8
"""LONG: so many characters out of the middle of a secret are hidden, too, where they are half of it or stand at a line's border."""

PATTERNS = re.compile(
    r"(?P<key>\b(?:password|passwd|pwd|secret|api[_-]?key|access[_.-]?key|account[_.-]?key|sas[_-]?token|auth[_-]?token)\b\s*[=:]\s*)[^\s\"'\\,;&)]+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{20,}"  # what AWS gives for some time to who takes on a role
    r"|\bhvs\.[A-Za-z0-9_-]{20,}"  # HashiCorp Vault's
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?P<user>\b[a-z][a-z0-9+.-]*://[^\s/:@\"]+:)[^\s/@\"]+(?=@)",
    re.IGNORECASE | re.DOTALL,
)
CUT = re.compile(r"… \([\d,]+ more characters are not kept\)\Z")
HINTS = ("pass", "pwd", "secret", "key", "token", "akia", "asia", "fwog", "iqoj", "hvs.", "eyj", "://")
"""Most lines hold none of these and skip the slow search."""
NOTICE_ENDS = "more characters are not kept)"
DOTS = r"…|\.{2,}"
"""How programs mark that they have cut a value, also in the middle of a sentence."""
BEFORE_LINE = re.compile(rf"(?:^|[\r\n]|\\[rn]|{DOTS})[\s\"'“‘]*\Z")
AFTER_LINE = re.compile(rf"[\s\"'”’]*(?:\Z|[\r\n]|\\[rn]|{DOTS})")


class Redactor:
    """Call it with a text; it gives the text without secrets. `secrets` are the values of this run's secrets.

    They are found as they are and in the forms in which they travel (`secret_forms`), one inside another and overlapping, also inside
    other text that is encoded, and where a text or a line begins or ends in the middle of one, or dots say that it is cut there: a long
    line is cut, a value may be printed over several lines, and many a program quotes no more than the first characters."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in forms_of(secret) if len(form) >= SHORTEST}
        self._search = Search(forms) if forms else None

    def __call__(self, text: str) -> str:
        text = self.known(text)
        return PATTERNS.sub(_mask, text) if _hints_at_one(text) else text

    def known(self, text: str) -> str:
        """The text without this run's secrets; what only looks like a credential stays."""
        if self._search is None:
            return text
        notice = CUT.search(text) if text.endswith(NOTICE_ENDS) else None
        said, rest = (text[: notice.start()], notice.group()) if notice else (text, "")
        spans = self._search(said)
        return _masked(said, spans) + rest if spans else text

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
        return self._search is not None


class Search:
    """Finds texts, and what is left of them where a line was cut or broken: one pass over the text, however many texts there are.

    Pieces of SHORTEST characters of each text, at every EVERY-th place and at its end, are looked for by Aho and Corasick's automaton.
    Where one is met, what stands around it is compared with the text that it is from."""

    def __init__(self, texts: Collection[str]) -> None:
        self._texts = sorted(texts)
        pieces: dict[str, list[tuple[int, int]]] = {}
        for number, text in enumerate(self._texts):
            for place in {*range(0, len(text) - SHORTEST, EVERY), len(text) - SHORTEST}:
                pieces.setdefault(text[place : place + SHORTEST], []).append((number, place))
        self._where = list(pieces.values())
        self._automaton = AhoCorasick(list(pieces), store_patterns=False)

    def __call__(self, said: str) -> list[tuple[int, int]]:
        """From where to where in `said`, in order, none touching another."""
        met = self._automaton.find_matches_as_indexes(said, overlapping=True)
        return _joined(self._told(said, met)) if met else []

    def _told(self, said: str, met: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
        seen: dict[tuple[int, int], int] = {}
        for piece, at, _ in met:
            for number, place in self._where[piece]:
                begin = at - place  # of the whole text, perhaps before that of `said`
                if at >= seen.get((number, begin), 0):
                    first, last = _common(said, self._texts[number], begin, at)
                    seen[number, begin] = last
                    if _tells(said, self._texts[number], begin, first, last):
                        yield first, last


def _common(said: str, text: str, begin: int, at: int) -> tuple[int, int]:
    """How far `said` and `text`, laid on it from `begin` on, are the same around `at`."""
    if begin >= 0 and said.startswith(text, begin):
        return begin, begin + len(text)
    first, last = at, at + SHORTEST
    while first > max(begin, 0) and said[first - 1] == text[first - 1 - begin]:
        first -= 1
    while last < min(begin + len(text), len(said)) and said[last] == text[last - begin]:
        last += 1
    return first, last


def _tells(said: str, text: str, begin: int, first: int, last: int) -> bool:
    """Whether this part is the whole text, the rest of one that the border of a line has cut, or so much that it is no chance."""
    length, is_first, is_last = last - first, first == begin, last == begin + len(text)
    if is_first and is_last:
        return True
    at_start, at_end = BEFORE_LINE.search(said, max(0, first - 20), first), AFTER_LINE.match(said, last)
    if length >= LONG and (at_start or at_end or 2 * length >= len(text)):
        return True
    return bool((at_start and is_last) or (is_first and at_end))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    shown, place = [], 0
    for first, last in spans:
        shown += [text[place:first], MASK]
        place = last
    return "".join([*shown, text[place:]])


def _hints_at_one(text: str) -> bool:
    small = text.lower()
    return any(hint in small for hint in HINTS)


@cache
def _ours() -> frozenset[str]:
    """Words by which events are told apart."""
    kinds = [word for name, stage in STAGE_TYPES.items() for word in (name, stage.kind)]
    known = [field.name for event in BY_NAME.values() for field in fields(event)]
    return frozenset([*BY_NAME, *LEVELS, *known, *kinds, *RunState.values, "type", "index", "name", "kind"])


def _mask(found: re.Match[str]) -> str:
    return (found.group("key") or found.group("user") or "") + MASK
