"""Columns of which a job makes numbers: a stage that takes signs out of a text does not see that the next one reads it as a number."""

from __future__ import annotations

import re
from collections.abc import Iterable

from executor.stages.base import Stage

_TYPES = r"(?:tinyint|byte|smallint|short|int|integer|bigint|long|float|real|double|dec|decimal|numeric)\b"
_COLUMN = r"(?:\w*+(?<=trim)\s*+\(\s*+)?([\w.`]++)(?:\s*+\))?"
_READ = re.compile(
    rf"\b(?:try_)?cast\s*+\(\s*+{_COLUMN}\s++as\s++{_TYPES}|(?<![\w.`]){_COLUMN}\s*+::\s*+{_TYPES}"
    rf"|\b(?:{_TYPES}|(?:try_)?to_number|sum|avg)\s*+\(\s*+{_COLUMN}\s*+[,)]",
    re.IGNORECASE,
)
"""Goes back over nothing that it has read: a text of 100,000 letters kept it busy for minutes otherwise."""


def made_numbers(stages: Iterable[Stage]) -> set[str]:
    """Their names, as typing and SQL have them. Of SQL only its words are looked at: a name too many finds rows, or does not."""
    found = set[str]()
    for stage in stages:
        found |= stage.made_numbers()
        for match in (match for query in stage.queries() for match in _READ.finditer(query.text or "")):
            found.add(next(filter(None, match.groups())).rpartition(".")[2].strip("`"))
    return found
