"""What the numbers of a file do not say themselves: values that stand for none, amounts whose sign stands in another column, another table
further down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from executor.look.facts import Facts
from executor.look.proposal import Option, Proposal, Question, Said
from executor.look.shapes import Number, decimal_of, shape_of
from executor.look.types import Typing

_NINES = (
    "99",
    "999",
    "9999",
    "99999",
    "999999",
    "9999999",
    "99.9",
    "999.9",
    "9999.9",
    "99999.9",
    "99.99",
    "999.99",
    "9999.99",
    "9999999.9",
    "99991231",
    "19000101",
)
STANDING_FOR_NONE = frozenset(Decimal(sign + digits) for digits in _NINES for sign in ("", "-"))
"""Numbers that stations, surveys and old programs write where there is no value."""
DAYS_FOR_NONE = frozenset((*((year, 1, 1) for year in (1, 1753, 1800, 1900, 1970, 9999)), *((year, 12, 31) for year in (2099, 2999, 9999))))
"""Days that programs write where there is none, or none yet: (year, month, day), the last two in the order of their size."""
FEWEST_OTHERS, FAR = 5, 3
"""Rows with other values in the column; and how many times as far from them as they lie apart."""
MOST_SHARE, MOST_SHARE_OF_DAYS = 0.5, 0.95
MANY_COLUMNS = 500
_SIGNS = (
    {"s", "h"},
    {"d", "c"},
    {"dr", "cr"},
    {"debit", "credit"},
    {"soll", "haben"},
    {"+", "-"},
    {"belastung", "gutschrift"},
    {"db", "cr"},
)
NUMBERS = ("integer", "long", "double", "decimal")


def remark(proposal: Proposal, facts: Sequence[Facts], typings: Sequence[Typing]) -> None:
    """Asks and tells of it. `facts`, `typings`: of the columns, in order."""
    found = {index: texts for index, one in enumerate(facts[: len(typings)]) if (texts := _for_none(one, typings[index]))}
    if found and proposal.settings.null_values is None:
        proposal.questions.append(_of_none(proposal, found))
    if len(typings) > MANY_COLUMNS:
        proposal.problems.append(_of_many(len(typings)))
    proposal.problems += _of_wrapped(proposal, facts[: len(typings)])
    signs = _column_of_signs(facts, typings)
    if signs is not None:
        proposal.problems.append(_of_signs(proposal, *signs))


_WRAPPED = (
    (
        re.compile(r'="[^"]*"'),
        'as ="…", which keeps zeros at their beginning in Excel',
        "Take the signs out in a query, or nothing meets them: regexp_extract({0}, '=\"(.*)\"', 1) AS {0}.",
    ),
    (
        re.compile(r'\s+".*"\s*', re.DOTALL),
        "in quotes behind a blank, so that blank and quotes are part of them",
        "Have it written without a blank behind the separator, or take both out in a query: trim(BOTH '\"' FROM trim({0})) AS {0}.",
    ),
)
"""Signs around texts that belong to how they are written, in what words, and what takes them out."""
MOST_WRAPPED = 0.9


def _of_wrapped(proposal: Proposal, facts: Sequence[Facts]) -> list[Said]:
    """Columns whose texts bring signs along that are hardly meant as part of them."""
    said = []
    for pattern, words, fix in _WRAPPED:
        found = [index for index, one in enumerate(facts) if _share(one, pattern) >= MOST_WRAPPED]
        if found:
            names = [proposal.columns[index].name for index in found]
            called = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
            said.append(Said(code="look-wrapped", message=f"The values of {called} stand {words}.", fix=fix.format(names[0])))
    return said


def _share(facts: Facts, pattern: re.Pattern[str]) -> float:
    texts = sum(facts.values.values())
    return sum(rows for text, rows in facts.values.items() if pattern.fullmatch(text)) / texts if texts else 0.0


def _of_many(columns: int) -> Said:
    takes = "so that a run takes its time even of few rows: about a minute for 1,000 columns."
    message = f"It has {columns:,} columns. Each of them is typed and counted, {takes}"
    fix = "Where you need a few of them, leave the others out where the file is made. Else give the run more memory and time."
    return Said(code="look-many-columns", message=message, fix=fix)


def _for_none(facts: Facts, typing: Typing) -> list[str]:
    """The texts in a column of numbers or days that most likely stand for no value: far from all others."""
    if typing.type in ("date", "timestamp"):
        found = {text: day for text in facts.values if (day := _day(text))}
        return _far(
            facts,
            {text: Decimal(day[0]) for text, day in found.items()},
            {t for t in found if found[t] in DAYS_FOR_NONE},
            MOST_SHARE_OF_DAYS,
        )
    if typing.type not in NUMBERS:
        return []
    numbers = {text: decimal_of(text.strip(), typing.decimal) for text in facts.values if isinstance(shape_of(text.strip()), Number)}
    return _far(facts, numbers, {text for text, number in numbers.items() if number in STANDING_FOR_NONE}, MOST_SHARE)


def _day(text: str) -> tuple[int, int, int] | None:
    parts = [int(part) for part in re.findall(r"\d+", text)[:3]]
    year = next((part for part in re.findall(r"\d+", text)[:3] if len(part) == 4), None)
    if len(parts) < 3 or year is None:
        return None
    parts.remove(int(year))
    low, high = sorted(parts)
    return int(year), low, high


def _far(facts: Facts, numbers: dict[str, Decimal], odd: set[str], most: float) -> list[str]:
    """Those of `odd` that lie far from all others."""
    others = {text: number for text, number in numbers.items() if text not in odd}
    rows, rows_odd = (sum(facts.values[text] for text in some) for some in (numbers, odd))
    if not odd or rows - rows_odd < FEWEST_OTHERS or rows_odd > most * rows:
        return []
    lowest, highest = min(others.values()), max(others.values())
    apart = max(highest - lowest, Decimal(1))
    return sorted(text.strip() for text in odd if numbers[text] < lowest - FAR * apart or numbers[text] > highest + FAR * apart)


def _of_none(proposal: Proposal, found: dict[int, list[str]]) -> Question:
    texts = sorted({text for some in found.values() for text in some})
    words = [word for one in proposal.found if one.setting == "nullValues" for word in one.value]
    named = ", ".join(proposal.columns[index].name for index in list(found)[:3]) + (" …" if len(found) > 3 else "")
    few = ", ".join(texts[:3])
    options = [
        Option(label="No value", words="left out of sums and averages", settings={"nullValues": [*words, *texts][:20]}),
        Option(label="A value", words="as all others", settings={"nullValues": words}),
    ]
    said = f"{few} in {named} {'lies' if len(texts) == 1 else 'lie'} far from all others there; many programs write that for no value."
    return Question(key="nullValues", title=f"Does {few} mean no value?", words=said, options=options)


def _column_of_signs(facts: Sequence[Facts], typings: Sequence[Typing]) -> tuple[int, int] | None:
    """(column that says debit or credit, column of amounts without a minus)."""
    for index, one in enumerate(facts[: len(typings)]):
        words = {value.strip().lower() for value in one.values}
        if one.has_all_values and words in _SIGNS:
            for other, typing in enumerate(typings):
                if typing.type == "decimal" and not any("-" in text or "(" in text for text in facts[other].values):
                    return index, other
    return None


def _of_signs(proposal: Proposal, sign: int, amount: int) -> Said:
    sign_name, amount_name = proposal.columns[sign].name, proposal.columns[amount].name
    words = ", ".join(dict.fromkeys(proposal.columns[sign].samples))
    message = f"“{amount_name}” has no minus, and “{sign_name}” says {words}: a sum would add what goes in and what goes out."
    fix = f"Give the amounts their sign in a query: CASE WHEN {sign_name} = '…' THEN -{amount_name} ELSE {amount_name} END."
    return Said(code="look-signs", message=message, fix=fix)


class AnotherTable:
    """Looks for the names of another table below empty lines."""

    def __init__(self) -> None:
        from executor.look.sheet_notes import Below

        self._below, self._last = Below(), 0

    def take(self, rows: Sequence[Sequence[str | None]], lines: Sequence[int]) -> None:
        for row, line in zip(rows, lines, strict=True):
            if self._last and line > self._last + 1:
                self._below.take_empty()
            self._last = line
            if any(row):
                self._below.take([cell or "" for cell in row], line=line)

    def told(self) -> list[Said]:
        fix = "Put each table into a file of its own."
        return [
            Said(code="look-second-table", message=note[:1].upper() + note[1:].rpartition(";")[0] + ".", fix=fix)
            for note in self._below.notes
        ]
