"""The values that a Delta table's log gives to whole files, for the columns that make its folders: Spark reads one that is none of its
column's type as no value, and says nothing. (Some programs have written -0.01 as 0.-1.)"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from executor.files.delta_columns import words_of
from executor.files.delta_log import State
from executor.problems import Problem, ProblemError

_WHOLE = {"byte": 8, "short": 16, "integer": 32, "long": 64}
"""Type → bits."""
_DIGITS = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?|NaN|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_FAR_DAY = re.compile(r"[+-]\d{4,7}-\d\d-\d\d([ T].*)?", re.ASCII | re.DOTALL)
"""Before the year 1 or after 9999, which Python has not."""


def require_values(state: State, uri: str) -> None:
    """Raises ProblemError where a file has a value that is none of its column's type, or none at all for one of them."""
    fields = {one["name"]: one for one in state.schema.get("fields", ()) if isinstance(one, dict)}
    for name in state.partition_columns:
        field = fields.get(name, {})
        key = (field.get("metadata") or {}).get("delta.columnMapping.physicalName", name)
        values = {_value(add.get("partitionValues"), key) for add in state.files.values()}
        holds = _check_of(field.get("type"))
        if _MISSING in values or not all(one in (None, "") or holds(one) for one in values):
            raise ProblemError(_no_value(uri, name, words_of(field.get("type"))))


_MISSING = object()


def _value(values: Any, key: str) -> Any:
    found = values.get(key, _MISSING) if isinstance(values, Mapping) else _MISSING
    return found if found is None or isinstance(found, str) else _MISSING


def _check_of(kind: Any) -> Callable[[str], bool]:
    """Whether a text is a value of the type."""
    if kind in _WHOLE:
        return partial(_is_whole, _WHOLE[kind])
    if isinstance(kind, str) and (found := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)):
        return partial(_is_decimal, int(found[1]), int(found[2]))
    checks: dict[str, Callable[[str], bool]] = {
        "float": _is_number,
        "double": _is_number,
        "boolean": lambda text: text.lower() in ("true", "false"),
        "date": partial(_is_time, date.fromisoformat),
        "timestamp": partial(_is_time, datetime.fromisoformat),
        "timestamp_ntz": partial(_is_time, datetime.fromisoformat),
    }
    return checks.get(str(kind), lambda text: True)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))


def _is_whole(bits: int, text: str) -> bool:
    return bool(_DIGITS.fullmatch(text)) and -(1 << bits - 1) <= int(text) < 1 << bits - 1


def _is_decimal(digits: int, scale: int, text: str) -> bool:
    try:
        found = Decimal(text)
        return (
            "_" not in text
            and found.is_finite()
            and found == found.scaleb(scale).to_integral_value().scaleb(-scale)
            and (abs(found) < Decimal(10) ** (digits - scale))
        )
    except (InvalidOperation, OverflowError):
        return False


def _is_time(read: Callable[[str], Any], text: str) -> bool:
    if _FAR_DAY.fullmatch(text):
        return True
    try:
        read(text)
    except ValueError:
        return False
    return text[4:5] == "-"


def _no_value(uri: str, column: str, kind: str) -> Problem:
    return Problem(
        code="table-folder-value",
        field="inputURI",
        message=f"The Delta table “{uri}” has folders whose value is none of their column's type; their rows would be read without one.",
        found=f"“{column}” has a value that is no {kind}, or a file says none",
        expected="values of the column's type",
        data_column=column,
        fix="Have whoever writes the table write these rows anew, or put back the version before they came.",
    )
