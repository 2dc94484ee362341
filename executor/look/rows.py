"""The rows of a delimited file, block by block, with the line where each begins."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from executor.files.rows import NeverClosed
from executor.look.dialect import Dialect
from executor.look.opening import Counted, Opened, stream_encoding
from executor.problems import Problem, ProblemError

BLOCK = 5_000
LONGEST_LINE = 8_000_000


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
            try:
                for line, row in self._records(lines):
                    block.append(row)
                    starts.append(line)
                    if len(block) == BLOCK:
                        yield block, starts
                        block, starts = [], []
                        if time.monotonic() > end:
                            self.is_whole = False
                            break
            except NeverClosed as error:
                if not self._is_at_limit(counted):
                    raise _never_closed(error.line + self.dialect.skip_lines) from None
            if block:
                yield block, starts
            at_limit = self._is_at_limit(counted)
            self.is_whole = self.is_whole and not at_limit
            self.unpacked = counted.done
            if not self.is_whole:
                self._count_rest(counted, text)

    def _is_at_limit(self, counted: Counted) -> bool:
        return self.limit_bytes is not None and counted.done >= self.limit_bytes

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        """Line by line; one without end is not read to its end."""
        for _ in range(self.dialect.skip_lines):
            text.readline(LONGEST_LINE)
        for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), ""), self.dialect.skip_lines + 1):
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                raise _endless(number)
            yield line

    def _records(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """Rows with the lines they begin in; empty lines and the last rows that are to be left out are not given."""
        reader, skipped, keep = self.dialect.reader(lines), self.dialect.skip_lines, self.dialect.skip_last_lines
        for row in reader:
            if not row:
                self.empty_lines += 1
                self.first_empty = self.first_empty or reader.line + skipped
                continue
            self.has_line_breaks |= reader.line_num > reader.line
            self.count += 1
            if not keep:
                yield reader.line + skipped, row
                continue
            self._held.append((reader.line + skipped, row))
            if len(self._held) > keep:
                yield self._held.popleft()

    def _count_rest(self, counted: Counted, text: io.TextIOWrapper) -> None:
        """Counts the lines that are left, those with them that were read ahead already."""
        counted._limit = None
        end, last = time.monotonic() + 15, "\n"
        while (part := text.read(1 << 20)) and time.monotonic() < end:
            self.lines_left += part.count("\n") or part.count("\r")
            last = part[-1]
        self.lines_left += last not in "\r\n"
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
