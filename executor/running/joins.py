"""Joins that make more rows than anybody means: a list of airports in which one code stands twice counts its flights twice.

Spark's own numbers say where that may be (`executor/gate/JoinLook.java`, `JoinNumbers.java`): mostly the side that it keeps in memory has
each key once, and there is nothing to ask. Only where a key comes twice is the other side asked how often it has that key.
One row beside many is what joins are for, and is not told; many beside many is (docs/decisions/value-warnings.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from executor.events import ValueCount, ValueWarnings
from executor.gate.sql_gate import RECORD, UNIT
from executor.problems import Foreign, Problem
from executor.running.asking import Question, spark_errors
from executor.running.found import Found
from executor.running.keys import LONGEST_KEY
from executor.running.ranges import RangeJoin
from executor.running.watches import Observed
from executor.spark import deadline

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOST_ASKED = 200_000
"""Rows of the smaller side of a join that Spark did not keep in memory, up to which its keys are counted."""
LEFT, RIGHT = 0, 1


class KeyedJoin:
    """One join on equal keys, and what is known of it."""

    def __init__(self, spark: Any, look: Any, place: int, record: str) -> None:
        self._spark, self._look, self._place = spark, look, place
        self.name, self.kind, self.left, self.right, adds = record.split(UNIT)
        self.adds_left, self.adds_both = adds != "0", adds == "2"
        """Numbers of the left side alone are added up behind the join; and others of the right side alone."""
        self.numbers: list[tuple[int, ...]] = []
        """Of each query that joins these columns of these views, perhaps of other rows of them: any may be this one."""
        self.found: Found | None = None
        self._asked: list[tuple[int, ...]] = []

    @property
    def label(self) -> str:
        return self.left if self.left == self.right else f"{self.left} = {self.right}"

    def ask(self) -> None:
        """Asks the rows, once for each time that Spark has counted something new."""
        if not self.numbers or self.numbers == self._asked:
            return
        self._asked = self.numbers
        numbers = self._own()
        sides = {side: one[3] for one in numbers if (side := _worth_asking(one)) is not None}
        self.found = next(filter(None, (self._of_both(side, repeated) for side, repeated in sorted(sides.items()))), None)
        if self.found is None and any(map(self._may_repeat_left, numbers)):
            self.found = self._of_left()

    def _own(self) -> list[tuple[int, ...]]:
        """Those that may be of this join. Of many rows, which take long to ask, only the query with the most of them gives reason to."""
        is_little = max(map(max, self.numbers)) <= MOST_ASKED
        return self.numbers if is_little else [max(self.numbers)]

    def _rows(self, side: int) -> DataFrame:
        from pyspark.sql import DataFrame as Frame

        return Frame(self._look.keys(self._spark._jsparkSession, self._place, side), self._spark)

    @property
    def note(self) -> str | None:
        """That more rows came out than its left side has, where that is all there is to say: it is what most joins are for."""
        if self.found or not self.numbers or self.kind not in ("Inner", "LeftOuter"):
            return None
        out, left, right, _ = max(self.numbers)
        if not 0 <= left < out or (self.kind == "Inner" and 0 <= out <= right):
            return None
        return f"{left:,} rows on the left side, and {out:,} come out, as keys of the right side stand more than once."

    def _may_repeat_left(self, numbers: tuple[int, ...]) -> bool:
        out, left, right, repeated = numbers
        is_more = left < 0 or out > left or (self.kind == "Inner" and (repeated or left < right))  # others may have been left out
        return self.adds_left and self.kind in ("Inner", "LeftOuter") and bool(is_more) and right <= MOST_ASKED

    def _keys(self, side: int) -> DataFrame:
        """The keys of one side, each with its number of rows."""
        from pyspark.sql import functions as F

        keys = self._rows(side)
        return keys.dropna().groupBy(*keys.columns).agg(F.count(F.lit(1)).alias("n"))

    def _meeting(self, first: int) -> DataFrame:
        """The keys that the side `first` has several times and the other one, too, has: with `a` and `b`, their rows on both sides."""
        from pyspark.sql import functions as F

        several = self._keys(first).where("n > 1").withColumnRenamed("n", "a")
        columns = several.columns[:-1]
        others = self._rows(1 - first)
        met = others.join(F.broadcast(several), columns).groupBy(*columns, "a").agg(F.count(F.lit(1)).alias("b"))
        return met.withColumn("key", F.concat_ws(", ", *[F.col(name).cast("string") for name in columns]))

    def _of_both(self, first: int, repeated: int) -> Found | None:
        if repeated < 0 and self._keys(first).where("n > 1").isEmpty():
            return None
        return self._told("rows-multiplied", self._meeting(first).where("b > 1"), first)

    def _of_left(self) -> Found | None:
        """Rows of the left side that come several times: in a LEFT JOIN, where most keys of the right side stand once, or where numbers of
        both sides are added: the total of an order beside the pieces of its items."""
        if self.kind == "Inner" and not self.adds_both:
            count = self._keys(RIGHT).selectExpr("count(*)", "count_if(n > 1)").first()
            if count is None or count[1] * 2 > count[0]:
                return None
        return self._told("rows-repeated", self._meeting(RIGHT), RIGHT)

    def _told(self, kind: str, met: DataFrame, first: int) -> Found | None:
        row = met.selectExpr("count(*) AS keys", "sum(a * b) AS rows", "max_by(struct(key, a, b), a * b) AS most").first()
        if row is None or not row["keys"]:
            return None
        most = row["most"]
        times = (most["a"], most["b"]) if first == LEFT else (most["b"], most["a"])
        return Found(kind, row["rows"], row["keys"], str(most["key"])[:LONGEST_KEY], times)

    def problem(self, found: Found, field: str) -> Problem:
        stands = f"{found.keys:,} key{'' if found.keys == 1 else 's'} of “{self.label}”"
        if found.kind == "rows-multiplied":
            message = f"{stands} stand on both sides of the join more than once: {found.rows:,} rows come of them, each with each."
        else:
            message = f"{stands} stand on the right side of the join more than once: rows of the left side come again, and are added again."
        return Problem(
            code=found.kind,
            message=message,
            field=field,
            value=Foreign(f"{found.key}: {found.times[LEFT]:,} rows on the left side, {found.times[RIGHT]:,} on the right"),
            severity="warning",
            fix="Join one row for each key (GROUP BY it, or keep row_number() = 1), or add up before the join. "
            "CROSS JOIN … ON says that all pairs are meant.",
        )


def _worth_asking(numbers: tuple[int, ...]) -> int | None:
    """The side whose keys are to be counted first; None where no row can have been multiplied."""
    out, left, right, repeated = numbers
    if repeated >= 0:
        return repeated - 1 if repeated else None
    known = [rows for rows in (left, right) if rows >= 0]
    if out <= 0 or (min(known, default=out) > MOST_ASKED and out <= max(known, default=out)):
        return None
    return LEFT if 0 <= left < right else RIGHT


@dataclass
class Joins:
    """The joins of one stage's query: told as `executor.running.hazards.Hazards` are."""

    index: int
    stage: str
    view: str
    sql: str
    field: str
    joins: list[KeyedJoin | RangeJoin]

    def at(self, index: int) -> Joins:
        """The same in a document in which its stage stands elsewhere."""
        self.index = index
        return self

    def look(self, observed: Observed) -> None:
        for join in self.joins:
            join.numbers = observed.join(join.name)

    def questions(self) -> Iterator[Question]:
        for join in self.joins:
            yield join.ask

    def event(self) -> ValueWarnings | None:
        """What is to be told of all joins together; None when nothing is."""
        told = [(join, join.found) for join in self.joins if join.found]
        if not told:
            return None
        rows = max(found.rows for _, found in told)
        return ValueWarnings(
            stage_index=self.index,
            stage=self.stage,
            view=self.view,
            rows=max(rows, *(max(join.numbers)[0] for join, _ in told)),
            affected=rows,
            counts=[ValueCount(kind=found.kind, rows=found.rows, column=self._named(join)) for join, found in told],
            names=[f"{join.label}, {found.example}" for join, found in told],
            is_whole=True,
            hints=[join.problem(found, self.field).as_dict() for join, found in told],
        )

    def notes(self) -> list[str]:
        """What the log says of them."""
        return [f"Join on “{self._named(join) or 'its keys'}”: {join.note}" for join in self.joins if join.note]

    def _named(self, join: KeyedJoin | RangeJoin) -> str:
        """What everybody may see of its keys: names that stand in the document."""
        return join.label if all(name in self.sql for name in (*join.left.split(", "), *join.right.split(", "))) else ""


def joins_of(spark: SparkSession, frame: DataFrame) -> list[KeyedJoin | RangeJoin]:
    """The joins of a query whose rows may be multiplied."""
    session: Any = spark
    given: Any = frame
    with (
        suppress(*spark_errors()),  # a query that cannot be looked at is run as it is
        deadline.within(deadline.ANALYSIS_SECONDS, deadline.planning_too_long("sql")),
    ):
        query = given._jdf.queryExecution()
        look = session._jvm.sluice.JoinLook(query.analyzed(), query.optimizedPlan())
        keyed = [KeyedJoin(session, look, place, record) for place, record in enumerate(look.points().split(RECORD)[:-1])]
        return [*keyed, *[RangeJoin(session, look, place, record) for place, record in enumerate(look.ranges().split(RECORD)[:-1])]]
    return []
