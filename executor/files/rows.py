"""The rows of delimited text one after the other, by the rules that Spark reads with (`executor.files.dialect`): for whoever looks at
values without Spark."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from executor.files.dialect import BLANKS, Dialect, record_at

LONGEST_ROW, LARGEST_ROW = 20_000, 16_000_000
"""Lines, and signs, of one row; a row with more of them has a quote that is never closed."""


class NeverClosed(Exception):
    """A quote that is not closed before the text ends, or not within LONGEST_ROW lines. `line`: where its row begins, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def lines_of(text: str) -> list[str]:
    """The lines with their ends: CR, LF or both, and no other sign, as everywhere in such files."""
    return list(io.StringIO(text, newline=""))


class Rows:
    """The values of each row; an empty list for a line of blanks. Lines that begin with `comment` are left out. `line`: where the row
    begins that was given last, `line_num`: where it ends, both from 1. Raises NeverClosed."""

    def __init__(self, lines: Iterable[str], dialect: Dialect, comment: str = "") -> None:
        self._lines, self._dialect, self._comment = iter(lines), dialect, comment
        self.line = self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        dialect, comment = self._dialect, self._comment
        separator, quote = dialect.separator, dialect.quote if dialect.has_quotes else None
        for line in self._lines:
            self.line_num += 1
            if comment and line.startswith(comment):
                continue
            self.line = self.line_num
            text = line.rstrip("\r\n")
            if quote is not None and quote in text:
                yield self._plainly_quoted(text) or self._record(text, line)
            elif text.strip(BLANKS) or separator in text:
                yield text.split(separator)
            else:
                yield []

    def _plainly_quoted(self, text: str) -> list[str] | None:
        """The values of a line whose quotes stand around whole values, with no sign in them that may mean something; else None."""
        dialect, separator = self._dialect, self._dialect.separator
        if len(separator) > 1 or (dialect.escape != dialect.quote and dialect.escape in text):
            return None
        pieces = text.split(dialect.quote)
        outside = pieces[::2]
        if not len(pieces) % 2 or not outside[0].endswith(("", separator)[bool(outside[0])]):
            return None
        if not all(piece and piece[0] == separator == piece[-1] for piece in outside[1:-1]):
            return None
        if outside[-1] and outside[-1][0] != separator:
            return None
        cells = outside[0].split(separator)
        for inside, behind in zip(pieces[1::2], outside[1:], strict=True):
            cells[-1] = inside
            cells += behind.split(separator)[1:]
        return cells

    def _record(self, alone: str, text: str) -> list[str]:
        """The row that begins with this line (`alone`: without its end), and takes in more of them while a quote is open."""
        record, quote = record_at(alone, 0, self._dialect), self._dialect.quote
        while record.is_open:
            more = next(self._lines, None)
            if more is None or self.line_num - self.line >= LONGEST_ROW or len(text) > LARGEST_ROW:
                raise NeverClosed(self.line)
            self.line_num += 1
            text += more
            if quote in more:
                record = record_at(text, 0, self._dialect)
        return record.cells
