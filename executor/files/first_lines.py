"""First lines that are not what the stage says: names that are read as data, and data that is read as names, whose row is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from executor.files.column_shapes import DATES, NUMBERS, WHOLE, is_written_as, kind_of, shape_of, shapes_of
from executor.files.consoles import FIX, is_ruler, is_upright
from executor.files.delimited import SeenFile, TextRules
from executor.files.looks import DIGITS
from executor.problems import Problem


def first_lines(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """What the run warns of."""
    told = (_of_console, _names_as_data, _first_line_of_names, _data_as_names, _data_left_out)
    return next((problem for tell in told if (problem := tell(seen, rules))), None)


def _of_console(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """Where the first row is a line of dashes, as consoles print it below names. A job that reads whole lines cuts them itself."""
    for one in seen:
        rows = [list(one.look.names or ()), *one.look.first_rows[:2]]
        is_odd = any(is_ruler(row) and any(rows[:place]) for place, row in enumerate(rows)) or any(is_upright(row) for row in rows)
        if is_odd and not (rules.separator == "\x01" and one.look.width == 1):
            return Problem(
                code="input-console",
                field="inputURI",
                message=f"“{one.file.name}” is what the console of a database prints: lines of dashes, repeated names and the count of "
                "rows are read as rows, and blanks that fill columns up stay in texts.",
                row=1,
                file=one.file.name,
                fix=FIX,
            )
    return None


def _names_as_data(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """Where files are read as having no names, and all of them begin with the same words: by place, values may come under others' names."""
    firsts = [tuple(cell.strip() for cell in one.look.first_rows[0]) for one in seen if one.look.first_rows]
    if rules.header or rules.names or len(firsts) < 2 or len(firsts[0]) < 2:
        return None
    words = {cell.casefold() for cell in firsts[0]}
    are_names = len(words) == len(firsts[0]) and all(re.search(r"[^\W\d]", word) for word in words)
    if not are_names or any({cell.casefold() for cell in first} != words for first in firsts):
        return None
    other = next((one for one, first in zip(seen, firsts, strict=False) if first != firsts[0]), seen[0])
    message = f"The first lines of all {len(firsts):,} files hold the same words: they look like names, and are read as data."
    if other is not seen[0]:
        message += " They stand in another order in some files, so that values of several columns come under one name."
    return Problem(
        code="input-names-as-data",
        field="header",
        message=message,
        row=1,
        file=other.file.name,
        found=f"the first line of {other.file.name}",
        fix="Turn “First line holds names” (header) on.",
    )


def _first_line_of_names(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """Where files are read as having no names, and one begins with words where all its other rows, or those of the others, have numbers."""
    if rules.header or rules.names:
        return None
    begins = [one.look.first_rows[0] for one in seen if one.look.first_rows]
    below = [row for one in seen for row in one.look.first_rows[1:]]
    rest = below or [row for row in begins if any(map(DIGITS.fullmatch, row))]
    width = min(map(len, [*begins, *rest]), default=0)
    numbers = [place for place in range(width) if rest and all(DIGITS.fullmatch(row[place]) for row in rest)]
    for one in seen:
        first = one.look.first_rows[0] if one.look.first_rows else []
        if numbers and len(first) >= width and all(re.search(r"[^\W\d]", first[place]) for place in numbers):
            return Problem(
                code="input-names-as-data",
                field="header",
                message=f"The first line of “{one.file.name}” looks like names, and is read as data: there are numbers below it.",
                row=1,
                file=one.file.name,
                found=f"the first line of {one.file.name}",
                fix="If all files begin with names, turn “First line holds names” (header) on; else take the line out of this file.",
            )
    return None


def _data_as_names(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """Where the first line gives the names and is written as the rows are. Names that are written down in the stage are held against it
    anyway."""
    if not rules.header or rules.names:
        return None
    found = [one for one in seen if begins_with_data(one)]
    if not found:
        return None
    first = found[0]
    return Problem(
        code="input-data-as-names",
        field="header",
        message=f"The first line of “{first.file.name}” looks like data, and gives the columns their names: its row is not read."
        + _so_with(len(found)),
        row=1,
        file=first.file.name,
        found=rules.separator.join(first.look.names or ()),
        expected="names",
        fix="If it is data, turn “First line holds names” (header) off, or put a line with the names above it. "
        "If these are names, write them into “Names” (names).",
    )


def begins_with_data(one: SeenFile) -> bool:
    """Whether the line with the names is written as the rows below it are: with numbers, with dates, or with texts that stand there. Years,
    and numbers that count up (1, 2, 3 for months), are names of columns as well."""
    names = [name.strip() for name in one.look.names or ()]
    rows = one.look.first_rows
    if any([cell.strip() for cell in row] == names for row in rows):  # the names once more, as in files put behind each other
        return False
    shapes = shapes_of([([str(place) for place in range(len(names))], rows)])
    below = {place: "number" if shape in NUMBERS else "date" if shape in DATES else "" for place, shape in shapes.items()}
    kinds = [kind_of(name) for name in names]
    alike = [kind for place, kind in enumerate(kinds) if kind and (not rows or kind == below.get(str(place)))]
    if "date" in alike or ("number" in alike and not _may_be_names(names)):
        return True
    return any(len(row) > place and row[place].strip() == name for place, name in enumerate(names) if name for row in rows)


def _may_be_names(names: Sequence[str]) -> bool:
    """Whether the numbers among these can be names: years, or such as count up, beside another name or from 0 on."""
    numbers = [int(name) for name in names if shape_of(name) == WHOLE]
    if len(numbers) < sum(shape_of(name) in NUMBERS for name in names) or (len(numbers) == len(names) and numbers[0] != 0):
        return False
    steps = {after - before for before, after in pairwise(numbers)}
    are_years = all(number in range(1900, 2100) for number in numbers) and all(step > 0 for step in steps)
    return are_years or (len(numbers) > 1 and (steps == {1} or (len(numbers) > 2 and len(steps) == 1 and min(steps) > 0)))


def _so_with(files: int) -> str:
    return "" if files == 1 else f" So it is with {files:,} files."


def _data_left_out(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    """Where lines before the first row are left out, and the last of them is written as the rows are."""
    if rules.header or rules.names or not rules.skip_lines:
        return None
    found = [one for one in seen if is_written_as(one.look.before, one.look.first_rows)]
    return left_out(found[0], found[0].look.before, "skipLines", len(found)) if found else None


def left_out(one: SeenFile, cells: Sequence[str], field: str, files: int = 1) -> Problem:
    """The warning of a row that is left out though it is written as the others are. `files`: in how many files it is so."""
    first, label = ("first", "First lines to leave out") if field == "skipLines" else ("last", "Last rows to leave out")
    return Problem(
        code="input-row-left-out",
        field=field,
        message=f"Of the {first} rows of “{one.file.name}”, one is left out that is written as the others are: it may be data."
        + _so_with(files),
        file=one.file.name,
        found=", ".join(cells)[:300],
        fix=f"If it is data, set “{label}” ({field}) to the right number. "
        "Files that begin or end in other ways are read in stages of their own.",
    )
