"""Rows between others that sum them up, as reports have them for people. Read as data, they are counted once more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from executor.files import encodings
from executor.files.dialect import BLANKS, Record, record_at
from executor.files.headers import listed
from executor.problems import Problem

if TYPE_CHECKING:
    from executor.files.delimited import SeenFile, TextRules

MOST_SIGNS = 2_000_000
"""Reports that people sum up are short; longer files, and what is behind so many signs of a folder, are not looked through."""
_WORDS = re.compile(
    r"\W*(?:(?:sub|grand)[\s-]*)?(?:total|totals|totaal|totale|totaux)\b|\W*(?:zwischen|teil|gesamt)?summe\b|\W*(?:sous-total|suma|somme|sum)\b"
    r"|.{1,60}[\s-](?:sub)?(?:total|totals|summe|gesamt)\W*$",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"tota[alu]|sum[am]|somme|\bsum\b|gesamt", re.IGNORECASE)
_NUMBER = re.compile(r"\d")
NEARLY_ALL = 0.9


def subtotals(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """A warning where rows between others are called totals and name nothing in columns that the other rows fill."""
    count, first, left = 0, None, MOST_SIGNS
    for one in seen:
        text = _text(one, left)
        left -= len(text)
        if _MAYBE.search(text):
            found = _in_between(one, text, rules)
            count += len(found)
            first = first or (one, *found[0]) if found else first
    return _told(count, *first) if first else None


def _text(one: SeenFile, most: int) -> str:
    text = ""
    for block in encodings.text_blocks(one.file.path, one.encoding):
        text += block
        if len(text) > most:
            return ""
    return text


def _in_between(one: SeenFile, text: str, rules: TextRules) -> list[tuple[int, list[str]]]:
    """Their lines and values. The last row is none of them: totals at the end are told on their own."""
    rows = list(_rows(one, text, rules))
    rows = rows[: len(rows) - max(rules.skip_last_lines, 1)]
    sums = [row for row in rows if _is_named_so(row[1])]
    others = [cells for _, cells in rows if not _is_named_so(cells)]
    if not sums or len(others) < 2 * len(sums):
        return []
    filled = [sum(index < len(cells) and bool(cells[index].strip()) for cells in others) for index in range(one.look.width)]
    usual = {index for index, number in enumerate(filled) if number >= NEARLY_ALL * len(others)}
    return [(line, cells) for line, cells in sums if any(index >= len(cells) or not cells[index].strip() for index in usual)]


def _rows(one: SeenFile, text: str, rules: TextRules) -> Iterator[tuple[int, list[str]]]:
    dialect = rules.dialect(one.escape.sign or "", as_stream=one.as_stream)
    at, line, is_names = 0, 1, rules.header
    while at < len(text):
        record: Record = record_at(text, at, dialect)
        written, begin = text[at : record.end], line
        at = record.end
        line += written.count("\n") or written.count("\r")
        is_row = written.strip(BLANKS) and begin > rules.skip_lines and not (rules.comment and written.startswith(rules.comment))
        if is_row and not is_names:
            yield begin, record.cells
        is_names = is_names and not is_row


def _is_named_so(cells: Sequence[str]) -> bool:
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return bool(_WORDS.match(first)) and any(_NUMBER.search(cell) for cell in cells[1:])


def _told(count: int, one: SeenFile, line: int, cells: Sequence[str]) -> Problem:
    return Problem(
        code="input-subtotals",
        field="inputURI",
        message=f"{count:,} row{'s' if count != 1 else ''} between others look{'s' if count == 1 else ''} like a total of them, "
        "and will be counted once more.",
        line=line,
        file=one.file.name,
        found=listed(cells)[:300],
        fix="Leave such rows out of sums: in an SQLTransform (WHERE), or where the file is made.",
    )
