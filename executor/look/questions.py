"""What only a person can say of values that can be read in two ways."""

from __future__ import annotations

import re

from executor.files.backslashes import Codes
from executor.look.proposal import Option, ProposedColumn, Question, Settings
from executor.look.shapes import moment_key
from executor.look.types import Typing

OFFSET = re.compile(r"([+-][0-9]{2}(?::?[0-9]{2})?)\s*$")
LABEL = "Times are in"
"""What the page calls the setting."""
MOST_NAMED = 5


def questions_of_values(settings: Settings, typings: list[Typing], columns: list[ProposedColumn]) -> list[Question]:
    questions = []
    days = [column for column, typing in zip(columns, typings, strict=False) if typing.open == "dayFirst"]
    if days and settings.day_first is None:
        sample = _telling(days)
        options = [
            Option(label="Day first", words=_as_day(sample, "dmy"), settings={"dayFirst": True}),
            Option(label="Month first", words=_as_day(sample, "mdy"), settings={"dayFirst": False}),
        ]
        words = f"{_named(days)}: the numbers fit both ways, for instance {sample}."
        title = "Is the day or the month first?"
        questions.append(Question(key="dayFirst", title=title, words=words, options=options, must_be_answered=True))
    numbers = [column for column, typing in zip(columns, typings, strict=False) if typing.open == "decimal"]
    if numbers and settings.decimal is None:
        questions.append(_question_of_thousands(numbers))
    questions += _questions_of_columns(settings, typings, columns)
    mixed = [(column, typing) for column, typing in zip(columns, typings, strict=False) if typing.type == "timestamp" and all(typing.zones)]
    if mixed and settings.time_zone is None:
        questions.append(_question_of_zones([column for column, _ in mixed], mixed[0][1]))
    return questions


def questions_of_backslashes(codes: Codes | None, chosen: str | None) -> list[Question]:
    """Of values with backslashes such as databases write."""
    if codes is None:
        return []
    count = f"{codes.count:,} value{'s hold' if codes.count != 1 else ' holds'}"
    words = f"{count} one before n, r, t or another one, for instance “{codes.value[:60]}” in line {codes.line:,}."
    codes_words = "a line break, a tab, one backslash; \\N is no value, and no quotes are around values"
    return [
        Question(
            key="backslashes",
            title="What do the backslashes mean?",
            words=words,
            options=[
                Option(label="What a database means", words=codes_words, settings={"backslashes": "codes"}, is_chosen=chosen == "codes"),
                Option(label="Themselves", words="as they are written", settings={"backslashes": "text"}, is_chosen=chosen == "text"),
            ],
        )
    ]


def question_of_empty_rows(count: int, rows: int, chosen: str | None) -> list[Question]:
    """Rows of separators alone, as spreadsheets write them below a table. They would count as rows."""
    if not count:
        return []
    options = [
        Option(label="Leave them out", words="by a query of the job", settings={"emptyRows": "leave-out"}, is_chosen=chosen != "keep"),
        Option(label="Keep them", words="they count as rows", settings={"emptyRows": "keep"}, is_chosen=chosen == "keep"),
    ]
    words = f"{count:,} of {rows:,} rows hold nothing but separators."
    return [
        Question(key="emptyRows", title=f"{count:,} row{'s have' if count > 1 else ' has'} no value at all", words=words, options=options)
    ]


def _question_of_zones(columns: list[ProposedColumn], typing: Typing) -> Question:
    """Of columns in which some times say their zone and others do not."""
    _, silent, example = typing.zones
    utc = f"another place is chosen under “{LABEL}”"
    options = [Option(label="UTC", words=utc, settings={"timeZone": "UTC"}, is_chosen=True)]
    offset = OFFSET.search(example)
    if offset and offset[1].strip("+-0:"):
        zone = f"{offset[1][:3]}:{offset[1][-2:] if len(offset[1]) > 3 else '00'}"
        words = "all of them, in summer and in winter"
        options.append(Option(label=f"{zone}, as the others", words=words, settings={"timeZone": zone}))
    words = f"{_named(columns)}: {silent:,} {'says' if silent == 1 else 'say'} no zone, others do, for instance {example.strip()}."
    return Question(key="timeZone", title="In which zone are the times that say none?", words=words, options=options)


def _question_of_thousands(columns: list[ProposedColumn]) -> Question:
    """Where no column of the file shows which sign stands before decimals."""
    options = _meanings(columns[0])
    shown = ", ".join(f"{column.name} ({_with_sign(column)})" for column in columns[:MOST_NAMED])
    more = f" and {len(columns) - MOST_NAMED:,} more" if len(columns) > MOST_NAMED else ""
    name = _called(columns[0])
    words = f"{shown}{more}: three digits stand behind every {name}."
    return Question(key="decimal", title=f"What does the {name} mean?", words=words, options=options, must_be_answered=True)


def _questions_of_columns(settings: Settings, typings: list[Typing], columns: list[ProposedColumn]) -> list[Question]:
    """Of each column that may be written otherwise than the others; what was answered stays, so that it can be corrected."""
    questions = []
    for column, typing in zip(columns, typings, strict=False):
        place = str(column.index)
        chosen = settings.columns[place].decimal if place in settings.columns else None
        if typing.open != "columnDecimal" and not (chosen and typing.is_weak):
            continue
        options = [
            option.model_copy(update={"settings": {"columns": {place: option.settings}}, "is_chosen": option.settings["decimal"] == chosen})
            for option in _meanings(column)
        ]
        name, sample = _called(column), _with_sign(column)
        words = (
            f"Three digits stand behind every {name} of this column, for instance {sample}. Other columns do not tell what it means here."
        )
        title = f"What does the {name} mean in {column.name}?"
        is_open = chosen is None
        questions.append(Question(key=f"decimal-{place}", title=title, words=words, options=options, must_be_answered=is_open))
    return questions


def _meanings(column: ProposedColumn) -> list[Option]:
    """Both readings of a value with one sign and three digits behind it."""
    sample = _with_sign(column)
    seen, other = (",", ".") if "," in sample else (".", ",")
    return [
        Option(label="A sign between thousands", words=f"{sample} is {sample.replace(seen, '')}", settings={"decimal": other}),
        Option(label="The decimal sign", words=f"{sample} has three decimals", settings={"decimal": seen}),
    ]


def _with_sign(column: ProposedColumn) -> str:
    texts = (*column.samples, column.highest or "", column.lowest or "")
    return next((text.strip() for text in texts if "," in text or "." in text), "1,234")


def _called(column: ProposedColumn) -> str:
    return "comma" if "," in _with_sign(column) else "point"


def _named(columns: list[ProposedColumn]) -> str:
    return ", ".join(column.name for column in columns[:3]) + (" …" if len(columns) > 3 else "")


def _telling(columns: list[ProposedColumn]) -> str:
    """A sample that is another day in each order, where there is one."""
    samples = [text.strip() for column in columns for text in column.samples]
    return next((text for text in samples if moment_key(text, "dmy") != moment_key(text, "mdy")), samples[0] if samples else "")


def _as_day(sample: str, order: str) -> str:
    return f"{sample} is {moment_key(sample, order)[:10]}" if sample else ""
