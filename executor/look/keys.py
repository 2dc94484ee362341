"""Columns of JSON files by the keys of their first records."""

from __future__ import annotations

import json
from typing import Any

from executor.files import encodings
from executor.files.columns import Columns, looked_at, together, with_folders
from executor.files.folder import DataFile, Place
from executor.problems import Problem, ProblemError

HEAD_BYTES, LARGEST_DOCUMENT = 262_144, 4_000_000
"""So much of a file of lines is looked at; a document that is larger is not."""
_KINDS: tuple[tuple[type, str], ...] = ((bool, "true or false"), (int, "number"), (float, "number"), (str, "text"), (list, "list"))


def columns_by_keys(place: Place, *, is_lines: bool) -> Columns:
    """Every key that was met, with the kind of its values; "" where there was none but null."""
    columns, told = looked_at(place, _keys_of_lines if is_lines else _keys_of_document)
    columns.columns = together(keys for keys, _ in told)
    columns.is_whole = columns.is_whole and all(is_whole for _, is_whole in told)
    return with_folders(columns, place)


def _keys_of_lines(file: DataFile) -> tuple[dict[str, str], bool]:
    head, is_whole = _head(file, HEAD_BYTES)
    lines = head.split(b"\n") if is_whole else head.split(b"\n")[:-1]
    return _keys([_parsed(line) for line in lines if line.strip()], file), is_whole


def _keys_of_document(file: DataFile) -> tuple[dict[str, str], bool]:
    head, is_whole = _head(file, LARGEST_DOCUMENT)
    if not is_whole:
        return {}, False
    content = _parsed(head)
    return _keys(content if isinstance(content, list) else [content], file), True


def _head(file: DataFile, size: int) -> tuple[bytes, bool]:
    try:
        head = encodings.head_of(file.path, size + 1)
    except encodings.BrokenPack:
        return b"", False
    return head[:size], len(head) <= size


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _keys(records: list[Any], file: DataFile) -> dict[str, str]:
    found = [record for record in records if isinstance(record, dict)]
    if records and not found:
        message = f"“{file.name}”: No record in it is JSON as the stage reads it."
        fix = "Look at the file, and at “One document per file” (multiLine)."
        raise ProblemError(Problem(code="input-format", field="inputURI", message=message, file=file.name, expected="JSON", fix=fix))
    return together({key: _kind(value) for key, value in record.items()} for record in found)


def _kind(value: Any) -> str:
    if value is None:
        return ""
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "object")
