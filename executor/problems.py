"""A problem: one thing that is wrong, where it is, and what to do about it.

Every judge in Sluice (document check, SQL gate, runner, portal form, API) speaks in problems, so that a person
reads the same sentence wherever the mistake is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake and its place.

    `message` is one plain sentence for an analyst. `found`, `expected` and `fix` complete it. `line` and `column`
    count from 1 inside the field's text (an SQL statement, a JSON document). `stage_index` counts from 0 in the
    document's `stages`. `code` is a stable kebab-case word that programs may match on.
    """

    code: str
    message: str
    stage_index: int | None = None
    stage: str | None = None
    stage_type: str | None = None
    field: str | None = None
    line: int | None = None
    column: int | None = None
    found: str | None = None
    expected: str | None = None
    fix: str | None = None
    data_column: str | None = None
    """The column of the data (not of the text) that the problem is about."""
    value: str | None = None
    """A value of the data. Shown only to people who may see data; see `without_data`."""
    row: int | None = None
    """1-based row of the input, where it is known."""
    detail: str | None = None
    """Technical words (Spark's own), folded away on the page. May hold values of the data."""

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready values; empty fields are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def without_data(self) -> Problem:
        """The same problem without anything that may show a value of the data, for readers without that right."""
        return Problem(
            **{
                **asdict(self),
                "value": None,
                "detail": None,
                "found": None,
                "message": self.message if self.value is None else f"A value in {self.data_column or 'the data'} is not right.",
            }
        )

    @property
    def place(self) -> str:
        """Where it is, for a person: `stage 4 “daily_delays” · sql · line 3:8`."""
        parts = []
        if self.stage_index is not None:
            parts.append(f"stage {self.stage_index + 1}" + (f" “{self.stage}”" if self.stage else ""))
        if self.field:
            parts.append(self.field)
        if self.line is not None:
            parts.append(f"line {self.line}" + (f":{self.column}" if self.column is not None else ""))
        return " · ".join(parts)


class ProblemError(Exception):
    """Raised where work cannot go on; carries every problem known at that moment."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: list[Problem] = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(p.message for p in self.problems))
