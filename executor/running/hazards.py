"""Places of a query where a wrong number comes out although each value is right: text put in order by its letters, digits that the type
of a result has no room for, a day that ends at its midnight or is that of another zone, keys that only look the same, text that turns
into a number, a missing value in the list of a NOT IN.

The plan says where (`executor/gate/ValueLook.java`), the rows say whether it matters there: they are counted as they go by. Names and
codes in order are left alone, as is all that comes out the same (docs/decisions/value-warnings.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from executor.events import ValueCount, ValueWarnings
from executor.gate.sql_gate import RECORD, UNIT
from executor.running.asking import Asked, Question, spark_errors
from executor.running.hazard_table import AS_WRITTEN, HAZARDS
from executor.running.keys import (
    TwoWays,
    asked,
    asked_alike,
    asked_words,
    may_be_one,
    may_be_words,
    may_look_alike,
    never_meet,
    stand_once,
)
from executor.running.mends import begins_at, mended
from executor.running.sizes import is_large
from executor.running.stand_ins import far_from_others
from executor.running.watches import PREFIX, Observed
from executor.spark import deadline

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LONGEST_LABEL = 80
GROUP = "\x1d"
"""Stands between the columns of one place."""
MOST_PLACES = 60
"""As many does ValueLook find in one query."""


BEHIND_LIMITS = {"tied-limit", "any-rows"}
"""Places where one row more is counted than the LIMIT lets through, and none behind it."""
SPARKS_OWN = "_w"
"""So begin names of columns that Spark makes for windows."""


@dataclass
class Place:
    """One place of a query, and what has been counted there. `start`, `stop`: the value in the query's text, -1 where that is not known."""

    kind: str
    label: str
    start: int
    stop: int
    compared: list[str] = field(default_factory=list)
    """The columns that a condition compares, where it can be mended; empty for what is no column."""
    name: str = field(default_factory=lambda: PREFIX + uuid4().hex)
    rows: int | None = None
    is_whole: bool = False
    numbers: list[int] = field(default_factory=list)
    is_asked: bool = False
    """No counter stands here: the first rows are asked."""
    asked: Asked | None = None
    """Where they are."""
    values: Callable[[], Any] | None = None
    """The frame of the values that stand here."""
    ids: Callable[[], Any] | None = None
    """Of a key of groups: the frame of what may be the id of its table, or None."""
    all_rows: Callable[[], int] | None = None
    """How many rows there are beside those that were asked."""
    two_ways: TwoWays | None = None
    words: TwoWays | None = None
    alike: TwoWays | None = None
    """Of the left side of a join: keys that meet none of the other side, though one there looks the same."""
    stand_ins: int = 0
    """Rows with a number or day that stands for none, far from all others."""
    _asked: list[int] = field(default_factory=list)
    _asked_beside: bool = False

    @property
    def is_to_be_asked(self) -> bool:
        """Whether its first rows are, and were not yet."""
        return self.is_asked and self.rows is None and not self.kind.startswith("key-")

    def take_asked(self, rows: int, numbers: list[int], *, is_whole: bool) -> None:
        """Notes what was counted in its first rows."""
        self.rows, self.numbers, self.is_whole = rows, numbers, is_whole
        if self.found and self.is_whole and self.all_rows:
            self.rows = self.all_rows()

    def ask(self) -> None:
        """Asks what the counts leave open, once for each time that something new was counted."""
        if self.values and self.numbers and self.numbers != self._asked:
            if self.kind.startswith("group"):
                self._ask_ways(self.values)
            elif self.kind.startswith("stand-in") and any(self.numbers) and not self.is_asked:
                self.stand_ins = far_from_others(self.values(), are_days=self.kind == "stand-in-day")
        self._asked = self.numbers

    def _ask_ways(self, values: Callable[[], Any]) -> None:
        """Asks whether keys of groups are the same in two ways of writing."""
        may_be_number = self.kind == "group" and may_be_one(self.numbers[0])
        may_be_word = may_be_words(self.numbers[1], self.rows or 0)
        self.two_ways = self.words = None
        if not (may_be_number or may_be_word) or (self.ids and stand_once(self.ids())):
            return
        self.two_ways = asked(values()) if may_be_number else None
        self.words = asked_words(values()) if may_be_word else None
        if self.words and self.two_ways:  # “Köln ” beside “Köln” is both: what tells more of them is told
            self.words, self.two_ways = (self.words, None) if self.words.keys > self.two_ways.keys else (None, self.two_ways)

    def ask_beside(self, right: Place) -> None:
        """Asks the keys of both sides of a join whether some that do not meet look the same."""
        is_counted = bool(self.numbers and right.numbers)
        if not self.values or not right.values or (self._asked_beside, self.is_asked or is_counted) != (False, True):
            return
        may_be = self.is_asked or may_look_alike(self.numbers[0], right.numbers[0])
        self._asked_beside = True
        if may_be and not is_large(self.values(), right.values()):
            self.alike = asked_alike(self.values(), right.values())
            self.rows = self.alike.keys if self.alike and self.rows is None else self.rows
            self.is_whole = True

    def take(self, text: str) -> None:
        """Notes what Spark says of this place."""
        if text:
            is_whole, self.rows, *self.numbers = map(int, text.split())
            self.is_whole = bool(is_whole) and self.kind not in BEHIND_LIMITS

    @property
    def found(self) -> tuple[str, int] | None:
        if self.two_ways:
            return "written-two-ways", self.two_ways.keys
        if self.words:
            return "word-two-ways", self.words.keys
        if self.stand_ins:
            return "stands-for-none", self.stand_ins
        return HAZARDS[self.kind].found(self.numbers) if self.numbers else None

    @property
    def told(self) -> str:
        """What it is called for people who may see data."""
        ways = self.two_ways or self.words or self.alike
        return f"{self.label}, {ways.example}" if ways else self.label

    def hint(self, sql: str, field: str) -> dict[str, Any] | None:
        """The one change that mends it, as a problem for the editor."""
        return mended(self, HAZARDS[self.kind].change(self.numbers), sql, field)


@dataclass
class Hazards:
    """The places of one stage's query: a watch as `executor.running.watches.Watch` is one, but of rows that no view has."""

    index: int
    stage: str
    view: str
    sql: str
    field: str
    places: list[Place]

    def __post_init__(self) -> None:
        if re.search(r"\btablesample\b", self.sql, re.IGNORECASE):  # says that any rows will do
            self.places = [place for place in self.places if place.kind != "any-rows"]
        for place in self.places:
            place.start = begins_at(place, self.sql)
            if (place.kind in AS_WRITTEN or place.label.startswith(SPARKS_OWN)) and 0 <= place.start <= place.stop:
                place.label = " ".join(self.sql[place.start : place.stop + 1].split())[:LONGEST_LABEL]
            if place.kind == "any-rows":
                place.label = f"LIMIT {place.label}"

    def at(self, index: int) -> Hazards:
        """The same in a document in which its stage stands elsewhere."""
        self.index = index
        return self

    def look(self, observed: Observed) -> None:
        for place in self.places:
            place.take(observed(place.name))

    def questions(self) -> Iterator[Question]:
        """What is asked of the rows where what was counted gives reason to; the first rows were asked before."""
        for place in self.places:
            yield place.ask
        for left, right in self._sides():
            yield partial(left.ask_beside, right)

    def _sides(self) -> Iterator[tuple[Place, Place]]:
        """The two sides of each join follow each other."""
        yield from ((left, right) for left, right in pairwise(self.places) if left.kind == "key-left")

    def notes(self) -> list[str]:
        """What the log says of them beside: nothing."""
        return []

    def _keys(self) -> Iterator[tuple[Place, tuple[str, int]]]:
        """Of the two sides of a join, which follow each other, the one with keys that cannot meet any of the other."""
        for left, right in self._sides():
            found = never_meet(left.numbers, right.numbers) if left.numbers and right.numbers else None
            if left.alike and (found is None or found[2] < left.alike.keys):
                yield left, ("keys-alike", left.alike.keys)
            elif found:
                left.alike = None
                yield (left, right)[found[0]], found[1:]

    def event(self) -> ValueWarnings | None:
        """What is to be told of all places together; None when nothing is."""
        found: dict[tuple[str, str], tuple[Place, tuple[str, int]]] = {}
        for place, one in [*((place, place.found) for place in self.places), *self._keys()]:
            known = found.get((one[0], place.label)) if one else None
            if one and (known is None or known[1][1] < one[1]):
                found[one[0], place.label] = place, one
        told = sorted(found.values(), key=lambda one: -one[1][1])
        if not told:
            return None
        return ValueWarnings(
            stage_index=self.index,
            stage=self.stage,
            view=self.view,
            rows=max(place.rows or 0 for place, _ in told),
            affected=max(rows for _, (_, rows) in told),
            counts=[
                ValueCount(kind=kind, rows=rows, column=place.label if place.label in self.sql else "") for place, (kind, rows) in told
            ],
            names=[place.told for place, _ in told],
            is_whole=all(place.is_whole for place, _ in told),
            hints=[hint for place, _ in told if (hint := place.hint(self.sql, self.field))],
        )


def counted(
    spark: SparkSession, frame: DataFrame, *, is_check: bool = False, is_preview: bool = False, numbers_later: Iterable[str] = ()
) -> tuple[DataFrame, list[Place]]:
    """`frame`, a query (`is_check`: one that answers yes or no), with counters at its hazardous places; as it was where there are none.
    In a preview, which shows any rows itself, LIMIT in no order is none. `numbers_later`: columns that later stages make numbers of."""
    from pyspark.sql import DataFrame as Frame

    session, given = _both(spark), _both(frame)
    with (
        suppress(*spark_errors()),  # a query that cannot be counted in is run as it is
        deadline.within(deadline.ANALYSIS_SECONDS, deadline.planning_too_long("sql")),
    ):
        look = session._jvm.sluice.ValueLook(
            given._jdf.queryExecution().analyzed(), is_check, UNIT.join(name.lower() for name in numbers_later)
        )
        places = [_place(record) for record in look.points().split(RECORD)[:-1]]
        counts = RECORD.join(UNIT.join(["count(1)", *HAZARDS[place.kind].counts]) for place in places)
        for index, place in enumerate(places):
            place.asked = Asked(session, look, index)
            place.all_rows = lambda index=index: int(look.rowsAt(session._jsparkSession, index))
            place.values = lambda index=index: Frame(look.valuesAt(session._jsparkSession, index), spark)
            if place.kind.startswith("group"):
                place.ids = lambda index=index: _frame(look.idsAt(session._jsparkSession, index), spark)
        if places:
            left = [place.is_asked or (is_preview and place.kind == "any-rows") for place in places]
            names = "\n".join("" if is_left else place.name for place, is_left in zip(places, left, strict=True))
            return Frame(look.counting(session._jsparkSession, names, counts), spark), places
    return frame, []


def _place(record: str) -> Place:
    kind, label, start, stop, asked, names = record.split(UNIT)
    return Place(kind, label[:LONGEST_LABEL], int(start), int(stop), names.split(GROUP) if names else [], is_asked=asked == "1")


def _frame(made: Any, spark: SparkSession) -> DataFrame | None:
    from pyspark.sql import DataFrame as Frame

    return None if made is None else Frame(made, spark)


def _both(thing: Any) -> Any:
    """As Spark's Java side knows it, which its types do not tell."""
    return thing
