"""From what was gathered of a column to a type: which texts fit it, which mean no value, and how a typing schema says it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from executor.look import codes, day_orders
from executor.look.facts import TEXT, Facts, Key, Tally
from executor.look.shapes import GAPS, TRUE_MINUS, Moment, Number, day_first, month_first, year_first

ENOUGH = 0.9
"""The share of values that must fit a type for it to be proposed."""
MANY = 0.5
"""From which share on it is said of a text that it would be another type but for its other values."""
LATEST_SHORT_YEAR = 40
BOOLEANS = (
    ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"),
    ("vrai", "faux"), ("si", "no"), ("sí", "no"), ("sì", "no"), ("verdadero", "falso"), ("vero", "falso"), ("sim", "não"), ("ja", "nee"),
    ("waar", "onwaar"), ("ja", "nej"), ("tak", "nie"), ("prawda", "fałsz"), ("да", "нет"), ("是", "否"), ("はい", "いいえ"),
)  # fmt: skip
_OFFSET = re.compile(r"[+-]\d{2}:?(?:\d{2})?$")
_DAY_NAMES = re.compile(r"date|day|datum|_dt\b|^dt|tag$|jour|fecha", re.IGNORECASE)


EMPTY = "always empty"
BRACKETED = "all stand in brackets: of accounts they are negative, else notes or errors; choose a number, and they are read as negative"
PARTS = "times of two numbers beside such of three: minutes and seconds, or hours and minutes? Choose a time of day, and 4:35 is the latter"
SPAN = "minutes and seconds, or hours and minutes, such as 4:35? Choose a time of day, and it is the latter"
_SPANS = re.compile(r"duration|length|elapsed|runtime|\bpace\b|\blap\b|took|dauer|l[aä]nge|dur[ée]e|duraci[oó]n|durata", re.IGNORECASE)
"""How columns are called that hold how long something takes."""
KINDS = {"date": "days", "timestamp": "days and times", "time": "times of day", "boolean": "yes or no"} | dict.fromkeys(
    ("integer", "long", "double", "decimal"), "numbers of one writing"
)

_CHOICES = {"date": "a date", "timestamp": "a date and time", "time": "a time of day"}


@dataclass(frozen=True)
class Style:
    """What holds for the whole file; None: as each column shows."""

    decimal: str | None = None
    usual_decimal: str | None = None
    """For columns that do not show it themselves: what the others use."""
    likely_decimal: str = "."
    """Where no column shows it: what is proposed, and asked."""
    is_day_first: bool | None = None
    time_zone: str = "UTC"
    usual_nulls: frozenset[str] = frozenset()
    """Words that mean no value in columns of text, too, as databases write them into files."""
    null_words: tuple[str, ...] | None = None
    """Given: these mean no value in every column, and no others do."""


@dataclass
class Typing:
    """A type for a column. `keys`: shapes that fit; `null_words` mean no value here. `why` is said of it; `open`: what only a person
    can say (dayFirst, decimal; columnDecimal: of this column, whatever sign the others have)."""

    type: str
    keys: set[Key] = field(default_factory=set)
    null_words: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    open: str = ""
    decimal: str = "."
    shows_decimal: bool = False
    """Whether its values show which sign stands before decimals."""
    order: str = ""
    zones: tuple[int, int, str] = (0, 0, "")
    """Of moments: how many say their zone, how many do not, and an example of those that do."""
    trim: bool = False

    def order_of(self, key: Moment) -> str:
        """In which order the numbers of its day are read."""
        return self.order if key.order == "either" or (self.order == "ymd" and key.has_short_year) else key.order

    @property
    def is_weak(self) -> bool:
        """Whether the sign in its numbers can stand between thousands and before decimals."""
        signs = [key.weak for key in self.keys if isinstance(key, Number) and key.form != "whole"]
        return bool(signs) and all(signs)

    def schema(self, name: str) -> dict[str, Any]:
        """The column as a typing schema has it."""
        empty = ["", *self.null_words]
        return {"name": name, "type": self.type, "nullable": True, "trim": self.trim, "nullableValues": empty} | self.options


def with_usual_decimal(style: Style, columns: Iterable[Facts], *, is_european: bool = False) -> Style:
    """`style` with the sign before decimals that the columns show, or else with the one that is likely: points in days, and whatever else
    `is_european` stands for, go with commas before decimals."""
    columns = list(columns)
    signs = Counter(typing.decimal for facts in columns if (typing := propose(facts, style)).shows_decimal)
    has_points = any(isinstance(key, Moment) and "." in key.day for facts in columns for key in facts.tallies)
    usual = ("," if signs[","] > signs["."] else ".") if signs else None
    return replace(style, usual_decimal=usual, likely_decimal="," if has_points or is_european else ".")


def propose(facts: Facts, style: Style, wanted: str | None = None) -> Typing:
    """The type of a column; `wanted`: the one a person chose."""
    typing = _typed_as(facts, style, wanted) if wanted else _fitting(_found(facts, style), facts)
    if typing.type != "string":
        typing.trim = bool(facts.with_blanks)
        typing.null_words = _null_words(facts, style)
    elif style.null_words is not None:
        typing.null_words = [word for word in style.null_words if word]
        typing.options |= {"nullIsText": True} if _met(facts) & style.usual_nulls - set(typing.null_words) else {}
    elif typing.why == EMPTY:
        typing.null_words = _null_words(facts, style)
    else:
        typing.null_words = [word for word in _null_words(facts, style) if word in style.usual_nulls]
    return typing


def _fitting(typing: Typing, facts: Facts) -> Typing:
    """`typing`, or text where too few values fit it, such as times of more than 24 hours."""
    total = _judged(facts)
    fit = _rows(facts, lambda key: key in typing.keys)
    if typing.type == "string" or fit >= ENOUGH * total:
        return typing
    return Typing("string", why=f"only {fit:,} of {total:,} are {KINDS[typing.type]}")


def _null_words(facts: Facts, style: Style) -> list[str]:
    if style.null_words is not None:
        return [word for word in style.null_words if word]
    return sorted(_met(facts))


def _met(facts: Facts) -> set[str]:
    """Words for no value among its values."""
    return {key[1] for key in facts.tallies if isinstance(key, tuple)}


def _judged(facts: Facts) -> int:
    """How many values say what the column is."""
    return _rows(facts, lambda key: not isinstance(key, tuple)) - facts.units


def _rows(facts: Facts, wanted: Callable[[Key], bool]) -> int:
    return sum(tally.rows for key, tally in facts.tallies.items() if wanted(key))


def _found(facts: Facts, style: Style) -> Typing:
    total = _judged(facts)
    if not total:
        return Typing("string", why=EMPTY)
    as_boolean = boolean(facts)
    if as_boolean:
        return as_boolean
    if _rows(facts, lambda key: isinstance(key, Number)) >= ENOUGH * total:
        return _of_digits(facts, style)
    kinds = {
        kind: _rows(facts, lambda key, kind=kind: isinstance(key, Moment) and key.kind == kind)  # type: ignore[misc]
        for kind in ("timestamp", "date", "time")
    }
    if sum(kinds.values()) >= ENOUGH * total:
        return moment(facts, style, max(kinds, key=lambda kind: kinds[kind]))
    return Typing("string", why=_but_for_others(facts, kinds, total))


def _but_for_others(facts: Facts, moments: dict[str, int], total: int) -> str:
    """What a column would be but for a word such as “open” among its days: as text it goes letter by letter."""
    amounts = _rows(facts, lambda key: isinstance(key, Number) and not key.zero_led)
    kind, rows = max([("a number", amounts), *((_CHOICES[kind], rows) for kind, rows in moments.items())], key=lambda one: one[1])
    has_codes = kind == "a number" and (codes.reason(facts) or not _has_decimals(facts))
    if rows < MANY * total or has_codes:
        return ""
    return f"{rows:,} of {total:,} would be {kind}: choose that type, and the others are shown"


def _has_decimals(facts: Facts) -> bool:
    return any(isinstance(key, Number) and tally.decimals for key, tally in facts.tallies.items())


def _typed_as(facts: Facts, style: Style, wanted: str) -> Typing:
    if wanted == "string":
        return Typing("string", why="as you chose")
    if wanted == "boolean":
        return boolean(facts) or Typing("boolean", options={"trueValues": ["true"], "falseValues": ["false"]})
    if wanted in ("date", "time", "timestamp"):
        compact = _compact_days(facts, chosen=True) if wanted == "date" else None
        return compact or moment(facts, style, wanted, chosen=True)
    return number(facts, style, wanted)


# --- true or false ------------------------------------------------------------------------------------------------------


def boolean(facts: Facts) -> Typing | None:
    """Yes and no in one of the usual spellings, both of them there."""
    if not facts.has_all_values or len(facts.values) > 12:
        return None
    words = {value.strip(): value.strip().lower() for value in facts.values if ("null", value.strip()) not in facts.tallies}
    for yes, no in BOOLEANS:
        if set(words.values()) == {yes, no}:
            true, false = ([word for word, lower in words.items() if lower == which] for which in (yes, no))
            keys: set[Key] = {key for key in facts.tallies if not isinstance(key, tuple)}
            return Typing("boolean", keys, options={"trueValues": sorted(true), "falseValues": sorted(false)})
    return None


# --- numbers ------------------------------------------------------------------------------------------------------------


def _of_digits(facts: Facts, style: Style) -> Typing:
    """A number, days without signs, or text where the digits are no amount."""
    if why := codes.reason(facts):
        return Typing("string", why=why)
    typing = _compact_days(facts) or number(facts, style)
    pair = codes.alike(facts, typing.decimal) if typing.type == "decimal" else None
    if pair and codes.are_codes(facts, pair):
        return Typing("string", why=codes.ALIKE.format(*pair))
    typing.why = codes.MAY_BE_ALIKE.format(*pair) if pair else typing.why
    return typing


def _all_compact(facts: Facts) -> bool:
    tallies = [tally for key, tally in facts.tallies.items() if isinstance(key, Number)]
    return bool(tallies) and all(tally.longest == 8 and tally.compact_days for tally in tallies) and TEXT not in facts.tallies


def _compact_days(facts: Facts, *, chosen: bool = False) -> Typing | None:
    if not _all_compact(facts) or not (chosen or _DAY_NAMES.search(facts.name)):
        return None
    keys: set[Key] = {key for key in facts.tallies if isinstance(key, Number)}
    return Typing("date", keys, options={"formatters": ["uuuuMMdd"]}, why="days written as 20130817")


def number(facts: Facts, style: Style, wanted: str | None = None) -> Typing:
    """Numbers of any writing. Two currencies in one column are text: their sum would mean nothing."""
    numbers = {key: tally for key, tally in facts.tallies.items() if isinstance(key, Number) and (wanted or not key.is_code)}
    sign, left_open = _decimal_sign(numbers, style)
    keys = {key for key in numbers if _agrees(key, sign)}
    around = _around(numbers, keys)
    if around is None:
        return Typing("string", why="several currencies in one column")
    keys = {key for key in keys if key.around in around}
    if not wanted and keys and all(key.around.startswith("(") for key in keys):
        return Typing("string", why=BRACKETED)
    typing = Typing("", set(keys), decimal=sign, open=left_open)
    typing.shows_decimal = any(not key.weak and key.form not in ("whole", *GAPS) for key in keys)
    _choose_number(typing, {key: numbers[key] for key in keys}, wanted)
    _write_number(typing, keys, around)
    return typing


def _decimal_sign(numbers: dict[Number, Tally], style: Style) -> tuple[str, str]:
    """(the sign before decimals, what only a person can say of it). Other columns can show that a sign stands before decimals, but not that
    it stands between thousands here: 48.137 beside amounts such as 1.234,50 may be a latitude. Nor do numbers with points in a file that is
    else written as where commas stand before decimals: 1.234 beside 48.13712 may be an amount."""
    if style.decimal:
        return style.decimal, ""
    strong = {".": 0, ",": 0}
    weak = {".": 0, ",": 0}
    for key, tally in numbers.items():
        if key.weak:
            weak["." if key.form == "point" else ","] += tally.rows
        elif key.form in ("point", "commas", "lakhs", "scientific"):
            strong["."] += tally.rows
        elif key.form in ("comma", "points"):
            strong[","] += tally.rows
        elif key.point:
            strong[key.point] += tally.rows
    if any(strong.values()):
        return ("." if strong["."] >= strong[","] else ","), ""
    if style.usual_decimal:
        is_grouped = weak["," if style.usual_decimal == "." else "."]
        is_odd = weak["."] and style.usual_decimal == "." and style.likely_decimal == ","
        return style.usual_decimal, "columnDecimal" if is_grouped or is_odd else ""
    return style.likely_decimal, "decimal" if any(weak.values()) else ""


def _agrees(key: Number, sign: str) -> bool:
    if key.form == "whole" or key.weak:
        return True
    if key.form in GAPS:
        return key.point in ("", sign)
    return key.form in (("point", "commas", "lakhs", "scientific") if sign == "." else ("comma", "points"))


def _around(numbers: dict[Number, Tally], keys: Iterable[Number]) -> list[str] | None:
    """The signs around numbers that go together, the commonest first. None: there are two currencies."""
    rows: dict[str, int] = {}
    for key in keys:
        rows[key.around] = rows.get(key.around, 0) + numbers[key].rows
    if not rows:
        return ["#"]
    units = {around: re.sub(r"[\s()#+\u00a0-]", "", around) for around in rows}
    if len({unit for unit in units.values() if unit and unit != "%"}) > 1:
        return None
    most = max(rows, key=lambda around: rows[around])
    percent = units[most] == "%"
    return sorted((around for around in rows if (units[around] == "%") == percent), key=lambda around: -rows[around])


def _choose_number(typing: Typing, numbers: dict[Number, Tally], wanted: str | None) -> None:
    """Sets the type, and precision and scale of a decimal. What the type does not hold is taken out of what fits."""
    digits, decimals = 0, 0
    for key, tally in numbers.items():
        is_grouped = key.weak and (key.form == "point") == (typing.decimal == ",")
        digits = max(digits, tally.digits + (tally.decimals if is_grouped else 0))
        decimals = max(decimals, 0 if is_grouped else tally.decimals)
    if any("%" in key.around for key in numbers):
        decimals += 2
    has_powers = any(key.form == "scientific" for key in numbers)
    found = "double" if has_powers or digits + decimals > 38 else "decimal" if decimals else "integer" if digits <= 8 else "long"
    typing.type = wanted or found
    if typing.type in ("integer", "long"):
        typing.keys -= {
            key for key, tally in numbers.items() if key.form == "scientific" or (tally.decimals and not _is_grouped(key, typing.decimal))
        }
        typing.keys -= {key for key, tally in numbers.items() if (not codes.is_long(tally) if typing.type == "long" else tally.digits > 9)}
        if typing.type == "long" and not wanted and digits > codes.LONGEST_NUMBER:
            typing.why = "many digits: where they are a code, choose text"
    if typing.type == "decimal":
        room = next((room for room in (9, 18, 28, 38) if room >= digits + decimals + 1), 38)
        typing.options = {"precision": room, "scale": min(decimals, room)}


def _is_grouped(key: Number, sign: str) -> bool:
    return key.weak and (key.form == "point") == (sign == ",")


def _write_number(typing: Typing, keys: set[Number], around: list[str]) -> None:
    """How the schema says the writing: nothing for plain numbers, else a pattern for each way in which they are written."""
    groups = _groups(keys, typing.decimal)
    true_minus = any(key.true_minus for key in keys)
    if around == ["#"] and not groups and typing.decimal == "." and not true_minus:
        return
    decimals = "" if typing.type in ("integer", "long") else f"{typing.decimal}###"
    usual = ["#,##0" if typing.decimal == "." else "#.##0"]
    patterns = [_pattern(one, whole + decimals) for one in around for whole in groups or usual]
    if true_minus:
        patterns += [_with_true_minus(pattern) for pattern in patterns]
    typing.options["formatters"] = list(dict.fromkeys(patterns))


def _groups(keys: set[Number], decimal: str) -> list[str]:
    """The whole part of patterns for the ways in which thousands are set apart."""
    is_usual = any(key.form in ("commas", "points") or (key.weak and _is_grouped(key, decimal)) for key in keys)
    forms = {key.form for key in keys}
    ways = {"#,##0" if decimal == "." else "#.##0": is_usual, "#,##,##0": "lakhs" in forms}
    ways |= {"# ##0": "blanks" in forms, "#’##0": "apostrophes" in forms}
    return [pattern for pattern, is_met in ways.items() if is_met]


def _with_true_minus(pattern: str) -> str:
    positive, _, negative = pattern.partition(";")
    return f"{positive};{negative.replace('-', TRUE_MINUS) or TRUE_MINUS + positive}"


def _pattern(around: str, digits: str) -> str:
    if around.startswith("("):
        inner = around.strip("()").replace("#", digits)
        return f"{inner};({inner})"
    if around.endswith("-"):
        return f"{around[:-1].replace('#', digits)};{around.replace('#', digits)}"
    if "-#" in around:
        return f"{around.replace('-#', digits)};{around.replace('#', digits)}"
    return around.replace("#", digits)


# --- date and time ------------------------------------------------------------------------------------------------------


def moment(facts: Facts, style: Style, kind: str, *, chosen: bool = False) -> Typing:
    """Days, moments or clock times, with the patterns in which they are written."""
    moments = {key: tally for key, tally in facts.tallies.items() if isinstance(key, Moment) and key.kind == kind}
    is_year_first = day_orders.is_year_first(facts.values)
    if is_year_first and not chosen:
        return Typing("string", why=day_orders.YEAR_FIRST)
    if not chosen and day_orders.are_turned(facts.values):
        return Typing("string", why=day_orders.TURNED)
    order, is_open = ("ymd", False) if is_year_first else _day_order(moments, style)
    fitting = {key: tally for key, tally in moments.items() if _is_in_order(key, tally, order)}
    if not chosen and any("uuuu" not in key.day and key.order for key in fitting) and _latest_short_year(fitting) > LATEST_SHORT_YEAR:
        return Typing("string", why="years of two digits, some of the last century: text keeps them as they are")
    if not chosen and kind == "time" and (why := _may_be_span(facts.name, fitting)):
        return Typing("string", why=why)
    patterns = _patterns(fitting, order)
    if not patterns:
        patterns = {"date": ["uuuu-MM-dd"], "time": ["HH:mm:ss"], "timestamp": ["uuuu-MM-dd HH:mm:ss"]}[kind]
    options: dict[str, Any] = {"formatters": patterns}
    if kind == "timestamp":
        options["timezoneId"] = style.time_zone
    zones = _zones(fitting)
    why = _of_own_zone(zones[2]) or _of_other_calendar(fitting)
    return Typing(kind, set(fitting), options=options, order=order, open="dayFirst" if is_open else "", zones=zones, why=why)


def _may_be_span(name: str, times: Iterable[Moment]) -> str:
    """Why 4:35 may as well be minutes and seconds, as it is where what took longer is written 1:02:10."""
    numbers = {key.clock.count(":") for key in times if not key.clock.endswith("a")}
    return PARTS if len(numbers) > 1 else SPAN if numbers == {1} and _SPANS.search(name) else ""


def _is_in_order(key: Moment, tally: Tally, order: str) -> bool:
    """Whether its values are moments with the day's numbers in this order."""
    if order == "ymd" and key.has_short_year:
        return order in tally.bounds
    return not key.wrong and (key.order not in ("dmy", "mdy") or key.order == order or "." in key.day)


def _of_other_calendar(moments: dict[Moment, Tally]) -> str:
    ends = [sorts for key, tally in moments.items() if key.order for bounds in tally.bounds.values() for sorts, _ in bounds]
    return day_orders.of_other_calendar(min(ends), max(ends)) if ends else ""


def _of_own_zone(example: str) -> str:
    """Days and hours are those of UTC, whatever zone the times themselves say."""
    found = _OFFSET.search(example)
    return f"times of a zone of their own, {found[0]}, become UTC: so do their hours and days" if found and found[0].strip("+-0:") else ""


def _zones(moments: dict[Moment, Tally]) -> tuple[int, int, str]:
    said = {key: tally for key, tally in moments.items() if key.clock and key.zone}
    silent = sum(tally.rows for key, tally in moments.items() if key.clock and not key.zone)
    example = next((text for tally in said.values() for _, text in tally.examples), "")
    return sum(tally.rows for tally in said.values()), silent, example


def _day_order(moments: dict[Moment, Tally], style: Style) -> tuple[str, bool]:
    """(the order of a day's numbers, whether others are possible). What one writing shows says nothing of another one: of 15-04-2024 and
    02/03/2024 each may come from a program of its own."""
    rows: Counter[str] = Counter()
    met: dict[str, set[str]] = {}
    for key, tally in moments.items():
        if key.order in ("dmy", "mdy", "either") and "." not in key.day and not key.wrong:
            rows[key.order] += tally.rows
            met.setdefault("/" if "/" in key.day else "-", set()).add(key.order)
    if style.is_day_first is not None:
        return ("dmy" if style.is_day_first else "mdy"), False
    is_open = bool(rows["dmy"] and rows["mdy"]) or {"either"} in met.values()
    return ("mdy" if rows["mdy"] > rows["dmy"] else "dmy"), is_open


def _latest_short_year(moments: dict[Moment, Tally]) -> int:
    years = [
        int(high[0][2:4]) for key, tally in moments.items() if "uuuu" not in key.day and key.order for _, high in tally.bounds.values()
    ]
    return max(years, default=0)


def _patterns(moments: dict[Moment, Tally], order: str) -> list[str]:
    """The patterns, the commonest first; writings that differ in leading zeros, seconds or fractions only share one."""
    groups: dict[tuple[str, ...], list[tuple[Moment, int]]] = {}
    for key, tally in moments.items():
        day = _day_pattern(key, order)
        loose = re.sub(r"d+", "d", re.sub(r"(?<!M)M{1,2}(?!M)", "M", day))
        half = " a" if key.clock.endswith(" a") else "a" if key.clock.endswith("a") else ""
        groups.setdefault((loose, key.gap, bool(key.clock) and "c" or "", half, key.zone), []).append((key, tally.rows))
    ordered = sorted(groups.items(), key=lambda item: -sum(rows for _, rows in item[1]))
    return [_pattern_of([key for key, _ in members], group, order) for group, members in ordered][:6]


def _day_pattern(key: Moment, order: str) -> str:
    if order == "ymd" and key.has_short_year:
        return year_first(key.day)
    return month_first(key.day) if order == "mdy" and "." not in key.day else day_first(key.day)


def _pattern_of(keys: list[Moment], group: tuple[str, ...], order: str) -> str:
    loose, gap, has_clock, half, zone = group
    days = {_day_pattern(key, order) for key in keys}
    day = days.pop() if len(days) == 1 else loose
    if not has_clock:
        return day
    clocks = [key.clock for key in keys]
    between = "'T'" if gap.upper() == "T" else gap
    return f"{day}{between}{_clock_of(clocks, half)}{zone}"


def _clock_of(clocks: list[str], half: str) -> str:
    hour = "h" if half else "H"
    width = 2 if all(clock.startswith(hour * 2) for clock in clocks) else 1
    with_seconds = [clock for clock in clocks if "ss" in clock]
    fraction = max((clock.count("S") for clock in clocks), default=0)
    seconds = ":ss" if len(with_seconds) == len(clocks) else "[:ss" if with_seconds else ""
    if fraction:
        always = all("S" in clock for clock in clocks)
        seconds += "." + "S" * fraction if always else "[." + "S" * fraction + "]"
    return hour * width + ":mm" + seconds + ("]" if seconds.startswith("[:ss") else "") + half
