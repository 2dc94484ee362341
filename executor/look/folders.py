"""A folder of delimited files as one table: the file with the most columns shows what they are, and the others what else there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from executor.files.delimited import TextRules, see_beginning
from executor.files.dialect import NO_QUOTE
from executor.files.folder import DataFile
from executor.files.headers import key, named
from executor.look.names import safe_names
from executor.look.proposal import Option, Proposal, ProposedColumn, Question

MOST_FILES = 500
"""Files whose names of columns are looked at; a run looks at those of all."""
Look = Callable[[DataFile], Proposal]


def look_at_files(files: Sequence[DataFile], look: Look) -> tuple[Proposal, DataFile, str]:
    """The proposal for all `files`, which of them is shown, and what is of it alone. `look` gives the proposal of one."""
    first = look(files[0])
    if len(files) < 2 or first.format != "delimited" or not first.settings.header or first.settings.other_widths == "keep":
        return first, files[0], "columns, types and rows"
    headers = {file: names for file in files[:MOST_FILES] if (names := _names(file, first))}
    widest = max(headers, key=lambda file: (len(headers[file]), files.index(file)), default=files[0])
    found = first if widest is files[0] else look(widest)
    known = {key(name) for name in headers.get(widest, ())}
    others = [file for file, names in headers.items() if {key(name) for name in names} != known]
    if others:
        more = dict.fromkeys(name for names in headers.values() for name in names if key(name) not in known)
        _add(found, list(more))
        found.settings.other_headers = found.settings.other_headers or "fill"
        found.questions.insert(0, _question(found, others, headers, widest, list(more)))
    return found, widest, "types and rows"


def _names(file: DataFile, like: Proposal) -> tuple[str, ...]:
    """The names in the header of a file that is written as the one of the proposal; none where it has no such line."""
    settings = like.settings
    rules = TextRules(
        separator=settings.separator or ",",
        quote='"' if settings.quote is None else settings.quote or NO_QUOTE,
        encoding=settings.encoding,
        skip_lines=settings.skip_lines or 0,
        comment=settings.comment or None,
        trim_names=bool(settings.trim_names),
    )
    seen = see_beginning(file, rules)
    return named(seen.look.names or (), trim=rules.trim_names).names if seen else ()


def _add(found: Proposal, more: list[str]) -> None:
    """Columns that other files have, as text: nothing was seen of their values."""
    at = len(found.columns)
    names = safe_names([*[column.raw_name for column in found.columns], *more])[at:]
    for index, (name, raw) in enumerate(zip(names, more, strict=True), at):
        kind = {"type": "string", "nullable": True, "trim": False, "nullableValues": [""]}
        words = "in other files only, read as text"
        found.columns.append(
            ProposedColumn(index=index, name=name, raw_name=raw, type=kind, words=words, fixed=True, rows=0, fits=0, nulls=0)
        )
    found.header = [*found.header, *more]
    for row in found.first_rows:
        row += [None] * len(more)


def _question(
    found: Proposal, others: Sequence[DataFile], headers: dict[DataFile, tuple[str, ...]], widest: DataFile, more: Sequence[str]
) -> Question:
    had = {key(name) for name in headers[others[0]]}
    lacks = [name for name in headers[widest] if key(name) not in had]
    words = f"{others[0].name.rsplit('/', 1)[-1]}, for instance, lacks {_listed(lacks)}." if lacks else ""
    words += f" Others have {_listed(more)}: where that is an old name, put both together with coalesce in a query." if more else ""
    is_fill = found.settings.other_headers == "fill"
    options = [
        Option(
            label="Read them all",
            words="a column that a file lacks is null in its rows",
            settings={"otherHeaders": "fill"},
            is_chosen=is_fill,
        ),
        Option(label="Stop", words="until all have the same columns", settings={"otherHeaders": "stop"}, is_chosen=not is_fill),
    ]
    count = f"{len(others):,} of {len(headers):,} files have"
    return Question(key="otherHeaders", title=f"{count} other columns", words=words.strip(), options=options)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
