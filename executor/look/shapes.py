"""What a single text looks like: a number, a day, a moment, a clock time, or just text. Nothing is decided here; columns do that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from executor.language.number_patterns import OTHER_BLANKS

BLANKS = f" \t{OTHER_BLANKS}"
_CURRENCY = r"[$€£¥₹₽₩]|USD|EUR|GBP|CHF|kr"
_BODIES = {
    "whole": r"\d+",
    "point": r"\d+\.\d*|\.\d+",
    "comma": r"\d+,\d+|,\d+",
    "commas": r"\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:,\d{3})+\.\d+",
    "lakhs": r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?",
    "points": r"\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:\.\d{3})+,\d+",
    "blanks": r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?",
    "apostrophes": r"\d{1,3}(?:['\u2019]\d{3})+(?:[.,]\d+)?",
}
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+\-\u2212])?(?P<before>(?:{_CURRENCY})[ \u00a0]?)?(?P<inner>[+\-\u2212])?"
    rf"(?:{'|'.join(f'(?P<{name}>{body})' for name, body in reversed(_BODIES.items()))})"
    rf"(?P<after>[ \u00a0]?(?:%|{_CURRENCY}))?(?P<trailing>-)?(?P<close>\))?",
    re.ASCII,
)
_SCIENTIFIC = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+", re.ASCII)
_E_AMONG_DIGITS = re.compile(r"\d+[eE]\d+", re.ASCII)
"""Programs that write powers of ten put a sign or a point into nearly all of them; what has neither is a code as often as a number."""
_SHORTENED = re.compile(r"-?\d(?:\.\d{1,5})?E\+(?:1[1-9]|[2-9]\d)", re.ASCII)
"""As spreadsheets show numbers of twelve digits and more, and save them as CSV: six digits are left."""
_ZERO_LED = re.compile(r"0[0-9 \u00a0\u202f'\u2019]")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DAY = (
    r"(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<s2>[-/.])(?P<b>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})"
    rf"|(?P<d3>\d{{1,2}})(?P<s3>[ -])(?P<m3>{_MONTH})(?P=s3)(?P<y3>\d{{4}}|\d{{2}})"
    rf"|(?P<m4>{_MONTH}) (?P<d4>\d{{1,2}})(?P<s4>,?) (?P<y4>\d{{4}})"
)
_CLOCK = r"(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<sec>\d{2})(?P<frac>[.]\d{1,9})?)?(?P<half> ?[ap]m)?"
_ZONE = r"(?P<zone> ?(?:Z|[+-]\d{2}:\d{2}|[+-]\d{4}|[+-]\d{2}|UTC|GMT))"
_MOMENT = re.compile(rf"(?:{_DAY})(?:(?P<gap>T|, ?| +){_CLOCK}{_ZONE}?)?", re.IGNORECASE | re.ASCII)
_TIME = re.compile(_CLOCK, re.IGNORECASE | re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
GAPS = ("blanks", "apostrophes")
"""Forms with signs between thousands that leave open which sign stands before decimals."""
TRUE_MINUS = "\u2212"
LARGEST_DOUBLE = Decimal("1.7976931348623157e308")


@dataclass(frozen=True, slots=True)
class Number:
    """`form`: a name of _BODIES, scientific or too_large. `around`: signs in front and behind, with # for the digits. `weak`: its only
    sign is followed by three digits, so it may stand between thousands. `true_minus`: its minus is the sign of typesetters and web pages.
    `point`: the sign before decimals, where its form leaves it open. `may_be_code`: digits, an E and digits, such as 1E5.
    `is_shortened`: as a spreadsheet shows what has many digits, such as 4.00638E+12. `zero_led`: begins with a 0 that an
    amount does not need."""

    form: str
    around: str = "#"
    weak: bool = False
    zero_led: bool = False
    true_minus: bool = False
    point: str = ""
    may_be_code: bool = False
    is_shortened: bool = False

    @property
    def is_code(self) -> bool:
        """Whether it is hardly an amount, whatever else stands in its column."""
        return self.zero_led and self.form == "whole"


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a clock time or both. `order`: ymd, dmy, mdy, either (both can be right), month (with its name); "" without a day.
    `clock`: the pattern of its time of day, "" without one. `wrong`: why there is no such moment."""

    order: str
    day: str = ""
    gap: str = ""
    clock: str = ""
    zone: str = ""
    wrong: str = ""

    @property
    def has_short_year(self) -> bool:
        """Whether it is three numbers of at most two digits, of which one is the year."""
        return self.day.startswith("A") and "uuuu" not in self.day

    @property
    def kind(self) -> str:
        return "time" if not self.order else ("timestamp" if self.clock else "date")


WHOLE, CODE = Number("whole"), Number("whole", zero_led=True)
Shape = Number | Moment | None
"""None: just text."""


def shape_of(text: str) -> Shape:
    """The shape of a text without blanks at its ends."""
    if not text or len(text) > 64 or not any(sign.isdigit() for sign in text):
        return None
    if text.isdigit() and text.isascii():  # by far the most common, and ten times quicker so
        return CODE if len(text) > 1 and text[0] == "0" else WHOLE
    return _number(text) or _moment(text)


def _number(text: str) -> Number | None:
    if _SCIENTIFIC.fullmatch(text):
        form = "scientific" if abs(Decimal(text)) <= LARGEST_DOUBLE else "too_large"
        return Number(form, may_be_code=bool(_E_AMONG_DIGITS.fullmatch(text)), is_shortened=bool(_SHORTENED.fullmatch(text)))
    found = _NUMBER.fullmatch(text)
    if not found or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found[name] for name in ("open", "sign", "inner", "trailing") if found[name]]
    if len(signs) > 1:
        return None
    form = next(name for name in _BODIES if found[name] is not None)
    body = found[form]
    around = f"{found['open'] or ''}{found['before'] or ''}#{found['after'] or ''}{found['trailing'] or ''}{found['close'] or ''}"
    if found["inner"] and found["before"]:
        around = f"{found['before']}{found['inner'].replace(TRUE_MINUS, '-')}#{found['after'] or ''}"
    sign = {"point": ".", "comma": ","}.get(form)
    weak = bool(sign) and bool(re.fullmatch(rf"[1-9]\d{{0,2}}\{sign}\d{{3}}", body))
    zero_led = bool(_ZERO_LED.match(body)) and (form == "whole" or (around == "#" and not signs))
    return Number(form, around, weak, zero_led, TRUE_MINUS in text, natural_sign(body, form) if form in GAPS else "")


def _moment(text: str) -> Moment | None:
    found = _MOMENT.fullmatch(text)
    if found:
        order, pattern, wrong = _day(found)
        clock, wrong_clock = _clock(found) if found["h"] else ("", "")
        return Moment(order, pattern, found["gap"] or "", clock, _zone(found["zone"] or ""), wrong or wrong_clock)
    found = _TIME.fullmatch(text)
    if found:
        clock, wrong = _clock(found)
        return Moment("", clock=clock, wrong=wrong)
    return None


def _day(found: re.Match[str]) -> tuple[str, str, str]:
    """(order, pattern, why there is no such day). In the pattern of two numbers in either order, A and B stand for them."""
    if found["y1"]:
        pattern = f"uuuu{found['s1']}{'M' * len(found['m1'])}{found['s1']}{'d' * len(found['d1'])}"
        return "ymd", pattern, _no_day(found["y1"], int(found["m1"]), int(found["d1"]))
    if found["a"]:
        return _two_numbers(found)
    number = "3" if found["m3"] else "4"
    month, day, year = found["m" + number], found["d" + number], found["y" + number]
    name = "MMM" if len(month) == 3 else "MMMM"
    sign = found["s" + number]
    pattern = f"{'d' * len(day)}{sign}{name}{sign}{_year(year)}" if number == "3" else f"{name} {'d' * len(day)}{sign} uuuu"
    return "month", pattern, _no_day(year, _MONTHS.index(month[:3].lower()) + 1, int(day))


def _two_numbers(found: re.Match[str]) -> tuple[str, str, str]:
    first, second, sign, year = int(found["a"]), int(found["b"]), found["s2"], found["y2"]
    pattern = f"{'A' * len(found['a'])}{sign}{'B' * len(found['b'])}{sign}{_year(year)}"
    if first > 12 or sign == ".":
        return "dmy", pattern, _no_day(year, second, first)
    if second > 12:
        return "mdy", pattern, _no_day(year, first, second)
    return "either", pattern, ""


def _year(text: str) -> str:
    return "uuuu" if len(text) == 4 else "uu"


def _no_day(year: str, month: int, day: int) -> str:
    number = int(year) if len(year) == 4 else 2000 + int(year)
    try:
        date(number, month, day)
    except ValueError:
        return "There is no such day."
    return ""


def _clock(found: re.Match[str]) -> tuple[str, str]:
    """(pattern, why there is no such time)."""
    hour, half = int(found["h"]), found["half"] or ""
    sign = ("h" if half else "H") * len(found["h"])
    pattern = f"{sign}:mm" + (":ss" if found["sec"] else "") + ("." + "S" * (len(found["frac"]) - 1) if found["frac"] else "")
    pattern += (" " if half.startswith(" ") else "") + ("a" if half else "")
    if hour == 24 and not half:
        return pattern, "A day ends at 23:59:59; there is no 24:00."
    if hour > (12 if half else 23) or (half and hour == 0) or int(found["min"]) > 59 or int(found["sec"] or 0) > 59:
        return pattern, "There is no such time."
    return pattern, ""


def _zone(text: str) -> str:
    plain = text.strip().upper()
    if not plain:
        return ""
    pattern = "z" if plain in ("UTC", "GMT") else "XXX" if plain == "Z" or ":" in plain else "X" if len(plain) == 3 else "XX"
    return (" " if text.startswith(" ") else "") + pattern


def is_short_year_first(text: str) -> bool:
    """Whether three numbers of at most two digits are a day with the year first, such as 24-01-31."""
    found = _MOMENT.fullmatch(text)
    if not found or not found["a"] or len(found["a"] + found["y2"]) != 4:
        return False
    return not _no_day(found["a"], int(found["b"]), int(found["y2"]))


def is_compact_day(text: str) -> bool:
    """Whether eight digits can be a day written without signs, such as 20130817."""
    return len(text) == 8 and bool(_COMPACT.fullmatch(text)) and not _no_day(text[:4], int(text[4:6]), int(text[6:]))


def decimal_of(text: str, sign: str) -> Decimal:
    """The number that `text` (a Number's) stands for when `sign` stands before its decimals ("": it has none)."""
    if text.isdecimal() and text.isascii():
        return Decimal(text)
    if _SCIENTIFIC.fullmatch(text):
        return Decimal(text)
    body = re.sub(r"[^0-9.,]", "", text)
    whole, _, decimals = body.rpartition(sign) if sign and sign in body else (body, "", "")
    number = Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{decimals or '0'}")
    return -number if "-" in text or TRUE_MINUS in text or text.startswith("(") else number


def digits_of(text: str, form: str) -> tuple[int, int]:
    """(digits before, digits behind the decimal sign) of a Number's text, as its form says."""
    if form in ("whole", "point") and text[-1:].isdigit():
        whole, _, decimals = text.lstrip("+-").partition(".")
        if whole.isdigit() or not whole:
            return len(whole.lstrip("0")), len(decimals)
    sign = natural_sign(text, form)
    whole, _, decimals = re.sub(r"[^0-9.,]", "", text).rpartition(sign) if sign else (text, "", "")
    return len(re.sub(r"\D", "", whole).lstrip("0")), len(re.sub(r"\D", "", decimals))


def natural_sign(text: str, form: str) -> str:
    """The sign before the decimals when the form alone decides; "" when there are none."""
    if form in GAPS:
        return "." if "." in text else "," if "," in text else ""
    sign = {"point": ".", "comma": ",", "commas": ".", "lakhs": ".", "points": ","}.get(form, "")
    return sign if sign in text else ""


def moment_key(text: str, order: str) -> str:
    """The day and time in `text` as a text that sorts like them (2013-08-17 08:52:42)."""
    found = _MOMENT.fullmatch(text) or _TIME.fullmatch(text)
    if not found:
        return text
    parts = found.groupdict()
    day = _sorted_day(parts, order) + " " if "y1" in parts else ""
    hour = int(parts["h"] or 0) % (12 if parts["half"] else 100) + (12 if (parts["half"] or "").strip().lower() == "pm" else 0)
    clock = f"{hour:02}:{parts['min']}:{parts['sec'] or '00'}{parts['frac'] or ''}" if parts["h"] else ""
    return (day + clock).strip()


def _sorted_day(parts: dict[str, str | None], order: str) -> str:
    if parts["y1"]:
        return f"{parts['y1']}-{int(parts['m1'] or 0):02}-{int(parts['d1'] or 0):02}"
    if parts["a"] and order == "ymd":
        return f"20{int(parts['a']):02}-{int(parts['b'] or 0):02}-{int(parts['y2'] or 0):02}"
    if parts["a"]:
        day, month = (parts["b"], parts["a"]) if order == "mdy" else (parts["a"], parts["b"])
        return f"{_long_year(parts['y2'] or '')}-{int(month or 0):02}-{int(day or 0):02}"
    number = "3" if parts["m3"] else "4"
    month_number = _MONTHS.index((parts["m" + number] or "")[:3].lower()) + 1
    return f"{_long_year(parts['y' + number] or '')}-{month_number:02}-{int(parts['d' + number] or 0):02}"


def _long_year(text: str) -> str:
    return text if len(text) == 4 else f"20{text}"


def day_first(pattern: str) -> str:
    """The pattern of two numbers, day before month."""
    return pattern.replace("A", "d").replace("B", "M")


def year_first(pattern: str) -> str:
    """The pattern of three short numbers, the year before month and day."""
    return pattern.replace("u", "d").replace("A", "u").replace("B", "M")


def month_first(pattern: str) -> str:
    """The pattern of two numbers, month before day."""
    return pattern.replace("A", "M").replace("B", "d")
