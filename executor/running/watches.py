"""What the stages of a run count while their rows go by, asked of Spark after each stage.

Views are lazy: the rows of one stage are made when a later one needs them, perhaps several times. What is told is what the query saw
that read most of them, so that nothing is counted twice; a view that no query reads is not counted (docs/decisions/value-warnings.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from executor.events import ValueCount, ValueWarnings
from executor.stages.base import Count

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PREFIX = "sluice-watch-"


@dataclass
class Watch:
    """The counts of one view. `rows` is None until a query has read it; `is_whole` says whether one has read all its rows."""

    index: int
    stage: str
    view: str
    counts: Sequence[Count]
    look: str | None
    source: str | None
    name: str = field(default_factory=lambda: PREFIX + uuid4().hex)
    rows: int | None = None
    is_whole: bool = False
    affected: int = 0
    numbers: list[int] = field(default_factory=list)

    def at(self, index: int) -> Watch:
        """The same watch in a document in which its stage stands elsewhere."""
        self.index = index
        return self

    def on(self, frame: DataFrame, affected: str) -> DataFrame:
        """`frame`, which counts as its rows go by."""
        from pyspark.sql import functions as F

        wanted = [affected, *(count.condition for count in self.counts)]
        found = [F.expr(f"count_if({condition})").alias(f"n{place}") for place, condition in enumerate(wanted)]
        return frame.observe(self.name, F.count(F.lit(1)).alias("rows"), *found)

    def take(self, text: str) -> bool:
        """Notes what Spark says of this watch; whether it says something new."""
        if not text:
            return False
        before = (self.is_whole, self.rows, self.affected, self.numbers)
        is_whole, self.rows, self.affected, *self.numbers = map(int, text.split())
        self.is_whole = bool(is_whole)
        return before != (self.is_whole, self.rows, self.affected, self.numbers)

    def event(self) -> ValueWarnings | None:
        """The warning of this view, the most frequent first; None when there is nothing to tell."""
        found = sorted(
            ((number, count) for count, number in zip(self.counts, self.numbers, strict=False) if number), key=lambda one: -one[0]
        )
        if not found or self.rows is None:
            return None
        return ValueWarnings(
            stage_index=self.index,
            stage=self.stage,
            view=self.view,
            rows=self.rows,
            affected=max(self.affected, found[0][0]),
            counts=[_open(count, number) for number, count in found],
            names=[count.column or "" for _, count in found],
            is_whole=self.is_whole,
            can_show=self.look is not None,
        )


def _open(count: Count, rows: int) -> ValueCount:
    """What everybody may see of a count: the column's name only where the document has it."""
    column: Any = {} if count.column is None else {"column": count.column if count.is_named else ""}
    return ValueCount(kind=count.kind, rows=rows, **column)


class Observed:
    """What queries of this JVM have counted, by name: of views and places, and at joins."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener

    def __call__(self, name: str) -> str:
        return str(self._listener.of(name))

    def join(self, name: str) -> list[tuple[int, ...]]:
        """What each query counted at joins of this name (columns of the same views): rows out, rows of both sides, and whether a side has
        a key more than once."""
        return [tuple(map(int, line.split())) for line in str(self._listener.ofJoin(name)).splitlines()]


def observer(spark: SparkSession) -> Observed:
    """One listener serves all runs of this JVM."""
    session: Any = spark._jsparkSession
    context: Any = spark.sparkContext
    if not hasattr(context, "_sluice_observed"):
        context._sluice_observed = spark._jvm.sluice.Observed()  # type: ignore[union-attr]
        session.listenerManager().register(context._sluice_observed)
    return Observed(context._sluice_observed)
