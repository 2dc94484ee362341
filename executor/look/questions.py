"""What only a person can say of values that can be read in two ways."""

from __future__ import annotations

from executor.look.proposal import Option, ProposedColumn, Question, Settings
from executor.look.shapes import moment_key
from executor.look.types import Typing


def questions_of_values(settings: Settings, typings: list[Typing], columns: list[ProposedColumn]) -> list[Question]:
    questions = []
    days = [column for column, typing in zip(columns, typings, strict=False) if typing.open == "dayFirst"]
    if days and settings.day_first is None:
        options = [
            Option(label="Day first", words=_as_day(days[0], "dmy"), settings={"dayFirst": True}, is_chosen=True),
            Option(label="Month first", words=_as_day(days[0], "mdy"), settings={"dayFirst": False}),
        ]
        words = f"{_named(days)}: the numbers fit both ways, for instance {days[0].samples[0] if days[0].samples else ''}."
        questions.append(Question(key="dayFirst", title="Is the day or the month first?", words=words, options=options))
    numbers = [column for column, typing in zip(columns, typings, strict=False) if typing.open == "decimal"]
    if numbers and settings.decimal is None:
        is_comma = any(typing.open == "decimal" and typing.decimal == "," for typing in typings)
        questions.append(_question_of_thousands(numbers, "," if is_comma else "."))
    return questions


def _question_of_thousands(columns: list[ProposedColumn], decimal: str) -> Question:
    """`decimal`: the sign before decimals that is proposed."""
    sample = next((text for column in columns for text in column.samples if "," in text or "." in text), "1,234")
    seen = "," if "," in sample else "."
    other = "." if seen == "," else ","
    name = "comma" if seen == "," else "point"
    options = [
        Option(
            label="A sign between thousands",
            words=f"{sample} is {sample.replace(seen, '')}",
            settings={"decimal": other},
            is_chosen=decimal == other,
        ),
        Option(
            label="The decimal sign",
            words=f"{sample} has three decimals",
            settings={"decimal": seen},
            is_chosen=decimal == seen,
        ),
    ]
    words = f"{_named(columns)}: three digits stand behind every {name}."
    return Question(key="decimal", title=f"What does the {name} mean?", words=words, options=options)


def _named(columns: list[ProposedColumn]) -> str:
    return ", ".join(column.name for column in columns[:3]) + (" …" if len(columns) > 3 else "")


def _as_day(column: ProposedColumn, order: str) -> str:
    return f"{column.samples[0]} is {moment_key(column.samples[0].strip(), order)[:10]}" if column.samples else ""
