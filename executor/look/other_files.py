"""The first rows of all files of a folder, so that what is proposed goes with each of them, and what does not is counted."""

from __future__ import annotations

import codecs
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from executor.files.encodings import marked_encoding
from executor.files.folder import DataFile
from executor.files.headers import in_quotes, key, named
from executor.files.rows import NeverClosed, lines_of
from executor.look.dialect import Dialect, dialect_of
from executor.look.encoding import encoding_of
from executor.look.facts import Facts
from executor.look.opening import Opened, python_encoding, without_mark
from executor.look.proposal import Misfit, ProposedColumn, Said, Settings, short
from executor.look.shapes import Number
from executor.look.types import Style, Typing, propose
from executor.problems import ProblemError

ROWS_OF_ALL, FEWEST_ROWS = 50_000, 100
"""Rows of all other files together that are judged, and of each at least."""
FILE_BITS = 40
"""A line of the file with the number n, from 1, is kept as `line + (n << FILE_BITS)`."""
SECONDS = 6.0


@dataclass(frozen=True)
class OtherFile:
    """`names`: of its columns; empty where it is read by places. `rows`, `lines`: its first ones. `form`: how it is written."""

    file: DataFile
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    form: Dialect
    encoding: str
    is_marked: bool


def first_rows(files: Sequence[DataFile], like: Dialect, encoding: str, names: Sequence[str]) -> list[OtherFile]:
    """Of as many `files` as time allows, but for those without a row; those that cannot be opened are told by the run. `like`, `encoding`,
    `names`: of the file that is shown; where they do not fit, a file's own are found out."""
    most, end = max(FEWEST_ROWS, ROWS_OF_ALL // max(1, len(files))), time.monotonic() + SECONDS
    found = []
    for file in files:
        if time.monotonic() > end:
            break
        with suppress(ProblemError, NeverClosed, OSError):
            other = _first_rows(file, like, encoding, {key(name) for name in names}, most)
            found += [other] if other.names or other.rows else []
    return found


def put_in_files(misfits: Sequence[Misfit], others: Sequence[DataFile]) -> None:
    """Says of each in which file it stands (none: the one that is shown), from the line that holds both."""
    for misfit in misfits:
        number, misfit.line = misfit.line >> FILE_BITS, misfit.line & ((1 << FILE_BITS) - 1)
        misfit.file = others[number - 1].last_name if number else ""


def _first_rows(file: DataFile, like: Dialect, encoding: str, known: set[str], most: int) -> OtherFile:
    opened = Opened(file.path)
    marked = marked_encoding(opened.head)
    own = marked or _own_encoding(opened, encoding)
    text = without_mark(opened.head).decode(python_encoding(own).replace("-sig", ""), "replace")
    lines = lines_of(text)
    if len(opened.head) < opened.bytes or opened.is_gzip:
        lines = lines[:-1]
    form = like
    names, rows, numbers = _read(lines, form, most)
    if like.header and not known & {key(name) for name in names}:
        form, _ = dialect_of(text, "", Settings())
        names, rows, numbers = _read(lines, form, most)
    return OtherFile(file, names, rows, numbers, form, own, bool(marked))


def _own_encoding(opened: Opened, usual: str) -> str:
    """UTF-8 where all of the beginning is that, as the run has it; else the usual one, or the file's own."""
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(opened.head)
        return "UTF-8"
    return usual if usual not in ("UTF-8", "UTF-16LE", "UTF-16BE") else str(encoding_of(opened, 1.0).value)


def _read(lines: Sequence[str], form: Dialect, most: int) -> tuple[tuple[str, ...], list[list[str]], list[int]]:
    reader = form.reader(lines[form.skip_lines :])
    names: tuple[str, ...] = ()
    rows: list[list[str]] = []
    numbers: list[int] = []
    with suppress(NeverClosed):
        for row in reader:
            if row and form.header and not names:
                names = named(row, trim=True).names
            elif row:
                rows.append(row)
                numbers.append(reader.line + form.skip_lines)
            if len(rows) >= most + form.skip_last_lines:
                break
    # What stands at the very end may be no rows.
    keep = len(rows) - form.skip_last_lines if form.skip_last_lines else len(rows)
    return names, rows[:keep], numbers[:keep]


def is_of_table(other: OtherFile, like: Dialect, names: Sequence[str]) -> bool:
    """Whether a run reads the file as part of the table: it begins as the others do, whatever separates its values."""
    if not like.header:
        return (other.form.separator, other.form.quote) == (like.separator, like.quote)
    begins = (other.form.header, other.form.skip_lines, other.form.quote) == (True, like.skip_lines, like.quote)
    return begins and bool({key(name) for name in names} & {key(name) for name in other.names})


def encoding_for_all(shown: str, is_marked: bool, others: Sequence[OtherFile]) -> str:
    """The encoding that the stage names: files with a mark say theirs, and what is UTF-8 is read so, too."""
    plain = [other.encoding for other in others if not other.is_marked] + ([] if is_marked else [shown])
    odd = Counter(name for name in plain if name != "UTF-8")
    return odd.most_common(1)[0][0] if odd else "UTF-8"


def told(others: Sequence[OtherFile], like: Dialect, encoding: str, names: Sequence[str]) -> list[Said]:
    """What stands in the way of reading the files as one table, and which of them are written otherwise. `encoding`: that of the stage."""
    strange = [other for other in others if not is_of_table(other, like, names)]
    said = [_not_of_table(other, like) for other in strange[:3]]
    wrong = [other for other in others if not other.is_marked and other.encoding not in ("UTF-8", encoding)]
    if wrong:
        message = f"{_files(wrong)} in {wrong[0].encoding}, others in {encoding}: one stage reads only one of them."
        fix = "Save all of them with the encoding UTF-8, and upload them again."
        said.append(Said(code="folder-encodings", message=message, fix=fix))
    apart = [other for other in others if other not in strange and other.form.separator != like.separator]
    if apart:
        message = (
            f"{_files(apart)} with “{_sign(apart[0].form.separator)}” between the values, the one shown with “{_sign(like.separator)}”."
        )
        said.append(Said(code="look-separators", message=message, fix="Each is read with its own."))
    own = {other.encoding for other in others if other.encoding != encoding and other not in wrong}
    if own:
        which = [other for other in others if other.encoding in own]
        message = f"{_files(which)} in {which[0].encoding}, the stage says {encoding}."
        said.append(Said(code="look-encodings", message=message, fix="Each is read as it is written."))
    return said


def written_otherwise(
    before: Sequence[Typing], owns: Sequence[tuple[OtherFile, dict[int, Facts]]], now: Sequence[ProposedColumn], like: Dialect
) -> list[Said]:
    """Of columns that are text in all files together: how the one that is shown and another one write them. `before`: the types that the
    shown file alone has; `owns`: the values of others by the places of the columns."""
    said = []
    for index, (typing, column) in enumerate(zip(before, now, strict=False)):
        if typing.type == "string":
            continue
        for other, facts in owns:
            if column.type["type"] != "string":
                said += _of_thousands(column, other, facts.get(index), like)
                continue
            own = propose(facts[index], Style()) if index in facts else typing
            if own.type not in ("string", typing.type) or (own.type == typing.type and own.options != typing.options):
                example = f"“{_example(facts[index].samples)}”"
                message = (
                    f"“{column.name}” is written otherwise in “{other.file.last_name}”, for instance {example}: in one table, it is text."
                )
                fix = "Read such files in a stage of their own, each with its types, and put the rows together by UNION ALL."
                said.append(Said(code="look-written-otherwise", message=message, fix=fix))
                break
    return said[:5]


def _of_thousands(column: ProposedColumn, other: OtherFile, facts: Facts | None, like: Dialect) -> list[Said]:
    """A file with another separator often has another decimal sign, too; where three digits stand behind each, its numbers do not say."""
    weak = [key for key in facts.tallies if isinstance(key, Number) and key.weak] if facts else []
    if not facts or not weak or other.form.separator == like.separator:
        return []
    example = next((text for text in facts.values if "," in text or "." in text), "")
    where = f"“{column.name}” in “{other.file.last_name}”, for instance “{short(example, 40)}”"
    message = f"{where}: whether its sign stands before decimals is not said."
    fix = "Look at that file alone; where its numbers are written otherwise, read it in a stage of its own."
    return [Said(code="look-thousands", message=message, fix=fix)]


def _example(samples: Sequence[str]) -> str:
    return short(samples[0], 40) if samples else ""


def _not_of_table(other: OtherFile, like: Dialect) -> Said:
    name = other.file.last_name
    if not other.form.header and like.header:
        message = f"“{name}” has no line of names; the others have one."
        fix = "Write the names into its first line, and upload it again; or take it out of the folder, and read it in a stage of its own."
    elif other.form.skip_lines != like.skip_lines:
        count = f"{other.form.skip_lines:,} line{'s' if other.form.skip_lines != 1 else ''}"
        message = f"“{name}” has {count} before its names, the others {like.skip_lines:,}."
        fix = "Take these lines out of it, and upload it again; or take it out of the folder, and read it in a stage of its own."
    else:
        message = f"“{name}” has other columns altogether: {in_quotes(other.names) or 'no names'}."
        fix = "Take it out of the folder, and read it in a stage of its own."
    return Said(code="folder-otherwise", message=f"{message} The run stops there.", fix=fix)


def _sign(separator: str) -> str:
    return "tab" if separator == "\t" else separator


def _files(others: Sequence[OtherFile]) -> str:
    first = f"“{others[0].file.last_name}”"
    return f"{first} is written" if len(others) == 1 else f"{first} and {len(others) - 1:,} more are written"
