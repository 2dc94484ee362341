"""How a delimited text is written: separator, quote, escape, lines before and behind the rows, and whether there is a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from executor.files.backslashes import Codes, codes_in, may_hold_codes
from executor.files.dialect import NO_ESCAPE, NO_QUOTE
from executor.files.dialect import Dialect as FileDialect
from executor.files.expected import word_of
from executor.files.rows import NeverClosed, Rows, lines_of
from executor.files.total_words import FOOTER
from executor.look.consoles import Printed, printed
from executor.look.facts import NULL_WORDS
from executor.look.fixed_width import cuts_of
from executor.look.proposal import Cut, Found, Settings
from executor.look.shapes import Moment, shape_of

SEPARATORS = {",": "comma ,", ";": "semicolon ;", "\t": "tab", "|": "bar |", "\x01": "the sign 0x01", "~": "tilde ~", "^": "caret ^"}
QUOTES = {'"': 'double "', "'": "single '", "": "none"}
ESCAPES = {'"': 'doubled ""', "\\": "backslash \\", "": "none"}
WHOLE_LINES = "\x01"
"""A separator that stands in no text."""
SNIFFED = 30_000
MOST_REMARKS, MOST_TOTALS = 40, 3
"""At the end."""
REMARK = re.compile(
    r"(?:foot)?notes?\b|remarks?\b|legend\b|sources?\s*:|(?:data )?as (?:of|at)\b|(?:last )?updated?\b"
    r"|exported\b|generated\b|created\b|quellen?\s*:|anmerkung|hinweis|fußnote|legende\b|stand\s*:|erstellt\b|fuentes?\s*:|fonti?\s*:|bron\s*:"
    r"|[*†‡§©]|\(?[1-9a-z]\)\s|[¹²³]",
    re.IGNORECASE,
)
"""How remarks below a table begin."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_WHOLE = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_EUROSTAT = re.compile(r"[\w,]+\\\w+ *\t")
"""How tables of Eurostat begin: the names of the keys, which share one column, and behind a tab the years."""


@dataclass(frozen=True)
class Dialect:
    """`quote` and `escape` may be empty (none); an escape that is the quote means doubled quotes."""

    separator: str = ","
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    skip_lines: int = 0
    skip_last_lines: int = 0
    header: bool = True
    last_rows_hold: tuple[str, ...] = ()
    """A word of each row that is left out at the end."""
    codes: Codes | None = None
    """What speaks for backslashes as databases write them."""
    printed: Printed | None = None
    """The table of a database's console that it is."""
    cuts: tuple[Cut, ...] = ()
    """Where the columns of a text of fixed width begin."""

    def reader(self, lines: Iterable[str]) -> Rows:
        """The rows of the lines, as the stage will read them."""
        signs = FileDialect(self.separator, self.quote or NO_QUOTE, (self.quote and self.escape) or NO_ESCAPE, over_lines=True)
        return Rows(lines, signs, self.comment)


def records(dialect: Dialect, lines: Sequence[str]) -> list[list[str]]:
    """The rows of a sample; what comes before a break in it."""
    found: list[list[str]] = []
    with suppress(NeverClosed):
        found.extend(dialect.reader(lines))
    return found


def dialect_of(head: str, tail: str, settings: Settings) -> tuple[Dialect, list[Found]]:
    """The dialect and what was found, the person's own settings first. `head`, `tail`: whole lines of the text's two ends."""
    lines = lines_of(head)
    dialect, found = _signs(lines, settings)
    is_cut = bool(dialect.printed and dialect.cuts)
    if dialect.printed and is_cut:
        settings = _as_printed(lines, dialect.printed, settings)
    comment, comment_found = _comment(lines, dialect, settings)
    dialect = replace(dialect, comment=comment)
    skipped, skip_found = _skip_lines(lines, dialect, settings)
    dialect = replace(dialect, skip_lines=skipped)
    rows = [row for row in records(dialect, lines[skipped:]) if any(row)]
    header, header_found = _header(rows, skipped, settings)
    ends = [row for row in records(dialect, lines_of(tail)) if row]
    last, last_found = _last_lines(ends, dialect, rows, settings)
    hold = tuple(map(word_of, ends[-last:])) if last else ()
    dialect = replace(dialect, header=header, skip_last_lines=last, last_rows_hold=hold if any(hold) else ())
    if is_cut:
        for one in (header_found, skip_found, last_found):
            one.words = "by the line of dashes"
    return dialect, [*found, header_found, skip_found, comment_found, last_found]


def _as_printed(lines: Sequence[str], found: Printed, settings: Settings) -> Settings:
    """Where the names stand; lines further down that are no rows are left out by a query."""
    before = found.header if any(line.strip() for line in lines[: found.header]) else 0
    return settings.model_copy(update={"header": True, "skip_lines": before, "skip_last_lines": 0})


def _signs(lines: list[str], settings: Settings) -> tuple[Dialect, list[Found]]:
    plain = [line for line in lines if not line.startswith("#")]
    separator, quote, escape = ("\t", "", "") if plain and _EUROSTAT.match(plain[0]) else _sniffed(plain)
    table = printed(lines) if settings.separator is None else None
    cuts = table.cuts if table else tuple(cuts_of(plain, separator)) if settings.separator is None else ()
    if cuts:
        return _whole_lines(settings, cuts, table)
    codes = _codes(plain, settings.separator or separator)
    if codes and settings.quote is None and (settings.backslashes == "codes" or (codes.is_sure and settings.backslashes is None)):
        settings = settings.model_copy(update={"quote": "", "escape": ""})
    is_sure = bool(separator)
    separator = settings.separator or separator or ","
    is_quoted = bool(quote)
    quote = settings.quote if settings.quote is not None else quote or '"'
    escape = settings.escape if settings.escape is not None else escape if escape == "\\" else quote
    dialect = Dialect(separator, quote, escape, codes=codes, printed=table)
    widths = Counter(len(row) for row in records(dialect, lines) if any(row))
    width, rows = widths.most_common(1)[0] if widths else (1, 0)
    same = f"{width} cell{'s' if width != 1 else ''} in {'every row' if len(widths) == 1 else 'most rows'}"
    words = same if separator in SEPARATORS else f"your own; {same}"
    return dialect, [
        Found(setting="separator", value=separator, shown=SEPARATORS.get(separator, separator), words=words, sure=is_sure or width == 1),
        Found(setting="quote", value=quote, shown=QUOTES[quote], words="" if is_quoted else "not used here"),
        Found(
            setting="escape",
            value=escape,
            shown=ESCAPES.get(escape, escape),
            words="a quote inside quotes" if is_quoted else "not used here",
        ),
    ]


def _codes(lines: Sequence[str], separator: str) -> Codes | None:
    """What speaks for codes of databases in the lines of the sample."""
    if not separator or not may_hold_codes("".join(lines)):
        return None
    return codes_in(((number, line.rstrip("\r\n").split(separator)) for number, line in enumerate(lines, 1)), separator)


def _whole_lines(settings: Settings, cuts: tuple[Cut, ...], table: Printed | None) -> tuple[Dialect, list[Found]]:
    """Each line as one text, whatever signs are in it: it is cut later."""
    quote = settings.quote or ""
    dialect = Dialect(WHOLE_LINES, quote, settings.escape or quote, printed=table, cuts=cuts)
    return dialect, [
        Found(setting="separator", value=WHOLE_LINES, shown="none: columns of fixed width", words=f"{len(cuts)} columns", sure=False),
        Found(setting="quote", value=quote, shown=QUOTES[quote], words="not used here"),
        Found(setting="escape", value=dialect.escape, shown=ESCAPES.get(dialect.escape, dialect.escape), words="not used here"),
    ]


def _sniffed(lines: Sequence[str]) -> tuple[str, str, str]:
    """(separator, quote, escape) by CleverCSV; empty where it finds none."""
    import clevercsv

    sample, size = [], 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if size > SNIFFED:
            break
    try:
        found = clevercsv.Detector().detect("".join(sample)[: 2 * SNIFFED], delimiters=list(SEPARATORS))
    except (clevercsv.Error, ValueError, IndexError, AttributeError):
        found = None
    if found is None:
        return _commonest(sample), "", ""
    quote = str(found.quotechar or "")
    return str(found.delimiter or ""), quote if quote in QUOTES else "", str(found.escapechar or "")


def _commonest(lines: Sequence[str]) -> str:
    """The separator that stands in most lines; for texts that the library gives up on."""
    counts = {sign: sum(sign in line for line in lines) for sign in SEPARATORS}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ""


def _comment(lines: list[str], dialect: Dialect, settings: Settings) -> tuple[str, Found]:
    """# at the beginning of lines, unless the first such line is a header: as wide as the rows."""
    if settings.comment is not None:
        return settings.comment, Found(setting="comment", value=settings.comment, shown=settings.comment or "none", words="as you chose")
    marked = [line for line in lines if line.startswith("#")]
    rest = [line for line in lines if line.strip() and not line.startswith("#")]
    if marked and rest and len(marked) < len(lines):
        width = Counter(len(row) for row in records(dialect, rest[:200])).most_common(1)[0][0]
        widths = {len(row) for row in records(dialect, marked[:200])}
        if width == 1 or width not in widths:
            count = f"{len(marked)} line{'s' if len(marked) != 1 else ''} so far"
            return "#", Found(setting="comment", value="#", shown="lines with #", words=count)
    return "", Found(setting="comment", value="", shown="none")


def _skip_lines(lines: list[str], dialect: Dialect, settings: Settings) -> tuple[int, Found]:
    """Titles: lines at the beginning that are much narrower than the rows."""
    if settings.skip_lines is not None:
        count = settings.skip_lines
        return count, Found(setting="skipLines", value=count, shown=str(count), words="as you chose")
    rows = records(dialect, lines[:2000])
    widths = Counter(len(row) for row in rows if row)
    width = max(widths, key=lambda one: (widths[one], one)) if widths else 1
    reader, skipped = dialect.reader(lines[:200]), 0
    with suppress(NeverClosed):
        for row in reader:
            if width < 2 or (len([cell for cell in row if cell.strip()]) > max(1, width // 3) and len(row) > width // 3):
                break
            skipped = reader.line_num
    if all(not line.strip() for line in lines[:skipped]):
        skipped = 0
    skipped += _narrow_lines(lines[skipped:2000], dialect, width)
    skipped += _group_lines(lines[skipped:2000], dialect)
    skipped = skipped or _line_of_its_own(rows, width)
    words = f"“{lines[0].strip()[:40]}” is no row" if skipped else ""
    return skipped, Found(setting="skipLines", value=skipped, shown=str(skipped), words=words, sure=not skipped)


def _line_of_its_own(rows: Sequence[list[str]], width: int) -> int:
    """1 where the first line tells numbers of the file (as exports of bookings do), is wider than all rows, and names stand below it."""
    filled = [row for row in rows if row]
    if len(filled) < 3 or width < 3 or len(filled[0]) <= width or any(len(row) != width for row in filled[1:]):
        return 0
    is_told = any(shape_of(cell.strip()) for cell in filled[0] if cell.strip())
    is_header, _, is_sure = _is_header(filled[1:])
    return int(is_told and is_header and is_sure)


def _narrow_lines(lines: Sequence[str], dialect: Dialect, width: int) -> int:
    """How many lines facts such as an account and its balance take, which are narrower than the names below them."""
    reader, end = dialect.reader(lines), 0
    rows: list[list[str]] = []
    with suppress(NeverClosed):
        for row in reader:
            if any(cell.strip() for cell in row):
                if not rows and len(row) < width:
                    end = reader.line_num
                    continue
                rows.append([cell.strip() for cell in row])
    if not end or end > MOST_FACTS or len(rows) < FEWEST_BELOW + 1:
        return 0
    names = rows[0]
    while names and not names[-1]:
        names.pop()
    return end if _are_names(names) and any(_is_of_numbers(rows[1:], index) for index in range(len(names))) else 0


def _are_names(names: Sequence[str]) -> bool:
    is_word = [bool(name) and not shape_of(name) and name not in NULL_WORDS for name in names]
    return len(names) > 1 and all(is_word) and len({name.lower() for name in names}) == len(names)


def _group_lines(lines: Sequence[str], dialect: Dialect) -> int:
    """How many lines the names of groups of columns take, which stand above the names as merged cells do: some cells of theirs are empty,
    all of the row below are filled with words, and numbers stand below those. The names may be years or days as well, and the groups
    written again above each of theirs."""
    reader, rows, ends = dialect.reader(lines), [], []
    with suppress(NeverClosed):
        for row in reader:
            if any(row):
                rows.append([cell.strip() for cell in row])
                ends.append(reader.line_num)
    if len(rows) < FEWEST_BELOW + 2:
        return 0
    groups, names, body = rows[0], rows[1], rows[2:]
    filled = [cell for cell in groups if cell]
    if len(groups) != len(names) or any(map(shape_of, filled)):
        return 0
    reaches_on = any(one and not next_one for one, next_one in zip(groups, groups[1:], strict=False))
    if reaches_on and _are_names(names) and any(_is_of_numbers(body, index) for index in range(len(names))):
        return ends[0]
    typed = {index: cell for index, cell in enumerate(names) if cell and shape_of(cell)}
    are_numbers = len(typed) > 1 and _are_headings(typed, body)
    return ends[0] if are_numbers and (reaches_on or len(set(filled)) < len(filled)) else 0


FEWEST_BELOW = 3
MOST_FACTS = 60
"""Lines that stand before the names at most."""


def _is_of_numbers(body: Sequence[Sequence[str]], index: int) -> bool:
    """Whether most values of the column are numbers, dates or the like."""
    column = [row[index] for row in body if len(row) > index and row[index]]
    return len(column) >= FEWEST_BELOW and sum(bool(shape_of(cell)) for cell in column) >= 0.8 * len(column)


def _header(rows: list[list[str]], skipped: int, settings: Settings) -> tuple[bool, Found]:
    if not rows:
        return False, Found(setting="header", value=False, shown="none")
    value, words, sure = _is_header(rows)
    if settings.header is not None and settings.header != value:
        value, words, sure = settings.header, "as you chose", True
    shown = f"line {skipped + 1}" if value else "no header"
    return value, Found(setting="header", value=value, shown=shown, words=words, sure=sure)


def _is_header(rows: list[list[str]]) -> tuple[bool, str, bool]:
    """(whether the first row holds names, why, how sure)."""
    cells = [cell.strip() for cell in rows[0]]
    body, again = _without_names_again(cells, rows[1:500])
    typed = {index for index, cell in enumerate(cells) if cell and shape_of(cell)}
    if typed and not _are_headings({index: cells[index] for index in typed}, body):
        return False, "the first line looks like data", True
    if not body:
        return True, f"{names_of(len(cells))}, and no rows", False
    count = (
        names_of(len(cells))
        + (", numbers or days among them" if typed else ", no numbers")
        + ("; the same line stands further down: take it out there" if again else "")
    )
    for index in range(len(cells)):
        column = _column(body, index)
        if column and sum(1 for cell in column if shape_of(cell)) >= 0.8 * len(column):
            return True, count, not typed
    if len({cell.lower() for cell in cells if cell}) < len([cell for cell in cells if cell]) * 0.7:
        return False, "the first line repeats itself, as names do not", False
    if any(_is_met_again(cell, (row[index] for row in body if len(row) > index)) for index, cell in enumerate(cells) if cell):
        return False, "the first line looks like data", False
    return True, f"{count}; all columns are text, so look once more", False


def _are_headings(typed: Mapping[int, str], body: Sequence[Sequence[str]]) -> bool:
    """Whether numbers and days in the first line are names, as those of years, days or hours side by side: a word stands before them,
    and below them stands something else. `typed`: place → cell."""
    if 0 in typed:
        return False
    if all(_YEAR.fullmatch(cell) for cell in typed.values()):
        return not any(_is_mostly(_YEAR.fullmatch, _column(body, index)) for index in typed)
    if all(_moment(cell) for cell in typed.values()):
        return not any(_is_mostly(_moment, _column(body, index)) for index in typed)
    return _are_running([typed[index] for index in sorted(typed)]) and not any(
        _are_running([row[index] for index in sorted(typed)]) for row in body if len(row) > max(typed)
    )


def _column(body: Sequence[Sequence[str]], index: int) -> list[str]:
    """The filled cells of one place."""
    return [row[index].strip() for row in body if len(row) > index and row[index].strip()]


def _is_mostly(is_one: Callable[[str], object], cells: Sequence[str]) -> bool:
    return bool(cells) and sum(bool(is_one(cell)) for cell in cells) >= 0.5 * len(cells)


def _moment(cell: str) -> bool:
    return isinstance(shape_of(cell), Moment)


def _are_running(cells: Sequence[str]) -> bool:
    """Whether they count on from 0 or 1, as days of a month and hours do, or in other steps from 0 or one step, as classes do."""
    if len(cells) < 3 or not all(_WHOLE.fullmatch(cell.strip()) for cell in cells):
        return False
    first, step = int(cells[0]), int(cells[1]) - int(cells[0])
    return step > 0 and first in (0, step) and all(int(cell) == first + place * step for place, cell in enumerate(cells))


def _without_names_again(cells: list[str], body: list[list[str]]) -> tuple[list[list[str]], bool]:
    """(the rows below, whether lines that equal the first were among them), where that can be the names once more, as in files put
    behind each other: of several cells, and no other row is met as often."""
    counts = Counter(tuple(cell.strip() for cell in row) for row in body)
    again, others = counts.pop(tuple(cells), 0), counts
    if not again or len(cells) < 2 or not others or max(others.values()) > again:
        return body, False
    return [row for row in body if [cell.strip() for cell in row] != cells], True


def _is_met_again(cell: str, column: Iterable[str]) -> bool:
    """Whether the cell, or the same with other digits, is a value of its column: then it is one itself, and no name."""
    bare = re.sub(r"[0-9]+", "0", cell)
    return any(value.strip() == cell or (bare != cell and re.sub(r"[0-9]+", "0", value.strip()) == bare) for value in column)


def _is_name(row: Sequence[str]) -> bool:
    """Whether a row that begins with Total may be that of somebody called so: all its cells are filled, and some with words."""
    return len(row) > 2 and all(cell.strip() for cell in row) and any(not re.search(r"\d", cell) for cell in row[1:])


def _remarks(rows: Sequence[Sequence[str]], width: int) -> Callable[[Sequence[str]], bool]:
    """What tells whether a row at the end is a remark: one cell alone; also with empty cells behind it, as spreadsheets write it, where its
    words say so or it is a sentence that no row has in its place."""
    body = list(rows[1:])
    while body and (_is_alone(body[-1]) or FOOTER.match(body[-1][0])):
        body.pop()
    some_alone = any(map(_is_alone, body))
    longest = max((len(row[0].strip()) for row in body), default=0)

    def is_remark(row: Sequence[str]) -> bool:
        if width < 3 or len(row) == 1:
            return width > 2
        text = row[0].strip()
        if some_alone or not text or not _is_alone(row):
            return False
        return bool(REMARK.match(text)) or (len(text.split()) > 2 and len(text) > 2 * longest)

    return is_remark


def _is_alone(row: Sequence[str]) -> bool:
    """Whether one cell alone of a row is filled."""
    return sum(bool(cell.strip()) for cell in row) == 1


def names_of(count: int) -> str:
    return f"{count} name{'s' if count != 1 else ''}"


def _last_lines(last: list[list[str]], dialect: Dialect, rows: list[list[str]], settings: Settings) -> tuple[int, Found]:
    """Totals and remarks at the end: of another width than the rows, or beginning with a word such as Total."""
    if settings.skip_last_lines is not None:
        count = settings.skip_last_lines
        return count, Found(setting="skipLastLines", value=count, shown=str(count), words="as you chose")
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0] if rows else 1
    is_remark = _remarks(rows, width)
    count = totals = empty = 0
    for row in reversed(last[-MOST_REMARKS:]) if len(rows) > 3 else ():
        if not any(cell.strip() for cell in row):
            empty += 1
            continue
        is_total = width > 1 and bool(FOOTER.match(next(cell for cell in row if cell.strip()))) and not _is_name(row)
        totals += is_total
        if totals > MOST_TOTALS or not (is_total or is_remark(row)):
            break
        count, empty = count + empty + 1, 0
    words = f"“{dialect.separator.join(last[-count])[:40]}” is no row" if count else ""
    return count, Found(setting="skipLastLines", value=count, shown=str(count), words=words, sure=not count)
