"""A folder of delimited files as one table: the file with the most columns shows what they are, and the others what else there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from executor.files.delimited import TextRules, see_beginning
from executor.files.dialect import NO_QUOTE
from executor.files.folder import DataFile
from executor.files.headers import in_quotes, key, named
from executor.look.describing import column_of
from executor.look.facts import Facts
from executor.look.names import safe_names
from executor.look.proposal import ColumnChoice, Option, Proposal, ProposedColumn, Question
from executor.look.types import Style
from executor.problems import ProblemError

MOST_FILES = 500
"""Files whose names of columns are looked at; a run looks at those of all."""
MOST_LOOKED_AT = 3
"""Further files that are looked at for columns that the one shown lacks; what only others have is read as text."""
MOST_TOLD = 5
READ_AS_TEXT = "read as text; a query makes a number of it: CAST(… AS INT)"
_NOTHING = ("", re.compile(r"(?!)"))
_NUMBER = ("every folder has a whole number; where they are codes, choose text", re.compile(r"0|-?[1-9][0-9]*"))
_DAY = ("every folder has a day", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"))
TYPED_BY_THEMSELVES = {"integer": _NUMBER, "long": _NUMBER, "date": _DAY}
"""What names of folders are taken for without being asked: in words, and the one way to write each value, so that no two become one."""
Look = Callable[[DataFile, dict[str, ColumnChoice], Sequence[DataFile]], Proposal]
"""The proposal of one file, with what a person says of its columns (by place in this file), that goes with other files, too."""


def look_at_files(files: Sequence[DataFile], look: Look, choices: dict[str, ColumnChoice]) -> tuple[Proposal, DataFile, str]:
    """The proposal for all `files`, which of them is shown, and what is of it alone. `look` gives the proposal of one. `choices`: what a
    person says of columns, by place in the proposal for all."""
    some = files[:MOST_FILES]
    first = look(files[0], choices, some[1:])
    if len(files) < 2 or first.format != "delimited":
        return first, files[0], "rows" if first.format in ("json", "jsonl") else "columns, types and rows"
    if not first.settings.header or first.settings.other_widths == "keep":
        return first, files[0], "columns and rows"
    headers = {file: names for file in some if (names := _names(file, first))}
    widest = max(headers, key=lambda file: (len(headers[file]), files.index(file)), default=files[0])
    found = first if widest is files[0] else look(widest, choices, [file for file in some if file is not widest])
    known = {key(name) for name in headers.get(widest, ())}
    others = [file for file, names in headers.items() if {key(name) for name in names} != known]
    if others:
        more = dict.fromkeys(name for names in headers.values() for name in names if key(name) not in known)
        _add(found, _Others(headers, look, choices), list(more))
        found.questions.insert(0, _question(found, others, headers, widest, list(more)))
        found.settings.other_headers = found.settings.other_headers or "fill"
    return found, widest, "rows"


def add_folder_columns(found: Proposal, files: Sequence[DataFile], shown: DataFile, choices: dict[str, ColumnChoice]) -> None:
    """The columns that names of folders such as year=2024 give, behind the others: a run reads them as text, and the stage that types the
    rest types them. `choices`: what a person says of columns, by place."""
    more = list({name.casefold(): name for file in files for name, _ in file.folders}.values())
    if found.format not in ("delimited", "json", "jsonl", "parquet") or found.unfolded or found.cuts:
        return
    values = {name.casefold(): value for name, value in shown.folders}
    names = safe_names([*[column.raw_name for column in found.columns], *more])[len(found.columns) :]
    for name, raw in zip(names, more, strict=True):
        place = len(found.columns)
        column = _of_folders(place, name, raw, files, choices.get(str(place))) if found.format != "parquet" else _as_text(place, name, raw)
        words = f"of the folder's name; {READ_AS_TEXT if found.format == 'parquet' else column.words}"
        found.columns.append(column.model_copy(update={"words": words, "is_of_folders": True}))
        for row in found.first_rows:
            row.append(values.get(raw.casefold()))


def _of_folders(index: int, name: str, raw: str, files: Sequence[DataFile], choice: ColumnChoice | None) -> ProposedColumn:
    """A number or a day where every folder says one and nothing would be lost (07 is text), as long as nobody chooses otherwise."""
    values = list(dict.fromkeys(value for file in files for own, value in file.folders if own.casefold() == raw.casefold()))
    facts = Facts(raw)
    facts.take(values, [0] * len(values))
    column, typing = column_of(index, raw, name, facts, Style(), choice)
    if choice and choice.type:
        return column
    told, plain = TYPED_BY_THEMSELVES.get(typing.type, _NOTHING)
    if told and all(value is None or plain.fullmatch(value) for value in values):
        return column.model_copy(update={"words": told})
    as_text = (choice or ColumnChoice()).model_copy(update={"type": "string"})
    why = typing.why if typing.type == "string" and typing.why else "read as text"
    return column_of(index, raw, name, facts, Style(), as_text)[0].model_copy(update={"words": why})


def _names(file: DataFile, like: Proposal) -> tuple[str, ...]:
    """The names in the header of a file that is written as the one of the proposal, whatever separates its values; none where it has no
    such line, or is written otherwise: the proposal tells of it."""
    settings = like.settings
    rules = TextRules(
        separator=settings.separator or ",",
        quote='"' if settings.quote is None else settings.quote or NO_QUOTE,
        encoding=settings.encoding,
        skip_lines=settings.skip_lines or 0,
        comment=settings.comment or None,
        trim_names=bool(settings.trim_names),
        other_separators="own",
    )
    if file.name in like.strange_files:
        return ()
    try:
        seen = see_beginning(file, rules)
    except ProblemError:
        return ()
    return named(seen.look.names or (), trim=rules.trim_names).names if seen else ()


class _Others:
    """The files beside the one that is shown."""

    def __init__(self, headers: dict[DataFile, tuple[str, ...]], look: Look, choices: dict[str, ColumnChoice]) -> None:
        self._headers, self._look, self._choices = headers, look, choices
        self._looked_at: dict[DataFile, Proposal] = {}
        self.places: dict[str, int] = {}
        """The place that each column has in the proposal for all, by its key."""

    def column(self, raw: str) -> tuple[DataFile, ProposedColumn] | None:
        """As the last file that has it proposes it; None when too many files would have to be looked at."""
        having = [file for file, names in self._headers.items() if key(raw) in map(key, names)]
        file = next((file for file in having if file in self._looked_at), having[-1])
        if file not in self._looked_at:
            if len(self._looked_at) == MOST_LOOKED_AT:
                return None
            self._looked_at[file] = self._look(file, self._choices_for(file), ())
        own = [key(name) for name in self._headers[file]].index(key(raw))
        columns = self._looked_at[file].columns
        return (file, columns[own]) if own < len(columns) and not columns[own].dropped else None

    def questions(self, known: Sequence[Question], at: int) -> list[Question]:
        """What the values of these files leave open, where the file that is shown does not ask the same. Its columns are those before the
        place `at`."""
        asked = [
            placed
            for file, found in self._looked_at.items()
            for question in found.questions
            if question.key != "otherWidths" and (placed := self._placed(question, file, at))
        ]
        return list({question.key: question for question in asked if question.key not in {one.key for one in known}}.values())

    def _placed(self, question: Question, file: DataFile, at: int) -> Question | None:
        """The question as it is asked of the table: one of a single column names that column's place there, if only other files have it."""
        if "columns" not in question.options[0].settings:
            return question
        (own,) = question.options[0].settings["columns"]
        place = self.places[key(self._headers[file][int(own)])]
        options = [
            option.model_copy(update={"settings": {"columns": {str(place): choice}}})
            for option in question.options
            for choice in option.settings["columns"].values()
        ]
        return question.model_copy(update={"key": f"decimal-{place}", "options": options}) if place >= at else None

    def _choices_for(self, file: DataFile) -> dict[str, ColumnChoice]:
        """What was said of columns of the table, by the places that they have in this file."""
        placed = ((own, self.places.get(key(name))) for own, name in enumerate(self._headers[file]))
        return {str(own): self._choices[str(place)] for own, place in placed if str(place) in self._choices}


def _add(found: Proposal, others: _Others, more: list[str]) -> None:
    """Columns that other files have, with the types that their values propose there."""
    at = len(found.columns)
    others.places = {key(column.raw_name): column.index for column in found.columns} | {key(raw): at + n for n, raw in enumerate(more)}
    names = safe_names([*[column.raw_name for column in found.columns], *more])[at:]
    for index, (name, raw) in enumerate(zip(names, more, strict=True), at):
        seen = others.column(raw)
        found.columns.append(_of_other(index, name, raw, *seen) if seen else _as_text(index, name, raw))
    found.questions += others.questions(found.questions, at)
    found.header = [*found.header, *more]
    for row in found.first_rows:
        row += [None] * len(more)


def _of_other(index: int, name: str, raw: str, file: DataFile, column: ProposedColumn) -> ProposedColumn:
    called = column.name if column.name != safe_names([raw])[0] else name
    words = f"in other files only; as in “{file.last_name}”" + (f": {column.words}" if column.words else "")
    kind = {**column.type, "name": called, "nullable": True}
    return column.model_copy(update={"index": index, "name": called, "raw_name": raw, "type": kind, "words": words})


def _as_text(index: int, name: str, raw: str) -> ProposedColumn:
    kind = {"type": "string", "nullable": True, "trim": False, "nullableValues": [""]}
    words = f"in other files only, of which {MOST_LOOKED_AT} were looked at; read as text"
    return ProposedColumn(index=index, name=name, raw_name=raw, type=kind, words=words, fixed=True, rows=0, fits=0, nulls=0)


def _question(
    found: Proposal, others: Sequence[DataFile], headers: dict[DataFile, tuple[str, ...]], widest: DataFile, more: Sequence[str]
) -> Question:
    had = {key(name) for name in headers[others[0]]}
    lacks = [name for name in headers[widest] if key(name) not in had]
    words = f"{others[0].last_name}, for instance, lacks {in_quotes(lacks, 6)}." if lacks else ""
    words += f" Others have {in_quotes(more, 6)}: where that is an old name, put both together with coalesce in a query." if more else ""
    chosen = found.settings.other_headers
    options = [
        Option(
            label="Read them all",
            words="a column that a file lacks is null in its rows",
            settings={"otherHeaders": "fill"},
            is_chosen=chosen == "fill",
        ),
        Option(label="Stop", words="until all have the same columns", settings={"otherHeaders": "stop"}, is_chosen=chosen == "stop"),
    ]
    count = f"{len(others):,} of {len(headers):,} files have"
    words = f"{_lacking(found, headers)} {words}".strip()
    return Question(key="otherHeaders", title=f"{count} other columns", words=words, options=options, must_be_answered=chosen is None)


def _lacking(found: Proposal, headers: dict[DataFile, tuple[str, ...]]) -> str:
    """Of the columns that some files lack, the first ones, each with the number of these files: their rows would have no value there."""
    having = Counter(one for names in headers.values() for one in {key(name) for name in names})
    rare = [(column.raw_name, len(headers) - having[key(column.raw_name)]) for column in found.columns if having[key(column.raw_name)]]
    told = [f"{in_quotes([name])} in {files:,}" for name, files in rare if files]
    more = f" and {len(told) - MOST_TOLD:,} more" if len(told) > MOST_TOLD else ""
    return f"Not there is {', '.join(told[:MOST_TOLD])}{more} of {len(headers):,} files."
