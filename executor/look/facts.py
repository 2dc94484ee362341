"""What is gathered of a column while its values go by: for each shape how often, which examples, the least and the greatest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.look.clocks import if_there_is
from executor.look.shapes import (
    BLANKS,
    Moment,
    Number,
    decimal_of,
    digits_of,
    is_compact_day,
    is_short_year_first,
    moment_key,
    natural_sign,
    shape_of,
)

EXAMPLES = 20
LINES = 1_000
MOST_DISTINCT = 2_000
MOST_REMEMBERED = 50_000
SPREAD = 2_000
NULL_WORDS = frozenset(
    (
        "NA",
        "N/A",
        "n/a",
        "na",
        "NULL",
        "null",
        "Null",
        "\\N",
        "-",
        "--",
        "–",
        "—",
        "None",
        "none",
        "nan",
        "NaN",
        "#N/A",
        "?",
        ".",
        "(null)",
        "nil",
    )
)
TEXT = "text"
Key = Number | Moment | tuple[str, str] | str
"""A shape, ("null", word), or TEXT."""


@dataclass(slots=True)
class Tally:
    """The values of one key. `bounds`: for each way to read them (the order of a day's numbers; "" else) the least and the greatest,
    each as (what sorts, text). `lines`: of the first ones. `digits` and `decimals`: the most before and behind the decimal sign."""

    rows: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bounds: dict[str, list[tuple[Any, str]]] = field(default_factory=dict)
    longest: int = 0
    digits: int = 0
    decimals: int = 0
    compact_days: int = 0

    def measure(self, key: Key, text: str) -> None:
        """Takes a text that was not met before into account."""
        self.longest = max(self.longest, len(text))
        if isinstance(key, Number):
            if key.form != "scientific":
                before, behind = digits_of(text, key.form)
                self.digits, self.decimals = max(self.digits, before), max(self.decimals, behind)
            self._widen("", decimal_of(text, natural_sign(text, key.form)), text)
        elif isinstance(key, Moment):
            for order in ("dmy", "mdy") if key.order == "either" else (key.order,):
                self._widen(order, moment_key(text, order), text)
            if key.has_short_year and is_short_year_first(text):
                self._widen("ymd", moment_key(text, "ymd"), text)
        else:
            self._widen("", text, text)

    def _widen(self, order: str, sorts: Any, text: str) -> None:
        found = self.bounds.setdefault(order, [(sorts, text), (sorts, text)])
        if sorts < found[0][0]:
            found[0] = (sorts, text)
        if sorts > found[1][0]:
            found[1] = (sorts, text)


class Facts:
    """One column. `take` gets its values in order, block by block; a row without a cell here gives None."""

    def __init__(self, name: str = "", spread: int = SPREAD, zone: str = "") -> None:
        self.name, self._zone = name, zone
        self._most_spread = spread
        self.rows = 0
        self.empty = 0
        self.missing = 0
        self.with_blanks = 0
        self.units = 0
        """Rows that say a unit, and no value."""
        self.tallies: dict[Key, Tally] = {}
        self.values: Counter[str] = Counter()
        self.has_all_values = True
        self.samples: list[str] = []
        self.spread: list[str] = []
        self._keys: dict[str, Key] = {}

    @property
    def full(self) -> int:
        """How many rows have some text here."""
        return self.rows - self.missing - self.empty

    def take(self, values: Sequence[str | None], lines: Sequence[int]) -> None:
        """`lines`: where each value's row begins in the file."""
        counted = Counter(values)
        self.rows += len(values)
        self.missing += counted.pop(None, 0)
        for text, rows in counted.items():
            if text is not None:
                self._take(text, rows, values, lines)
        room = self._most_spread - len(self.spread)
        if room > 0:
            self.spread += [value for value in values[:: max(1, len(values) // min(room, 500))] if value][:room]
        if len(self.samples) < 3:
            fresh = dict.fromkeys(value for value in values[:500] if value and value.strip(BLANKS) and value not in self.samples)
            self.samples += list(fresh)[: 3 - len(self.samples)]

    def _take(self, text: str, rows: int, values: Sequence[str | None], lines: Sequence[int]) -> None:
        plain = text.strip(BLANKS)
        self.with_blanks += rows if len(plain) != len(text) else 0
        if not plain:
            self.empty += rows
            return
        if text in self.values or len(self.values) < MOST_DISTINCT:
            self.values[text] += rows
        else:
            self.has_all_values = False
        tally = self._tally(plain)
        tally.rows += rows
        start = -1
        for _ in range(min(rows, LINES - len(tally.lines))):
            start = values.index(text, start + 1)
            tally.lines.append(lines[start])
            if len(tally.examples) < EXAMPLES:
                tally.examples.append((lines[start], text))

    def _tally(self, plain: str) -> Tally:
        key = self._keys.get(plain)
        if key is not None:
            return self.tallies[key]
        key = ("null", plain) if plain in NULL_WORDS else shape_of(plain) or TEXT
        if self._zone and isinstance(key, Moment):
            key = if_there_is(key, plain, self._zone)
        tally = self.tallies.setdefault(key, Tally())
        tally.measure(key, plain)
        tally.compact_days += is_compact_day(plain)
        if len(self._keys) < MOST_REMEMBERED:
            self._keys[plain] = key
        return tally
