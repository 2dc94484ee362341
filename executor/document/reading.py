"""From text to a JSON object, with an error that a person can act on for everything that can be wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from executor.language import json_text
from executor.plain import shown
from executor.problems import Problem, ProblemError

MAX_BYTES = 1_000_000


class _Twice(ValueError):
    pass


def read_document(document: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    """The document as a JSON object. Raises ProblemError: too large, not UTF-8, not JSON, a key twice, not an object."""
    if isinstance(document, Mapping):
        _require_shallow(document)
        _refuse_large(_size(document))
        return dict(document)
    text = _decoded(document)
    try:
        content = json_text.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ProblemError(_not_json(error, text)) from None
    except _Twice as error:
        raise ProblemError(
            Problem(code="key-twice", message=f"The key “{error}” stands twice in one object.", fix="Take one of them out.")
        ) from None
    except json_text.TooDeep:
        raise _too_deep() from None
    except ValueError as error:
        raise ProblemError(Problem(code="not-json", message="The document is not JSON.", found=str(error)[:100], expected="JSON")) from None
    if not isinstance(content, dict):
        raise ProblemError(
            Problem(code="not-an-object", message="The document is JSON, but not a job.", found=shown(content), expected='{"stages": […]}')
        )
    if "\\u" in text:
        _size(content)
    return content


def _require_shallow(content: Mapping[str, Any]) -> None:
    try:
        json_text.require_shallow(dict(content))
    except json_text.TooDeep:
        raise _too_deep() from None


def _too_deep() -> ProblemError:
    return ProblemError(Problem(code="document-too-deep", message="The document is nested too deeply.", expected="a list of stages"))


def _size(content: Mapping[str, Any]) -> int:
    """Bytes of the content as JSON. Raises ProblemError for half of a character, which no file or database can hold."""
    try:
        return len(json.dumps(content, ensure_ascii=False, default=str).encode())
    except UnicodeEncodeError as error:
        found = f"\\u{ord(error.object[error.start]):04x} alone"
        problem = Problem(
            code="half-character", message="The document holds half of a character.", found=found, fix="Write the character itself."
        )
        raise ProblemError(problem) from None


def _decoded(document: str | bytes) -> str:
    _refuse_large(len(document))
    text = _from_utf8(document) if isinstance(document, bytes) else document
    if not text.strip():
        raise ProblemError(Problem(code="document-empty", message="The document is empty.", expected='{"stages": […]}'))
    return text.removeprefix("\ufeff")


def _from_utf8(document: bytes) -> str:
    try:
        return document.decode("utf-8")
    except UnicodeDecodeError as error:
        line = document.count(b"\n", 0, error.start) + 1
        found = f"the byte {document[error.start]:#04x}"
        problem = Problem(
            code="not-utf8", message="The document is not UTF-8 text.", line=line, found=found, expected="UTF-8", fix="Save it as UTF-8."
        )
        raise ProblemError(problem) from None


def _refuse_large(size: int) -> None:
    if size > MAX_BYTES:
        raise ProblemError(
            Problem(
                code="document-too-large",
                message="The document is too large.",
                found=f"{size / 1_000_000:,.1f} MB",
                expected="at most 1 MB",
                fix="Keep data in files, not in the document; split the job into several.",
            )
        )


def _not_json(error: json.JSONDecodeError, text: str) -> Problem:
    found = text[error.pos : error.pos + 20].splitlines()
    reason = error.msg.split(":")[0]
    return Problem(
        code="not-json",
        message="The document is not JSON.",
        line=error.lineno,
        column=error.colno,
        found=f"“{found[0]}”" if found and found[0] else "the end of the text" if error.pos >= len(text) else "the end of the line",
        expected='{"stages": […]}' if not text[: error.pos].strip() else _EXPECTED.get(reason, error.msg),
        fix=_fix(reason, text, error.pos),
    )


def _fix(reason: str, text: str, position: int) -> str:
    if not text[position:].strip():
        return "The text ends too early: add what is missing, such as the closing brackets."
    if not text[:position].strip():
        return "A job begins with {. Check that this is the right file."
    if text[position] in "]}":
        return _BRACKET_FIXES.get(text[:position].rstrip()[-1], "Put the bracket that fits: { is closed by }, [ by ].")
    return _FIXES.get(reason, "Correct the text at this place.")


_EXPECTED = {
    "Expecting ',' delimiter": "a comma, or the closing bracket",
    "Expecting '": "a colon",
    "Expecting property name enclosed in double quotes": "a name in double quotes",
    "Expecting value": "a value",
    "Extra data": "nothing after the document's end",
    "Unterminated string starting at": "a closing quote",
    "Invalid control character at": "\\n in place of a line break inside a text",
    "Illegal trailing comma before end of object": "no comma before the closing bracket",
    "Illegal trailing comma before end of array": "no comma before the closing bracket",
}
_FIXES = {
    "Expecting property name enclosed in double quotes": "Put the name in double quotes, or take out the comma before the closing bracket.",
    "Expecting ',' delimiter": "Put a comma between the two values.",
    "Expecting '": "Put a colon between the name and its value.",
    "Extra data": "Take out what follows.",
}
_BRACKET_FIXES = {",": "Take out the comma before it.", ":": "Write a value after the colon."}


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        raise _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return content


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")
