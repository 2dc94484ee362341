"""Rows that sum up others, and groups named in their first row only, as reports have them: read as data, they make wrong sums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from executor.files import encodings
from executor.files.backslashes import Codes, codes_in, may_hold_codes
from executor.files.dialect import BLANKS, NO_QUOTE, Record, record_at
from executor.files.grouped_rows import groups, is_number, summed_up, totals, without_remarks
from executor.files.headers import in_quotes, listed, named, numbered
from executor.files.stand_ins import MARKS, columns_with
from executor.files.total_words import FOOTER, SUBTOTAL, is_no_total, may_hold_totals
from executor.language.quoting import name_in_sql
from executor.problems import Problem

if TYPE_CHECKING:
    from executor.files.delimited import SeenFile, TextRules

MOST_SIGNS, MOST_SUMMED = 2_000_000, 500_000
"""Reports that people sum up are short; of longer files, and of folders, the first so many signs are looked through.
Numbers are added only of files up to the second length."""
_NUMBER = re.compile(r"\d")
_EMPTY_LINE = re.compile(r"\n[\r \t]*\n\s*\S|\r\r(?!\n)")
FEWEST_ABOVE = 3
"""Rows that make a table, below which another one may begin."""
NEARLY_ALL = 0.9


def subtotals(seen: Sequence[SeenFile], rules: TextRules) -> tuple[list[Problem], dict[str, set[str]]]:
    """Warnings where rows between others are called totals and name nothing in columns that the other rows fill, where a column names all
    of its parts together in some rows, and where the name of a group stands in its first row only. And the names of columns by what may
    stand in them for no value: numbers (standIns), words (nullWords)."""
    marks: dict[str, set[str]] = {mark: set() for mark in MARKS}
    told: dict[str, list[_Found]] = {}
    left = MOST_SIGNS
    for one in seen:
        text, is_whole = _text(one, left)
        left -= len(text)
        if held := [mark for mark, (may_hold, _) in MARKS.items() if may_hold(text)]:
            for mark, columns in columns_with(held, _rows(one, text, rules), names_in(one, rules)).items():
                marks[mark] |= columns
        if rules.backslashes == "warn" and (codes := _codes(one, text, rules)):
            told.setdefault("backslashes", []).append(_found_codes(one, codes))
        if rules.empty_rows == "warn" and (empty := _empty_rows(one, text, rules, is_whole=is_whole)):
            told.setdefault("empty", []).append(_Found(one, len(empty), *empty[0]))
        below = text.find("\n") if rules.header and not rules.skip_lines else 0
        is_summed = is_whole and len(text) <= MOST_SUMMED and not rules.skip_last_lines and not rules.is_end_known
        if not text or not (
            is_summed or may_hold_totals(text[max(below, 0) :], one.rules(rules).separator) or groups(one.look.first_rows, one.look.width)
        ):
            continue
        rows = list(_rows(one, text, rules))
        rows = rows[: len(rows) - (rules.skip_last_lines if is_whole else 1)]
        for kind, found in _in_file(one, rows, is_whole, rules):
            told.setdefault(kind, []).append(found)
    return [_TOLD[kind](found, rules) for kind, found in told.items()], marks


@dataclass(frozen=True)
class _Found:
    """So many rows of a file, of `of`; `line`: the first of them. `column`: its name; `words`: what it says."""

    one: SeenFile
    count: int
    line: int
    cells: Sequence[str]
    of: int = 0
    column: str = ""
    words: Sequence[str] = ()


def _in_file(one: SeenFile, rows: list[tuple[int, list[str]]], is_whole: bool, rules: TextRules) -> Iterator[tuple[str, _Found]]:
    """`rows`: their lines and values."""
    between = _in_between(one, rows[:-1] if is_whole and not rules.skip_last_lines else rows)
    if between:
        yield "between", _Found(one, len(between), *between[0])
    if another := _another_table(rows):
        yield "another", _Found(one, 1, *another)
    names = named(one.look.names or (), trim=True).names if rules.header else numbered(one.look.width).names
    lines = {line for line, _ in between}
    # A total at the end is told on its own.
    rest = [(line, cells) for line, cells in rows if line not in lines]
    rest = rest[:-1] if rest and FOOTER.match(next((cell.strip() for cell in rest[-1][1] if cell.strip()), "")) else rest
    cells = [cells for _, cells in rest]
    if rules.totals == "warn":
        found = totals(cells, one.look.width)
        known = {number for total in found for number in total.rows}
        can_be_last = is_whole and not rules.skip_last_lines and not rules.is_end_known and rest[-1:] == rows[-1:]
        summed = without_remarks(cells)
        if can_be_last and len(summed) - 1 not in known and (sums := summed_up(summed, one.look.width)):
            yield "last", _Found(one, 1, *rest[len(summed) - 1], words=[_name(names, index) for index in sums])
        for total in found:
            line, row = rest[total.rows[0]]
            yield "totals", _Found(one, len(total.rows), line, row, len(rest), _name(names, total.column), total.words)
    for group in groups(cells, one.look.width) if rules.fill_down is None else ():
        line, row = next((line, row) for line, row in rest if group.column >= len(row) or not row[group.column].strip())
        yield "groups", _Found(one, group.empty, line, row, group.rows, _name(names, group.column))


def _another_table(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, list[str]] | None:
    """The first row below an empty line that is of words alone, where numbers stand above it, and that has rows below it."""
    for place in range(FEWEST_ABOVE, len(rows) - 1):
        (before, last), (line, cells) = rows[place - 1], rows[place]
        is_after_gap = line > before + 1 + sum(cell.count("\n") or cell.count("\r") for cell in last)
        if not is_after_gap or sum(bool(cell.strip()) for cell in cells) < 2 or any(_NUMBER.search(cell) for cell in cells):
            continue
        above = [row for _, row in rows[max(0, place - 100) : place]]
        for index, cell in enumerate(cells):
            filled = [row[index] for row in above if index < len(row) and row[index].strip()]
            if cell.strip() and filled and sum(map(is_number, filled)) >= NEARLY_ALL * len(filled):
                return line, cells
    return None


def _name(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"column {index + 1}"


def names_in(one: SeenFile, rules: TextRules) -> Sequence[str]:
    """What the columns of a file are called."""
    return named(one.look.names or (), trim=rules.trim_names).names if rules.header else numbered(one.look.width).names


def _codes(one: SeenFile, text: str, rules: TextRules) -> Codes | None:
    return codes_in(_rows(one, text, rules), one.rules(rules).separator) if may_hold_codes(text) else None


def _found_codes(one: SeenFile, codes: Codes) -> _Found:
    return _Found(one, codes.count, codes.line, [codes.value])


def _text(one: SeenFile, most: int) -> tuple[str, bool]:
    """The first signs of the file, and whether they are all of it; nothing where it cannot be read that far."""
    text = ""
    for block in encodings.text_blocks(one.file.path, one.encoding) if most > 0 else ():
        text += block
        if len(text) > most:
            text = text[:most]
            return text[: max(text.rfind("\n"), text.rfind("\r")) + 1], False
    return text, True


def _empty_rows(one: SeenFile, text: str, rules: TextRules, *, is_whole: bool) -> list[tuple[int, list[str]]]:
    """The rows without a value, with their lines; nearly all texts have no line of separators alone."""
    separator = re.escape(one.rules(rules).separator)
    if one.look.width < 2 or not re.search(rf"(?:^|[\r\n])[ \t\"]*{separator}(?:{separator}|[ \t\"])*(?:[\r\n]|$)", text):
        return []
    rows = list(_rows(one, text, rules))
    kept = rows[: len(rows) - rules.skip_last_lines] if is_whole else rows
    return [(line, cells) for line, cells in kept if not any(cell.strip() for cell in cells)]


def _in_between(one: SeenFile, rows: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    sums = [row for row in rows if _is_named_so(row[1])]
    others = [cells for _, cells in rows if not _is_named_so(cells)]
    if not sums or len(others) < 2 * len(sums):
        return []
    filled = [sum(index < len(cells) and bool(cells[index].strip()) for cells in others) for index in range(one.look.width)]
    usual = {index for index, number in enumerate(filled) if number >= NEARLY_ALL * len(others)}
    return [(line, cells) for line, cells in sums if any(index >= len(cells) or not cells[index].strip() for index in usual)]


def _rows(one: SeenFile, text: str, rules: TextRules) -> Iterator[tuple[int, list[str]]]:
    dialect = one.rules(rules).dialect(one.escape.sign or "", as_stream=one.as_stream)
    at, line, is_names = 0, 1, rules.header
    while at < len(text):
        record: Record = record_at(text, at, dialect)
        written, begin = text[at : record.end], line
        at = record.end
        line += written.count("\n") or written.count("\r")
        is_row = written.strip(BLANKS) and begin > rules.skip_lines and not (rules.comment and written.startswith(rules.comment))
        if is_row and not is_names:
            yield begin, record.cells
        is_names = is_names and not is_row


def _is_named_so(cells: Sequence[str]) -> bool:
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return bool(SUBTOTAL.match(first)) and any(_NUMBER.search(cell) for cell in cells[1:])


def _where(one: _Found) -> dict[str, Any]:
    """The place and the cells of a problem."""
    return {"line": one.line, "file": one.one.file.name, "found": listed(one.cells)[:300]}


def _told_between(found: Sequence[_Found], rules: TextRules) -> Problem:
    first, count = found[0], sum(one.count for one in found)
    return Problem(
        code="input-subtotals",
        field="inputURI",
        message=f"{count:,} row{'s' if count != 1 else ''} between others look{'s' if count == 1 else ''} like a total of them, "
        "and will be counted once more.",
        **_where(first),
        fix="Leave such rows out of sums: in an SQLTransform (WHERE), or where the file is made.",
    )


def _told_empty(found: Sequence[_Found], rules: TextRules) -> Problem:
    first, count = found[0], sum(one.count for one in found)
    one = name_in_sql(named(first.one.look.names or (), trim=True).names[0] if rules.header and first.one.look.names else "_c0")
    return Problem(
        code="input-empty-rows",
        field="emptyRows",
        message=f"{count:,} row{' has' if count == 1 else 's have'} no value in any column, as spreadsheets write them below a table, and "
        f"{'is' if count == 1 else 'are'} counted as rows.",
        **_where(first),
        fix=f"Leave them out in a query: WHERE {one} IS NOT NULL, where that column is always filled. "
        "When that is done, or when they are meant so, set “Rows without any value” (emptyRows) to known.",
    )


def _told_totals(found: Sequence[_Found], rules: TextRules) -> Problem:
    first = found[0]
    columns = list(dict.fromkeys(one.column for one in found))
    count, words = first.count, " or ".join(f"“{word}”" if word else "nothing" for word in first.words[:3])
    are = "row says" if count == 1 else "rows say"
    many = f" So do rows of other columns or files ({in_quotes(columns)})." if len(found) > 1 else ""
    return Problem(
        code="input-totals-among-rows",
        field="totals",
        message=f"{count:,} {are} {words} in “{first.column}”, where the others name one of several: they look like totals of the others, "
        f"and sums count them once more.{many}",
        **_where(first),
        data_column=first.column,
        fix=f"Leave them out in a query: WHERE {is_no_total(first.column, first.words)}. "
        "When that is done, or when they are no totals, set “Totals among the rows” (totals) to known.",
    )


def _told_last(found: Sequence[_Found], rules: TextRules) -> Problem:
    first = found[0]
    others = f" So does that of {len(found) - 1:,} more." if len(found) > 1 else ""
    return Problem(
        code="input-total-row",
        field="skipLastLines",
        message=f"The last row of “{first.one.file.name}” holds the sum of all rows above it in {in_quotes(first.words)}: it looks like a "
        f"total, and is read as data.{others}",
        **_where(first),
        fix="If it is one, leave it out with “Last rows to leave out” (skipLastLines), so that it is not counted twice; "
        "if it is data, write 0 there.",
    )


def _told_groups(found: Sequence[_Found], rules: TextRules) -> Problem:
    first = found[0]
    columns = list(dict.fromkeys(one.column for one in found))
    return Problem(
        code="input-groups",
        field="fillDown",
        message=f"In “{first.column}”, {first.count:,} of {first.of:,} cells are empty below a value, as where a group is named in its "
        "first row only: its other rows are read without a name.",
        **_where(first),
        data_column=first.column,
        fix=f"Write {in_quotes(columns)} into “Fill down” (fillDown): empty cells then get the value above them. "
        "Where they are meant to be empty, make it an empty list.",
    )


def _told_backslashes(found: Sequence[_Found], rules: TextRules) -> Problem:
    first, count = found[0], sum(one.count for one in found)
    quotes = " and “Quotes” (quote) to None" if rules.quote != NO_QUOTE else ""
    return Problem(
        code="input-backslashes",
        field="backslashes",
        message=f"{count:,} value{'s hold' if count != 1 else ' holds'} a backslash before n, r, t or another one, read as written: "
        "PostgreSQL’s COPY and MySQL mean a line break, a tab or one backslash by it.",
        **_where(first),
        fix=f"If so, set “Backslashes” (backslashes) to codes{quotes}; if each backslash means itself, set it to text.",
    )


def _told_another(found: Sequence[_Found], rules: TextRules) -> Problem:
    first = found[0]
    return Problem(
        code="input-second-table",
        field="inputURI",
        message=f"Line {first.line:,} of “{first.one.file.name}” stands below an empty line and looks like the names of another table: it "
        "and the rows below it are read as rows of the first.",
        **_where(first),
        fix="Put each table into a file of its own.",
    )


_TOLD = {
    "another": _told_another,
    "backslashes": _told_backslashes,
    "between": _told_between,
    "empty": _told_empty,
    "totals": _told_totals,
    "last": _told_last,
    "groups": _told_groups,
}
