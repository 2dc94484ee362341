"""JSON that somebody else wrote, read so that whatever comes is a value or a ValueError."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 100
"""Lists and objects in each other. No document or message needs a tenth of it, and whoever walks through a value must come to its end."""


class TooDeep(ValueError):
    """It is nested more than DEEPEST times."""


def loads(text: str | bytes, **options: Any) -> Any:
    """As `json.loads` with these options. Raises ValueError for all that is no JSON, TooDeep for what is nested without end."""
    try:
        value = json.loads(text, **options)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    require_shallow(value)
    return value


def require_shallow(value: Any) -> None:
    """Raises TooDeep when lists and objects are nested more than DEEPEST times."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, list | dict)]:
        depth += 1
        if depth > DEEPEST:
            raise TooDeep("nested too deeply")
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
