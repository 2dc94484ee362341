"""Why a file that begins as JSON is none, or none that holds rows, in words that name the way out."""

from __future__ import annotations

import json
import re
from typing import Any

from executor.problems import Problem, ProblemError

MOST_SIGNS = 2_000_000
_COMMA_AT_END = re.compile(r"[}\]]\s*,\s*$")
ONE_A_LINE = "Write one object on each line, without anything between them (JSON lines; for instance with “jq -c .”)"


def not_json(text: str, error: json.JSONDecodeError) -> ProblemError:
    """`error`: what Python's reader says of the text."""
    message, fix, line = _why(text[:MOST_SIGNS], error)
    return ProblemError(Problem(code="input-format", message=message, line=line, fix=fix))


def _why(text: str, error: json.JSONDecodeError) -> tuple[str, str, int]:
    line = error.lineno
    if error.msg == "Extra data":
        return _more_behind(text, error.pos, line)
    before = text[: error.pos].rstrip()
    if before.endswith(",") and text[error.pos : error.pos + 1] in ("]", "}"):
        line = before.count("\n") + 1
        return f"In line {line:,} a comma stands behind the last value, which JSON does not have.", "Take the comma out.", line
    if re.match(r"\s*(//|/\*)", text[error.pos :]):
        return f"Line {line:,} is a comment, which JSON does not have.", "Take the comments out.", line
    if text[error.pos : error.pos + 1] == "'":
        return f"In line {line:,} a text stands in single quotes; JSON has double ones.", "Write it as JSON again.", line
    if error.pos >= len(text.rstrip()):
        return f"The file is not JSON to its end: it breaks off in line {line:,}.", "Fetch or write it again.", line
    return f"The file is not JSON: it breaks in line {line:,}.", "Correct the file.", line


def _more_behind(text: str, at: int, line: int) -> tuple[str, str, int]:
    """Where a whole value has ended, and something else follows."""
    first = text[:at].rstrip()
    rest = text[at:].lstrip()
    if rest.startswith(","):
        where = first.count("\n") + 1
        return (
            f"A comma stands behind the object that ends in line {where:,}, as in a list, but the file is none.",
            "Put [ before the first object and ] behind the last one, or take the commas at the ends of lines out.",
            where,
        )
    if rest[:1] in ("{", "["):
        kinds = "lists" if first.lstrip()[:1] == "[" else "objects"
        return (
            f"Several {kinds} stand one behind the other; the second one begins in line {line:,}. A file is one of them, or one a line.",
            f"{ONE_A_LINE}, or put [ ] around all of them and commas between.",
            line,
        )
    return f"Behind the end of the JSON document something else follows in line {line:,}.", "Take out what is behind it.", line


def no_object(row: Any, number: int) -> ProblemError:
    """Of an item of the list that a file is."""
    if isinstance(row, list):
        message = "The file is a list of lists: its values have no names."
        fix = "Save it as CSV with the names in the first line, or write each row as an object with names."
    else:
        message = f"Item {number:,} of the list is not an object, but a single value."
        fix = 'Write each as an object with a name: {"value": …}; or save the values as CSV.'
    return ProblemError(Problem(code="input-format", message=message, fix=fix))
