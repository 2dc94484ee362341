"""One delimited file, looked at before Spark reads it: how it is written, and what in it cannot be read as the stage says."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NoReturn

from executor.files import encodings
from executor.files.backslashes import GOES_ON, goes_on
from executor.files.consoles import FIX as CONSOLE
from executor.files.consoles import is_ruler
from executor.files.dialect import NO_ESCAPE, NO_QUOTE, Dialect
from executor.files.encodings import UTF_16
from executor.files.escapes import BACKSLASH, Verdict, verdict
from executor.files.folder import DataFile
from executor.files.inputs import SAMPLE_BYTES, check_kind, fail_utf16, unreadable_text_told
from executor.files.looks import LONGEST_RECORD, FileLook, Layout, Some, look, look_at_beginning
from executor.problems import Problem, ProblemError

BEGINNING = 262_144
"""So many signs of a file are looked at where only its first lines matter."""
SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a pipe", ",": "a comma", "\x01": "the sign 0x01"}


@dataclass(frozen=True)
class TextRules:
    """How the stage says that its files are written. `escape`, `encoding`: None where each file says itself."""

    separator: str = ","
    quote: str = '"'
    escape: str | None = None
    header: bool = True
    multi_line: bool = False
    encoding: str | None = None
    skip_lines: int = 0
    skip_last_lines: int = 0
    comment: str | None = None
    other_widths: str = "stop"
    other_headers: str = "stop"
    other_separators: str = "stop"
    trim_names: bool = False
    names: tuple[str, ...] = ()
    last_rows_hold: tuple[str, ...] = ()
    totals: str = "warn"
    empty_rows: str = "warn"
    fill_down: tuple[str, ...] | None = None
    """None: nobody has said whether cells are meant to be empty."""
    backslashes: str = "warn"
    null_value: str = ""
    is_end_known: bool = False
    """The stage says how many rows at the end are none, be it 0."""

    @property
    def layout(self) -> Layout:
        return Layout(self.header, self.skip_lines, self.skip_last_lines, self.comment)

    def dialect(self, escape: str, *, as_stream: bool) -> Dialect:
        return Dialect(self.separator, self.quote, escape, over_lines=as_stream)


@dataclass(frozen=True)
class SeenFile:
    """A file and what was seen in it. `as_stream`: Spark has to read it as one text."""

    file: DataFile
    encoding: str
    escape: Verdict
    as_stream: bool
    look: FileLook
    separator: str = ""
    """Its own, where the stage lets each file have one; empty: the stage's."""

    def rules(self, rules: TextRules) -> TextRules:
        """The stage's rules, with what is the file's own."""
        return replace(rules, separator=self.separator) if self.separator else rules

    @property
    def line_end(self) -> str | None:
        return next(iter(self.look.line_ends), None)


def see(file: DataFile, rules: TextRules) -> SeenFile | None:
    """Looks at one file; None where nothing but blanks is in it. Raises ProblemError for what does not go with how it is read at all."""
    check_kind(file, binary_reader="DelimitedExtract")
    with unreadable_text_told(file, has_field=True):
        encoding = _encoding(encodings.head_of(file.path, SAMPLE_BYTES), file, rules)
        as_stream = rules.multi_line or encoding in UTF_16
        seen = _seen(file, rules, encoding, as_stream)
        if not as_stream and (seen.look.vanishing.count or seen.look.odd.count):
            seen = _better_as_stream(seen, rules)
    _check_ends(seen)
    if not seen.look.width:
        return None
    _check_first_line(seen, rules)
    _check_is_table(seen, rules)
    if own := _own_separator(seen, rules):
        other = see(file, replace(rules, separator=own, other_separators="stop"))
        return replace(other, separator=own) if other else None
    _check_separator(seen, rules)
    _check_quotes(seen, rules)
    return seen


def see_beginning(file: DataFile, rules: TextRules) -> SeenFile | None:
    """As `see`, by the file's first lines alone: what is wrong further down is not found. None where no whole line is in them, too."""
    check_kind(file, binary_reader="DelimitedExtract")
    with unreadable_text_told(file, has_field=True):
        encoding = _encoding(encodings.head_of(file.path, SAMPLE_BYTES), file, rules)
        text = next(encodings.text_blocks(file.path, encoding), "")
    if len(text) > BEGINNING:
        text = text[:BEGINNING]
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]  # the last line is cut
    as_stream = rules.multi_line or encoding in UTF_16
    sign = NO_ESCAPE if rules.quote == NO_QUOTE else (rules.escape or NO_ESCAPE) if rules.escape is not None else rules.quote
    found = look_at_beginning(text, rules.dialect(sign, as_stream=as_stream), rules.layout, as_stream=as_stream)
    if not found.width:
        return None
    seen = SeenFile(file, encoding, Verdict(sign), as_stream, found)
    if own := _own_separator(seen, rules):
        other = see_beginning(file, replace(rules, separator=own, other_separators="stop"))
        return replace(other, separator=own) if other else None
    _check_separator(seen, rules)
    return seen


def _encoding(head: bytes, file: DataFile, rules: TextRules) -> str:
    marked = encodings.marked_encoding(head)
    if marked == "UTF-16LE" and head.startswith(b"\xff\xfe\x00\x00"):
        fail_utf16(file, "UTF-32", has_field=False)
    if marked:
        return marked
    unmarked = encodings.unmarked_utf16(head)
    if rules.encoding == "UTF-16":
        return unmarked or "UTF-16LE"
    if unmarked and rules.encoding not in UTF_16:
        fail_utf16(file, unmarked, has_field=True)
    if rules.encoding in (None, "UTF-8", *UTF_16):
        return rules.encoding or "UTF-8"
    return "UTF-8" if encodings.is_utf8_beyond_ascii(*file.facts()) else str(rules.encoding)


def _seen(file: DataFile, rules: TextRules, encoding: str, as_stream: bool) -> SeenFile:
    facts = file.facts()

    def seen_with(escape: str, *, may_stop: bool = False) -> FileLook:
        return look(*facts, encoding, rules.dialect(escape, as_stream=as_stream), rules.layout, as_stream=as_stream, may_stop=may_stop)

    if rules.quote == NO_QUOTE:
        return SeenFile(file, encoding, Verdict(NO_ESCAPE), as_stream, seen_with(NO_ESCAPE))
    if rules.escape is not None:
        sign = rules.escape or NO_ESCAPE
        return SeenFile(file, encoding, Verdict(sign), as_stream, seen_with(sign))
    doubled = seen_with(rules.quote, may_stop=True)
    if not doubled.slashed.count:
        return SeenFile(file, encoding, Verdict(rules.quote, is_proven=bool(doubled.doubled.count)), as_stream, doubled)
    slashed = seen_with(BACKSLASH)
    found = verdict(rules.quote, doubled, slashed)
    if doubled.is_cut and found.sign != BACKSLASH:
        doubled = seen_with(rules.quote)
        found = verdict(rules.quote, doubled, slashed)
    return SeenFile(file, encoding, found, as_stream, slashed if found.sign == BACKSLASH else doubled)


def _better_as_stream(seen: SeenFile, rules: TextRules) -> SeenFile:
    """The file as one text, if Spark reads it better so: line by line it leaves out rows of blank separators."""
    other = _seen(seen.file, rules, seen.encoding, as_stream=True)
    found = other.look
    return seen if found.breaks.count or found.odd.count or len(found.line_ends) > 1 else other


# --- what cannot be read ----------------------------------------------------------------------------------------------------


def _check_first_line(seen: SeenFile, rules: TextRules) -> None:
    """Excel may write `sep=;` before the names."""
    first = seen.look.names if rules.header else next(iter(seen.look.first_rows), None)
    if first and re.fullmatch("sep=.?", first[0], re.IGNORECASE) and not any(first[1:]) and len(first) <= 2:
        raise ProblemError(
            Problem(
                code="input-sep-line",
                field="skipLines",
                message=f"The first line of “{seen.file.name}” says which sign separates the values, as Excel has it; it is no row.",
                file=seen.file.name,
                found=rules.separator.join(first),
                fix="Leave it out: set “First lines to leave out” (skipLines) to 1, and choose the separator that it names.",
            )
        )


_NO_TABLES = (
    (r"\s*<(!doctype html|html)", "a web page", "Fetch the file again: what was saved is a page, for instance the one to sign in at."),
    (r"\s*<\?xml", "an XML file", "Export its rows as CSV or JSON."),
    (r"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch the file itself, for instance with git lfs pull."),
    (
        r"\s*(-- (MySQL|MariaDB|PostgreSQL|Dump|SQLite|phpMyAdmin)|/\*!\d{5}|(INSERT|REPLACE) INTO\s|(CREATE|DROP) TABLE\s|PRAGMA \w+=)",
        "a script of SQL statements",
        "Export the table as CSV instead.",
    ),
    (r"\s*(\{\s*\"|\[\s*\{)", "JSON", "Read it with a JSONExtract stage."),
)


def _check_is_table(seen: SeenFile, rules: TextRules) -> None:
    """What is plainly something else, though it is text, must not give its first line for names."""
    first = rules.separator.join(seen.look.names or ())
    for pattern, kind, fix in _NO_TABLES:
        if re.match(pattern, first, re.IGNORECASE):
            words = f"“{seen.file.name}”: The file is no table: it is {kind}."
            raise ProblemError(
                Problem(
                    code="input-format",
                    field="inputURI",
                    message=words,
                    file=seen.file.name,
                    found=kind,
                    expected="rows of values",
                    fix=fix,
                )
            )


def _check_ends(seen: SeenFile) -> None:
    found = seen.look.endless
    if found.count:
        _fail_at(
            seen, found.row, "input-row-endless",
            f"Row {found.row:,} of “{seen.file.name}” is longer than {LONGEST_RECORD // 1_000_000} million signs.",
            "Check how the file was made: this is no table, or its line ends are missing.", line=found.line,
        )  # fmt: skip


def _own_separator(seen: SeenFile, rules: TextRules) -> str | None:
    return _other_separator(seen, rules) if rules.other_separators == "own" and rules.header else None


def _other_separator(seen: SeenFile, rules: TextRules) -> str | None:
    """Another usual sign that the file is written with: the stage's separator stands in no name, and the other one in all lines as often
    as in the first."""
    rows = [list(seen.look.names or ()), *seen.look.first_rows] if rules.header else seen.look.first_rows
    rows = [row for row in rows if row]
    if len(rows) < 2 or len(rows[0]) > 1 or (seen.look.widest > 1 and not rules.header):
        return None
    lines = [rules.separator.join(cells) for cells in rows]
    return next(
        (sign for sign in SEPARATORS if sign != rules.separator and sign in lines[0] and len({line.count(sign) for line in lines}) == 1),
        None,
    )


def _check_separator(seen: SeenFile, rules: TextRules) -> None:
    """Rows of one value, all of them with another usual sign as often, were written with that one."""
    other = _other_separator(seen, rules)
    if other:
        own = "" if other in "|,\x01" else f": Custom, with the own separator {other!r}"
        raise ProblemError(
            Problem(
                code="input-separator",
                field="delimiter",
                message=f"“{seen.file.name}”: The values are not separated as the stage says: each row would be one single value.",
                file=seen.file.name,
                found=f"{SEPARATORS[other]} between the values",
                expected=SEPARATORS.get(rules.separator, f"“{rules.separator}”"),
                fix=f"Choose the separator that the file uses{own}. Where files of one folder differ, set “Files with other separators” "
                "(otherSeparators) to own.",
            )
        )


def _check_quotes(seen: SeenFile, rules: TextRules) -> None:
    found, escape = seen.look, seen.escape
    if escape.against:
        _fail_at(
            seen, escape.against[1], "input-escape-mixed",
            f"“{seen.file.name}” writes quotes inside quotes in two ways: doubled in row {escape.against[0]:,}, "
            f"behind a backslash in row {escape.against[1]:,}.",
            'Write all rows in one way, or set the escape sign (escape): " or \\.',
        )  # fmt: skip
    over_lines = found.open if not seen.as_stream else found.breaks if not rules.multi_line else Some()
    if over_lines.count:
        _fail_at(
            seen, over_lines.row, "input-line-break", f"A value in row {over_lines.row:,} of “{seen.file.name}” goes over several lines.",
            "Turn “Line breaks in values” (multiLine) on, or close the quote in that row.", line=over_lines.line,
        )  # fmt: skip
    if found.open.count:
        _fail_at(
            seen, found.open.row, "input-quote-open", f"The quote in row {found.open.row:,} of “{seen.file.name}” is never closed.",
            "Close the quote, or take it out; where quotes mean nothing in this file, set “Quotes” (quote) to None.", line=found.open.line,
        )  # fmt: skip
    if found.odd.count:
        _fail_at(
            seen, found.odd.row, "input-quotes", f"The quotes in row {found.odd.row:,} of “{seen.file.name}” do not fit together.",
            "Correct the row: a quote inside a value in quotes is written twice.", line=found.odd.line,
        )  # fmt: skip
    if seen.as_stream and len(found.line_ends) > 1:
        _fail_at(
            seen, None, "input-line-ends", f"The rows of “{seen.file.name}” do not all end in the same way.",
            "Save it with one kind of line ends (LF or CRLF).", found=" and ".join(sorted(repr(end)[1:-1] for end in found.line_ends)),
        )  # fmt: skip


def seen_as(seen: SeenFile, rules: TextRules, escape: str) -> SeenFile:
    """The file as it is with this escape sign."""
    own = replace(seen.rules(rules), escape=escape)
    return replace(_seen(seen.file, own, seen.encoding, seen.as_stream), separator=seen.separator)


def unsure_escape(seen: SeenFile) -> Problem:
    """The problem of a file that both escape signs read well, but not alike."""
    row = seen.escape.unsure or Some()
    return Problem(
        code="input-escape-unsure",
        field="escape",
        message=f"In row {row.row:,} of “{seen.file.name}” a backslash inside quotes may mean itself, or be the escape sign.",
        row=row.row,
        file=seen.file.name,
        found=f"a backslash before a backslash or a quote (line {row.line:,})",
        expected="a file that says which by its other rows",
        fix='Set the escape sign (escape): " where every backslash stands for itself (Excel, most databases), \\ where two mean one.',
    )


def _fail_at(
    seen: SeenFile, row: int | None, code: str, message: str, fix: str, *, line: int | None = None, found: str | None = None
) -> NoReturn:
    where = found or (f"line {line:,}" if line else None)
    raise ProblemError(Problem(code=code, field="inputURI", message=message, row=row, file=seen.file.name, found=where, fix=fix))


def check_widths(seen: SeenFile, rules: TextRules) -> None:
    """Problem for the first row of another width that the stage does not say what to do with."""
    found = seen.look
    narrow = found.narrow if rules.other_widths in ("stop", "drop") else Some()
    wide = found.wide_filled if rules.other_widths in ("stop", "pad") else Some()
    first = min((some for some in (narrow, wide) if some.count), key=lambda some: some.row, default=None)
    if first is None:
        return
    count = found.narrow.count + found.wide_filled.count
    raise ProblemError(
        Problem(
            code="input-row-width",
            field="inputURI",
            message=f"Row {first.row:,} of “{seen.file.name}” has {_values(first.width)}, "
            f"the {'header' if rules.header else 'first row'} has {found.width}.",
            row=first.row,
            file=seen.file.name,
            found=f"{_values(first.width)} (line {first.line:,})",
            expected=_values(found.width),
            fix="Correct the row: a value that holds the separator or a line break must stand in quotes. "
            f"{_around(seen, first, rules)}Or say under “Rows of another width” (otherWidths) what to do with such rows; there "
            f"{'are' if count > 1 else 'is'} {count:,}.",
        )
    )


def _around(seen: SeenFile, first: Some, rules: TextRules) -> str:
    """What else such rows may be: lines around the table, values of a database that go on behind a backslash."""
    if any(map(is_ruler, seen.look.first_rows[:2])):
        return f"This is what the console of a database prints: its lines of dashes are no rows. {CONSOLE} "
    if first.row <= len(seen.look.first_rows) + 1 and any(map(goes_on, seen.look.first_rows)):
        return f"{GOES_ON} "
    if first.row == 1 and first.width > seen.look.width and not rules.skip_lines:
        return "Lines before the names, such as a title, are left out by “First lines to leave out” (skipLines). "
    if first.row == seen.look.rows and first.row > 1 and not rules.skip_last_lines:
        return "A remark or a total at the end is left out by “Last rows to leave out” (skipLastLines). "
    return ""


def _values(count: int) -> str:
    return f"{count} value{'s' if count != 1 else ''}"
