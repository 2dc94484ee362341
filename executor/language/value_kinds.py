"""What can be the matter with a value, in words: the same on the page of a run, in its log, in previews and in the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

KINDS = {
    "not-integer": "not a whole number",
    "not-long": "not a whole number",
    "not-double": "not a number",
    "not-decimal": "not a number that fits the column",
    "not-date": "not a date",
    "not-time": "not a time of day",
    "not-timestamp": "not a date and time",
    "not-boolean": "neither true nor false",
    "not-binary": "not bytes as the column writes them",
    "not-string": "breaks the rules of the column",
    "missing": "no value where there must be one",
    "time-twice": "a time that the clocks showed twice; the first was taken",
    "not-json": "not JSON; kept as text",
    "another-shape": "of another shape than the schema says",
    "not-exact": "more digits than a floating-point number holds",
    "too-fine": "finer than microseconds; the rest was cut off",
    "not-in-json": "no number in JSON; written as text",
}
"""Kind → words that stand after “5 of 1,000 rows”."""


@dataclass(frozen=True)
class Told:
    """Rows of one column (None: the whole row) that one kind is true of."""

    column: str | None
    kind: str
    rows: int

    def as_dict(self) -> dict[str, str | int | None]:
        return {"column": self.column, "kind": self.kind, "words": KINDS[self.kind], "rows": self.rows}


def value_sentence(told: Sequence[Told], rows: int, affected: int, *, is_whole: bool) -> str:
    """`2 of 5 rows have values to look at: amount (2, not a number).` It shows no value, so everybody may read it."""
    places = [f"{one.column or 'whole rows'} ({one.rows:,}, {KINDS[one.kind]})" for one in told[:5]]
    more = f" and {len(told) - 5:,} more" if len(told) > 5 else ""
    have = "has" if affected == 1 else "have"
    of = f"{rows:,} rows" if is_whole else f"the {rows:,} rows that were read"
    return f"{affected:,} of {of} {have} values to look at: {', '.join(places)}{more}."
