"""What a check that failed says, for readers who may not see data: those parts of its message that its query holds as they are.

The message is an answer of Spark's and may quote any value. What somebody wrote into the query is no value: it stands in the document.
"""

from __future__ import annotations

import re
from typing import Any

from executor.language import json_text
from executor.language.sql_text import STRING, spans
from executor.problems import Problem

HIDDEN = "…"
"""Stands where the message holds something that is not in the query."""
LONGEST = 300
_PARAMETER = re.compile(r"\$\{[^}]*\}")
_TELLS = re.compile(r"[^\W\d_]{3,}")
"""At least a word, which must stand in the message as one: single signs would spell out anything."""


def said_by_check(problem: Problem, document: str) -> str:
    """`… days with a negative count`; empty where nothing of it may be said."""
    said = str(problem.found or "")
    if problem.code != "check-failed" or not said:
        return ""
    texts = sorted({part for sql in _queries(problem, document) for part in _texts_in(sql)}, key=len, reverse=True)
    if not texts:
        return ""
    known = re.compile("|".join(map(_as_words, texts)))
    parts, at = [], 0
    for found in known.finditer(said):
        parts += [HIDDEN] * (found.start() > at) + [found.group()]
        at = found.end()
    if not parts:
        return ""
    text = "".join([*parts, *[HIDDEN] * (at < len(said))])
    return text if len(text) <= LONGEST else text[:LONGEST] + HIDDEN


def _queries(problem: Problem, document: str) -> list[str]:
    """The text of the check, where the document holds it."""
    try:
        stages: Any = json_text.loads(document)["stages"]
        stage = stages[problem.stage_index]
    except (ValueError, KeyError, TypeError, IndexError):
        return []
    return [sql] if isinstance(stage, dict) and isinstance(sql := stage.get("sql"), str) else []


def _as_words(text: str) -> str:
    """A pattern of the text, no part of a longer word."""
    before, after = (r"(?<!\w)" if text[0].isalnum() else ""), (r"(?!\w)" if text[-1].isalnum() else "")
    return before + re.escape(text) + after


def _texts_in(sql: str) -> list[str]:
    """The texts of a query, in parts where parameters or escapes stand between them."""
    inside = [sql[span.start + 1 : span.end - 1] for span in spans(sql) if span.kind == STRING and span.closed]
    return [part for text in inside for part in re.split(rf"{_PARAMETER.pattern}|\\.", text) if _TELLS.search(part)]
