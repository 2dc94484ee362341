"""Rows of JSON that sum up the others, as `executor.files.subtotals` finds them in text: read as data, they make wrong sums."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from executor.files import encodings
from executor.files.folder import DataFile
from executor.files.grouped_rows import summed_up, totals
from executor.files.headers import in_quotes
from executor.files.subtotals import MOST_SUMMED
from executor.files.total_words import is_no_total
from executor.problems import Problem

MOST_FILES = 50


def totals_in_json(files: Sequence[DataFile], *, is_lines: bool) -> Problem | None:
    """A warning for the first of the files in which some objects look like totals of the others; longer files are left alone."""
    for file in files[:MOST_FILES]:
        records = _records(file, is_lines=is_lines)
        found = _found(file, records) if len(records) > 1 else None
        if found:
            return found
    return None


def cells_of(records: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Names of the keys, and each record as the texts of its values; what has parts is empty."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, [[_cell(record.get(name)) for name in names] for record in records]


def _cell(value: Any) -> str:
    return "" if value is None or isinstance(value, bool | dict | list) else str(value)


def _records(file: DataFile, *, is_lines: bool) -> list[dict[str, Any]]:
    """The objects in the file, or in the one list of its one object; nothing where the file is long or not read so."""
    try:
        text = ""
        for block in encodings.text_blocks(file.path, "UTF-8"):
            text += block
            if len(text) > MOST_SUMMED:
                return []
        if is_lines:
            found: Any = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            found = json.loads(text)
    except (ValueError, RecursionError, OSError, encodings.NotThatEncoding, encodings.HoldsNul, encodings.BrokenPack):
        return []  # how it is read, and what is wrong with it, others say
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list) and value]
        found = lists[0] if len(lists) == 1 else []
    return found if all(isinstance(record, dict) for record in found) else []


def _found(file: DataFile, records: Sequence[dict[str, Any]]) -> Problem | None:
    names, rows = cells_of(records)
    for one in totals(rows, len(names)):
        words = " or ".join(f"“{word}”" if word else "nothing" for word in one.words[:3])
        count, name = len(one.rows), names[one.column]
        are = "object says" if count == 1 else "objects say"
        return Problem(
            code="input-totals-among-rows",
            field="totals",
            message=f"{count:,} {are} {words} in “{name}”, where the others name one of several: they look like totals of the others, and "
            "sums count them once more.",
            row=one.rows[0] + 1,
            file=file.name,
            data_column=name,
            fix=f"Leave them out in a query: WHERE {is_no_total(name, one.words)}. "
            "When that is done, or when they are no totals, set “Totals among the rows” (totals) to known.",
        )
    last = summed_up(rows, len(names))
    if not last:
        return None
    return Problem(
        code="input-totals-among-rows",
        field="totals",
        message=f"The last object of “{file.name}” holds the sum of all others in {in_quotes([names[index] for index in last])}: it looks "
        "like a total, and is read as data.",
        row=len(rows),
        file=file.name,
        fix="Leave it out in a query (WHERE). When that is done, or when it is no total, set “Totals among the rows” (totals) to known.",
    )
