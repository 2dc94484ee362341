"""The delimited files of one address as one table: what columns it has, and how Spark reads each part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from executor.files import encodings
from executor.files.column_shapes import shapes_of
from executor.files.columns import Columns, looked_at, not_in_all, with_folders
from executor.files.delimited import BEGINNING, SEPARATORS, SeenFile, TextRules, check_widths, see, see_beginning, seen_as, unsure_escape
from executor.files.dialect import NO_ESCAPE
from executor.files.escapes import Verdict
from executor.files.expected import check_last_rows, check_names_left_out, in_expected_order
from executor.files.first_lines import begins_with_data, first_lines
from executor.files.folder import DataFile, Place
from executor.files.headers import Named, how_to_mend, in_quotes, listed, match, named, numbered, rows_in_words
from executor.files.subtotals import names_in, subtotals
from executor.problems import Problem, ProblemError

AT_ONCE = 4
PACKED = (".gz", ".bz2")
MOST_PARTS = 100


@dataclass(frozen=True)
class Part:
    """Files that Spark reads in one way. `names`: of their columns in the order of the files; `is_even`: all rows are of that width.
    `cuts`: for each file, how many rows come before its data, and how many data rows there are."""

    encoding: str
    escape: str
    as_stream: bool
    line_end: str | None
    names: tuple[str, ...]
    is_even: bool
    separator: str = ""
    """Its own; empty: the stage's."""
    files: tuple[DataFile, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass
class Table:
    """`columns`: names in order. `said`: for the log; `warnings`: for the run. `rejected`: rows of another width, told in `_errors`."""

    columns: list[str]
    parts: list[Part]
    said: list[str] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    rejected: int = 0
    marks: dict[str, set[str]] = field(default_factory=dict)
    """By what may stand in columns for no value (`executor/files/stand_ins.py`), the columns, as the first rows show."""


def table_of(place: Place, rules: TextRules) -> Table:
    """Looks at all files of `place`. Raises ProblemError for what cannot be one table."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        looks = list(pool.map(lambda file: see(file, rules), place.files))
    seen = _with_escapes([look for look in looks if look], rules)
    if not seen:
        raise ProblemError(_only_blanks(place))
    for one in seen:
        check_widths(one, rules)
    table = _of(seen, rules)
    _tell(table, seen, rules)
    totals = [problem for one in seen if (problem := check_last_rows(one, rules))]
    table.warnings += [totals[0] if len(totals) == 1 else _of_many(totals)] if totals else []
    return table


def _of(seen: Sequence[SeenFile], rules: TextRules) -> Table:
    if rules.header:
        table = _by_header(seen, rules)
        return in_expected_order(table, seen, rules) if rules.names else table
    if rules.names and rules.skip_lines:
        for one in seen:
            check_names_left_out(one, rules)
    return _by_width(seen, rules)


def columns_by_first_lines(place: Place, rules: TextRules) -> Columns:
    """The table's columns by the first lines of its files; files that are small are looked at as a run does. Raises ProblemError for what
    cannot be one table."""
    is_small = all(file.path.stat().st_size <= BEGINNING and file.path.suffix not in PACKED for file in place.files)
    columns, seen = looked_at(place, lambda file: (see if is_small else see_beginning)(file, rules))
    if is_small and not seen:
        raise ProblemError(_only_blanks(place))
    if is_small and columns.is_whole:
        seen = _with_escapes(seen, rules)
        for one in seen:
            check_widths(one, rules)
    if seen:
        table = _of(seen, rules)
        columns.columns = dict.fromkeys(table.columns, "text")
        columns.partial = not_in_all(table.columns, [part.names for part in table.parts])
        columns.has_rows = any(one.look.rows for one in seen)
        columns.shapes = shapes_of((names_in(one, rules), one.look.first_rows[: one.look.rows]) for one in seen)
    columns.is_named = rules.header
    columns.is_whole = columns.is_whole and (is_small or len(seen) == columns.seen)
    return with_folders(columns, place)


def _with_escapes(seen: Sequence[SeenFile], rules: TextRules) -> list[SeenFile]:
    """Files that do not say which escape sign they use follow the others of the folder; where none says, that is a problem."""
    proven = {one.escape.sign for one in seen if one.escape.is_proven}
    done = []
    for one in seen:
        if one.escape.sign is None:
            if len(proven) != 1:
                raise ProblemError(unsure_escape(one))
            one = replace(seen_as(one, rules, str(next(iter(proven)))), escape=Verdict(next(iter(proven))))
        done.append(one)
    return done


# --- columns ----------------------------------------------------------------------------------------------------------------


def _by_header(seen: Sequence[SeenFile], rules: TextRules) -> Table:
    headers = [named(one.look.names or (), trim=rules.trim_names) for one in seen]
    usual = _usual([frozenset(header.names) for header in headers])
    model = headers[usual]
    columns, matched = list(model.names), []
    for one, header in zip(seen, headers, strict=True):
        found = match(header.names, columns)  # those of the model, and where files may have others what came with them
        if not found.is_whole and rules.other_headers == "stop":
            raise ProblemError(_other_names(one, header, seen[usual], model, how_to_mend(found)))
        columns += [name for name in found.more if name not in columns]
        matched.append(found.names)
    table = Table(columns, _parts(seen, matched))
    for one, header in zip(seen, headers, strict=True):
        if header.told and (one is seen[usual] or header.told != model.told):
            table.said.append(f"{one.file.name}: {'; '.join(header.told)}.")
    if warning := _names_twice(seen[usual], model, rules):
        table.warnings.append(warning)
    orders = [one for one, names in zip(seen, matched, strict=True) if names != model.names and set(names) == set(model.names)]
    if orders:
        table.said.append(f"{_files(orders)} in another order; each value is put under its name.")
    return table


def _names_twice(one: SeenFile, model: Named, rules: TextRules) -> Problem | None:
    """Of columns with one name, a query finds neither under it. Whoever has written the names down knows of it."""
    came = [name for name in model.names if any(name.startswith(twice) and name != twice for twice in model.twice)]
    if not model.twice or set(model.names) <= set(rules.names):
        return None
    return Problem(
        code="input-names-twice",
        field="header",
        message=f"“{one.file.name}” has columns of the same name (capital letters make no other): each got its number behind it.",
        row=1,
        file=one.file.name,
        found=f"{in_quotes(model.twice)}; now {in_quotes(came)}",
        fix="Use these names, give the columns names of their own in the file, or write all of them into “Names” (names).",
    )


def _usual(kinds: Sequence[frozenset[str] | int]) -> int:
    """The first file of the kind that most files are."""
    most = Counter(kinds).most_common(1)[0][0]
    return kinds.index(most)


def _by_width(seen: Sequence[SeenFile], rules: TextRules) -> Table:
    """Without names, the files must be of one width, or the stage says what happens to files of another."""
    widths = [one.look.width for one in seen]
    usual = _usual(widths)
    width = widths[usual]
    for one in seen:
        is_fine = one.look.width == width or rules.other_widths in ("fit", "pad" if one.look.width < width else "drop")
        if not is_fine:
            raise ProblemError(_other_width(one, seen[usual]))
    return Table(list(numbered(width).names), _parts(seen, [numbered(min(one.look.width, width)).names for one in seen]))


def _parts(seen: Sequence[SeenFile], names: Sequence[tuple[str, ...]]) -> list[Part]:
    grouped: dict[Part, list[SeenFile]] = {}
    for one, columns in zip(seen, names, strict=True):
        kind = Part(
            encoding=one.encoding,
            escape=one.escape.sign or NO_ESCAPE,
            as_stream=one.as_stream,
            line_end=one.line_end if one.as_stream else None,
            names=columns,
            is_even=one.look.is_even and one.look.width == len(columns),
            separator=one.separator,
        )
        grouped.setdefault(kind, []).append(one)
    if len(grouped) > MOST_PARTS:
        raise ProblemError(_too_many_kinds(seen[0], len(grouped)))
    return [replace(kind, files=tuple(one.file for one in files), cuts=_cuts(files)) for kind, files in grouped.items()]


def _cuts(files: Sequence[SeenFile]) -> tuple[tuple[int, int], ...]:
    return tuple((one.look.left_out, one.look.rows) for one in files)


# --- what is told -----------------------------------------------------------------------------------------------------------


def _tell(table: Table, seen: Sequence[SeenFile], rules: TextRules) -> None:
    others = [one for one in seen if one.encoding != (rules.encoding or "UTF-8") and rules.encoding != "UTF-16"]
    marked = [one for one in others if encodings.marked_encoding(encodings.head_of(one.file.path, 4))]
    if marked:
        kinds = ", ".join(sorted({one.encoding for one in marked}))
        table.said.append(f"{_files(marked)} in {kinds}, as the mark at the beginning says.")
    unsaid = [one for one in others if one not in marked]
    table.warnings += [_utf8_unsaid(unsaid, rules)] if unsaid else []
    table.warnings += _mixed_encodings(seen)
    apart = [one for one in seen if one.separator]
    if apart:
        kinds = ", ".join(sorted({SEPARATORS[one.separator] for one in apart}))
        table.said.append(f"{_files(apart)} read with {kinds} between the values.")
    backslash = [one for one in seen if rules.escape is None and one.escape.sign == "\\" and one.look.slashed.count]
    if backslash:
        table.said.append(f"{_files(backslash)} with a backslash before quotes inside quotes.")
    _tell_widths(table, seen, rules)
    found = (_headers_again(seen), first_lines(seen, rules), _blank_lines(seen), _comments(seen, rules))
    among_rows, table.marks = subtotals(seen, rules)
    table.warnings += [*(problem for problem in found if problem), *among_rows]
    kept = [one for one in seen if one.look.kept.count]
    if kept:
        first = kept[0]
        count = sum(one.look.kept.count for one in kept)
        table.warnings.append(
            Problem(
                code="input-quotes-kept",
                field="inputURI",
                message=f"{rows_in_words(count)} with text behind the closing quote of a value: such values stay as written.",
                row=first.look.kept.row,
                file=first.file.name,
                found=f"line {first.look.kept.line:,} of {first.file.name}",
                fix="Look at them: a quote inside a value in quotes is written twice.",
            )
        )


def _of_many(totals: Sequence[Problem]) -> Problem:
    words = (
        f"The last rows of {len(totals):,} files look like totals, and are read as data; the first of these files is “{totals[0].file}”."
        if totals[0].code == "input-total-row"
        else f"{totals[0].message} So it is with {len(totals):,} files."
    )
    return replace(totals[0], message=words)


def _headers_again(seen: Sequence[SeenFile]) -> Problem | None:
    found = [one for one in seen if one.look.headers.count]
    if not found:
        return None
    first = found[0]
    count = sum(one.look.headers.count for one in found)
    return Problem(
        code="input-header-again",
        field="inputURI",
        message=f"{rows_in_words(count)} {'is' if count == 1 else 'are'} the line with the names once more, and read as data.",
        row=first.look.headers.row,
        file=first.file.name,
        found=f"line {first.look.headers.line:,} of {first.file.name}",
        fix="Files may have been put behind each other: take these lines out, or leave the rows out in an SQLTransform (WHERE).",
    )


def _blank_lines(seen: Sequence[SeenFile]) -> Problem | None:
    found = [one for one in seen if one.look.blank.count > 0]
    if not found:
        return None
    first = found[0]
    count = sum(one.look.blank.count for one in found)
    return Problem(
        code="input-blank-lines",
        field="inputURI",
        message=f"{count:,} empty line{'s' if count != 1 else ''} between the rows of a single column: no row is made of them.",
        file=first.file.name,
        found=f"line {first.look.blank.line:,} of {first.file.name}",
        fix='Where an empty line means a row without a value, write "" into it.',
    )


def _utf8_unsaid(files: Sequence[SeenFile], rules: TextRules) -> Problem:
    return Problem(
        code="input-encoding-differs",
        field="encoding",
        message=f"{_files(files)} in UTF-8, and read so: as {rules.encoding}, letters such as “ü” would come as “Ã¼”.",
        file=files[0].file.name,
        found="UTF-8",
        expected=str(rules.encoding),
        fix="Where all files are UTF-8 now, set the encoding of the stage to UTF-8.",
    )


def _mixed_encodings(seen: Sequence[SeenFile]) -> list[Problem]:
    """Files of a western encoding with lines in UTF-8 among the others, as where two were put behind each other."""
    found = []
    for one in seen:
        count, line = encodings.utf8_letters(*one.file.facts()) if one.encoding in encodings.WESTERN else (0, 0)
        found += [(one, count, line)] if count else []
    if not found:
        return []
    one, count, line = found[0]
    more = f" So it is in {len(found):,} files." if len(found) > 1 else ""
    letters = "1 letter is" if count == 1 else f"{count:,} letters are"
    return [
        Problem(
            code="input-encoding-mixed",
            field="encoding",
            message=f"{letters} written in UTF-8 in “{one.file.name}”, the others in {one.encoding}: “ü” comes as “Ã¼” there.{more}",
            file=one.file.name,
            found=f"first in line {line:,}",
            fix="Save all of the file in one encoding; where files were put behind each other, read them as files of one folder instead.",
        )
    ]


def _comments(seen: Sequence[SeenFile], rules: TextRules) -> Problem | None:
    found = [one for one in seen if one.look.commented.count]
    if not found:
        return None
    first, count = found[0], sum(one.look.commented.count for one in found)
    return comments_like_rows(
        count, rules.comment or "", row=first.look.commented.row, file=first.file.name,
        found=f"line {first.look.commented.line:,} of {first.file.name}",
    )  # fmt: skip


def comments_like_rows(count: int, sign: str, **place: Any) -> Problem:
    """The warning of lines that are left out as comments and are written as rows are. `place`: fields of a Problem."""
    begin, are = ("line begins", "is") if count == 1 else ("lines begin", "are")
    return Problem(
        code="input-comments-like-rows",
        field="comment",
        message=f"{count:,} {begin} with “{sign}” and {are} left out, though written as the rows are: that may be data.",
        fix="Where it is, empty the comment sign (comment) of the stage, and take the real comments out of the file.",
        **place,
    )


def _tell_widths(table: Table, seen: Sequence[SeenFile], rules: TextRules) -> None:
    empty = sum(one.look.wide.count - one.look.wide_filled.count for one in seen)
    if empty:
        table.said.append(f"{rows_in_words(empty)} with more values than there are names: the surplus is empty, and left out.")
    narrow, filled = sum(one.look.narrow.count for one in seen), sum(one.look.wide_filled.count for one in seen)
    first = next((one for one in seen if one.look.narrow.count or one.look.wide_filled.count), None)
    if first is None:
        return
    some = min((some for some in (first.look.narrow, first.look.wide_filled) if some.count), key=lambda some: some.row)
    if rules.other_widths == "reject":
        table.rejected = narrow + filled
        message, code = f"{rows_in_words(table.rejected)} of another width: without values, with the text in _errors.", "rows-rejected"
    else:
        done = [f"{rows_in_words(narrow)} with missing values, which are null"] if narrow else []
        done += [f"{rows_in_words(filled)} with surplus values, which are left out"] if filled else []
        message, code = "; ".join(done) + ".", "rows-of-other-width"
    table.warnings.append(
        Problem(
            code=code,
            field="otherWidths",
            message=message,
            row=some.row,
            file=first.file.name,
            found=f"{some.width} values in row {some.row:,} (line {some.line:,}) of {first.file.name}",
            expected=f"{first.look.width} values",
            fix="Look at these rows, and correct the file where they are wrong.",
        )
    )


def _files(files: Sequence[SeenFile]) -> str:
    names = ", ".join(one.file.name for one in files[:3])
    return names + (f" and {len(files) - 3:,} more files are" if len(files) > 3 else " are" if len(files) > 1 else " is")


def _only_blanks(place: Place) -> Problem:
    return Problem(
        code="input-empty",
        field="inputURI",
        message=f"“{place.uri}”: There are no rows in it, only blanks.",
        found="blanks",
        fix="Check how it was made.",
    )


def _other_names(one: SeenFile, header: Named, other: SeenFile, model: Named, mend: str) -> Problem:
    fix = f"Correct its first line: {mend}. Or read it in a stage of its own, or set “Files with other names” (otherHeaders) to fill."
    twice = header.twice or model.twice
    if begins_with_data(one):
        fix = "Its first line looks like data: put a line with the names above it, or read it in a stage of its own with header off."
    elif twice:
        called = ", ".join(f"“{name}”" for name in twice[:5])
        fix = f"Give each of the columns called {called} a name of its own: it cannot be said which is which."
    return Problem(
        code="input-header-differs",
        field="inputURI",
        message=f"“{one.file.name}” has other column names than “{other.file.name}”.",
        file=one.file.name,
        found=listed(one.look.names or ()),
        expected=listed(model.names),
        fix=fix,
    )


def _other_width(one: SeenFile, other: SeenFile) -> Problem:
    return Problem(
        code="input-row-width",
        field="inputURI",
        message=f"Row 1 of “{one.file.name}” has {one.look.width} values, the rows of “{other.file.name}” have {other.look.width}.",
        row=1,
        file=one.file.name,
        found=f"{one.look.width} values",
        expected=f"{other.look.width} values",
        fix="Read it in a stage of its own, or set “Rows of another width” (otherWidths) to fit: values that are missing are null then, "
        "and those that are too many are left out.",
    )


def _too_many_kinds(one: SeenFile, count: int) -> Problem:
    return Problem(
        code="input-many-kinds",
        field="inputURI",
        message=f"The files are written in {count:,} different ways; they are not one table.",
        file=one.file.name,
        expected=f"at most {MOST_PARTS} ways (order of columns, encoding, separator, escape sign)",
        fix="Read them in several stages.",
    )
