"""Events as lines: how they are cut, and the one writer of an executor's standard output."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any, TextIO

from executor.events import Event, Piece, PreviewRows, RunFinished

LONGEST_TEXT, NOTICE = 12_000, 60
"""Characters of a text that are kept, and what the notice of a cut may add: a text that was cut once is not cut again."""


def cut(value: Any) -> Any:
    """The same JSON whose texts are at most some LONGEST_TEXT characters; one that was longer says so."""
    if isinstance(value, str):
        left_out = len(value) - LONGEST_TEXT
        return value if left_out <= NOTICE else f"{value[:LONGEST_TEXT]}… ({left_out:,} more characters are not kept)"
    if isinstance(value, dict):
        return {key: cut(item) for key, item in value.items()}
    return [cut(item) for item in value] if isinstance(value, list | tuple) else value


def line_of(event: Event) -> str:
    """The event as one line, without its end."""
    return _json(event.as_dict())


ENDS_OF_LINES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}
"""Signs that end a line for some who read lines (Python's splitlines, say), and may stand in JSON as they are."""


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), default=str).translate(ENDS_OF_LINES)


class EventWriter:
    """Writes events as JSON lines, one at a time from any thread, flushed at once. After the result nothing is said.

    `fixed` keys (for instance a request's id in `serve`) are added to each line.
    """

    def __init__(self, stream: TextIO | None = None, fixed: dict[str, Any] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._fixed = fixed or {}
        self._lock = threading.Lock()
        self._is_over = False

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        with self._lock:
            if self._is_over:
                return
            self._is_over = isinstance(event, RunFinished)
            self._stream.write(line + "\n")
            self._stream.flush()

    def _line(self, event: Event) -> str:
        """Text behind LONGEST_TEXT characters stays here: a line that is cut on its way would lose its end."""
        facts = event.as_dict()
        line = _json(self._fixed | facts)
        return line if len(line) <= LONGEST_TEXT or isinstance(event, PreviewRows | Piece) else _json(self._fixed | cut(facts))

    def with_keys(self, **fixed: Any) -> EventWriter:
        """A writer on the same stream that adds `fixed` to each line."""
        other = EventWriter(self._stream, self._fixed | fixed)
        other._lock = self._lock
        return other
