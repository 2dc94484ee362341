"""A problem: one thing that is wrong, where it is, and what to do about it.

Every judge in Sluice (document check, SQL gate, runner, portal form, API) speaks in problems, so that a person
reads the same sentence wherever the mistake is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypedDict

CONTRACT = 2
"""Since 2, `message` and `fix` hold only our own sentences. Problems stored before (without the number) may quote data in them."""


@dataclass(frozen=True)
class Foreign:
    """A text that is not ours: Spark's, a driver's, a file's, a row's. It is data, and may stand in `value`, `found` and `detail` only.

    It is no `str` and cannot be put into a sentence by mistake: formatting it raises TypeError.
    """

    text: str

    def __str__(self) -> str:
        raise TypeError("a foreign text is data: it belongs into value, found or detail")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __bool__(self) -> bool:
        return bool(self.text)


class Edit(TypedDict):
    """A change that mends the text: `text[start:end]` (characters from 0) becomes `text`. `says` is the button's words."""

    start: int
    end: int
    text: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake and its place.

    `message` is one plain sentence for an analyst, `fix` says what to do: our own words, in which only names of the document stand, in
    “quotes”. What was met in data or said by others stands in `value`, `found` and `detail`. `line` and `column` count from 1 inside the
    field's text (an SQL statement, a JSON document). `stage_index` counts from 0 in the document's `stages`. `code` is a stable
    kebab-case word that programs may match on.
    """

    code: str
    message: str
    stage_index: int | None = None
    stage: str | None = None
    stage_type: str | None = None
    field: str | None = None
    line: int | None = None
    column: int | None = None
    found: str | Foreign | None = None
    """What stands there now; may be data."""
    expected: str | Foreign | None = None
    fix: str | None = None
    data_column: str | None = None
    """The column of the data (not of the text) that the problem is about."""
    value: str | Foreign | None = None
    """A value of the data. Shown only to people who may see data; see `without_data`."""
    row: int | None = None
    """1-based row of the input, where it is known."""
    file: str | Foreign | None = None
    """The file of the lake it is about, where the document does not name it itself."""
    detail: str | Foreign | None = None
    """Technical words (Spark's own), folded away on the page. May hold values of the data."""
    edit: Edit | None = None
    """The fix as a change of the field's text, where one is sure."""
    severity: str | None = None
    """warning: it works, but may not do what was meant; told, and stops nothing. None: it is wrong."""

    def __post_init__(self) -> None:
        for name in ("found", "expected", "value", "file", "detail"):
            given = getattr(self, name)
            if isinstance(given, Foreign):
                object.__setattr__(self, name, given.text)

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready values; empty fields are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None} | {"contract": CONTRACT}

    def without_data(self) -> Problem:
        """The same problem with nothing but what is open to everybody: an allow-list, so that a new field is hidden until it is named here.

        The sentences may still quote a name that is no name of the document (a column of a file): the portal, which has the document,
        looks at that (`portal.runs.problems`).
        """
        return Problem(**{name: getattr(self, name) for name in OPEN_FIELDS})

    @property
    def told(self) -> str:
        """Message and what was found, in one line for people who may see data."""
        found = str(self.found or self.value or "")
        return self.message if not found or found in self.message else f"{self.message} Found: {found}"

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


OPEN_FIELDS = ("code", "message", "fix", "stage_index", "stage", "stage_type", "field", "line", "column", "row")
"""What of a problem everybody may see who may see the run: our own sentences, places and counts."""


class ProblemError(Exception):
    """Raised where work cannot go on; carries every problem known at that moment."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: list[Problem] = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(p.message for p in self.problems))


MOST_TOLD = 20
"""Problems that stand in one; a page that lists more is not read."""


def as_one(problems: Sequence[Problem]) -> Problem:
    """All that is told at once as one problem, for where there is room for one: whoever was told the first alone would run once for each.
    Its place is the first one's."""
    first, *others = problems
    if not others:
        return first
    left = len(problems) - MOST_TOLD
    more = f" And {left:,} more of the kind." if left > 0 else ""

    def all_of(name: str, between: str = " ") -> str | None:
        given = [getattr(problem, name) for problem in problems[:MOST_TOLD]]
        return between.join(dict.fromkeys(text for text in given if text)) or None

    return replace(
        first, message=f"{all_of('message')}{more}", found=all_of("found", "; "), expected=all_of("expected", "; "), fix=all_of("fix")
    )
