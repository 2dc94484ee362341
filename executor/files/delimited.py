"""What can be known of a delimited file before Spark reads it: its separator, and whether all rows are of one width."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn

from executor.files.inputs import CHECKED_BYTES, SAMPLE_BYTES, fail

QUOTED_ROWS = 1_000_000
OVER_LINES = -1
"""In place of a width: a value with a line break where there must be none."""


@dataclass(frozen=True)
class TextRules:
    """How a delimited file is written: separator and quote sign (NUL: none), whether the first line is a header, whether values may
    hold line breaks."""

    separator: str
    quote: str
    header: bool
    multi_line: bool = False


def check_widths(file: Path, uri: str, rules: TextRules) -> None:
    """Problem when rows of a delimited file differ in width, or when the separator is plainly another one."""
    sample = _first_lines(file)
    if not sample.strip():
        return
    _check_separator(sample, rules.separator, uri)
    if file.suffix.lower() == ".gz" or len(rules.separator) > 1:
        return
    state = file.stat()
    wrong = _odd_row(str(file), state.st_mtime_ns, state.st_size, rules)
    if wrong and wrong[1] == OVER_LINES:
        fail(
            "input-line-break",
            f"A value in row {wrong[0]:,} goes over several lines.",
            uri,
            row=wrong[0],
            expected="one line for each row",
            fix="Turn “Line breaks in values” (multiLine) on, or close the quote in that row.",
        )
    if wrong:
        widths_differ(uri, row=wrong[0], found=wrong[1], expected=wrong[2], header=rules.header)


@lru_cache(maxsize=256)
def _odd_row(file: str, changed: int, size: int, rules: TextRules) -> tuple[int, int, int] | None:
    """The first row of another width than the first: (row, its width, the first's). Remembered as long as the file stays the same."""
    with open(file, "rb") as stream:
        quoted = rules.quote.encode()
        start = stream.read(SAMPLE_BYTES)
        if rules.quote != "\x00" and quoted in start or b"\\" in start:
            return _odd_row_with_quotes(file, rules)
        stream.seek(0)
        return _odd_row_without_quotes(stream, file, rules)


def _odd_row_without_quotes(stream: BinaryIO, file: str, rules: TextRules) -> tuple[int, int, int] | None:
    """The quick way: separators are counted per line, until a quote is met."""
    separator, quoted, width, row, done = rules.separator.encode(), rules.quote.encode(), 0, 1 - rules.header, 0
    for line in stream:
        if (quoted in line and quoted != b"\x00") or b"\\" in line:
            return _odd_row_with_quotes(file, rules)
        done += len(line)
        if done > CHECKED_BYTES:
            return None
        if line.isspace() and separator not in line:
            continue
        count = line.count(separator) + 1
        width = width or count
        if count != width:
            return row, count, width
        row += 1
    return None


def _odd_row_with_quotes(file: str, rules: TextRules) -> tuple[int, int, int] | None:
    none = rules.quote == "\x00"
    quoting: Literal[0, 3] = csv.QUOTE_NONE if none else csv.QUOTE_MINIMAL
    with open(file, encoding="utf-8-sig", errors="replace", newline="" if rules.multi_line else None) as stream:
        lines: Iterator[str] = stream if rules.multi_line else (line.rstrip("\n") for line in stream)
        reader = csv.reader(lines, delimiter=rules.separator, quotechar=None if none else rules.quote, quoting=quoting, escapechar="\\")
        width, row, line = 0, 1 - rules.header, 0
        try:
            for cells in reader:
                width = width or len(cells)
                if reader.line_num > line + 1 and not rules.multi_line:
                    return row, OVER_LINES, width
                line = reader.line_num
                if cells and len(cells) != width:
                    return row, len(cells), width
                row += bool(cells)
                if line > QUOTED_ROWS:
                    return None
        except csv.Error:
            return None
    return None


def widths_differ(uri: str, *, row: int, found: int, expected: int, header: bool) -> NoReturn:
    """Raises the problem of a row with another number of values than the first."""
    fail(
        "input-row-width",
        f"Row {row:,} of the file has {found} value{'s' if found != 1 else ''}, the {'header' if header else 'first row'} has {expected}.",
        uri,
        row=row,
        found=f"{found} values",
        expected=f"{expected} values",
        fix="Correct the row. A value that holds the separator or a line break must stand in quotes.",
    )


def _first_lines(file: Path) -> str:
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    with opener(file, "rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    if len(sample) == SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1]
    return sample.decode("utf-8-sig", "replace")


def _check_separator(sample: str, separator: str, uri: str) -> None:
    """A first line without the separator but with another usual one, as often in the second line, was written with that one."""
    lines = [line for line in sample.splitlines()[:20] if line.strip()]
    if len(lines) < 2 or any(separator in line for line in lines):
        return
    names = {";": "a semicolon", "\t": "a tab", "|": "a pipe", ",": "a comma", "\x01": "the sign 0x01"}
    other = next((sign for sign in names if sign in lines[0] and len({line.count(sign) for line in lines}) == 1), None)
    if other:
        fail(
            "input-separator",
            "The values are not separated as the stage says: each row would be one single value.",
            uri,
            found=f"{names[other]} between the values",
            expected=names.get(separator, f"“{separator}”"),
            fix="Choose the separator that the file uses"
            + ("." if other in "|,\x01" else ": Custom, with the own separator " + repr(other) + "."),
        )
