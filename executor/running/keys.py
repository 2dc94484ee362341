"""Keys that are written in two ways: 1, 01, 1.0 and a 1 with a blank before it are one number, and four groups.

`executor/gate/KeyShape.java` says of each key, in bits, how it is written. Whether two of them are the same can only be asked of all keys,
which is done where the bits say that it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHAPE = "_sluice_value_0"
WIDTHS, FORMS = 12, 5
_ODD_TEXT, _ODD, _SMALL = 60, 61, 62
_FORM = (1 << WIDTHS) - 1
_OTHERWISE = (1 << WIDTHS * FORMS) - (1 << WIDTHS)
"""Bits of numbers that are not written plainly."""
LONGEST_KEY = 60

KEY_COUNTS = (f"bit_or({SHAPE})", f"count_if(({SHAPE} & {1 << _ODD}L) <> 0)", f"count_if(({SHAPE} & {_OTHERWISE}L) <> 0)")
"""What is counted of the keys of a join: which bits any of them has; those that only look like others; numbers not written plainly."""
GROUP_COUNTS = (KEY_COUNTS[0], "bit_or(_sluice_value_1)")
"""Of keys of groups: which bits of `KeyShape.of` any has, and which of `KeyShape.cases`."""
MOST_GROUPS = 100_000
"""Rows with words up to which they are asked: beyond, bits say nothing."""


@dataclass(frozen=True)
class TwoWays:
    """Keys that are the same but for how they are written: how many there are, and two that are one."""

    keys: int
    one: str
    other: str

    @property
    def example(self) -> str:
        return f"for instance “{self.one}” and “{self.other}”"


def _widths(bits: int, form: int) -> int:
    return bits >> form * WIDTHS & _FORM


def may_be_one(bits: int) -> bool:
    """Whether keys with these bits may be the same in two ways of writing: numbers of as many digits, or a text that only looks like
    another."""
    seen = 0
    for form in range(FORMS):
        widths = _widths(bits, form)
        if seen & widths:
            return True
        seen |= widths
    return bool(bits >> _ODD_TEXT & 1)


def may_be_words(bits: int, rows: int) -> bool:
    """Whether words with these bits may be the same but for capitals, accents or blanks."""
    parts = [bits >> 16 * form & 0xFFFF for form in range(4)]
    return rows <= MOST_GROUPS and any(one & other for place, one in enumerate(parts) for other in parts[place + 1 :])


def never_meet(left: Sequence[int], right: Sequence[int]) -> tuple[int, str, int] | None:
    """(side, kind, rows) of keys of one side of a join that cannot meet those of the other, as that one writes them otherwise. `left`,
    `right`: what KEY_COUNTS found."""
    if (left[1] > 0) != (right[1] > 0):
        side = 0 if left[1] else 1
        return side, "keys-differ", (left, right)[side][1]
    for side, (mine, other) in enumerate(((left, right), (right, left))):
        plain = _widths(other[0], 0)
        for form in range(1, FORMS):
            widths = _widths(mine[0], form)
            if widths & plain and not widths & _widths(other[0], form):
                return side, "numbers-differ", mine[2]
    return None


def may_look_alike(left: int, right: int) -> bool:
    """Whether keys with these bits on both sides of a join may look the same and be others: blanks, signs that are not seen, zeros, or
    letters that are all small (or capital) on one side alone."""
    otherwise = (_OTHERWISE | 1 << _ODD_TEXT | 1 << _ODD) & (left | right)
    return bool(otherwise) or (left ^ right) >> _SMALL & 3 != 0


def asked_alike(left: Any, right: Any) -> TwoWays | None:
    """Keys of one side of a join that meet none of the other, though one there looks the same. `left`, `right`: frames of the keys (k) and
    of how all that look like them could be written (c). `keys` are rows here."""
    from pyspark.sql import functions as F

    def of(side: Any, here: str, there: str) -> Any:
        return side.dropna().groupBy("k", "c").agg(F.count(F.lit(1)).alias(here)).withColumn(there, F.lit(0).cast("long"))

    both = of(left, "l", "r").unionByName(of(right, "r", "l")).groupBy("k", "c").agg(F.sum("l").alias("l"), F.sum("r").alias("r"))
    found = None
    for here, there in (("l", "r"), ("r", "l")):
        alone = both.groupBy("c").agg(
            F.expr(f"sum(if({there} = 0, {here}, 0))").alias("n"),
            F.expr(f"max(if({there} = 0, k, NULL))").alias("one"),
            F.expr(f"max(if({there} > 0, k, NULL))").alias("other"),
        )
        row = alone.where("n > 0 AND other IS NOT NULL").selectExpr("sum(n) AS rows", "max_by(struct(one, other), n) AS pair").first()
        if row is not None and row["rows"] and (found is None or found.keys < row["rows"]):
            found = TwoWays(row["rows"], row["pair"]["one"][:LONGEST_KEY], row["pair"]["other"][:LONGEST_KEY])
    return found


def stand_once(ids: Any | None) -> bool:
    """Whether all rows of a table have an id of their own. `ids`: a frame of them; None where it has none."""
    from pyspark.sql import functions as F

    return ids is not None and ids.groupBy(*ids.columns).agg(F.count(F.lit(1)).alias("n")).where("n > 1").isEmpty()


def asked(values: Any) -> TwoWays | None:
    """`values`: a frame of the keys (k) and of how all of their kind could be written (c)."""
    from pyspark.sql import functions as F

    ways = values.dropna().distinct().groupBy("c").agg(F.count(F.lit(1)).alias("n"), F.min("k").alias("one"), F.max("k").alias("other"))
    row = ways.where("n > 1").selectExpr("sum(n) AS keys", "min_by(struct(one, other), c) AS pair").first()
    if row is None or not row["keys"]:
        return None
    return TwoWays(row["keys"], row["pair"]["one"][:LONGEST_KEY], row["pair"]["other"][:LONGEST_KEY])


def asked_words(values: Any) -> TwoWays | None:
    """`values`: a frame of the keys (k), the word that each is (w) and how it is written (f, empty for what is no word)."""
    from pyspark.sql import functions as F

    words = values.dropna().where("f <> ''").select("k", "w", "f").distinct().groupBy("w")
    ways = words.agg(F.count(F.lit(1)).alias("n"), F.countDistinct("f").alias("forms"), F.min("k").alias("one"), F.max("k").alias("other"))
    row = ways.where("forms > 1").selectExpr("sum(n) AS keys", "min_by(struct(one, other), w) AS pair").first()
    if row is None or not row["keys"]:
        return None
    return TwoWays(row["keys"], row["pair"]["one"][:LONGEST_KEY], row["pair"]["other"][:LONGEST_KEY])
