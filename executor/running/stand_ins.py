"""Numbers and days that stand for no value, where a query adds them or measures spans with them: -999 among temperatures, 9999-12-31 among
ends. What is met is counted as rows go by; only then are all values asked whether it lies far from them."""

from __future__ import annotations

from typing import Any

FEWEST_OTHERS, FAR, MOST_SHARE, MOST_SHARE_OF_DAYS = 5, 3.0, 0.5, 0.95
"""Rows with other values; how many times as far from them as they lie apart; the share that may stand for none."""
_NUMBERS = (
    *(-999, -9999, -99999, -999999, -9999999, -999.9, -9999.9, -99999.9, -999.99, -9999.99),
    *(9999, 99999, 999999, 9999999, 99999999, 9999.9, 99999.9, 9999999.9, 9999.99),
    *(-32768, -2147483648, 2147483647, -9223372036854775808, 9.969209968386869e36, -1.7976931348623157e308, 1.7976931348623157e308),
)
_DAYS = (
    *("0001-01-01", "1753-01-01", "1800-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01"),
    *("2099-12-31", "2999-12-31", "9999-01-01", "9999-12-31"),
)


def is_number(value: str) -> str:
    """SQL that asks whether a number is one of those: quick for nearly all."""
    doubles = ", ".join(f"{number!r}D" if isinstance(number, int) else f"CAST('{number!r}' AS DOUBLE)" for number in _NUMBERS)
    return f"CASE WHEN {value} <= -999 OR {value} >= 9999 THEN CAST({value} AS DOUBLE) IN ({doubles}) ELSE false END"


def is_day(value: str) -> str:
    """SQL that asks whether a day or time, or the text of one, is one of those."""
    days = ", ".join(f"DATE'{day}'" for day in _DAYS)
    return f"try_cast({value} AS DATE) IN ({days})"


def far_from_others(values: Any, *, are_days: bool) -> int:
    """How many rows hold one of those, far from all others. `values`: a frame of them (k)."""
    from pyspark.sql import functions as F

    place = "CAST(year(try_cast(k AS DATE)) AS DOUBLE)" if are_days else "try_cast(k AS DOUBLE)"
    odd = is_day("k") if are_days else is_number(place)
    found = values.where("k IS NOT NULL").selectExpr(f"{place} AS x", f"{odd} AS odd").where("x IS NOT NULL AND NOT isnan(x)")
    groups = found.selectExpr("IF(odd, x, NULL) AS one", "x").groupBy("one")
    rows = groups.agg(F.count(F.lit(1)).alias("n"), F.min("x").alias("lowest"), F.max("x").alias("highest")).collect()
    others = next((row for row in rows if row["one"] is None), None)
    number = sum(row["n"] for row in rows if row["one"] is not None)
    if others is None or others["n"] < FEWEST_OTHERS or number > (MOST_SHARE_OF_DAYS if are_days else MOST_SHARE) * (number + others["n"]):
        return 0
    lowest, highest = others["lowest"], others["highest"]
    apart = FAR * max(highest - lowest, 1.0)
    return sum(row["n"] for row in rows if row["one"] is not None and not lowest - apart <= row["one"] <= highest + apart)
