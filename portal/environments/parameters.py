"""The values an environment gives to parameters of jobs: checked names, typed values, kept as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from executor.language.parameters import NAME, RESERVED, Parameter, typed
from portal.errors import PortalError

KINDS = {
    "string": "text",
    "integer": "whole number",
    "decimal": "decimal number",
    "boolean": "yes or no",
    "date": "date",
    "timestamp": "date and time",
}
MOST = 100
_LOOKS_LIKE = [
    ("timestamp", re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?\Z")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d\Z")),
    ("decimal", re.compile(r"-?\d+\.\d+\Z")),
]


def kind_of(value: Any) -> str:
    """The kind to show a stored value as."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "decimal"
    return next((kind for kind, pattern in _LOOKS_LIKE if pattern.match(str(value))), "string")


def shown(value: Any) -> str:
    """A stored value as text for a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_rows(rows: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """(name, kind, text) rows of a form as stored values; rows without a name are left out. Raises PortalError with every problem."""
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for name, kind, text in rows:
        if name in values:
            problems.append(_problem(name, "This name is there twice."))
        elif name:
            _read(name, kind, text, values, problems)
    return _all_or_none(values, problems)


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same for JSON values, as the API gives them."""
    problems: list[dict[str, Any]] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(value, str | int | float | bool):
            problems.append(_problem(name, "A value is text, a number, true or false."))
        else:
            _read(name, "string" if isinstance(value, str) else kind_of(value), shown(value), values, problems)
    return _all_or_none(values, problems)


def _read(name: str, kind: str, text: str, values: dict[str, Any], problems: list[dict[str, Any]]) -> None:
    if not NAME.match(name):
        problems.append(_problem(name, "A name has letters, digits and _, and begins with a letter or _."))
    elif name in RESERVED:
        problems.append(_problem(name, "Sluice sets this one itself."))
    elif "\x00" in text:
        problems.append(_problem(name, "It holds a NUL character, which is no text."))
    elif kind not in KINDS:
        problems.append(_problem(name, f"There is no kind “{kind}”."))
    else:
        try:
            values[name] = _stored(typed(Parameter(type=kind), text).python, text)
        except ValueError as wrong:
            problems.append(_problem(name, f"“{text[:40]}” is not right.", expected=str(wrong)))


def _stored(value: Any, text: str) -> Any:
    """Numbers and booleans as JSON has them; the rest, and decimals (which JSON would round), as text."""
    return (
        value
        if isinstance(value, bool | int)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else text.strip()
        if not isinstance(value, str)
        else value
    )


def _problem(name: str, message: str, **more: str) -> dict[str, Any]:
    return {"code": "environment-parameter", "field": name, "message": message, **more}


def _all_or_none(values: dict[str, Any], problems: list[dict[str, Any]]) -> dict[str, Any]:
    if len(values) > MOST:
        problems.append(_problem("", f"An environment has at most {MOST} parameters."))
    if problems:
        raise PortalError("Some parameters are not right.", code="bad-parameters", status=422, problems=problems)
    return values
