"""Joins of values with the ranges they lie in, as price lists and tariffs with a first and a last day are: where ranges overlap, or one
ends on the day on which the next begins, a row comes several times.

`executor/gate/RangeLook.java` finds them. The ranges are asked whether any overlap; only if so, the values which of them lie in several.
"""

from __future__ import annotations

from typing import Any

from executor.gate.sql_gate import UNIT
from executor.problems import Foreign, Problem
from executor.running.found import Found
from executor.running.keys import LONGEST_KEY
from executor.running.sizes import is_large

KIND, ONE_END = "ranges-overlap", "range-one-end"


class RangeJoin:
    """One join of values with ranges, and what is known of it; asked as `executor.running.joins.KeyedJoin` is."""

    def __init__(self, spark: Any, look: Any, place: int, record: str) -> None:
        self._spark, self._look, self._place = spark, look, place
        self.name, self.left, self.right, self._ends, is_from_in, is_to_in, keys = record.split(UNIT)
        self._conditions = (f"p {'>=' if is_from_in == '1' else '>'} a", f"p {'<=' if is_to_in == '1' else '<'} b")
        self._keys = [f"k{place}" for place in range(int(keys))]
        self.numbers: list[tuple[int, ...]] = []
        """First the rows that came out, for each query with this join that has ended."""
        self.found: Found | None = None
        self._is_asked = False

    @property
    def label(self) -> str:
        return f"{self.left} in {self.right}"

    def ask(self) -> None:
        if not any(one[0] for one in self.numbers) or self._is_asked:
            return
        self._is_asked = True
        ranges, values = self._frame(self._look.rangeRows), self._frame(self._look.valueRows)
        if is_large(ranges, values):
            return
        if self._ends != "both":
            self.found = self._of_one_end(values, ranges)
            return
        overlapping = self._overlapping(ranges).persist()
        try:
            if not overlapping.isEmpty():
                self.found = self._of(values, overlapping)
        finally:
            overlapping.unpersist()

    @property
    def note(self) -> str | None:
        """Nothing to be said of it beside what was found."""
        return None

    def _frame(self, rows: Any) -> Any:
        from pyspark.sql import DataFrame

        return DataFrame(rows(self._spark._jsparkSession, self._place), self._spark)

    def _overlapping(self, ranges: Any) -> Any:
        """The ranges that reach into another one of the same keys, or may touch it."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        in_order = Window.partitionBy(*self._keys).orderBy("a", "b")
        before = F.max("b").over(in_order.rowsBetween(Window.unboundedPreceding, -1))
        after = F.lead("a").over(in_order)
        both = ranges.dropna().withColumn("before", before).withColumn("after", after)
        return both.where("a <= before OR after <= b").drop("before", "after")

    def _of_one_end(self, values: Any, ranges: Any) -> Found | None:
        """Values that lie behind the second of the ends (before the last but one), and so meet several rows."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        first = F.col("a").asc() if self._ends == "from" else F.col("a").desc()
        number = F.row_number().over(Window.partitionBy(*self._keys).orderBy(first))
        seconds = ranges.dropna().withColumn("n", number).where("n = 2")
        met = values.dropna().join(seconds, self._keys) if self._keys else values.dropna().crossJoin(seconds)
        beyond = met.where(self._conditions[0 if self._ends == "from" else 1].replace(" b", " a"))
        shown = F.concat_ws(", ", *[F.col(name).cast("string") for name in (*self._keys, "p")])
        row = beyond.withColumn("key", shown).selectExpr("count(*) rows", "count(DISTINCT key) keys", "max(key) AS key").first()
        return Found(ONE_END, row["rows"], row["keys"], row["key"][:LONGEST_KEY], (1, 2)) if row and row["rows"] else None

    def _of(self, values: Any, overlapping: Any) -> Found | None:
        from pyspark.sql import functions as F

        own = values.dropna().groupBy(*self._keys, "p").agg(F.count(F.lit(1)).alias("rows"))
        met = own.join(overlapping, self._keys) if self._keys else own.crossJoin(overlapping)
        several = (
            met.where(" AND ".join(self._conditions)).groupBy(*self._keys, "p", "rows").agg(F.count(F.lit(1)).alias("n")).where("n > 1")
        )
        shown = F.concat_ws(", ", *[F.col(name).cast("string") for name in (*self._keys, "p")])
        row = several.withColumn("key", shown).selectExpr("count(*) keys", "sum(rows) rows", "max_by(struct(key, rows, n), n) most").first()
        if row is None or not row["keys"]:
            return None
        most = row["most"]
        return Found(KIND, row["rows"], row["keys"], str(most["key"])[:LONGEST_KEY], (most["rows"], most["n"]))

    def problem(self, found: Found, field: str) -> Problem:
        if found.kind == ONE_END:
            return Problem(
                code=ONE_END,
                message=f"{found.rows:,} row{' meets' if found.rows == 1 else 's meet'} several rows by “{self.right}”, as one end of the "
                "range alone is asked: each comes once for each of them.",
                field=field,
                value=Foreign(found.key),
                severity="warning",
                fix="Ask for the other end, too, or keep one (row_number() = 1). CROSS JOIN … ON says that all pairs are meant.",
            )
        rows, comes = ("1 row lies", "comes") if found.rows == 1 else (f"{found.rows:,} rows lie", "come")
        return Problem(
            code=KIND,
            message=f"{rows} in more than one range of “{self.right}”, and {comes} once for each of them.",
            field=field,
            value=Foreign(f"{found.key}: in {found.times[1]:,} ranges"),
            severity="warning",
            fix="End each range before the next begins (compare its end with <), or keep one (row_number() = 1). "
            "CROSS JOIN … ON says that all pairs are meant.",
        )
