"""What is counted at the places of a query where a wrong number may come out (`executor/running/hazards.py`), by the kind of place
(`executor/gate/ValueLook.java`), and which numbers tell something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from executor.files.stand_ins import NULL_WORDS
from executor.language.quoting import text_in_sql
from executor.running.keys import GROUP_COUNTS, KEY_COUNTS
from executor.running.stand_ins import is_day, is_number
from executor.running.text_order import MANY_DIGITS, TEXT_COUNTS, ZEROS, called_text, cast_to, in_order, texts_with
from executor.value_kinds import YEARS_AHEAD


@dataclass(frozen=True)
class Hazard:
    """`counts`: SQL of what is counted of the values _sluice_value_0, … of each row; `found`: from those numbers to (kind, rows), None
    where nothing is to be told."""

    counts: Sequence[str]
    found: Callable[[Sequence[int]], tuple[str, int] | None]
    change: Callable[[Sequence[int]], str | None] = lambda numbers: None
    """The type that mends it when the value is cast to it."""


def _any(kind: str) -> Callable[[Sequence[int]], tuple[str, int] | None]:
    return lambda numbers: (kind, numbers[0]) if numbers[0] else None


def _some(kind: str) -> Callable[[Sequence[int]], tuple[str, int] | None]:
    """Told where it holds of some rows, and not of others."""
    return lambda numbers: (kind, numbers[0]) if all(numbers) else None


_SAME_DAY = "CAST(_sluice_value_0 AS DATE) = CAST(_sluice_value_1 AS DATE) AND _sluice_value_0 > _sluice_value_1"
_IN_ZONE = "from_utc_timestamp(_sluice_value_0, _sluice_value_1)"
_AT_MIDNIGHT = "date_format(_sluice_value_1, 'HHmmssSSSSSS') = '000000000000'"

_NO_SECONDS = "(_sluice_value_0 < -62135596800 OR _sluice_value_0 >= 16725225600) AND floor(_sluice_value_0 / 86400) <> 2932896"
"""Seconds since 1970 before the year 1 or after 2499. The day 9999-12-31 is how people write “forever”."""


_STRIPPED = "try_cast(_sluice_value_1 AS DOUBLE)"
"""The number that is left of the text _sluice_value_0."""
_BELOW_0 = text_in_sql(r"^\s*([(].*[0-9].*[)]|([A-Z]{3} )?[^0-9A-Za-z]*[-\u2212][^0-9A-Za-z]*[0-9].*|.*[0-9]\s*[-\u2212])\s*$")
_NO_DECIMALS = (
    f"{_STRIPPED} IS NOT NULL AND NOT contains(_sluice_value_1, '.') AND _sluice_value_0 RLIKE '[0-9][.,][0-9]{{1,2}}([^0-9.,]|$)'"
)
_WITH_POINT = f"{_STRIPPED} IS NOT NULL AND contains(_sluice_value_1, '.')"
_NOT_UNIT = text_in_sql(r"[^\p{L}\p{Sc}%\u2030]")
_LETTERS = f"lower(regexp_replace(_sluice_value_0, {_NOT_UNIT}, ''))"
_NAMED = f"replace(replace(replace({_LETTERS}, '$', 'usd'), '\u20ac', 'eur'), '\u00a3', 'gbp')"
_UNIT = f"IF({_STRIPPED} <> 0, {_NAMED}, NULL)"
_SHORT_UNIT = f"IF(length({_UNIT}) BETWEEN 1 AND 5, {_UNIT}, NULL)"
"""What stands beside the digits of a text, in letters or by a sign."""
_SCALES = "'%', '\u2030', 'k', 'm', 'b', 'tsd', 'mio', 'mrd', 'mn', 'bn'"
"""Beside numbers without them these make others a hundredth or a thousandfold."""
_CUT_AT = "_sluice_value_0 RLIKE concat('(^|[^0-9.,])', _sluice_value_1, '[.,][0-9]{3}([^0-9]|$)')"
_IS_CUT_AT = f"_sluice_value_1 RLIKE '^[0-9]{{1,3}}$' AND {_CUT_AT}"


def _of_units(numbers: Sequence[int]) -> tuple[str, int] | None:
    """Different units, or a scale beside plain numbers."""
    rows, differ, plain, scaled = numbers
    return ("units-out", rows) if differ or (plain and scaled) else None


def _is_cut(made: str, exact: str) -> str:
    """Whether the decimal that `made` works out of both values is another number than `exact`, beyond what a double tells apart."""
    doubles = "CAST(_sluice_value_0 AS DOUBLE), CAST(_sluice_value_1 AS DOUBLE)"
    wanted = f"{exact}({doubles})"
    return f"count_if(abs(CAST({made}(_sluice_value_0, _sluice_value_1) AS DOUBLE) - {wanted}) > abs({wanted}) * 1e-7)"


_NO_TEXT = "'', '-', '--', '?', '.', 'na', 'n/a', '#n/a', 'null', 'none', 'nan', 'nil', 'unknown', 'missing'"
"""Texts by which people say that there is no value."""
_NULL_WORDS = ", ".join(map(text_in_sql, NULL_WORDS))
_SEVERAL = "_sluice_value_0 <> _sluice_value_1"
_TIED = "count_if(_sluice_value_0 <= _sluice_value_4 AND _sluice_value_1 > _sluice_value_4 AND _sluice_value_2 <> _sluice_value_3)"
"""Rows that come after the last that is kept, stand in the order where a row stands that is kept, and are another one."""
_OF_CLOCK = "to_utc_timestamp(_sluice_value_0, _sluice_value_1)"
_OWN_ZONE = "[0-9]:[0-9]{2}(:[0-9.]+)? ?[+-](?!00(:?00)?$)[0-9]{1,2}(:?[0-9]{2})?$"


def _thousands(numbers: Sequence[int]) -> tuple[str, int] | None:
    """1.000 and 2.500 beside whole numbers below 1000, and no number with other places: see TextShape.thousands."""
    bits, rows = numbers
    return ("maybe-thousands", rows) if bits == 1 | 4 and rows > 1 else None


HAZARDS = {
    "order": Hazard(TEXT_COUNTS, in_order, cast_to),
    "order-called": Hazard(TEXT_COUNTS, called_text, cast_to),
    "midnight": Hazard([f"count_if({_SAME_DAY} AND {_AT_MIDNIGHT})"], _any("after-midnight")),
    "seconds": Hazard([f"count_if({_NO_SECONDS})"], _any("no-seconds")),
    "zone-day": Hazard([f"count_if(CAST(_sluice_value_0 AS DATE) <> CAST({_IN_ZONE} AS DATE))"], _any("zone-day")),
    "zone-hour": Hazard([f"count_if(_sluice_value_0 <> {_IN_ZONE})"], _any("zone-hour")),
    "product": Hazard([_is_cut("try_multiply", "try_multiply")], _any("digits-cut")),
    "quotient": Hazard([_is_cut("try_divide", "try_divide")], _any("digits-cut")),
    "key-left": Hazard(KEY_COUNTS, lambda numbers: None),
    "key-right": Hazard(KEY_COUNTS, lambda numbers: None),
    "sought": Hazard(["count_if(_sluice_value_0)"], _any("nearly-sought")),
    "suffix": Hazard(["count_if(_sluice_value_0)"], _any("odd-double")),
    "undecided": Hazard(["count_if(_sluice_value_0 IS NULL)"], _any("undecided")),
    "sought-word": Hazard(["count_if(_sluice_value_0)"], _any("nearly-sought")),
    "group": Hazard(GROUP_COUNTS, lambda numbers: None),
    "group-words": Hazard(GROUP_COUNTS, lambda numbers: None),
    "zeros": Hazard([texts_with(ZEROS)], _any("zeros-lost")),
    "double": Hazard([texts_with(MANY_DIGITS)], _any("not-exact")),
    "left-out": Hazard(["count_if(_sluice_value_0)"], _any("missing-left-out")),
    "not-met": Hazard(["count_if(_sluice_value_0)"], _any("missing-not-met")),
    "places": Hazard(
        ["count_if(_sluice_value_0 % 1 <> 0 AND _sluice_value_0 = _sluice_value_0 AND abs(_sluice_value_0) < 1e18)"], _any("places-lost")
    ),
    "once": Hazard(["coalesce(sum(_sluice_value_0 - _sluice_value_1), 0)"], _any("added-once")),
    "concat": Hazard(["count_if(_sluice_value_0)"], _any("text-lost")),
    "boundaries": Hazard(["count_if(_sluice_value_0)"], _any("whole-units")),
    "week": Hazard(["count_if(year(_sluice_value_0) <> extract(YEAROFWEEK FROM _sluice_value_0))"], _any("week-of-other-year")),
    "short-year": Hazard(
        [f"count_if(year(try_to_timestamp(_sluice_value_0, _sluice_value_1)) > year(current_date()) + {YEARS_AHEAD})"], _any("year-ahead")
    ),
    "padded": Hazard(["count_if(length(_sluice_value_0) > _sluice_value_1)"], _any("pad-cuts")),
    "nulls-first": Hazard(["count_if(_sluice_value_0 IS NULL)"], _any("nulls-first")),
    "day-alone": Hazard([f"count_if({_SAME_DAY} AND {_AT_MIDNIGHT})"], _any("later-that-day")),
    "time-of-day": Hazard(["count_if(date_format(_sluice_value_0, 'HHmmssSSSSSS') <> '000000000000')"], _any("later-that-day")),
    "null-in-list": Hazard(["count_if(_sluice_value_0 IS NULL)"], _any("null-in-list")),
    "overflow": Hazard(["count_if(contains(_sluice_value_0, '#'))"], _any("no-room")),
    "sign-lost": Hazard(["count_if(_sluice_value_0 < 0)"], _any("sign-lost")),
    "dead-branch": Hazard(["count_if(_sluice_value_0)"], _any("dead-branch")),
    "class-gap": Hazard(["count_if(_sluice_value_0)"], _any("class-gap")),
    "underscore": Hazard(["count_if(_sluice_value_0)", "count_if(_sluice_value_1)"], _some("underscore")),
    "minus-out": Hazard([f"count_if({_STRIPPED} > 0 AND _sluice_value_0 RLIKE {_BELOW_0})"], _any("minus-out")),
    "decimals-out": Hazard([f"count_if({_NO_DECIMALS})", f"count_if({_STRIPPED} <> 0 AND NOT ({_NO_DECIMALS}))"], _some("decimals-out")),
    "both-signs": Hazard(
        [
            f"count_if({_WITH_POINT} AND NOT contains(_sluice_value_0, ',') AND _sluice_value_0 RLIKE '[.][0-9]{{3}}([^0-9]|$)')",
            f"count_if({_WITH_POINT} AND _sluice_value_0 RLIKE ',[0-9]+([^0-9.,]|$)')",
        ],
        _some("maybe-thousands"),
    ),
    "json-lost": Hazard(["count_if(_sluice_value_0)"], _any("json-lost")),
    "thousands-cut": Hazard([f"count_if({_IS_CUT_AT})", f"count_if({_STRIPPED} <> 0 AND NOT ({_IS_CUT_AT}))"], _some("thousands-cut")),
    "units-out": Hazard(
        [
            f"count({_UNIT})",
            f"CAST(coalesce(min({_SHORT_UNIT}) <> max({_SHORT_UNIT}), false) AS BIGINT)",
            f"count_if({_UNIT} = '')",
            f"count_if({_UNIT} IN ({_SCALES}))",
        ],
        _of_units,
    ),
    "no-number": Hazard(["count_if(isnan(_sluice_value_0))"], _any("no-number")),
    "distinct-part": Hazard(["count_if(_sluice_value_0)"], _any("distinct-part")),
    "rollup-none": Hazard(["count_if(_sluice_value_0 IS NULL)"], _any("rollup-none")),
    "null-printed": Hazard(["count_if(_sluice_value_0)"], _any("null-printed")),
    "never-so": Hazard(["count_if(_sluice_value_0)"], _any("never-so")),
    "half-even": Hazard(["count_if(_sluice_value_0)"], _any("half-even")),
    "not-read": Hazard([f"count_if(_sluice_value_1 IS NULL AND lower(trim(_sluice_value_0)) NOT IN ({_NO_TEXT}))"], _any("not-read")),
    "like-word": Hazard(["count_if(_sluice_value_0)"], _any("nearly-sought")),
    "like-none": Hazard(
        ["count_if(_sluice_value_0)", "count_if(_sluice_value_1)"],
        lambda numbers: ("nearly-sought", numbers[0]) if numbers[0] and not numbers[1] else None,
    ),
    "empty-text": Hazard(["count_if(trim(_sluice_value_0) = '')"], _any("empty-text")),
    "thousands": Hazard(["bit_or(_sluice_value_0)", "count_if(_sluice_value_0 = 1)"], _thousands),
    "first-of": Hazard([f"count_if({_SEVERAL} OR (_sluice_value_2 > 0 AND _sluice_value_2 < _sluice_value_3))"], _any("any-of-group")),
    "tie-of": Hazard(["count_if(_sluice_value_0 <> ~_sluice_value_1)"], _any("tied-in-group")),
    "first-in-window": Hazard([f"count_if({_SEVERAL})"], _any("any-of-group")),
    "first-of-tie": Hazard(["count_if(_sluice_value_0 = 1 AND _sluice_value_1)"], _any("tied-in-group")),
    "tied-out": Hazard([_TIED], _any("tied-left-out")),
    "tied-before": Hazard(["count_if(_sluice_value_1 > _sluice_value_0 AND _sluice_value_2 <> _sluice_value_3)"], _any("tied-before")),
    "exploded": Hazard(["count_if(coalesce(size(_sluice_value_0), -1) < 1)"], _any("exploded-none")),
    "no-unit": Hazard(["count_if(_sluice_value_0 IS NOT NULL AND _sluice_value_1 IS NULL)"], _any("no-unit")),
    "tied-limit": Hazard([_TIED], _any("tied-at-limit")),
    "any-rows": Hazard(
        ["count(1)", "CAST(coalesce(max(_sluice_value_0), 0) AS BIGINT)"],
        lambda numbers: ("any-rows", numbers[1]) if numbers[0] > numbers[1] else None,
    ),
    "clock-gap": Hazard([f"count_if(from_utc_timestamp({_OF_CLOCK}, _sluice_value_1) <> _sluice_value_0)"], _any("clock-gap")),
    "clock-twice": Hazard(
        [f"count_if(from_utc_timestamp({_OF_CLOCK} {sign} INTERVAL '1' HOUR, _sluice_value_1) = _sluice_value_0)" for sign in "+-"],
        lambda numbers: ("clock-twice", sum(numbers)) if any(numbers) else None,
    ),
    "span-turned": Hazard(
        ["count_if(_sluice_value_0 < 0)", "count_if(_sluice_value_0 > 0)"],
        lambda numbers: ("span-turned", numbers[0]) if numbers[0] > 1 and not numbers[1] else None,
    ),
    "stand-in": Hazard([f"count_if({is_number('_sluice_value_0')})"], lambda numbers: None),
    "stand-in-text": Hazard([f"count_if({is_number('try_cast(_sluice_value_0 AS DOUBLE)')})"], lambda numbers: None),
    "null-read": Hazard([f"count_if(_sluice_value_0 IN ({_NULL_WORDS}))"], _any("null-read")),
    "no-match": Hazard(["count_if(_sluice_value_0 = '')"], _any("no-match")),
    "stand-in-day": Hazard([f"count_if({is_day('_sluice_value_0')})"], lambda numbers: None),
    "zone-text": Hazard([f"count_if(_sluice_value_0 RLIKE '{_OWN_ZONE}')"], _any("zone-text")),
}

AS_WRITTEN = {
    *(
        "left-out",
        "not-met",
        "once",
        "concat",
        "boundaries",
        "padded",
        "overflow",
        "sign-lost",
        "dead-branch",
        "class-gap",
        "underscore",
        "minus-out",
        "decimals-out",
        "both-signs",
        "json-lost",
        "thousands-cut",
        "units-out",
        "distinct-part",
        "null-printed",
        "half-even",
        "first-of",
        "tie-of",
    ),
    *("first-in-window", "first-of-tie", "tied-out", "tied-before", "no-unit", "clock-gap", "clock-twice", "span-turned"),
}
"""Places that are called as the query has them."""
