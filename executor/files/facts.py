"""What an output says of itself, as far as it is believed: whoever can write where it lies can write that, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

TEXTS, NUMBERS = ("run_id", "published_at", "stage", "format"), ("rows", "files", "bytes")


def facts_in(said: Mapping[str, Any], *, texts: Collection[str] = TEXTS) -> dict[str, Any]:
    """Those of `texts` that are text, cut, and those of NUMBERS that are whole numbers."""
    facts: dict[str, Any] = {name: said[name][:100] for name in texts if isinstance(said.get(name), str)}
    return facts | {name: said[name] for name in NUMBERS if isinstance(said.get(name), int) and 0 <= said[name] < 2**53}
