"""How one record of delimited text falls into values: the rules of the parser that Spark reads with, in Python.

The rules (a test compares them with Spark's on thousands of made-up texts):

- a value that does not begin with the quote sign goes to the next separator, as it stands; quotes inside it mean nothing;
- a value in quotes ends at the quote that is not escaped; blanks behind it are left out;
- where something else stands behind that quote, the value is kept as written, with its quotes, to the next separator (`kept`);
- the escape sign counts inside quotes only: before a quote, and (where it is not the quote itself) before itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

NO_QUOTE = "\x00"
NO_ESCAPE = "\ufffe"
"""A sign that stands in no text: with NUL, Spark's parser would read `""` as a quote."""
BLANKS = "".join(chr(code) for code in range(33))
"""What Java takes for blank."""


@dataclass(frozen=True)
class Dialect:
    """`separator`: one sign or several. `quote`, `escape`: one sign, NO_QUOTE and NO_ESCAPE for none. `over_lines`: a line break inside
    quotes belongs to the value; else a record is one line."""

    separator: str = ","
    quote: str = '"'
    escape: str = '"'
    over_lines: bool = False

    @property
    def has_quotes(self) -> bool:
        return self.quote != NO_QUOTE

    @cached_property
    def unquoted(self) -> re.Pattern[str]:
        """A value that does not begin with a quote."""
        if len(self.separator) == 1:
            return re.compile(rf"[^{re.escape(self.separator)}\r\n]*+")
        return re.compile(rf"(?:(?!{re.escape(self.separator)})[^\r\n])*+")

    @cached_property
    def inside(self) -> re.Pattern[str]:
        """What stands between the quotes, from behind the first one to before the one that is not escaped."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        ends = "" if self.over_lines else r"\r\n"
        if self.escape == self.quote:
            return re.compile(rf"[^{quote}{ends}]*+(?:{quote}{quote}[^{quote}{ends}]*+)*+")
        if self.escape == NO_ESCAPE:
            return re.compile(rf"[^{quote}{ends}]*+")
        return re.compile(rf"(?:[^{quote}{escape}{ends}]++|{escape}[^{ends}])*+" if ends else rf"(?:[^{quote}{escape}]++|{escape}[\s\S])*+")

    @cached_property
    def _escaped(self) -> re.Pattern[str] | None:
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        if self.escape == NO_ESCAPE:
            return None
        return re.compile(rf"{escape}({quote})" if self.escape == self.quote else rf"{escape}({quote}|{escape})")

    def plain(self, inside: str) -> str:
        """The value for what stands between quotes."""
        return self._escaped.sub(r"\1", inside) if self._escaped and self.escape in inside else inside


@dataclass
class Record:
    """One record. `end`: where the text behind it begins (behind its line break). `kept`: values with a quote at their beginning that does
    not end them, kept as written. `is_open`: its last quote is never closed. `is_odd`: how Spark would read it cannot be said.
    `breaks`: a value holds a line break. `quoted`: what stands in the record between quotes, as written."""

    cells: list[str] = field(default_factory=list)
    end: int = 0
    kept: int = 0
    is_open: bool = False
    is_odd: bool = False
    breaks: bool = False
    quoted: list[str] = field(default_factory=list)
    line_end: str = ""


def record_at(text: str, start: int, dialect: Dialect) -> Record:
    """The record of `text` that begins at `start`."""
    record, at, size = Record(), start, len(text)
    while True:
        if dialect.has_quotes and text.startswith(dialect.quote, at):
            at = _quoted_value(text, at, dialect, record)
        else:
            end = _end_of_unquoted(text, at, dialect)
            record.cells.append(text[at:end])
            # Spark adds a quote to such a value: a fault of its parser for separators of several signs
            record.is_odd |= len(dialect.separator) > 1 and at < end == size and dialect.has_quotes and text[end - 1] == dialect.quote
            at = end
        if at < size and text.startswith(dialect.separator, at):
            at += len(dialect.separator)
            continue
        record.line_end = "\r\n" if text.startswith("\r\n", at) else text[at : at + 1]
        record.end = at + len(record.line_end)
        return record


def _end_of_unquoted(text: str, at: int, dialect: Dialect) -> int:
    found = dialect.unquoted.match(text, at)
    return found.end() if found else at


def _quoted_value(text: str, start: int, dialect: Dialect, record: Record) -> int:
    """Takes the value whose first quote stands at `start`; gives where it ends."""
    quote, found = dialect.quote, dialect.inside.match(text, start + 1)
    at = found.end() if found else start + 1
    inside = text[start + 1 : at]
    record.quoted.append(inside)
    record.breaks |= "\n" in inside or "\r" in inside
    value = dialect.plain(inside)
    if not text.startswith(quote, at):
        record.is_open = True
        record.cells.append(value)
        return at
    at += 1
    while dialect.escape != quote and text.startswith(quote, at):  # Spark takes each further quote as a sign of the value
        value += quote
        at += 1
        record.kept += 1
    return _behind_quote(text, at, value, dialect, record)


def _behind_quote(text: str, at: int, value: str, dialect: Dialect, record: Record) -> int:
    """What follows the closing quote: nothing, blanks that are left out, or signs that make the whole value one without quotes."""
    quote, blanks = dialect.quote, at
    while blanks < len(text) and text[blanks] <= " " and text[blanks] not in "\r\n" and not text.startswith(dialect.separator, blanks):
        blanks += 1
    if blanks == len(text) or text[blanks] in "\r\n" or text.startswith(dialect.separator, blanks):
        record.cells.append(value)
        return blanks
    record.kept += 1
    record.is_odd |= _is_odd_behind_quote(text, at, blanks, dialect)
    end = _end_of_unquoted(text, blanks + 1, dialect)
    record.is_odd |= dialect.over_lines and text.startswith("\r\n", end)  # Spark takes the first half of the line break for a sign
    record.cells.append(quote + value + quote + text[at:end])
    if end == len(text) and end > blanks + 1 and blanks > at and text[blanks + 1] == quote != text[blanks]:
        record.cells[-1] += quote  # as Spark does, at the very end of its text
    return end


def _is_odd_behind_quote(text: str, at: int, blanks: int, dialect: Dialect) -> bool:
    """Whether Spark loses its way in what stands behind a closing quote."""
    if blanks > at:
        return len(dialect.separator) > 1
    return dialect.escape != dialect.quote and text.startswith(dialect.escape, at)


def line_cells(line: str, dialect: Dialect) -> list[str]:
    """The values of one line."""
    return record_at(line, 0, dialect).cells
