"""Columns of JSON files by the keys of their first records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from executor.files import encodings
from executor.files.columns import Columns, looked_at, together, with_folders
from executor.files.folder import DataFile, Place

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
    return _keys(record for line in lines if line.strip() for record in [_parsed(line)]), is_whole


def _keys_of_document(file: DataFile) -> tuple[dict[str, str], bool]:
    head, is_whole = _head(file, LARGEST_DOCUMENT)
    content = _parsed(head) if is_whole else None
    return _keys(content if isinstance(content, list) else [content]), is_whole and content is not None


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


def _keys(records: Iterable[Any]) -> dict[str, str]:
    return together({key: _kind(value) for key, value in record.items()} for record in _objects(records))


def _objects(records: Iterable[Any]) -> Iterator[dict[str, Any]]:
    return (record for record in records if isinstance(record, dict))


def _kind(value: Any) -> str:
    if value is None:
        return ""
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "object")
