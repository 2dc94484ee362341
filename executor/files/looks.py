"""What one delimited file is: its names, its rows, which of them are of another width, how its quotes are written.

All of the file is looked at, at some 200 MB a second where it has no quotes. What was seen is remembered until the file changes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import repeat
from pathlib import Path

from executor.files.dialect import BLANKS, NO_QUOTE, Dialect, Record, record_at
from executor.files.encodings import MARK, text_blocks

LAST_ROWS = 1_000
"""Rows at the end of a file that a stage may leave out."""
FIRST_ROWS = 20
"""Rows that are taken one by one and shown to who looks for the separator."""
STEP = 200_000
"""Signs that are taken at a time where records may go over lines."""
MOST_IRREGULAR = 10_000
ENOUGH = 2_000
"""Rows with backslashes that do not fit with doubled quotes: then the file is not looked at to its end as if it had those."""
ESCAPED = "\ue000\ue000"
"""Stands for an escape sign and what it stands before."""
DIGITS = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*\s*")
LONGEST_RECORD = 16_000_000
"""Signs of one record; a quote that is never closed, or a file without line ends, would take in the rest of the file."""


@dataclass(frozen=True)
class Layout:
    """What stands in a file around its rows. `skip_lines`: lines before the names; `skip_last`: rows at the end; lines that begin with
    `comment` are no rows."""

    header: bool
    skip_lines: int = 0
    skip_last: int = 0
    comment: str | None = None


@dataclass
class Some:
    """Rows of one kind: how many, and the first of them. `last`: the numbers of the last ones, as many as may turn out to be no rows."""

    count: int = 0
    row: int = 0
    line: int = 0
    width: int = 0
    last: list[int] = field(default_factory=list)

    def add(self, row: int, line: int, width: int = 0) -> None:
        self.count += 1
        self.last.append(row)
        if len(self.last) > 2 * LAST_ROWS:
            del self.last[:LAST_ROWS]
        if self.count == 1:
            self.row, self.line, self.width = row, line, width

    def forget_behind(self, row: int) -> None:
        """Forgets the rows behind this one."""
        self.count -= sum(one > row for one in self.last)


@dataclass
class FileLook:
    """`names`: the header's, as written; None without one. `width`: of the header, else of the first row. `rows`: data rows. `left_out`:
    rows before the header or the first data row as Spark would count them.

    Rows: `narrow` and `wide` ones (`wide_filled`: with something in the surplus), with values `kept` with their quotes, `open` ones whose
    quote is never closed, `odd` ones that Spark would read wrongly, with a `break` in a value, with `doubled` quotes or quotes behind a
    backslash (`slashed`); `vanishing`: rows of blank separators alone, which Spark takes for empty lines; `headers`: rows that are the
    header once more; `blank`: empty lines between rows of a single column, which are no rows; `commented`: lines that are left out as
    comments, and written as rows are; `endless`: a row longer than LONGEST_RECORD,
    behind which nothing was looked at. `widest`: values of the widest row. `irregular`: rows that are narrow, wide, kept, open or odd (the
    first of them). `line_ends`: between rows.
    """

    names: tuple[str, ...] | None = None
    width: int = 0
    rows: int = 0
    left_out: int = 0
    widest: int = 0
    narrow: Some = field(default_factory=Some)
    wide: Some = field(default_factory=Some)
    wide_filled: Some = field(default_factory=Some)
    kept: Some = field(default_factory=Some)
    open: Some = field(default_factory=Some)
    odd: Some = field(default_factory=Some)
    breaks: Some = field(default_factory=Some)
    doubled: Some = field(default_factory=Some)
    slashed: Some = field(default_factory=Some)
    vanishing: Some = field(default_factory=Some)
    headers: Some = field(default_factory=Some)
    blank: Some = field(default_factory=Some)
    commented: Some = field(default_factory=Some)
    endless: Some = field(default_factory=Some)
    is_even: bool = True
    irregular: set[int] = field(default_factory=set)
    line_ends: set[str] = field(default_factory=set)
    first_rows: list[list[str]] = field(default_factory=list)
    before: tuple[str, ...] = ()
    """What stands in the last line before the names or the first row."""
    is_cut: bool = False
    """Only the first rows were looked at."""

    def end(self, skip_last: int) -> None:
        """At the end of the file: the last rows turn out to be none. `is_even` still speaks of all of them."""
        self.is_even = not (self.narrow.count or self.wide.count or self.left_out)
        if skip_last:
            self.rows = max(0, self.rows - skip_last)
            for some in (
                self.narrow,
                self.wide,
                self.wide_filled,
                self.kept,
                self.open,
                self.odd,
                self.breaks,
                self.doubled,
                self.slashed,
                self.headers,
            ):
                some.forget_behind(self.rows)
            self.irregular = {row for row in self.irregular if row <= self.rows}


@lru_cache(maxsize=4096)
def look(
    file: str, changed: int, size: int, encoding: str, dialect: Dialect, layout: Layout, *, as_stream: bool, may_stop: bool = False
) -> FileLook:
    """Looks at all of a file. `changed`, `size`: of the file now, so that what is remembered goes with it. `as_stream`: read as one text,
    as Spark does when values may go over lines; else line by line. `may_stop`: after ENOUGH rows that speak against the dialect. Raises
    what `text_blocks` raises."""
    scan = _StreamScan(dialect, layout) if as_stream else _LineScan(dialect, layout)
    scan.may_stop = may_stop
    try:
        scan.read(text_blocks(Path(file), encoding))
    except _Enough:
        scan.look.is_cut = True
    scan.end()
    return scan.look


def look_at_beginning(text: str, dialect: Dialect, layout: Layout, *, as_stream: bool) -> FileLook:
    """The same of the first lines of a file alone: its names, its width, its first rows."""
    scan = _StreamScan(dialect, layout) if as_stream else _LineScan(dialect, layout)
    scan.read([text])
    return scan.look


class _Enough(Exception):
    """No more rows are needed to tell that the dialect is another one."""


class _Scan:
    may_stop = False

    def __init__(self, dialect: Dialect, layout: Layout) -> None:
        self.dialect, self.layout = dialect, layout
        self.look = FileLook()
        self.line = 1
        self._begun = False
        self._header = ""
        self._blank_at, self._blank_run = 0, 0

    def take(self, record: Record, text: str) -> None:
        """One record that is no empty line. `text`: as written."""
        look, comment = self.look, self.layout.comment
        if comment and text.startswith(comment):
            if self._begun and self._is_like_a_row(record.cells, comment):
                look.commented.add(look.rows + 1, self.line)
            return
        if self.line <= self.layout.skip_lines:
            look.left_out += 1
            look.before = tuple(record.cells)
            return
        width = len(record.cells)
        if not self._begun:
            self._begun = True
            look.width = look.widest = width
            if self.layout.header:
                look.left_out += bool(self.layout.skip_lines)
                look.names = tuple(record.cells)
                self._header = text.lstrip(MARK) if width > 1 else ""
                self._note_quotes(record, 0)
                return
        look.rows += 1
        if len(look.first_rows) < FIRST_ROWS:
            look.first_rows.append(record.cells)
        if self._is_header(text):
            look.headers.add(look.rows, self.line)
        if width != look.width:
            self.other_width(look.rows, self.line, width, any(record.cells[look.width :]))
        if record.quoted:
            self._note_quotes(record, look.rows)
        elif record.is_odd:
            look.odd.add(look.rows, self.line)

    def _is_like_a_row(self, cells: list[str], comment: str) -> bool:
        """Whether a comment could be a row: as many values, with numbers where the first rows have them; in texts alone, no blank behind
        the sign, as sentences have it."""
        if len(cells) != self.look.width or len(cells) < 2:
            return False
        cells = [cells[0].removeprefix(comment), *cells[1:]]
        columns = zip(*[row for row in self.look.first_rows if len(row) == len(cells)], strict=False)
        numbers = [index for index, column in enumerate(columns) if all(map(DIGITS.fullmatch, column))]
        return all(DIGITS.fullmatch(cells[index]) for index in numbers) and (bool(numbers) or not cells[0].startswith(" "))

    def _is_header(self, text: str) -> bool:
        return bool(self._header) and text.removeprefix(MARK) == self._header

    def take_blank(self) -> None:
        """An empty line. In a single column it may have been meant as a value."""
        if self._begun and self.look.width == 1:
            self._blank_run = self._blank_run + 1 if self._blank_at == self.line - 1 else 1
            self._blank_at = self.line
            self.look.blank.add(self.look.rows, self.line)

    def end(self) -> None:
        """At the end of the file: empty lines there are none between rows."""
        if self._blank_at and self._blank_at == self.line - 1:
            self.look.blank.count -= self._blank_run
        self.look.end(self.layout.skip_last)

    def other_width(self, row: int, line: int, width: int, is_filled: bool) -> None:
        look = self.look
        look.widest = max(look.widest, width)
        if width < look.width or is_filled:
            self._note_irregular(row)
        (look.narrow if width < look.width else look.wide).add(row, line, width)
        if width > look.width and is_filled:
            look.wide_filled.add(row, line, width)

    def bare(self, text: str) -> str | None:
        """`text` with an x in place of what stands in quotes. None where that cannot be done at once: some quotes do not stand around a
        whole value, are not closed, or have a backslash beside them that may mean something."""
        dialect, quote = self.dialect, self.dialect.quote
        is_doubled = dialect.escape == quote
        has_slashes = not is_doubled and dialect.escape in text
        if has_slashes:
            text = re.sub(re.escape(dialect.escape) + "[^\r\n]", ESCAPED, text)
        pieces = text.split(quote)
        if not len(pieces) % 2 or ("\\" + quote in text or "\\\\" in text if is_doubled else dialect.escape in text):
            return None
        outside, edges = pieces[::2], (dialect.separator, "\n", "\r")
        if has_slashes and any(ESCAPED in piece for piece in outside):
            return None
        if (outside[0] and not outside[0].endswith(edges)) or (outside[-1] and not outside[-1].startswith(edges)):
            return None
        between = set(outside[1:-1])
        if not all(piece.startswith(edges) and piece.endswith(edges) for piece in between if piece):
            return None
        if "" in between:
            if not is_doubled:
                return None
            self.look.doubled.add(self.look.rows + 1, self.line)
        if has_slashes:
            self.look.slashed.add(self.look.rows + 1, self.line)
        return "x".join(outside)

    def _note_irregular(self, row: int) -> None:
        if len(self.look.irregular) < MOST_IRREGULAR:
            self.look.irregular.add(row)
        if self.may_stop and len(self.look.irregular) >= ENOUGH and self.look.slashed.count >= ENOUGH:
            raise _Enough

    def _note_quotes(self, record: Record, row: int) -> None:
        look, quote = self.look, self.dialect.quote
        for is_so, some in ((record.kept, look.kept), (record.is_open, look.open), (record.is_odd, look.odd), (record.breaks, look.breaks)):
            if is_so:
                some.add(row, self.line)
        if record.kept or record.is_open or record.is_odd:
            self._note_irregular(row)
        for inside in record.quoted:
            if quote * 2 in inside:
                look.doubled.add(row, self.line)
            if "\\" + quote in inside or "\\\\" in inside or inside.endswith("\\"):
                look.slashed.add(row, self.line)


class _LineScan(_Scan):
    """Every line is a record. Lines without difficult quotes are counted many at a time."""

    def __init__(self, dialect: Dialect, layout: Layout) -> None:
        super().__init__(dialect, layout)
        self._is_blankish = not dialect.separator.strip(BLANKS)

    def read(self, blocks: Iterable[str]) -> None:
        ends, rest = io.IncrementalNewlineDecoder(None, translate=True), ""
        for block in blocks:
            text = rest + ends.decode(block)
            cut = text.rfind("\n") + 1
            rest = text[cut:]
            if cut:
                self._take_lines(text[: cut - 1])
            if len(rest) > LONGEST_RECORD:
                self.look.endless.add(self.look.rows + 1, self.line)
                return
        rest += ends.decode("", True)
        if rest:
            self._take_lines(rest.removesuffix("\n"))
        seen = ends.newlines
        self.look.line_ends = {seen} if isinstance(seen, str) else set(seen or ())

    def _take_lines(self, text: str) -> None:
        lines = text.split("\n")
        at = 0
        while at < len(lines) and (not self._begun or self.look.rows < FIRST_ROWS):
            self._take_line(lines[at])
            self.line += 1
            at += 1
        if at < len(lines):
            self._take_many(lines[at:] if at else lines, "\n".join(lines[at:]) if at else text)

    def _take_line(self, line: str) -> None:
        if line.strip(BLANKS):
            self.take(record_at(line, 0, self.dialect), line)
        elif not line:
            self.take_blank()
        elif self.dialect.separator in line and self.line > self.layout.skip_lines:
            self.look.vanishing.add(self.look.rows + 1, self.line)

    def _take_many(self, lines: list[str], text: str) -> None:
        bare = self._bare_lines(lines, text)
        counts = list(map(str.count, bare, repeat(self.dialect.separator)))
        usual = self.look.width - 1
        single = [index for index, count in enumerate(counts) if count != usual] if counts.count(usual) < len(counts) else []
        single = self._all_to_look_at(lines, bare, single)
        done = 0
        for index in single:
            self.look.rows += index - done
            self.line += index - done
            self._take_one(lines[index], bare[index], counts[index])
            self.line += 1
            done = index + 1
        self.look.rows += len(lines) - done
        self.line += len(lines) - done

    def _bare_lines(self, lines: list[str], text: str) -> list[str]:
        """The lines without what stands in quotes; a line with difficult quotes as it is."""
        if not self.dialect.has_quotes or self.dialect.quote not in text:
            return lines
        bare = self.bare(text)
        found = bare.split("\n") if bare is not None else []
        if len(found) == len(lines):
            return found
        quote = self.dialect.quote
        return [line if quote not in line or (short := self.bare(line)) is None else short for line in lines]

    def _take_one(self, line: str, bare: str, count: int) -> None:
        """A line that is not as the others; without quotes its width is known already."""
        look = self.look
        is_plain = len(self.dialect.separator) == 1 and not (self.dialect.has_quotes and self.dialect.quote in bare)
        comment = self.layout.comment
        if not is_plain or not line.strip(BLANKS) or (comment and line.startswith(comment)) or self._is_header(line):
            self._take_line(line)
            return
        look.rows += 1
        surplus = count + 1 - look.width
        if surplus:
            self.other_width(look.rows, self.line, count + 1, surplus < 0 or not bare.endswith(self.dialect.separator * surplus))

    def _all_to_look_at(self, lines: list[str], bare: list[str], single: list[int]) -> list[int]:
        """`single`, and what cannot be told by counting: difficult quotes, blank lines, comments."""
        comment, quote = self.layout.comment, self.dialect.quote
        more: list[int] = []
        if self._header and (self._header in lines or MARK + self._header in lines):
            more += [index for index, line in enumerate(lines) if self._is_header(line)]
        if self.dialect.has_quotes and bare is not lines:
            more += [index for index, line in enumerate(bare) if quote in line]
        elif len(self.dialect.separator) > 1:
            more += [index for index, line in enumerate(lines) if line.endswith(quote)]
        if comment:
            more += [index for index, line in enumerate(lines) if line.startswith(comment)]
        if self._is_blankish or self.look.width == 1:
            more += [index for index, line in enumerate(lines) if not line.strip(BLANKS)]
        return sorted({*single, *more}) if more else single


class _StreamScan(_Scan):
    """Records may go over lines."""

    def read(self, blocks: Iterable[str]) -> None:
        rest = ""
        for block in blocks:
            rest = self._take_text(rest + block, is_last=False)
            if len(rest) > LONGEST_RECORD:
                (self.look.open if self.dialect.quote in rest else self.look.endless).add(self.look.rows + 1, self.line)
                return
        self._take_text(rest, is_last=True)

    def _take_text(self, text: str, *, is_last: bool) -> str:
        """Takes the records that end in `text`; gives the rest."""
        at = one_by_one = 0
        while at < len(text):
            if self.look.rows >= FIRST_ROWS and at >= one_by_one:
                end, is_taken = self._take_regular(text, at)
                if is_taken:
                    at = end
                    continue
                one_by_one = end
            record = self._record(text, at)
            if not is_last and record.end >= len(text) - 1:
                break
            self._take_record(record, text[at : record.end])
            at = record.end
        return text[at:]

    def _record(self, text: str, at: int) -> Record:
        """The record at this place; a comment is one line, whatever quotes it holds."""
        comment = self.layout.comment
        plain = replace(self.dialect, quote=NO_QUOTE) if comment and text.startswith(comment, at) else self.dialect
        return record_at(text, at, plain)

    def _take_record(self, record: Record, text: str) -> None:
        if record.line_end:
            self.look.line_ends.add(record.line_end)
        written = text.removesuffix(record.line_end)
        if written:
            self.take(record, written)
        else:
            self.take_blank()
        self.line += _line_ends(text)

    def _take_regular(self, text: str, at: int) -> tuple[int, bool]:
        """Takes many records at a time where all of them are as the first ones. Gives where they end, and whether they were taken."""
        end = text.find("\n", at + STEP) + 1 or text.rfind("\n", at) + 1
        piece = text[at:end]
        bare = self.bare(piece) if self.dialect.has_quotes and self.dialect.quote in piece else piece
        if not bare or self.layout.comment or len(self.dialect.separator) > 1 or (self._header and self._header in piece):
            return end, False
        is_crlf = bare.count("\r\n") == bare.count("\n") == bare.count("\r")
        records = bare.replace("\r\n", "\n").split("\n")[:-1]
        counts = set(map(str.count, records, repeat(self.dialect.separator)))
        if counts != {self.look.width - 1} or "" in records or not (is_crlf or "\r" not in bare):
            return end, False
        self.look.line_ends.add("\r\n" if is_crlf else "\n")
        self.look.rows += len(records)
        self.line += piece.count("\n")
        return end, True


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")
