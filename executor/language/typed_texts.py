"""What a person writes beside a column, as a value of the column's own type.

Left to itself Spark compares a decimal or a FLOAT with a text as doubles, where 12345678901234567890 and …891 are one and 0.1 is not 0.1,
and cuts a time off what is compared with a day. What is no value of the type is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from executor.language.quoting import text_in_sql

WHOLE = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
"""Bits of each kind of whole number."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DAY}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,6}})?)?"
_UNBOUND = {"nan": "NaN", "infinity": "Infinity", "-infinity": "-Infinity"}


class Kind(NamedTuple):
    """`words`: what the column holds. `literal` gives the text as SQL, None where it is no such value."""

    words: str
    example: str
    literal: Callable[[str], str | None]


def kind_of(type_: str) -> Kind | None:
    """`type_`: of a column, as Spark writes it in short. None: no text is a value of it (lists, bytes and the like)."""
    if type_ in WHOLE:
        return Kind("whole numbers", "42", partial(_whole, type_))
    if type_ in ("float", "double"):
        return Kind(f"numbers of {'7' if type_ == 'float' else '15'} digits", "0.1", partial(_floating, type_))
    if found := re.fullmatch(r"decimal\((\d+),(\d+)\)", type_):
        digits, places = int(found[1]), int(found[2])
        words = (
            f"numbers with {digits - places} digits and {places} decimals at most"
            if places
            else f"whole numbers of {digits} digits at most"
        )
        return Kind(words, "12.5"[: 4 if places else 2], partial(_decimal, digits, places))
    if type_.startswith(("string", "char", "varchar")):
        return Kind("texts", "abc", text_in_sql)
    return _OTHERS.get(type_)


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _whole(type_: str, text: str) -> str | None:
    number, most = _number(text), 2 ** (WHOLE[type_] - 1)
    fits = number is not None and -most <= number < most and number == int(number)
    return f"CAST('{int(number)}' AS {type_})" if fits and number is not None else None


def _decimal(digits: int, places: int, text: str) -> str | None:
    number = _number(text)
    if number is None or number.copy_abs() >= 10 ** (digits - places):
        return None
    _, units, exponent = number.as_tuple()
    kept = max(0, len(units) - max(0, -int(exponent) - places))
    return None if any(units[kept:]) else f"CAST('{number:f}' AS decimal({digits},{places}))"


def _floating(type_: str, text: str) -> str | None:
    """A number of more digits than it holds would be another one: it is none."""
    if named := _UNBOUND.get(text.lower()):
        return f"CAST('{named}' AS {type_})"
    number = _number(text)
    if number is None:
        return None
    try:
        held = float(number) if type_ == "double" else struct.unpack("f", struct.pack("f", float(number)))[0]
    except OverflowError:
        return None
    return f"CAST('{text}' AS {type_})" if number in (Decimal(held), Decimal(_shortest(held, type_))) else None


def _shortest(held: float, type_: str) -> str:
    if type_ == "double":
        return repr(held)
    return next(text for digits in range(1, 18) if struct.pack("f", float(text := f"{held:.{digits}g}")) == struct.pack("f", held))


def _boolean(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


def _moment(type_: str, pattern: str, text: str) -> str | None:
    try:
        return f"CAST('{text}' AS {type_})" if re.fullmatch(pattern, text, re.ASCII) and datetime.fromisoformat(text) else None
    except ValueError:
        return None


_OTHERS = {
    "boolean": Kind("true and false", "true", _boolean),
    "date": Kind("days without a time", "2024-01-31", partial(_moment, "date", _DAY)),
    "timestamp": Kind("times", "2024-01-31 10:00:00", partial(_moment, "timestamp", rf"{_TIME}(Z|[+-]\d{{2}}:\d{{2}})?)?")),
    "timestamp_ntz": Kind("times without a zone", "2024-01-31 10:00:00", partial(_moment, "timestamp_ntz", f"{_TIME})?")),
}
