"""The rows of a delimited file, block by block, with the line where each begins."""

from __future__ import annotations

import csv
import io
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from executor.look.dialect import LONGEST_CELL, Dialect
from executor.look.opening import Counted, Opened, stream_encoding
from executor.problems import Problem, ProblemError

BLOCK = 5_000
LONGEST_LINE = LONGEST_CELL
LONGEST_ROW = 20_000
"""Lines of one row; a row with more of them has a quote that is never closed."""


@dataclass
class Pass:
    """One pass over a file. `rows()` gives (rows, lines); the rest is known when it has ended. `lines_left`: line ends behind the part
    that was read."""

    file: Opened
    dialect: Dialect
    encoding: str
    seconds: float
    limit_bytes: int | None = None
    count: int = 0
    empty_lines: int = 0
    comments: int = 0
    is_whole: bool = True
    has_line_breaks: bool = False
    unpacked: int = 0
    first_empty: int = 0
    lines_left: int = 0
    _held: deque[tuple[int, list[str]]] = field(default_factory=deque)

    def rows(self) -> Iterator[tuple[list[list[str]], list[int]]]:
        counted = Counted(self.file.stream(), self.limit_bytes)
        end = time.monotonic() + self.seconds
        encoding = stream_encoding(self.file.head, self.encoding)
        text = io.TextIOWrapper(io.BufferedReader(counted, 1 << 18), encoding, errors="replace", newline="")
        with text:
            lines = self._lines(text)
            block: list[list[str]] = []
            starts: list[int] = []
            for line, row in self._records(lines):
                block.append(row)
                starts.append(line)
                if len(block) == BLOCK:
                    yield block, starts
                    block, starts = [], []
                    if time.monotonic() > end:
                        self.is_whole = False
                        break
            if block:
                yield block, starts
            at_limit = self.limit_bytes is not None and counted.done >= self.limit_bytes
            self.is_whole = self.is_whole and not at_limit
            self.unpacked = counted.done
            if not self.is_whole:
                self._count_rest(counted)

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for _ in range(self.dialect.skip_lines):
            text.readline(LONGEST_LINE)
        comment, whole = self.dialect.comment, self._whole_lines(text)
        if not comment:
            return whole
        return ("\n" if line.startswith(comment) else line for line in whole)

    def _whole_lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        """Line by line; one without end is not read to its end."""
        for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), ""), self.dialect.skip_lines + 1):
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                raise _endless(number)
            yield line

    def _records(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """Rows with the lines they begin in; empty lines and the last rows that are to be left out are not given."""
        reader, skipped, keep = self.dialect.reader(lines), self.dialect.skip_lines, self.dialect.skip_last_lines
        before = 0
        try:
            for row in reader:
                begin, before = before + 1, reader.line_num
                if not row:
                    self.empty_lines += 1
                    self.first_empty = self.first_empty or begin + skipped
                    continue
                if before > begin:
                    self._check_length(begin + skipped, before - begin)
                self.count += 1
                if not keep:
                    yield begin + skipped, row
                    continue
                self._held.append((begin + skipped, row))
                if len(self._held) > keep:
                    yield self._held.popleft()
        except csv.Error as error:
            raise _unreadable(before + 1 + skipped, error, quotes=bool(self.dialect.quote)) from None

    def _check_length(self, line: int, lines: int) -> None:
        self.has_line_breaks = True
        if lines > LONGEST_ROW:
            raise _never_closed(line)

    def _count_rest(self, counted: Counted) -> None:
        buffer = bytearray(1 << 20)
        counted._limit = None
        end = time.monotonic() + 15
        while (size := counted.readinto(memoryview(buffer))) and time.monotonic() < end:
            self.lines_left += buffer.count(b"\n", 0, size)
        self.unpacked = counted.done


def _never_closed(line: int) -> ProblemError:
    return ProblemError(
        Problem(
            code="input-quote",
            message=f"A quote that begins in line {line:,} is never closed.",
            line=line,
            fix="Correct the line, or say that the file uses no quotes.",
        )
    )


def _endless(line: int) -> ProblemError:
    return ProblemError(
        Problem(
            code="input-row-endless",
            message=f"Line {line:,} is longer than {LONGEST_LINE // 1_000_000} million signs.",
            line=line,
            fix="Check how the file was made: this is no table, or its line ends are missing.",
        )
    )


def _unreadable(line: int, error: csv.Error, *, quotes: bool) -> ProblemError:
    """`quotes`: whether the row may have begun with one."""
    if "field larger" in str(error):
        return _never_closed(line) if quotes else _endless(line)
    return ProblemError(
        Problem(code="input-row", message=f"Line {line:,} cannot be read as a row.", line=line, fix="Choose another quote or escape sign.")
    )
