"""What the stages of a run count while their rows go by, asked of Spark after each stage.

Views are lazy: the rows of one stage are made when a later one needs them, perhaps several times. What is told is what the query saw
that read most of them, so that nothing is counted twice; a view that no query reads is not counted (docs/decisions/value-warnings.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from executor.events import ValueWarnings
from executor.language.value_kinds import Told, value_sentence
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

    @property
    def told(self) -> list[Told]:
        """What there is to tell, the most frequent first."""
        found = [Told(count.column, count.kind, number) for count, number in zip(self.counts, self.numbers, strict=False) if number]
        return sorted(found, key=lambda one: -one.rows)

    def event(self) -> ValueWarnings | None:
        """The warning of this view; None when there is nothing to tell."""
        told = self.told
        if not told or self.rows is None:
            return None
        affected = max(self.affected, told[0].rows)
        return ValueWarnings(
            stage_index=self.index,
            stage=self.stage,
            view=self.view,
            rows=self.rows,
            affected=affected,
            counts=[one.as_dict() for one in told],
            message=value_sentence(told, self.rows, affected, is_whole=self.is_whole),
            is_whole=self.is_whole,
            can_show=self.look is not None,
        )


def observer(spark: SparkSession) -> Callable[[str], str]:
    """Gives what was counted under a name. One listener serves all runs of this JVM."""
    session: Any = spark._jsparkSession
    context: Any = spark.sparkContext
    if not hasattr(context, "_sluice_observed"):
        context._sluice_observed = spark._jvm.sluice.Observed()  # type: ignore[union-attr]
        session.listenerManager().register(context._sluice_observed)
    return lambda name: str(context._sluice_observed.of(name))
