"""The look at a delimited file: form, one pass over its rows, columns, and the questions it leaves open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from executor.files.encodings import marked_encoding
from executor.files.folder import DataFile
from executor.files.headers import key as key_of
from executor.files.headers import named
from executor.files.rows import lines_of
from executor.files.stand_ins import NULL_WORDS
from executor.look import consoles, fixed_width
from executor.look.describing import column_of
from executor.look.dialect import Dialect, dialect_of
from executor.look.encoding import encoding_of, found, mixed_told
from executor.look.facts import SPREAD, Facts
from executor.look.found_values import found_in_values, style_of
from executor.look.grouping import group_rows
from executor.look.misfits import MOST, misfits_of
from executor.look.names import safe_names
from executor.look.opening import Opened, python_encoding, without_mark
from executor.look.other_files import FILE_BITS, OtherFile, encoding_for_all, first_rows, is_of_table, put_in_files, told, written_otherwise
from executor.look.proposal import FIRST_SIGNS, Found, Misfit, Proposal, ProposedColumn, Settings
from executor.look.questions import question_of_empty_rows, questions_of_backslashes, questions_of_values
from executor.look.remarks import AnotherTable, remark
from executor.look.rows import Pass
from executor.look.types import Style, Typing, propose
from executor.look.unit_lines import told_units, unit_places
from executor.look.widths import questions_of_width
from executor.problems import Problem, ProblemError

FIRST_ROWS = 100
FIRST_LINES = 60
TAIL = 64_000
MOST_COLUMNS = 2_000
MOST_SPREAD, FEWEST_SPREAD = 50_000, 25
"""Values whose spread is shown: of all columns together, and of each at least."""
MOST_APART = 50
"""Other files whose columns are held against those of the one that is shown."""
MOST_SAMPLE, MOST_SAMPLE_CELLS = 20_000, 400_000
"""Rows that are looked through for totals among them and for groups."""
Tell = Callable[[str, int, int], None]
"""Takes what is done: words, bytes done, bytes in all."""


class DelimitedLook:
    """`seconds`: how long rows are judged at most."""

    def __init__(
        self,
        file: Opened,
        uri: str,
        settings: Settings,
        *,
        seconds: float,
        limit_bytes: int | None,
        tell: Tell,
        others: Sequence[DataFile] = (),
    ) -> None:
        self.file, self.uri, self.settings, self.seconds, self.limit_bytes, self.tell = file, uri, settings, seconds, limit_bytes, tell
        self.files = others
        self.encoding = self._encoding()
        head = without_mark(file.head).decode(python_encoding(self.encoding.value).replace("-sig", ""), "replace")
        self.head = head if len(file.head) >= file.bytes and not file.is_gzip else _whole_lines(head)
        self.dialect, self.found = dialect_of(self.head, self._tail(), settings)
        self.header: list[str] = []
        self.header_line = 0
        self.facts: list[Facts] = []
        self.widths: Counter[int] = Counter()
        self.others: list[tuple[int, int]] = []
        self.first_rows: list[list[Any]] = []
        self.sample: list[list[str]] = []
        self.another = AnotherTable()
        self.rows = self.empty_rows = 0
        self.others_odd, self.alone, self.owns = [], [], []

    def _encoding(self) -> Found:
        if self.settings.encoding:
            return found(self.settings.encoding, "as you chose")
        return encoding_of(self.file, max(2.0, self.seconds / 3))

    def _tail(self) -> str:
        """Whole lines of the end of the file, or nothing where reaching it would take long."""
        if self.file.is_gzip and self.file.bytes > 20_000_000:
            return ""
        if self.file.is_gzip:
            last = b""
            for block in self.file.blocks():
                last = (last + block)[-TAIL:]
        else:
            with self.file.path.open("rb") as stream:
                stream.seek(max(0, self.file.bytes - TAIL))
                last = stream.read(TAIL)
        text = last.decode(python_encoding(self.encoding.value), "replace")
        return text.partition("\n")[2] if len(last) == TAIL else text

    def proposal(self) -> Proposal:
        """Reads the rows and says all."""
        reading = Pass(self.file, self.dialect, str(self.encoding.value), self.seconds, self.limit_bytes)
        for block, lines in reading.rows():
            self._take(block, lines)
            self.tell("rows read", self.rows, 0)
        others = self._take_others()
        header_width = len(self.header) if self.dialect.header else None
        units = unit_places(self.sample) if self.dialect.header else set()
        for place in units:
            self.facts[place].units = 1
        style = replace(style_of(self.settings, self.facts, is_european=self.dialect.separator == ";"), usual_nulls=frozenset(NULL_WORDS))
        kept = self._kept_columns()
        columns, typings, misfits, total = self._columns(style, kept)
        proposal = Proposal(
            uri=self.uri,
            format="delimited",
            packed="gzip" if self.file.is_gzip else "",
            bytes=self.file.bytes,
            unpacked_bytes=reading.unpacked,
            rows=self._row_count(reading),
            rows_judged=self.rows + self.other_rows,
            rows_fit=self._rows_fit(typings[:kept]),
            settings=self._settings(style),
            found=self._all_found(reading, typings[:kept], style),
            header_width=header_width,
            header=self.header,
            is_end_chosen=self.settings.skip_last_lines is not None,
            last_rows_hold=list(self.dialect.last_rows_hold),
            header_line=self.header_line,
            widths=dict(sorted(self.widths.items())),
            columns=columns,
            misfits=misfits,
            misfits_total=total,
            first_rows=self.first_rows,
            multi_line=reading.has_line_breaks,
        )
        group_rows(proposal, self.sample)
        proposal.cuts = list(self.dialect.cuts)
        proposal.empty_rows = self.empty_rows
        another = [] if reading.has_line_breaks else self.another.told()
        proposal.no_rows = list(self.dialect.printed.no_rows) if self.dialect.printed else []
        told_cuts = consoles.told(self.dialect.printed) or fixed_width.told(self.dialect.cuts)
        signs = (self.dialect.separator, self.dialect.quote)
        goes_on = consoles.told_goes_on(*signs, lines_of(self.head)) if self.others else []
        proposal.problems = [*told_cuts, *goes_on, *another, *mixed_told(self.encoding)]
        proposal.problems += told_units(self.first_rows[0][0], self.sample[0]) if units else []
        remark(proposal, self.facts, typings[:kept])
        self._tell_others(proposal, others)
        show_lines(proposal, lines_of(self.head), is_whole=reading.is_whole and reading.unpacked <= len(self.file.head))
        proposal.questions = [
            *questions_of_width(self, columns),
            *question_of_empty_rows(self.empty_rows, self.rows, self.settings.empty_rows),
            *questions_of_backslashes(self.dialect.codes, self._backslashes()),
            *proposal.questions,
            *questions_of_values(self.settings, typings[:kept], columns),
        ]
        return proposal

    # --- taking rows in

    def _take(self, block: list[list[str]], lines: list[int]) -> None:
        if not self.facts:
            block, lines = self._begin(block, lines)
        width = len(self.facts)
        if self.rows < MOST_SAMPLE:
            self.another.take(block, lines)
        even = [index for index, row in enumerate(block) if len(row) == width]
        self.widths.update(map(len, block))
        self.rows += len(block)
        self.empty_rows += sum(not any(row) for row in block if len(row) > 1)
        if len(even) != len(block):
            block, lines = self._of_other_widths(block, lines, width)
        for facts, values in zip(self.facts, zip(*block, strict=True), strict=True) if block else ():
            facts.take(values, lines)
        if len(self.sample) < min(MOST_SAMPLE, MOST_SAMPLE_CELLS // width):
            self.sample += [[cell or "" for cell in row] for row in block[:MOST_SAMPLE]]
        if len(self.first_rows) < FIRST_ROWS:
            self.first_rows += [[line, *row] for line, row in zip(lines, block, strict=True)][: FIRST_ROWS - len(self.first_rows)]

    def _begin(self, block: list[list[str]], lines: list[int]) -> tuple[list[list[str]], list[int]]:
        """Takes the header off the first block, and sees how wide the rows are."""
        if self.dialect.header and block:
            self.header, self.header_line = block[0], lines[0]
            block, lines = block[1:], lines[1:]
        common = Counter(map(len, block[:1000])).most_common(1)
        width = common[0][0] if common else len(self.header)
        named = len(self.header) or width
        # Rows that are nearly all of another width than the header decide; a few odd rows do not.
        width = width if common and common[0][1] > 0.5 * min(len(block), 1000) else named
        if self.header and width < named:
            # A name without cells is a column all the same: the stage that reads has it, too.
            width, self.usual_choice = named, self.settings.other_widths or "pad"
        width = max(width, 1)
        if width > MOST_COLUMNS:
            raise ProblemError(_too_wide(width))
        spread = min(SPREAD, max(FEWEST_SPREAD, MOST_SPREAD // width))
        zone = self.settings.time_zone or ""
        self.facts = [Facts(self.header[index] if index < len(self.header) else "", spread, zone) for index in range(width)]
        return block, lines

    def _of_other_widths(self, block: list[list[str]], lines: list[int], width: int) -> tuple[list[Any], list[int]]:
        """The rows that are judged, each `width` long; the others are remembered and left out, unless they are to be padded or cut."""
        choice = self.settings.other_widths or self.usual_choice
        rows, kept = [], []
        for row, line in zip(block, lines, strict=True):
            if len(row) != width:
                if len(self.others) < MOST:
                    self.others.append((line, len(row)))
                if len(row) < width and choice in ("pad", "fit", "keep"):
                    row = [*row, *[None] * (width - len(row))]  # type: ignore[list-item]
                elif len(row) > width and choice in ("drop", "fit"):
                    row = row[:width]
                else:
                    continue
            rows.append(row)
            kept.append(line)
        return rows, kept

    def _take_others(self) -> list[OtherFile]:
        """Takes the first rows of the other files, each value into the column of its name."""
        if not self.files or not self.facts or self.dialect.cuts:
            return []
        self.alone = [propose(facts, Style()) for facts in self.facts]
        others = first_rows(self.files, self.dialect, str(self.encoding.value), self.header)
        places = {key_of(name): index for index, name in enumerate(named(self.header, trim=True).names)}
        for number, other in enumerate(others, 1):
            if not is_of_table(other, self.dialect, self.header):
                continue
            width = len(other.names) or len(self.facts)
            even = [index for index, row in enumerate(other.rows) if len(row) == width]
            columns = list(zip(*[other.rows[index] for index in even], strict=True)) or [()] * width
            lines = [other.lines[index] + (number << FILE_BITS) for index in even]
            own = [places.get(key_of(name)) for name in other.names] or list(range(width))
            apart = {place: Facts() for place in own if place is not None and place < len(self.facts)}
            for values, place in zip(columns, own, strict=True):
                if place in apart:
                    self.facts[place].take(values, lines)
                    apart[place].take(values, lines)
            self.owns += [(other, apart)] if len(self.owns) < MOST_APART else []
            for place in set(range(len(self.facts))) - set(own):
                self.facts[place].take([None] * len(lines), lines)
            odd = [index for index in range(len(other.rows)) if len(other.rows[index]) != width]
            self.others_odd += [(other.file.last_name, other.lines[index], len(other.rows[index])) for index in odd][:MOST]
            self.odd_count += len(odd)
            self.other_rows += len(other.rows)
        return others

    others_odd: list[tuple[str, int, int]]
    odd_count = other_rows = 0
    alone: list[Typing]
    owns: list[tuple[OtherFile, dict[int, Facts]]]

    def _tell_others(self, proposal: Proposal, others: list[OtherFile]) -> None:
        """What of other files stands in the way, and where in them values stand that do not fit."""
        if not others:
            return
        is_marked = bool(marked_encoding(self.file.head))
        encoding = self.settings.encoding or encoding_for_all(str(self.encoding.value), is_marked, others)
        strange = [other.file.name for other in others if not is_of_table(other, self.dialect, self.header)]
        has_own = any(other.form.separator != self.dialect.separator for other in others if other.file.name not in strange)
        proposal.strange_files = strange
        proposal.settings.encoding = encoding  # type: ignore[assignment]
        proposal.settings.other_separators = self.settings.other_separators or ("own" if has_own else None)
        proposal.problems = [*proposal.problems, *told(others, self.dialect, encoding, self.header)]
        proposal.problems += written_otherwise(self.alone, self.owns, proposal.columns, self.dialect)
        put_in_files(proposal.misfits, [other.file for other in others])

    # --- saying what was found

    def _kept_columns(self) -> int:
        """How many of the columns stay: cells without a name are dropped when they are always empty, or when a person says so."""
        named = len(self.header) if self.dialect.header else len(self.facts)
        if named >= len(self.facts):
            return len(self.facts)
        choice = self.settings.other_widths
        if choice is None:
            choice = "drop" if not any(facts.full for facts in self.facts[named:]) else "keep"
            if choice == "drop" and any(width < named for width in self.widths):
                choice = "reject"
        self.surplus = choice
        return len(self.facts) if choice == "keep" else named

    surplus = ""
    usual_choice: str | None = None
    """What happens to rows of another width where most rows are so."""

    def _columns(self, style: Style, kept: int) -> tuple[list[ProposedColumn], list[Typing], list[Misfit], int]:
        raw = [self.header[index] if index < len(self.header) else "" for index in range(len(self.facts))]
        names = safe_names(raw)
        columns, typings, misfits, total = [], [], [], 0
        for index, facts in enumerate(self.facts):
            column, typing = column_of(index, raw[index], names[index], facts, style, self.settings.columns.get(str(index)))
            column.dropped = index >= kept
            columns.append(column)
            typings.append(typing)
            if not column.dropped:
                some, count = misfits_of(facts, typing, column.name, index)
                misfits += some
                total += count
        return columns, typings, sorted(misfits, key=lambda misfit: misfit.line)[:MOST], total

    def _rows_fit(self, typings: list[Typing]) -> int | None:
        """Rows without a misfit and of the right width; None when they are too many to have been told apart."""
        lines: set[int] = set()
        for facts, typing in zip(self.facts, typings, strict=False):
            for key, tally in facts.tallies.items():
                if typing.type == "string" or key in typing.keys or (isinstance(key, tuple) and key[1] in typing.null_words):
                    continue
                if len(tally.lines) < tally.rows:
                    return None
                lines.update(tally.lines)
        return self.judged - len(lines)

    @property
    def judged(self) -> int:
        return self.facts[0].rows if self.facts else 0

    def _row_count(self, reading: Pass) -> int | None:
        if reading.is_whole:
            return self.rows
        return None if reading.has_line_breaks else self.rows + reading.lines_left

    def _settings(self, style: Style) -> Settings:
        """How it is read now: the person's settings, and what was found for the rest."""
        dialect: Dialect = self.dialect
        return self.settings.model_copy(
            update={
                "format": "delimited",
                "encoding": self.encoding.value,
                "separator": dialect.separator,
                "quote": dialect.quote,
                "escape": dialect.escape,
                "header": dialect.header,
                "skip_lines": dialect.skip_lines,
                "skip_last_lines": dialect.skip_last_lines,
                "comment": dialect.comment,
                "backslashes": self._backslashes(),
                "other_widths": self.settings.other_widths or self.widths_choice(),
                "decimal": style.decimal,
                "time_zone": style.time_zone,
                "trim_names": True if self.settings.trim_names is None else self.settings.trim_names,
            }
        )

    def _backslashes(self) -> Literal["codes", "text"] | None:
        """What backslashes are, where values hold such as databases write."""
        found = self.dialect.codes
        return self.settings.backslashes or (("codes" if found.is_sure else "text") if found else None)

    def widths_choice(self) -> str:
        return self.surplus or self.usual_choice or ("reject" if self.others or self.others_odd else "stop")

    def _all_found(self, reading: Pass, typings: list[Typing], style: Style) -> list[Found]:
        packed = Found(setting="packed", value=self.file.is_gzip, shown="gzip, one file" if self.file.is_gzip else "not packed")
        empty = f"{reading.empty_lines:,} found, the first in line {reading.first_empty:,}" if reading.empty_lines else "none found"
        more = [Found(setting="emptyLines", value="skip", shown="skip", words=empty)]
        for one in self.found:
            if one.setting == "header" and self.dialect.header and self.header_line:
                one.shown = f"line {self.header_line}"
        return [packed, self.encoding, *self.found, *more, *found_in_values(self.settings, typings, style)]


def _too_wide(width: int) -> Problem:
    message = f"It has {width:,} columns; {MOST_COLUMNS:,} are proposed at most."
    fix = "Leave out those that you do not need where the file is made, or put the values below each other: name, value."
    return Problem(code="look-too-wide", message=message, fix=fix)


def show_lines(proposal: Proposal, lines: list[str], *, is_whole: bool) -> None:
    """The first of the `lines` as they are written. `is_whole`: the file has no others."""
    lines = [line.rstrip("\r\n") for line in lines]
    proposal.first_lines = [line[:FIRST_SIGNS] for line in lines[:FIRST_LINES]]
    proposal.first_lines_are_all = is_whole and proposal.first_lines == lines


def _whole_lines(text: str) -> str:
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end > 0 else text
