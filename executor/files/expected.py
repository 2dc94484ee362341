"""What a stage expects of its delimited files, so that tomorrow's export is not read as today's: the names of the columns,
and what the rows at the end say that are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from executor.files import encodings
from executor.files.column_shapes import is_written_as
from executor.files.dialect import BLANKS, NO_ESCAPE, Dialect, record_at
from executor.files.first_lines import left_out
from executor.files.headers import Match, how_to_mend, in_quotes, key, listed, match
from executor.files.total_words import FOOTER
from executor.problems import Problem, ProblemError

if TYPE_CHECKING:
    from executor.files.delimited import SeenFile, TextRules
    from executor.files.table import Part, Table

TAIL_BYTES = 1 << 16
"""The rows at the end of a file are looked for in so much of it; where they are longer, in all of it."""
SHOWN = 60


def in_expected_order(table: Table, seen: Sequence[SeenFile], rules: TextRules) -> Table:
    """The table with the columns that the stage expects, in their order. Raises ProblemError where one is missing; columns that are new are
    left out with a warning."""
    found = match(table.columns, rules.names)
    if found.missing and rules.other_headers == "stop":
        raise ProblemError(_missing(seen[0], found, table.columns, _moved(seen[0], rules) or _to_correct(found)))
    called = dict(zip(table.columns, found.names, strict=True))
    parts = [replace(part, names=tuple(called.get(name, name) for name in part.names)) for part in table.parts]
    warnings = [*table.warnings, *_other_columns(seen, parts, rules, found)]
    said = [*table.said]
    if [name for name in found.names if name in rules.names] != [name for name in rules.names if name in found.names]:
        said.append("The columns come in another order than this stage names them; each value is put under its name.")
    return replace(table, columns=list(rules.names), parts=parts, warnings=warnings, said=said)


def _other_columns(seen: Sequence[SeenFile], parts: Sequence[Part], rules: TextRules, found: Match) -> list[Problem]:
    """What to warn of: columns that no stage reads, by the file that has them, and expected ones that no file has."""
    told = [_in_no_file(seen[0], found.missing)] if found.missing else []
    if not found.more:
        return told
    own = {file.path: part.names for part in parts for file in part.files}
    one = next(one for one in seen if set(own[one.file.path]) & set(found.more))
    more = [name for name in own[one.file.path] if name in found.more]
    lacks = [name for name in rules.names if name not in own[one.file.path]]
    return [*told, _more(one, more, lacks, others=len(set(found.more) - set(more)))]


def check_names_left_out(one: SeenFile, rules: TextRules) -> None:
    """For files whose names stand in the last line that is left out, and whose columns go by their places. Raises ProblemError when the
    names are others."""
    written, expected = _without_empty_end(one.look.before), _without_empty_end(rules.names)
    if [key(name) for name in written] == [key(name) for name in expected]:
        return
    where = f"line {rules.skip_lines} of {one.file.name}"
    raise ProblemError(
        Problem(
            code="input-names-differ",
            field="names",
            message=f"The names in {where} are not those that this stage was made for, and its columns go by their places.",
            file=one.file.name,
            found=listed(written) or "no names",
            expected=listed(expected),
            fix="Look at the file again (Data), and make the stage anew; or change “Names” (names) when only the words are others.",
        )
    )


def check_last_rows(one: SeenFile, rules: TextRules) -> Problem | None:
    """Raises ProblemError when a row that would be left out at the end does not say what such rows said when the stage was made. Gives a
    warning where the last row is a total, and nothing is left out; and where the stage does not say what those rows say, and one that is
    left out is written as the others are."""
    if not rules.last_rows_hold and not rules.skip_last_lines and (rules.is_end_known or one.file.path.suffix in (".gz", ".bz2")):
        return None
    count = max(rules.skip_last_lines, 1)
    rows = _last_rows(one, rules, count + 1)
    if not rules.skip_last_lines:
        return _total_at_the_end(one, rows) if len(rows) > 1 else None
    last, before = rows[-count:], rows[:-count]
    if not rules.last_rows_hold:
        data = [row for row in last if not FOOTER.match(_first(row)) and is_written_as(row, one.look.first_rows[: one.look.rows])]
        return left_out(one, data[0], "skipLastLines") if data else None
    for row, word in zip(last, rules.last_rows_hold, strict=False):
        if word.casefold() not in _first(row).casefold():
            raise ProblemError(_no_total(one, row, word))
    first = rules.last_rows_hold[0].casefold()
    if before and first and first in _first(before[-1]).casefold():
        raise ProblemError(_one_more(one, before[-1], count))
    return None


def word_of(row: Sequence[str]) -> str:
    """What a row at the end says, without the numbers, which change: “Total 2025: 17” → “Total”."""
    first = _first(row)
    words = re.match(r"[^\d]*", first)
    return (words.group().strip(BLANKS + '"') if words else "")[:SHOWN] or "".join(re.findall(r"[^\W\d]+", first)[:1])


def _first(row: Sequence[str]) -> str:
    return next((cell.strip() for cell in row if cell.strip()), "")


def _last_rows(one: SeenFile, rules: TextRules, count: int) -> list[list[str]]:
    """The last rows, as they are written."""
    dialect = one.rules(rules).dialect(one.escape.sign or NO_ESCAPE, as_stream=one.as_stream)
    found = _records(_lines(one, TAIL_BYTES) or [], rules, dialect, count)
    if len(found) < count:
        found = _records(_lines(one, None) or [], rules, dialect, count)
    return [record_at(text, 0, dialect).cells for text in found]


def _records(lines: Sequence[str], rules: TextRules, dialect: Dialect, count: int) -> list[str]:
    """The last records that are no blanks and no comments, at most `count`. Read from the end, where nobody knows which quotes are open: a
    line whose quotes are not in pairs ends a value that begins in the next such line above."""
    found: list[str] = []
    last = len(lines)
    while last and len(found) < count:
        first = _first_line(lines, last - 1, dialect) if dialect.over_lines else last - 1
        text = "\n".join(lines[first:last])
        last = first
        if text.strip(BLANKS) and not (rules.comment and text.startswith(rules.comment)):
            found.append(text)
    return found[::-1]


def _first_line(lines: Sequence[str], last: int, dialect: Dialect) -> int:
    """Where the record begins that ends with the line `last`."""
    if not _is_odd(lines[last], dialect):
        return last
    above = next((index for index in range(last - 1, -1, -1) if _is_odd(lines[index], dialect)), last)
    text = "\n".join(lines[above : last + 1])
    record = record_at(text, 0, dialect)
    return above if record.end == len(text) and record.breaks and not record.is_open else last


def _is_odd(line: str, dialect: Dialect) -> bool:
    """Whether a quote of the line has none to go with it. An escape sign, other than the quote itself, takes its quote away."""
    plain = line if dialect.escape == dialect.quote else line.replace(dialect.escape * 2, "").replace(dialect.escape + dialect.quote, "")
    return dialect.has_quotes and plain.count(dialect.quote) % 2 == 1


def _lines(one: SeenFile, size: int | None) -> list[str] | None:
    """Lines at the end of the file. `size`: of how many bytes; None: of all. Gives None where the file cannot be read from its end, or is
    shorter."""
    if size is None:
        text = ""
        for block in encodings.text_blocks(one.file.path, one.encoding):
            text = (text + block)[-(TAIL_BYTES * 16) :]
    elif one.file.path.suffix in (".gz", ".bz2") or one.encoding.startswith("UTF-16") or one.file.path.stat().st_size <= size:
        return None
    else:
        with one.file.path.open("rb") as stream:
            stream.seek(-size, 2)
            text = stream.read().decode(one.encoding, "replace").partition("\n")[2]
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _without_empty_end(names: Sequence[str]) -> list[str]:
    kept = list(names)
    while kept and not kept[-1].strip(BLANKS):
        kept.pop()
    return kept


def _missing(one: SeenFile, found: Match, columns: Sequence[str], fix: str) -> Problem:
    new = f" It has {in_quotes(found.more)}, which {'is' if len(found.more) == 1 else 'are'} new." if found.more else ""
    return Problem(
        code="input-names-missing",
        field="names",
        message=f"“{one.file.name}” has no column {in_quotes(found.missing)} any more.{new}",
        file=one.file.name,
        found=listed(columns),
        expected=in_quotes(found.missing),
        fix=fix,
    )


def _to_correct(found: Match) -> str:
    return f"Correct the first line of the file: {how_to_mend(found)}. Or change “Names” (names) and the stages that use them."


def _moved(one: SeenFile, rules: TextRules) -> str | None:
    """What to do where the names stand in another line: a title that got longer or shorter."""
    expected = {key(name) for name in rules.names}
    if expected <= {key(cell) for cell in one.look.before}:
        return "The names stand higher than this stage expects: write fewer lines into “First lines to leave out” (skipLines)."
    if any(expected <= {key(cell) for cell in row} for row in one.look.first_rows):
        return "The names stand lower than this stage expects: write the number of lines above into “First lines to leave out” (skipLines)."
    return None


def _in_no_file(one: SeenFile, missing: Sequence[str]) -> Problem:
    """Files may lack columns; that none has one any more was not meant by that."""
    return Problem(
        code="input-names-missing",
        field="names",
        message=f"No file has a column {in_quotes(missing)} any more: there is no value in any row.",
        file=one.file.name,
        expected=in_quotes(missing),
        fix="Correct the first lines of the files, or change “Names” (names) and the stages that use them.",
    )


def _more(one: SeenFile, more: Sequence[str], lacks: Sequence[str], others: int) -> Problem:
    """`lacks`: what the file does not have, which may be the same by another name; `others`: how many more columns other files have."""
    count = "a column" if len(more) == 1 else f"{len(more):,} columns"
    message = f"“{one.file.name}” has {count} that this stage does not read: {in_quotes(more)}."
    if lacks:
        message += f" It lacks {in_quotes(lacks)}, so that its rows have no value there."
    if others:
        message += f" Other files have {others:,} more that {'is' if others == 1 else 'are'} not read."
    what = "If that is an old one by another name, its values are missing" if lacks else "Nothing else changes"
    return Problem(
        code="input-names-more",
        field="names",
        message=message,
        file=one.file.name,
        found=in_quotes(more),
        fix=f"{what}. To read it too, write it into “Names” (names), and give it a type in the stage behind.",
    )


def _no_total(one: SeenFile, row: Sequence[str], word: str) -> Problem:
    return Problem(
        code="input-last-rows",
        field="skipLastLines",
        message=f"A row at the end of “{one.file.name}” would be left out, but does not say “{word}”: it may be data.",
        file=one.file.name,
        found=listed(row)[:300],
        expected=f"a row with “{word}”",
        fix="If it is data, say how many rows are to be left out (skipLastLines). "
        "If not, write what it says into “What they say” (lastRowsHold).",
    )


def _one_more(one: SeenFile, row: Sequence[str], count: int) -> Problem:
    return Problem(
        code="input-last-rows",
        field="skipLastLines",
        message=f"“{one.file.name}” has more rows at its end that are no data than the {count} that are left out.",
        file=one.file.name,
        found=listed(row)[:300],
        fix="Say how many rows are to be left out (skipLastLines).",
    )


def _total_at_the_end(one: SeenFile, rows: Sequence[Sequence[str]]) -> Problem | None:
    """`rows`: the last two."""
    first = _first(rows[-1])
    if not FOOTER.match(first) or FOOTER.match(_first(rows[-2])) or one.look.width < 2:
        return None
    return Problem(
        code="input-total-row",
        field="skipLastLines",
        message=f"The last row of “{one.file.name}” looks like a total, and is read as data.",
        file=one.file.name,
        found=listed(rows[-1])[:300],
        fix="If it is one, leave it out with “Last rows to leave out” (skipLastLines), so that it is not counted twice; "
        "if it is data, write 0 there.",
    )
